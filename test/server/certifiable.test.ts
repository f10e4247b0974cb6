import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect } from 'chai'
import { decodeJwt } from 'jose'
import { REPEAT_SECONDS } from '../../src/domain/refresh.ts'
import { HttpClient, type Page } from '../support/http-client.ts'
import {
  addPerson,
  APP,
  APP_CREDENTIALS,
  atTheApp,
  CALLBACK,
  CLIENT_SECRET,
  redeem,
  signIn,
  startServer,
  stopServers,
  tokenRequest,
  VERIFIER,
  type Person,
  type TestServer,
} from './support.ts'

const MULTI_FACTOR = 'http://schemas.openid.net/pape/policies/2007/06/multi-factor'
const PASSWORD_ACR = 'urn:oidc-provider-mfa:password'

const CLAIMS = {
  name: 'Jane Q. Doe',
  given_name: 'Jane',
  family_name: 'Doe',
  middle_name: 'Q.',
  nickname: 'JD',
  preferred_username: 'jane',
  profile: 'https://example.com/jane',
  picture: 'https://example.com/jane.png',
  website: 'http://jane.example',
  gender: 'female',
  birthdate: '1987-10-16',
  zoneinfo: 'Europe/Paris',
  locale: 'fr-CA',
  updated_at: 1700000000,
  phone_number: '+1 (425) 555-1212',
  phone_number_verified: true,
  address: { formatted: '1 Main St', country: 'US' },
}

describe('what OpenID certification asks for, with the second factor in every sign-in', () => {
  let server: TestServer
  let jane: Person & { id: string }
  let browser: HttpClient

  const start = async (settings: object = {}, clients = [APP]): Promise<void> => {
    server = await startServer({ settings, clients })
    jane = await addPerson(server, { username: 'jane', claims: CLAIMS })
    browser = new HttpClient()
  }
  const enter = (params: Readonly<Record<string, string>> = {}): Promise<Page> =>
    signIn(browser, server.authorize(params), jane, server)
  /** Moves the clock to the next time step, because a code is accepted only once. */
  const nextCode = (): void => {
    server.clock.ahead += 30
  }
  const errorOf = (page: Page): string | null | undefined =>
    page.location?.searchParams.get('error')
  const userinfo = async (token: unknown, method = 'GET'): Promise<Record<string, unknown>> => {
    const response = await fetch(new URL('/me', server.url), {
      method,
      headers: { authorization: `Bearer ${String(token)}` },
    })
    return (await response.json()) as Record<string, unknown>
  }
  afterEach(stopServers)

  describe('discovery', () => {
    it('has standard members only, and what the server really does', async () => {
      await start()
      const discovery = (await browser.get(`${server.issuer}/.well-known/openid-configuration`))
        .json as Record<string, unknown>
      expect(discovery).to.deep.include({
        issuer: server.issuer,
        response_types_supported: ['code'],
        subject_types_supported: ['public'],
        claims_parameter_supported: true,
        backchannel_logout_supported: true,
        backchannel_logout_session_supported: true,
        code_challenge_methods_supported: ['S256'],
        acr_values_supported: [PASSWORD_ACR, MULTI_FACTOR, 'phr'],
      })
      expect(discovery['claims_supported']).to.include.members([
        'sub',
        'email',
        'email_verified',
        'acr',
        'amr',
        'auth_time',
        ...Object.keys(CLAIMS),
      ])
      expect(discovery['scopes_supported']).to.have.members([
        'authn',
        'openid',
        'offline_access',
        'profile',
        'email',
        'address',
        'phone',
      ])
      expect(discovery['response_modes_supported']).to.include.members(['query', 'form_post'])
      expect(discovery['id_token_signing_alg_values_supported']).to.include('RS256')
      for (const name of Object.keys(discovery)) expect(name).not.to.match(/mfa|factor|x_/)
      for (const [name, value] of Object.entries(discovery))
        if (name.endsWith('_endpoint'))
          expect(String(value)).to.match(new RegExp(`^${server.issuer}/`))
    })
  })

  describe('claims', () => {
    it('of every scope come from user info, by GET and by POST', async () => {
      await start()
      const { body } = await redeem(
        server,
        await enter({ scope: 'openid profile email address phone' }),
      )
      const expected = { ...CLAIMS, sub: jane.id, email: 'jane@example.com', email_verified: true }
      expect(await userinfo(body['access_token'])).to.deep.equal(expected)
      expect(await userinfo(body['access_token'], 'POST')).to.deep.equal(expected)
    })

    it('of no scope stay where they are', async () => {
      await start()
      const { body } = await redeem(server, await enter())
      expect(await userinfo(body['access_token'])).to.deep.equal({ sub: jane.id })
    })

    it('asked for one by one come where they were asked for', async () => {
      await start()
      const claims = JSON.stringify({
        userinfo: { name: { essential: true } },
        id_token: { email: null },
      })
      const { body, claims: inToken } = await redeem(server, await enter({ claims }))
      expect(await userinfo(body['access_token'])).to.deep.equal({
        sub: jane.id,
        name: CLAIMS.name,
      })
      expect(inToken).to.deep.include({ email: 'jane@example.com' })
    })
  })

  describe('the ID token', () => {
    it('R26 says who, how, when and at what level in every sign-in', async () => {
      await start()
      const { claims } = await redeem(server, await enter())
      expect(claims).to.deep.include({
        iss: server.issuer,
        sub: jane.id,
        aud: 'app',
        nonce: 'nonce',
        acr: MULTI_FACTOR,
        amr: ['pwd', 'otp', 'mfa'],
      })
      expect(claims['auth_time']).to.be.a('number')
    })

    for (const acr_values of [
      `${PASSWORD_ACR} ${MULTI_FACTOR}`,
      `${MULTI_FACTOR} ${PASSWORD_ACR}`,
      'urn:of:nobody',
    ])
      it(`signs in a person who reaches one of ${acr_values}`, async () => {
        await start()
        const { claims } = await redeem(server, await enter({ acr_values }))
        expect(claims['acr']).to.equal(MULTI_FACTOR)
      })
  })

  describe('R21 the code', () => {
    it('is bound to a challenge by S256, and plain is refused', async () => {
      await start()
      const without = server.authorize()
      without.searchParams.delete('code_challenge')
      without.searchParams.delete('code_challenge_method')
      expect(errorOf(await browser.visit(without, atTheApp))).to.equal('invalid_request')
      const plain = server.authorize({ code_challenge_method: 'plain' })
      expect(errorOf(await browser.visit(plain, atTheApp))).to.equal('invalid_request')
      const page = await enter()
      const wrong = await redeem(server, page, { code_verifier: 'x'.repeat(43) })
      expect(wrong.body['error']).to.equal('invalid_grant')
    })

    it('needs no challenge for a confidential client that says so', async () => {
      await start({}, [{ ...APP, require_pkce: false }])
      const start_ = server.authorize()
      start_.searchParams.delete('code_challenge')
      start_.searchParams.delete('code_challenge_method')
      const page = await signIn(browser, start_, jane, server)
      const { body } = await tokenRequest(server, {
        grant_type: 'authorization_code',
        code: page.location?.searchParams.get('code') ?? '',
        redirect_uri: CALLBACK,
      })
      expect(body).to.have.property('id_token')
    })

    it('counts once; a second use ends what the first one got', async () => {
      await start()
      const page = await enter()
      const first = await redeem(server, page)
      expect((await redeem(server, page)).body['error']).to.equal('invalid_grant')
      expect(await userinfo(first.body['access_token'])).to.have.property('error', 'invalid_token')
    })

    it('is given out for a client secret by header and by form, and for no wrong one', async () => {
      await start({}, [
        APP,
        { ...APP, client_id: 'post', token_endpoint_auth_method: 'client_secret_post' },
      ])
      expect((await redeem(server, await enter())).status).to.equal(200)
      const page = await browser.visit(server.authorize({ client_id: 'post' }), atTheApp)
      const allowed = page.location
        ? page
        : await browser.follow(await browser.submit(page), atTheApp)
      const fields = {
        grant_type: 'authorization_code',
        code: allowed.location?.searchParams.get('code') ?? '',
        redirect_uri: CALLBACK,
        code_verifier: VERIFIER,
        client_id: 'post',
      }
      const wrong = await tokenRequest(server, { ...fields, client_secret: 'wrong' }, '')
      expect(wrong).to.deep.include({ status: 401 })
      const right = await tokenRequest(server, { ...fields, client_secret: CLIENT_SECRET }, '')
      expect(right.body).to.have.property('id_token')
    })

    it('goes to registered addresses only, to the letter', async () => {
      await start()
      for (const redirect_uri of [
        `${CALLBACK}/`,
        `${CALLBACK}?x=1`,
        'https://app.example.evil/callback',
      ]) {
        const page = await browser.get(server.authorize({ redirect_uri }))
        expect(page.location, redirect_uri).to.equal(undefined)
        expect(page.name).to.equal('error')
        expect(page.status).to.equal(400)
      }
    })
  })

  describe('a refresh token', () => {
    it('R21 is replaced at each use where every one is; a later second use of one ends them all', async () => {
      await start({ tokens: { rotateRefreshTokens: 'always' } })
      const page = await enter({ scope: 'openid offline_access', prompt: 'consent' })
      const { body } = await redeem(server, page)
      const refresh = (token: unknown) =>
        tokenRequest(server, { grant_type: 'refresh_token', refresh_token: String(token) })
      const second = await refresh(body['refresh_token'])
      expect(second.body['refresh_token']).to.be.a('string').and.not.to.equal(body['refresh_token'])
      const again = await refresh(body['refresh_token'])
      expect(again.body['refresh_token']).to.equal(second.body['refresh_token'])
      server.clock.ahead += REPEAT_SECONDS + 1
      expect((await refresh(body['refresh_token'])).body['error']).to.equal('invalid_grant')
      expect((await refresh(second.body['refresh_token'])).body['error']).to.equal('invalid_grant')
    })

    it('R25 keeps the time of the sign-in, its level and how it was proved', async () => {
      await start()
      const page = await enter({ scope: 'openid offline_access', prompt: 'consent' })
      const { body, claims } = await redeem(server, page)
      const later = await tokenRequest(server, {
        grant_type: 'refresh_token',
        refresh_token: String(body['refresh_token']),
      })
      for (const claim of ['auth_time', 'acr', 'amr', 'sub'])
        expect(later.claims[claim], claim).to.deep.equal(claims[claim])
    })
  })

  describe('the answer by form', () => {
    it('is a page that posts itself to the app, under a policy that lets it', async () => {
      await start({}, [{ ...APP, first_party: true }])
      const page = await signIn(
        browser,
        server.authorize({ response_mode: 'form_post' }),
        jane,
        server,
      )
      expect(page.status).to.equal(200)
      const { action, fields } = page.form()
      expect(action).to.equal(CALLBACK)
      expect(fields).to.include({ state: 'state', iss: server.issuer }).and.to.have.property('code')
      const policy = String(page.headers['content-security-policy'])
      expect(policy).to.match(/script-src 'self' 'sha256-/)
      expect(policy).not.to.contain('form-action')
      expect(policy).to.contain("default-src 'none'")
      expect(page.headers['cache-control']).to.equal('no-store')
    })

    it('brings errors the same way, a refused request object among them', async () => {
      await start()
      for (const params of [{ prompt: 'none' }, { request: 'e30.e30.' }] as const) {
        const page = await browser.get(server.authorize({ response_mode: 'form_post', ...params }))
        expect(page.location, JSON.stringify(params)).to.equal(undefined)
        expect(page.form().action).to.equal(CALLBACK)
        expect(page.form().fields).to.have.property('error')
      }
    })
  })

  it('R15 a session ends after an hour in which nothing was asked, by default', async () => {
    await start()
    await enter()
    const now = Date.now()
    const session = browser.jar.all().find(({ key }) => key === 'session')
    const seconds = ((session?.expiryTime() ?? Infinity) - now) / 1000
    expect(seconds).to.be.within(3500, 3601)
  })

  describe('asking again', () => {
    it('R25 prompt=none shows no page: an error for a stranger, an answer for who is signed in', async () => {
      await start()
      expect(errorOf(await browser.get(server.authorize({ prompt: 'none' })))).to.equal(
        'login_required',
      )
      const { claims } = await redeem(server, await enter())
      const again = await redeem(
        server,
        await browser.visit(server.authorize({ prompt: 'none' }), atTheApp),
      )
      expect(again.claims['auth_time']).to.equal(claims['auth_time'])
      expect(again.claims['sub']).to.equal(jane.id)
    })

    for (const [how, params] of [
      ['prompt=login', { prompt: 'login' }],
      ['max_age', { max_age: '0' }],
    ] as const)
      it(`R25 ${how} asks for both factors and moves auth_time`, async () => {
        await start()
        const { claims } = await redeem(server, await enter())
        nextCode()
        const shown = await browser.visit(server.authorize(params), atTheApp)
        expect(shown.name).to.equal('login')
        const again = await redeem(server, await enter(params))
        expect(Number(again.claims['auth_time'])).to.be.greaterThan(Number(claims['auth_time']))
        expect(again.claims['amr']).to.deep.equal(['pwd', 'otp', 'mfa'])
      })

    it('login_hint fills the field in and binds nobody', async () => {
      await start()
      const page = await browser.visit(server.authorize({ login_hint: 'someone@example.com' }))
      expect(page.form().fields['username']).to.equal('someone@example.com')
      const end = await signIn(
        browser,
        server.authorize({ login_hint: 'someone@example.com' }),
        jane,
        server,
      )
      expect((await redeem(server, end)).claims['sub']).to.equal(jane.id)
    })

    it('an id_token_hint of somebody else is not answered with this person', async () => {
      await start()
      const { body } = await redeem(server, await enter())
      const id_token_hint = String(body['id_token'])
      const same = await browser.visit(
        server.authorize({ prompt: 'none', id_token_hint }),
        atTheApp,
      )
      expect(same.location?.searchParams.has('code')).to.equal(true)
      const other = await new HttpClient().get(server.authorize({ prompt: 'none', id_token_hint }))
      expect(errorOf(other)).to.equal('login_required')
    })
  })

  describe('POST to the authorization endpoint', () => {
    const post = (params: URLSearchParams): Promise<Page> =>
      browser.postRaw(new URL('/auth', server.issuer), params.toString(), {
        headers: { origin: 'https://app.example', 'sec-fetch-site': 'cross-site' },
      })

    it('is not there unless it was asked for', async () => {
      await start()
      expect((await post(server.authorize().searchParams)).status).to.equal(404)
    })

    it('works where it was, with a session cookie that comes from other sites as well', async () => {
      const issuer = 'https://id.example.com'
      server = await startServer({
        settings: { features: { postAuthorization: true } },
        environment: { ISSUER: issuer },
      })
      jane = await addPerson(server, { username: 'jane' })
      browser = new HttpClient({ origins: { [issuer]: { url: server.url } } })
      const page = await signIn(browser, server.authorize(), jane, server)
      expect(page.location?.searchParams.has('code')).to.equal(true)
      const again = await browser.follow(await post(server.authorize().searchParams), atTheApp)
      expect(again.location?.searchParams.has('code')).to.equal(true)
      const session = browser.jar.all().find(({ key }) => key === '__Host-session')
      expect(session).to.deep.include({ secure: true, sameSite: 'none' })
    })
  })

  describe('signing out', () => {
    it('asks, says that it is done, and tells apps that want to know', async () => {
      await start()
      await enter()
      const page = await browser.get(`${server.issuer}/session/end`)
      expect(page.name).to.equal('logout')
      expect(page.text).to.contain('jane')
      const done = await browser.follow(await browser.submit(page))
      expect(done.name).to.equal('signed-out')
      expect(errorOf(await browser.get(server.authorize({ prompt: 'none' })))).to.equal(
        'login_required',
      )
    })

    it('can be declined', async () => {
      await start()
      await enter()
      const page = await browser.get(`${server.issuer}/session/end`)
      await browser.follow(await browser.submit(page, {}, { form: 'form:has([data-refuse])' }))
      const still = await browser.visit(server.authorize({ prompt: 'none' }), atTheApp)
      expect(still.location?.searchParams.has('code')).to.equal(true)
    })

    it('returns to a registered address with the state, and to no other', async () => {
      await start()
      const { body } = await redeem(server, await enter())
      const end = (uri: string): URL => {
        const url = new URL('/session/end', server.issuer)
        url.search = new URLSearchParams({
          id_token_hint: String(body['id_token']),
          post_logout_redirect_uri: uri,
          state: 'bye',
        }).toString()
        return url
      }
      const wrong = await browser.get(end('https://evil.example/'))
      expect(wrong).to.deep.include({ status: 400 })
      expect(wrong.location).to.equal(undefined)
      const asked = await browser.get(end('https://app.example/signed-out'))
      const done = await browser.submit(asked)
      expect(done.location?.href).to.equal('https://app.example/signed-out?state=bye')
      const unknown = new URL('/session/end', server.issuer)
      unknown.searchParams.set('post_logout_redirect_uri', 'https://evil.example/')
      const nobody = await browser.follow(await browser.submit(await browser.get(unknown)))
      expect(nobody.name).to.equal('signed-out')
    })
  })

  describe('other endpoints', () => {
    it('take pushed authorization requests', async () => {
      await start()
      const response = await fetch(new URL('/request', server.url), {
        method: 'POST',
        headers: {
          authorization: APP_CREDENTIALS,
        },
        body: server.authorize().searchParams,
      })
      const { request_uri } = (await response.json()) as { request_uri: string }
      const url = new URL('/auth', server.issuer)
      url.search = new URLSearchParams({ client_id: 'app', request_uri }).toString()
      expect((await browser.visit(url)).name).to.equal('login')
    })

    it('introspect and revoke', async () => {
      await start()
      const { body } = await redeem(server, await enter())
      const ask = async (path: string): Promise<Response> =>
        fetch(new URL(path, server.url), {
          method: 'POST',
          headers: {
            authorization: APP_CREDENTIALS,
          },
          body: new URLSearchParams({ token: String(body['access_token']) }),
        })
      expect(await (await ask('/token/introspection')).json()).to.include({
        active: true,
        sub: jane.id,
      })
      expect((await ask('/token/revocation')).status).to.equal(200)
      expect(await (await ask('/token/introspection')).json()).to.deep.equal({ active: false })
    })

    it('tell an app by the back channel that its person signed out', async () => {
      const tokens: string[] = []
      const app = createServer((request, response) => {
        let body = ''
        request.on('data', (chunk: Buffer) => {
          body += chunk.toString()
        })
        request.on('end', () => {
          tokens.push(new URLSearchParams(body).get('logout_token') ?? '')
          response.end()
        })
      })
      app.listen(0, '127.0.0.1')
      await once(app, 'listening')
      const { port } = app.address() as AddressInfo
      const backchannel_logout_uri = `http://127.0.0.1:${port}/`
      await start({}, [
        { ...APP, backchannel_logout_uri, backchannel_logout_session_required: true },
      ])
      const { claims } = await redeem(server, await enter())
      const page = await browser.get(`${server.issuer}/session/end`)
      await browser.follow(await browser.submit(page))
      app.close()
      expect(tokens).to.have.length(1)
      const told = decodeJwt(tokens[0] ?? '')
      expect(told).to.include({ iss: server.issuer, aud: 'app', sub: jane.id, sid: claims['sid'] })
      expect(told['events']).to.have.property('http://schemas.openid.net/event/backchannel-logout')
    })

    it('offer the device flow only where it is switched on', async () => {
      await start()
      expect((await browser.get(`${server.issuer}/device`)).name).to.equal('not-found')
      await stopServers()
      await start({ features: { deviceFlow: true } })
      expect((await browser.get(`${server.issuer}/device`)).name).to.equal('device')
    })
  })
})
