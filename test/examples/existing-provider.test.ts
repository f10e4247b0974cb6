import { expect } from 'chai'
import { once } from 'node:events'
import { readFileSync, readdirSync } from 'node:fs'
import { createServer } from 'node:http'
import { fileURLToPath } from 'node:url'
import { MULTI_FACTOR_ACR } from '../../src/index.ts'
import { authorizeUrl } from '../plugin/host.ts'
import { SoftAuthenticator } from '../support/authenticator.ts'
import { launchBrowser, newPerson } from '../support/browser.ts'
import { backupCodesOf, secretOf } from '../support/enrolment.ts'
import { HttpClient, type Page } from '../support/http-client.ts'
import { freePort, openDatabase } from '../support/mongodb.ts'
import { optionsOf } from '../support/passkey-options.ts'
import { requireMongodb } from '../support/requirements.ts'
import { totpCode } from '../support/totp.ts'
import { changed } from './changed.ts'
import { startProgram, type Program } from './program.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const CLIENT = {
  client_id: 'fieldnotes',
  client_secret: 'a-secret-for-an-example-and-nothing-else',
}
const REDIRECT = 'http://localhost:3001/callback'
const EMAIL = 'mira@example.com'
const PASSWORD = 'correct horse battery staple'

interface PasskeyForm {
  readonly action: string
  readonly csrf: string
  readonly options: string
}

interface Example {
  /** The path of the origin at which the provider is mounted. */
  readonly mounted: string
  login(browser: HttpClient, page: Page, password: string): Promise<Page>
  consent(browser: HttpClient, page: Page): Promise<Page>
  isLogin(page: Page): boolean
  /** The form for a passkey on the login page, and the options of the browser's call. */
  passkeyForm(browser: HttpClient, page: Page): Promise<PasskeyForm>
  changePassword(origin: string, change: Record<string, string>): Promise<number>
}

/** Runs the same steps as the script of the front end. */
async function sendJson(browser: HttpClient, url: URL, body: object): Promise<Page> {
  const headers = { 'content-type': 'application/json' }
  const answer = await browser.postRaw(url, JSON.stringify(body), { headers })
  if (answer.status !== 200) return answer
  return browser.get((answer.json as { location: string }).location)
}

/** The code of the mail that a program has printed. */
function codeIn(printed: string): string {
  const [, mail = ''] = printed.split(`Mail to ${EMAIL}`)
  return /\b(\d{6,8}|\d{3,4}[ -]\d{3,4})\b/.exec(mail)![1]!
}

const EXAMPLES: Readonly<Record<string, Example>> = {
  'existing-provider': {
    mounted: '',
    isLogin: ({ name }) => name === 'example-login',
    login: (browser, page, password) => browser.submit(page, { email: EMAIL, password }),
    consent: (browser, page) => browser.submit(page),
    passkeyForm: async (_browser, page) => {
      const { action, fields } = page.form('form[data-passkey-sign-in]')
      return { action, csrf: fields.csrf ?? '', options: optionsOf(page) }
    },
    changePassword: async (origin, change) =>
      (await new HttpClient().post(`${origin}/password`, change)).status,
  },
  'existing-provider-express': {
    mounted: '/oidc',
    isLogin: ({ name }) => name === 'example-front-end',
    login: (browser, page, password) =>
      sendJson(browser, new URL(`${page.url.pathname}/login`, page.url), {
        email: EMAIL,
        password,
      }),
    consent: (browser, page) =>
      sendJson(browser, new URL(`${page.url.pathname}/consent`, page.url), {}),
    passkeyForm: async (browser, page) => {
      const { json } = await browser.get(`${page.url.href}/details`)
      const { passkey } = json as { passkey: PasskeyForm & { options: object } }
      return { ...passkey, options: JSON.stringify(passkey.options) }
    },
    changePassword: async (origin, change) => {
      const headers = { 'content-type': 'application/json' }
      const url = `${origin}/password`
      return (await new HttpClient().postRaw(url, JSON.stringify(change), { headers })).status
    },
  },
}

const read = (path: string): string => readFileSync(`${ROOT}${path}`, 'utf8')

for (const [name, example] of Object.entries(EXAMPLES)) {
  describe(`examples/${name}`, () => {
    it('takes the second factor with at most ten lines changed, and nothing beside them', () => {
      const folder = `examples/${name}`
      expect(readdirSync(`${ROOT}${folder}/before`)).to.deep.equal(['app.ts'])
      expect(readdirSync(`${ROOT}${folder}/after`)).to.deep.equal(['app.ts'])
      const { removed, added } = changed(
        read(`${folder}/before/app.ts`),
        read(`${folder}/after/app.ts`),
      )
      expect(added.length, added.join('\n')).to.be.within(5, 10)
      expect(removed.length, removed.join('\n')).to.be.at.most(added.length)
      expect(added.filter((line) => line.trim() === '')).to.deep.equal([])
    })
  })

  describe(`examples/${name}, with passkeys`, () => {
    let program: Program | undefined
    let database: Awaited<ReturnType<typeof openDatabase>>
    before(async function () {
      database = await openDatabase(await requireMongodb(this))
    })
    after(async () => {
      await program?.stop()
      await database?.close()
    })

    it('takes them on its login page with at most six lines more', () => {
      const [before, after] = ['after', 'passkeys'].map((variant) =>
        read(`examples/${name}/${variant}/app.ts`),
      ) as [string, string]
      const { removed, added } = changed(before, after)
      expect(added.length, added.join('\n')).to.be.within(3, 6)
      expect(removed.length, removed.join('\n')).to.be.below(added.length)
      expect(added.filter((line) => line.trim() === '')).to.deep.equal([])
    })

    it('signs a person in with a passkey alone', async () => {
      const port = await freePort()
      const origin = `http://localhost:${port}`
      program = await startProgram(`examples/${name}/passkeys/app.ts`, {
        ready: 'The provider is at',
        env: {
          ISSUER: origin,
          PORT: String(port),
          MONGODB_URL: database.url,
          COOKIE_KEYS: 'a-cookie-key-of-an-example',
          MFA_KEY: Buffer.alloc(32, 7).toString('base64'),
          DEMO_PASSWORD: PASSWORD,
        },
      })
      const open = async (browser: HttpClient): Promise<Page> => {
        const url = authorizeUrl({ issuer: origin }, { ...CLIENT, redirect_uri: REDIRECT })
        url.searchParams.delete('client_secret')
        url.pathname = `${example.mounted}/auth`
        return goOn(browser, await browser.get(url))
      }
      const goOn = (browser: HttpClient, page: Page): Promise<Page> =>
        browser.follow(page, (to) => to.origin !== origin)
      const browser = new HttpClient()
      const proof = await goOn(browser, await example.login(browser, await open(browser), PASSWORD))
      const send = { form: '[action$="/proof/send"]' }
      const sent = await goOn(browser, await browser.submit(proof, {}, send))
      const mailed = codeIn(program.printed())
      const choose = await goOn(browser, await browser.submit(sent, { code: mailed }))
      const setUp = await goOn(browser, await browser.submit(choose, { factor: 'passkey' }))
      const key = new SoftAuthenticator({ origin })
      const credential = key.create(optionsOf(setUp))
      const codes = await goOn(browser, await browser.submit(setUp, { credential }))
      expect(codes.name, codes.body).to.equal('backup-codes')

      const other = new HttpClient()
      const login = await open(other)
      expect(example.isLogin(login), login.body).to.equal(true)
      const { action, csrf, options } = await example.passkeyForm(other, login)
      const address = new URL(action, login.url)
      const refused = await other.post(address, { csrf, credential: '{' })
      expect([refused.status, refused.name]).to.deep.equal([422, 'sign-in-refused'])
      expect((await other.post(address, { csrf, credential: key.get(options) })).status).to.equal(
        422,
      )
      const again = await example.passkeyForm(other, await other.get(login.url))
      const answered = await other.post(address, {
        csrf: again.csrf,
        credential: key.get(again.options),
      })
      expect(answered.status, answered.body).to.equal(303)
      let back = await goOn(other, answered)
      if (back.location === undefined) back = await goOn(other, await example.consent(other, back))
      expect(back.location?.searchParams.get('code')).to.be.a('string')
    })
  })

  describe(`examples/${name}, before and then after`, () => {
    let program: Program | undefined
    let database: Awaited<ReturnType<typeof openDatabase>>
    let origin: string
    let port: number
    let browser: HttpClient
    let secret: string
    let codes: string[]

    before(async function () {
      database = await openDatabase(await requireMongodb(this))
      port = await freePort()
      origin = `http://127.0.0.1:${port}`
      browser = new HttpClient()
    })
    after(async () => {
      await program?.stop()
      await database?.close()
    })

    const run = async (variant: 'before' | 'after'): Promise<void> => {
      await program?.stop()
      program = await startProgram(`examples/${name}/${variant}/app.ts`, {
        ready: 'The provider is at',
        env: {
          ISSUER: origin,
          PORT: String(port),
          MONGODB_URL: database.url,
          COOKIE_KEYS: 'a-cookie-key-of-an-example',
          MFA_KEY: Buffer.alloc(32, 7).toString('base64'),
          DEMO_PASSWORD: PASSWORD,
        },
      })
    }
    const goOn = (page: Page, by = browser): Promise<Page> =>
      by.follow(page, (to) => to.origin !== origin)
    const visit = async (parameters: Record<string, string> = {}, by = browser): Promise<Page> => {
      const url = authorizeUrl(
        { issuer: origin },
        { ...CLIENT, redirect_uri: REDIRECT, scope: 'openid email', ...parameters },
      )
      url.searchParams.delete('client_secret')
      url.pathname = `${example.mounted}/auth`
      return goOn(await by.get(url), by)
    }
    const typePassword = async (page: Page, by = browser, password = PASSWORD): Promise<Page> => {
      expect(example.isLogin(page), page.body).to.equal(true)
      return goOn(await example.login(by, page, password), by)
    }
    const claimsOf = async (back: Page): Promise<Record<string, unknown>> => {
      const code = back.location?.searchParams.get('code')
      expect(code, `${back.url.href} ${back.body}`).to.be.a('string')
      const response = await fetch(`${origin}${example.mounted}/token`, {
        method: 'POST',
        body: new URLSearchParams({
          grant_type: 'authorization_code',
          code: code!,
          redirect_uri: REDIRECT,
          code_verifier: 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk',
        }),
        headers: {
          authorization: `Basic ${Buffer.from(`${CLIENT.client_id}:${CLIENT.client_secret}`).toString('base64')}`,
        },
      })
      const { id_token: token = '' } = (await response.json()) as { id_token?: string }
      const [, payload = ''] = token.split('.')
      return JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, unknown>
    }
    const errorOf = (page: Page): string | null | undefined =>
      page.location?.searchParams.get('error')

    it('says that its port is taken, and does not claim to be there', async () => {
      const other = createServer().listen(port, '127.0.0.1')
      await once(other, 'listening')
      const error = await run('before').catch(String)
      await new Promise((closed) => other.close(closed))
      expect(error).to.contain(`ended (1):`).and.contain(`Port ${port} is not free (EADDRINUSE)`)
      expect(error).to.not.contain('The provider is at')
    })

    it('signs in with a password alone before', async () => {
      await run('before')
      const login = await visit()
      const wrong = await example.login(browser, login, 'wrong')
      expect(wrong.status).to.equal(401)
      const consent = await typePassword(await visit())
      const claims = await claimsOf(await goOn(await example.consent(browser, consent)))
      expect(claims.sub).to.be.a('string')
      expect(claims).not.to.have.property('acr')
    })

    it('keeps its person signed in, and asks for the second factor that is required now', async () => {
      await run('after')
      expect(errorOf(await visit({ prompt: 'none' }))).to.equal('interaction_required')
      const proof = await visit()
      expect(proof.name, proof.body).to.equal('owner-proof')
      const sent = await goOn(await browser.submit(proof, {}, { form: '[action$="/proof/send"]' }))
      const printed = program!.printed()
      expect(printed).to.contain(`Mail to ${EMAIL}`)
      const mailed = codeIn(printed)
      const setUp = await goOn(await browser.submit(sent, { code: mailed }))
      secret = secretOf(setUp)
      const shown = await goOn(await browser.submit(setUp, { code: totpCode({ secret }) }))
      codes = backupCodesOf(shown)
      expect(codes).to.have.length(10)
      let back = await goOn(await browser.submit(shown, { saved: 'yes' }))
      if (back.location === undefined) back = await goOn(await example.consent(browser, back))
      expect(await claimsOf(back)).to.deep.include({
        acr: MULTI_FACTOR_ACR,
        amr: ['pwd', 'otp', 'mfa'],
      })
    })

    it('signs nobody in with the password alone, and with a code in a new browser', async () => {
      const other = new HttpClient()
      const verify = await typePassword(await visit({}, other), other)
      expect(verify.name).to.equal('totp-verify')
      expect(errorOf(await visit({ prompt: 'none' }, other))).to.equal('login_required')
      // The set-up has spent the present time step, so this code is of the next one.
      const code = totpCode({ secret }, Math.floor(Date.now() / 1000) + 30)
      let back = await goOn(await other.submit(verify, { code }), other)
      if (back.location === undefined) back = await goOn(await example.consent(other, back), other)
      expect((await claimsOf(back)).acr).to.equal(MULTI_FACTOR_ACR)
      const account = await goOn(await other.get(`${origin}${example.mounted}/account`), other)
      expect([account.name, account.text.includes(EMAIL)]).to.deep.equal(['account', true])
    })

    it('ends what is signed in when the password changes, by its own page and its own save', async () => {
      expect((await visit({ prompt: 'none' })).location?.searchParams.get('code')).to.be.a('string')
      const change = { email: EMAIL, password: PASSWORD, new: 'another battery staple' }
      expect(await example.changePassword(origin, change)).to.equal(204)
      expect(errorOf(await visit({ prompt: 'none' }))).to.equal('login_required')
      const verify = await typePassword(await visit(), browser, change.new)
      expect(verify.name).to.equal('totp-verify')
      const way = await goOn(await browser.get(verify.link('[data-other-way]')))
      expect(way.name).to.equal('mfa-choose')
    })

    if (name === 'existing-provider-express')
      it('leads from the page in JSON to the pages of the second factor in a browser', async function () {
        const chromium = await launchBrowser(this)
        try {
          const { page } = await newPerson(chromium)
          const url = authorizeUrl({ issuer: origin }, { ...CLIENT, redirect_uri: REDIRECT })
          url.searchParams.delete('client_secret')
          url.pathname = '/oidc/auth'
          await page.goto(url.href)
          await page.getByLabel('Email').fill(EMAIL)
          await page.getByLabel('Password').fill('wrong')
          await page.getByRole('button').click()
          await page.getByText('The email or the password is wrong.').waitFor()
          await page.getByLabel('Password').fill('another battery staple')
          await page.getByRole('button').click()
          await page.locator('body[data-page=totp-verify]').waitFor()
          expect(new URL(page.url()).pathname).to.match(/^\/oidc\/mfa\//)
        } finally {
          await chromium.close()
        }
      })

    it('leaves what it knows of its people as it was', async () => {
      const users = await database.connection.collection('users').find().toArray()
      expect(users).to.have.length(1)
      expect(users[0]).to.include.keys('email', 'name', 'passwordHash', 'mfa')
      expect(JSON.stringify(users[0])).not.to.contain(secret)
    })
  })
}
