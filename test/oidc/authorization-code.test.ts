import { expect } from 'chai'
import * as client from 'openid-client'
import {
  APP,
  atTheApp,
  CALLBACK,
  claimsOf,
  errorOf,
  MULTI_FACTOR,
  oauthErrorOf,
  PASSWORD_ACR,
  relyingParty,
  SECRET,
  startServerProcess,
  type RelyingParty,
  type ServerProcess,
  type Visitor,
} from './support.ts'

const PUBLIC_APP = {
  client_id: 'public',
  token_endpoint_auth_method: 'none',
  redirect_uris: [CALLBACK],
  grant_types: ['authorization_code', 'refresh_token'],
}

describe('the authorization code flow, with a second factor in each sign-in', () => {
  let server: ServerProcess
  let app: RelyingParty
  let mira: Visitor

  before(async () => {
    server = await startServerProcess({
      clients: [
        APP,
        { ...APP, client_id: 'post', token_endpoint_auth_method: 'client_secret_post' },
        { ...APP, client_id: 'old', require_pkce: false },
        PUBLIC_APP,
      ],
    })
    app = await relyingParty(server)
  })
  after(() => server.stop())

  let people = 0
  beforeEach(async () => {
    people += 1
    mira = await server.addPerson(`mira${people}`)
  })

  it('ends with an ID token that says who, when, how and at what level', async () => {
    const request = await app.request({ scope: 'openid profile email' })
    const page = await mira.signIn(request)
    expect(mira.seen).to.deep.equal([
      'login',
      'mfa-choose',
      'totp-enrol',
      'backup-codes',
      'consent',
    ])
    const tokens = await app.redeem(page, request)
    expect(claimsOf(tokens)).to.deep.include({
      sub: mira.accountId,
      acr: MULTI_FACTOR,
      amr: ['pwd', 'otp', 'mfa'],
    })
    expect(claimsOf(tokens).auth_time).to.be.a('number')
    const info = await client.fetchUserInfo(app.configuration, tokens.access_token, mira.accountId)
    expect(info).to.deep.include({
      name: mira.username,
      email: `${mira.username}@example.com`,
      email_verified: true,
    })
  })

  it('asks for password and code again in the next browser, and in the same one for nothing', async () => {
    await mira.signIn(await app.request())
    const silent = await app.request()
    const again = await app.redeem(await mira.signIn(silent), silent)
    expect(mira.seen).to.deep.equal([])
    expect(claimsOf(again).amr).to.deep.equal(['pwd', 'otp', 'mfa'])

    mira.browser = new (mira.browser.constructor as new () => typeof mira.browser)()
    const elsewhere = await app.request()
    await app.redeem(await mira.signIn(elsewhere), elsewhere)
    expect(mira.seen).to.deep.equal(['login', 'totp-verify'])
  })

  it('takes a pushed request, once', async () => {
    const request = await app.request({}, { pushed: true })
    expect([...request.url.searchParams.keys()].sort()).to.deep.equal(['client_id', 'request_uri'])
    const tokens = await app.redeem(await mira.signIn(request), request)
    expect(claimsOf(tokens).sub).to.equal(mira.accountId)
    const again = await mira.signIn(request)
    expect(again.location?.searchParams.has('code') ?? false).to.equal(false)
  })

  it('answers by a form that posts itself, a code and an error alike', async () => {
    const request = await app.request({ response_mode: 'form_post' })
    const page = await mira.signIn(request)
    const { action, method, fields } = page.form()
    expect([action, method]).to.deep.equal([CALLBACK, 'post'])
    const posted = new globalThis.Request(CALLBACK, {
      method: 'POST',
      body: new URLSearchParams(fields),
    })
    const tokens = await client.authorizationCodeGrant(app.configuration, posted, request.checks)
    expect(claimsOf(tokens).sub).to.equal(mira.accountId)

    const refused = await app.request({ response_mode: 'form_post', prompt: 'none', max_age: '0' })
    const error = await mira.browser.get(refused.url)
    expect(error.form().action).to.equal(CALLBACK)
    expect(error.form().fields).to.include({ error: 'login_required' })
  })

  for (const [clientId, authentication] of [
    ['post', client.ClientSecretPost(SECRET)],
    ['public', client.None()],
  ] as const)
    it(`serves the client "${clientId}" the way it authenticates`, async () => {
      const other = await relyingParty(server, clientId, authentication)
      const request = await other.request()
      const tokens = await other.redeem(await mira.signIn(request), request)
      expect(claimsOf(tokens).aud).to.equal(clientId)
    })

  describe('R21 PKCE', () => {
    it('is asked of everybody, a confidential client included', async () => {
      const request = await app.request({}, { pkce: false })
      expect(errorOf(await mira.browser.visit(request.url, atTheApp))).to.equal('invalid_request')
    })

    it('is not asked of a confidential client that says so', async () => {
      const old = await relyingParty(server, 'old')
      const request = await old.request({}, { pkce: false })
      const tokens = await old.redeem(await mira.signIn(request), request)
      expect(claimsOf(tokens).sub).to.equal(mira.accountId)
    })

    it('does not let a code be redeemed with another verifier', async () => {
      const request = await app.request()
      const page = await mira.signIn(request)
      const checks = { ...request.checks, pkceCodeVerifier: client.randomPKCECodeVerifier() }
      expect(await oauthErrorOf(app.redeem(page, { ...request, checks }))).to.equal('invalid_grant')
    })
  })

  describe('R21 a code', () => {
    it('counts once; its second use ends what the first one gave', async () => {
      const request = await app.request({ scope: 'openid offline_access', prompt: 'consent' })
      const page = await mira.signIn(request)
      const tokens = await app.redeem(page, request)
      expect(await oauthErrorOf(app.redeem(page, request))).to.equal('invalid_grant')
      const { refresh_token: refreshToken = '', access_token: accessToken } = tokens
      expect(
        await oauthErrorOf(client.refreshTokenGrant(app.configuration, refreshToken)),
      ).to.equal('invalid_grant')
      expect(await client.tokenIntrospection(app.configuration, accessToken)).to.deep.equal({
        active: false,
      })
    })

    it('is of no use to another client', async () => {
      const request = await app.request()
      const page = await mira.signIn(request)
      const other = await relyingParty(server, 'post', client.ClientSecretPost(SECRET))
      expect(await oauthErrorOf(other.redeem(page, request))).to.equal('invalid_grant')
    })

    it('goes nowhere but to the registered address, to the letter', async () => {
      for (const uri of [
        `${CALLBACK}/`,
        `${CALLBACK}?next=1`,
        CALLBACK.toUpperCase(),
        CALLBACK.replace('https', 'http'),
        'https://app.example.evil.example/callback',
        'https://app.example@evil.example/callback',
        'javascript:alert(1)',
      ]) {
        const { url } = await app.request({ redirect_uri: uri })
        const page = await mira.browser.get(url)
        expect([page.status, page.name, page.location], uri).to.deep.equal([
          400,
          'error',
          undefined,
        ])
        expect(page.body, uri).not.to.contain('http-equiv')
      }
    })
  })

  it('R21 a request without a redirect URI is refused, also where the app has registered one alone', async () => {
    const { url } = await app.request()
    url.searchParams.delete('redirect_uri')
    const page = await mira.browser.get(url)
    expect([page.status, page.name, page.location]).to.deep.equal([400, 'error', undefined])
  })

  describe('R25 prompt=none', () => {
    it('is login_required without a session, and with a proof of the password alone', async () => {
      const silent = await app.request({ prompt: 'none' })
      expect(errorOf(await mira.browser.get(silent.url))).to.equal('login_required')

      const login = await mira.browser.visit((await app.request()).url)
      const answered = await mira.answer(login)
      if (answered === undefined) throw new Error('There was no login page.')
      expect((await mira.browser.follow(answered)).name).to.equal('mfa-choose')
      expect(errorOf(await mira.browser.get(silent.url))).to.equal('login_required')
    })

    it('is consent_required for an app that was not given what it asks for', async () => {
      await mira.signIn(await app.request())
      const more = await app.request({ prompt: 'none', scope: 'openid email' })
      expect(errorOf(await mira.browser.get(more.url))).to.equal('consent_required')
    })

    it('answers with the session that is there', async () => {
      const first = await app.request()
      const before = claimsOf(await app.redeem(await mira.signIn(first), first))
      const silent = await app.request({ prompt: 'none' })
      const after = claimsOf(await app.redeem(await mira.browser.get(silent.url), silent))
      for (const claim of ['sub', 'auth_time', 'acr', 'amr'])
        expect(after[claim], claim).to.deep.equal(before[claim])
    })
  })

  describe('R25 max_age', () => {
    it('asks for both factors again and says when', async () => {
      const first = await app.request()
      const before = claimsOf(await app.redeem(await mira.signIn(first), first))
      const request = await app.request({ max_age: '0' })
      const page = await mira.signIn(request)
      expect(mira.seen).to.deep.equal(['login', 'totp-verify'])
      const after = claimsOf(await app.redeem(page, request))
      expect(after.auth_time).to.be.at.least(before.auth_time ?? Infinity)
    })

    it('lets a session through that is young enough', async () => {
      await mira.signIn(await app.request())
      const request = await app.request({ max_age: '3600' })
      const page = await mira.signIn(request)
      expect(mira.seen).to.deep.equal([])
      expect(claimsOf(await app.redeem(page, request)).auth_time).to.be.a('number')
    })
  })

  describe('R24 an essential acr', () => {
    const essential = (...values: string[]): string =>
      JSON.stringify({ id_token: { acr: { essential: true, values } } })

    it('that is reached is granted', async () => {
      const request = await app.request({ claims: essential(MULTI_FACTOR) })
      const tokens = await app.redeem(await mira.signIn(request), request)
      expect(claimsOf(tokens).acr).to.equal(MULTI_FACTOR)
    })

    it('that nobody can reach fails, and before a password is asked for', async () => {
      const request = await app.request({ claims: essential('urn:of:nobody') })
      const page = await mira.browser.visit(request.url, atTheApp)
      expect(errorOf(page)).to.equal('unmet_authentication_requirements')
    })

    it('is not weakened by a voluntary wish beside it', async () => {
      const request = await app.request({
        claims: essential('urn:of:nobody'),
        acr_values: PASSWORD_ACR,
      })
      expect(errorOf(await mira.browser.visit(request.url, atTheApp))).to.equal(
        'unmet_authentication_requirements',
      )
    })
  })

  it('a refusal on the consent page is access_denied', async () => {
    const request = await app.request()
    let page = await mira.browser.visit(request.url, atTheApp)
    while (page.name !== 'consent') {
      const answered = await mira.answer(page)
      if (answered === undefined) throw new Error(`Stopped on ${String(page.name)}.`)
      page = await mira.browser.follow(answered, atTheApp)
    }
    const refused = await mira.browser.submit(page, {}, { form: 'form:has([data-refuse])' })
    const back = await mira.browser.follow(refused, atTheApp)
    expect(errorOf(back)).to.equal('access_denied')
    expect(
      errorOf(await mira.browser.visit((await app.request({ prompt: 'none' })).url, atTheApp)),
    ).to.equal('consent_required')
  })
})
