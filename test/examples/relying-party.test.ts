import { expect } from 'chai'
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey } from 'jose'
import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { builtInViews } from '../../src/http/templates.ts'
import { MULTI_FACTOR } from '../../src/server/demonstration/provider.ts'
import {
  clientMetadata,
  startRelyingParty,
  type RelyingParty,
} from '../../src/server/demonstration/relying-party.ts'
import {
  axeFindings,
  launchBrowser,
  newPerson,
  pageName,
  PHONE,
  screenshots,
} from '../support/browser.ts'
import { HttpClient, type Page } from '../support/http-client.ts'
import { startProgram } from './program.ts'
import { startPlainProvider, type Decision } from './provider.ts'

/** `#fff` as `#ffffff`. */
const inFull = (colour = ''): string => colour.replace(/^#(.)(.)(.)$/, '#$1$1$2$2$3$3')

const now = (): number => Math.floor(Date.now() / 1000)
const CLIENT = { clientId: 'fieldnotes', clientSecret: 'a secret of this test that is long enough' }

describe('the demonstration relying party', () => {
  let decision: Decision
  let provider: Awaited<ReturnType<typeof startPlainProvider>>
  let app: RelyingParty
  let person: HttpClient

  before(async () => {
    decision = { acr: 'one-factor', amr: ['pwd'] }
    provider = await startPlainProvider(decision)
    app = await startRelyingParty({ issuer: provider.issuer, ...CLIENT, port: 0, now })
    provider.register(clientMetadata({ ...CLIENT, url: app.url }))
  })
  beforeEach(() => {
    Object.assign(decision, { acr: 'one-factor', amr: ['pwd'], refuse: false })
    person = new HttpClient()
  })
  after(async () => {
    await app.close()
    await provider.close()
  })

  const signIn = (path = '/sign-in'): Promise<Page> => person.visit(`${app.url}${path}`)
  const claim = (page: Page, name: string): string | undefined =>
    page.texts(`td[data-claim="${name}"]`)[0]
  const errorOf = (page: Page): string | undefined => page.texts('code[data-error]')[0]

  it('signs a person in and shows what the ID token says', async () => {
    const page = await signIn()
    expect([page.status, page.name, page.url.href]).to.deep.equal([
      200,
      'rp-signed-in',
      `${app.url}/`,
    ])
    expect(claim(page, 'sub')).to.equal('mira')
    expect(claim(page, 'acr')).to.equal('one-factor')
    expect(claim(page, 'amr')).to.equal('pwd')
    expect(Number(claim(page, 'auth_time'))).to.be.greaterThan(1_700_000_000)
    expect(page.body).to.contain('data-userinfo="email">mira@example.com<')
  })

  it('shows what it was told as text, whatever it holds', async () => {
    const page = await signIn()
    expect(page.body).to.contain('data-userinfo="name">Mira &lt;b&gt;K&lt;/b&gt;<')
  })

  it('asks with state, nonce and PKCE, new ones each time', async () => {
    const asked = [await person.get(`${app.url}/sign-in`), await person.get(`${app.url}/sign-in`)]
    const [one, other] = asked.map((page) => page.location?.searchParams)
    expect(one?.get('code_challenge_method')).to.equal('S256')
    for (const name of ['state', 'nonce', 'code_challenge']) {
      expect(one?.get(name), name).to.match(/^[\w-]{43}$/)
      expect(one?.get(name), name).not.to.equal(other?.get(name))
    }
  })

  it('refuses a level below the requested one, also if the provider lets it through', async () => {
    const asked = (await person.get(`${app.url}/step-up`)).location ?? new URL(app.url)
    asked.searchParams.delete('claims')
    const page = await person.visit(asked)
    expect([page.status, errorOf(page)]).to.deep.equal([400, 'level_not_reached'])
    expect(page.alert).to.contain('was not reached')
    expect((await person.get(app.url)).name).to.equal('rp-home')
  })

  it('steps up by an essential acr', async () => {
    const asked = await person.get(`${app.url}/step-up`)
    expect(JSON.parse(asked.location?.searchParams.get('claims') ?? '')).to.deep.equal({
      id_token: { acr: { essential: true, value: MULTI_FACTOR } },
    })
    Object.assign(decision, { acr: MULTI_FACTOR, amr: ['pwd', 'otp', 'mfa'] })
    const page = await person.follow(asked)
    expect([page.name, claim(page, 'acr'), claim(page, 'amr')]).to.deep.equal([
      'rp-signed-in',
      MULTI_FACTOR,
      'pwd otp mfa',
    ])
  })

  it('says plainly what the provider answered when the person refused', async () => {
    decision.refuse = true
    const page = await signIn()
    expect([page.status, page.name, errorOf(page)]).to.deep.equal([
      400,
      'rp-error',
      'access_denied',
    ])
    expect(page.alert).to.contain('You chose not to go on')
    expect(page.alert).to.contain('The person said no.')
  })

  it('refuses an answer that was not begun in this browser, and one that is used again', async () => {
    const started = await person.get(`${app.url}/sign-in`)
    const answer = await person.follow(started, (url) => url.pathname === '/callback')
    const callback = answer.location ?? new URL(app.url)

    const stranger = await new HttpClient().get(callback)
    expect([stranger.status, errorOf(stranger)]).to.deep.equal([400, 'state_mismatch'])
    expect((await person.follow(await person.get(callback))).name).to.equal('rp-signed-in')
    expect(errorOf(await person.get(callback))).to.equal('state_mismatch')
  })

  it('shows no text of an answer whose state does not fit', async () => {
    await person.get(`${app.url}/sign-in`)
    const page = await person.get(
      `${app.url}/callback?state=x&error=call&error_description=0900-EVIL`,
    )
    expect(errorOf(page)).to.equal('state_mismatch')
    expect(page.body).not.to.contain('EVIL')
  })

  it('refuses an answer of another issuer', async () => {
    const started = await person.get(`${app.url}/sign-in`)
    const answer = await person.follow(started, (url) => url.pathname === '/callback')
    const callback = answer.location ?? new URL(app.url)
    callback.searchParams.set('iss', 'https://other.example')
    const page = await person.get(callback)
    expect([page.status, errorOf(page)]).to.deep.equal([502, 'invalid_response'])
    expect((await person.get(app.url)).name).to.equal('rp-home')
  })

  it('changes its session id when the person signs in', async () => {
    await person.get(`${app.url}/sign-in`)
    const before = person.jar.copy()
    await signIn()
    expect((await person.get(app.url)).name).to.equal('rp-signed-in')
    expect((await new HttpClient({ jar: before }).get(app.url)).name).to.equal('rp-home')
  })

  it('keeps its session in an HttpOnly cookie of its own name', async () => {
    const page = await person.get(`${app.url}/sign-in`)
    expect(page.headers['set-cookie']?.[0]).to.match(
      /^fieldnotes_session=[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax$/,
    )
  })

  it('signs out at the provider, and ends there', async () => {
    const page = await signIn()
    const copied = new HttpClient({ jar: person.jar.copy() })
    const leaving = await person.submit(page, {}, { button: 'Sign out' })
    expect((await copied.get(app.url)).name).to.equal('rp-home')
    expect(leaving.location?.searchParams.get('id_token_hint')).to.match(/^ey/)
    const asked = await person.follow(leaving)
    expect(asked.name).to.equal('logout')
    const end = await person.follow(await person.submit(asked))
    expect([end.url.pathname, end.name]).to.deep.equal(['/signed-out', 'rp-home'])
    expect(end.text).to.contain('You are signed out.')
  })

  it('does not sign out for a form of another site', async () => {
    await signIn()
    const forged = await person.post(
      `${app.url}/sign-out`,
      {},
      {
        headers: { origin: 'https://evil.example' },
      },
    )
    expect(forged.status).to.equal(403)
    expect((await person.get(app.url)).name).to.equal('rp-signed-in')
  })

  it('ends its session when the provider says by the back channel that it is over', async () => {
    await signIn()
    const elsewhere = person.jar.copy()
    // The person signs out at the provider, which tells the app by a back-channel request.
    const page = await person.visit(`${provider.issuer}/session/end?client_id=${CLIENT.clientId}`)
    await person.follow(await person.submit(page))
    expect((await new HttpClient({ jar: elsewhere }).get(app.url)).name).to.equal('rp-home')
  })

  it('has the colours of the provider’s pages, and an icon', async () => {
    const own = (await person.get(`${app.url}/style.css`)).body
    const ours = readFileSync(join(builtInViews(), 'style.css'), 'utf8')
    for (const name of ['accent', 'accent-ink', 'ground', 'sheet', 'ink', 'line', 'bad']) {
      const [, light, dark] = new RegExp(`--${name}: light-dark\\((.+?), (.+?)\\)`).exec(own) ?? []
      const pair = [...ours.matchAll(new RegExp(`^ +--${name}: (#\\w{6});`, 'gm'))]
      expect([light, dark].map(inFull), name).to.deep.equal(pair.slice(0, 2).map(([, hex]) => hex))
    }
    const page = await person.get(app.url)
    const icon = await person.get(page.link('link[rel=icon]'))
    expect(icon.headers['content-type']).to.equal('image/svg+xml')
    expect((await person.get(`${app.url}/favicon.ico`)).body).to.equal(icon.body)
  })

  it('says that its port is taken', async () => {
    const { port } = new URL(app.url)
    const program = startProgram('examples/relying-party/main.ts', {
      ready: 'Fieldnotes is at',
      env: { PORT: port },
    })
    expect(await program.catch(String)).to.match(
      new RegExp(`ended \\(1\\):\nPort ${port} is not free \\(EADDRINUSE\\): set PORT\n$`),
    )
  })

  it('says that there is no such page', async () => {
    const page = await person.get(`${app.url}/nothing`)
    expect([page.status, page.name]).to.deep.equal([404, 'rp-error'])
  })

  it('starts before its provider, says so, and signs in once it is there', async () => {
    const late = await startPlainProvider(decision)
    await late.close()
    const early = await startRelyingParty({ issuer: late.issuer, ...CLIENT, port: 0, now })
    try {
      expect((await person.get(early.url)).name).to.equal('rp-home')
      const page = await person.get(`${early.url}/sign-in`)
      expect([page.status, page.name, errorOf(page)]).to.deep.equal([
        503,
        'rp-error',
        'provider_unreachable',
      ])
      const server = createServer((request, response) => {
        const { issuer } = late
        response.setHeader('content-type', 'application/json')
        response.end(JSON.stringify({ issuer, authorization_endpoint: `${issuer}${request.url}` }))
      }).listen(Number(new URL(late.issuer).port), '127.0.0.1')
      try {
        expect((await person.get(`${early.url}/sign-in`)).location?.origin).to.equal(late.issuer)
      } finally {
        server.close()
      }
    } finally {
      await early.close()
    }
  })

  describe('given a logout token', () => {
    let issuer: string
    let server: Server
    let key: CryptoKey
    let relyingParty: RelyingParty
    const event = { 'http://schemas.openid.net/event/backchannel-logout': {} }

    before(async () => {
      const pair = await generateKeyPair('RS256')
      key = pair.privateKey
      const jwk = { ...(await exportJWK(pair.publicKey)), kid: 'k', alg: 'RS256' }
      server = createServer((request, response) => {
        response.setHeader('content-type', 'application/json')
        response.end(
          JSON.stringify(
            request.url === '/jwks' ? { keys: [jwk] } : { issuer, jwks_uri: `${issuer}/jwks` },
          ),
        )
      })
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      issuer = `http://localhost:${(server.address() as AddressInfo).port}`
      relyingParty = await startRelyingParty({ issuer, ...CLIENT, port: 0, now })
    })
    after(async () => {
      await relyingParty.close()
      server.close()
    })

    interface Sent {
      readonly signedBy?: CryptoKey
      readonly typ?: string
      readonly ageSeconds?: number
      readonly padding?: string
    }

    async function send(claims: Record<string, unknown>, sent: Sent = {}): Promise<number> {
      const { signedBy = key, typ = 'logout+jwt', ageSeconds = 0, padding = '' } = sent
      const token = await new SignJWT({
        iss: issuer,
        aud: CLIENT.clientId,
        jti: crypto.randomUUID(),
        sub: 'mira',
        events: event,
        ...claims,
      })
        .setProtectedHeader({ alg: 'RS256', kid: 'k', typ })
        .setIssuedAt(Math.floor(Date.now() / 1000) - ageSeconds)
        .sign(signedBy)
      const url = `${relyingParty.url}/backchannel-logout`
      return (await new HttpClient().post(url, { padding, logout_token: token })).status
    }

    it('takes a good one once', async () => {
      expect(await send({ jti: 'first' })).to.equal(200)
      expect(await send({ jti: 'first' })).to.equal(400)
    })

    it('refuses one that is not the provider’s, not for it, not a logout, or names nobody', async () => {
      const { privateKey: other } = await generateKeyPair('RS256')
      expect(await send({}, { signedBy: other })).to.equal(400)
      expect(await send({ aud: 'another' })).to.equal(400)
      expect(await send({ iss: 'https://other.example' })).to.equal(400)
      expect(await send({ events: {} })).to.equal(400)
      expect(await send({ events: 'logout' })).to.equal(400)
      expect(await send({ nonce: 'n' })).to.equal(400)
      expect(await send({ sub: undefined })).to.equal(400)
      expect(await send({}, { typ: 'JWT' })).to.equal(400)
    })

    it('refuses an old one', async () => {
      expect(await send({}, { ageSeconds: 60 })).to.equal(200)
      expect(await send({}, { ageSeconds: 600 })).to.equal(400)
    })

    it('refuses what is no token, and a body that is too large', async () => {
      const url = `${relyingParty.url}/backchannel-logout`
      expect((await new HttpClient().post(url, { logout_token: 'x' })).status).to.equal(400)
      expect(await send({}, { padding: 'x'.repeat(17_000) })).to.equal(400)
    })
  })

  describe('in a browser', () => {
    let browser: Browser
    before(async function () {
      browser = await launchBrowser(this)
    })
    after(() => browser?.close())

    it('signs in and out with JavaScript off', async () => {
      const { context, page } = await newPerson(browser, { javaScript: false })
      await page.goto(app.url)
      await page.getByRole('link', { name: 'Sign in', exact: true }).click()
      expect(await pageName(page)).to.equal('rp-signed-in')
      expect(await page.locator('[data-claim=acr]').innerText()).to.equal('one-factor')
      await page.getByRole('button', { name: 'Sign out' }).click()
      expect(await pageName(page)).to.equal('logout')
      await context.close()
    })

    it('has nothing that axe finds, and fits on a phone', async () => {
      const { context, page } = await newPerson(browser, { viewport: PHONE })
      const look = async (name: string): Promise<void> => {
        expect(await pageName(page)).to.equal(name)
        expect(await axeFindings(page), name).to.deep.equal([])
        const overflow = 'document.documentElement.scrollWidth > innerWidth'
        expect(await page.evaluate(overflow), `${name} is wider than the screen`).to.equal(false)
        await screenshots(page, name)
      }
      await page.goto(app.url)
      await look('rp-home')
      await page.goto(`${app.url}/sign-in`)
      await look('rp-signed-in')
      await page.goto(`${app.url}/callback?state=x`)
      await look('rp-error')
      await context.close()
    })
  })
})
