import { expect } from 'chai'
import * as client from 'openid-client'
import { systemClock, systemRandom } from '../../../src/adapters/crypto/index.ts'
import { setUpLinks } from '../../../src/server/accounts/set-up-link.ts'
import { HttpClient, type Page } from '../../support/http-client.ts'
import {
  APP,
  oauthErrorOf,
  relyingParty,
  SECRET,
  startServerProcess,
  type ServerProcess,
  type Visitor,
} from '../../oidc/support.ts'

/** An address on which nothing listens, so that the log also has entries about failed requests of the server. */
const NOBODY = 'http://127.0.0.1:9/backchannel'

/** The server logs at the level trace; the test collects every secret that passes through it. */
describe('R31 the log of a server process, at its most talkative,', () => {
  let server: ServerProcess
  let mira: Visitor
  let log: string
  const secrets = new Map<string, string>()
  const keep = (name: string, value: string | undefined): void => {
    if (value === undefined || value.length < 6) throw new Error(`No ${name} was seen.`)
    secrets.set(name, value)
  }

  before(async () => {
    server = await startServerProcess({
      clients: [
        { ...APP, backchannel_logout_uri: NOBODY, backchannel_logout_session_required: true },
        {
          ...APP,
          client_id: 'tv',
          token_endpoint_auth_method: 'none',
          client_secret: undefined,
          grant_types: ['urn:ietf:params:oauth:grant-type:device_code'],
          redirect_uris: [],
          response_types: [],
        },
      ],
      settings: { features: { deviceFlow: true } },
      environment: { LOG_LEVEL: 'trace' },
    })
    mira = await server.addPerson('mira')
    await useEverything()
    await server.stop()
    log = server.output.join('\n')
  })

  const useEverything = async (): Promise<void> => {
    const app = await relyingParty(server)
    keep('client secret', SECRET)
    keep('password', mira.password)

    const request = await app.request({
      scope: 'openid offline_access',
      prompt: 'consent',
      login_hint: 'somebody.hinted@example.com',
    })
    keep('login hint', 'somebody.hinted')
    for (const name of ['state', 'nonce', 'code_challenge'])
      keep(name, request.url.searchParams.get(name) ?? undefined)
    keep('code verifier', request.checks.pkceCodeVerifier)

    const login = await mira.browser.visit(request.url)
    keep('form token', login.form().fields['csrf'])
    keep('name in the wrong field', 'hunter2-typed-as-a-name')
    keep('wrong password', 'a wrong guess of a password')
    await mira.browser.submit(login, {
      username: 'hunter2-typed-as-a-name',
      password: 'a wrong guess of a password',
    })
    const page = await mira.signIn(request)
    keep('secret of the authenticator', mira.secret.replaceAll(' ', ''))
    keep('secret of the authenticator, as shown', mira.secret)
    for (const [i, code] of mira.codes.entries()) keep(`backup code ${i}`, code)
    keep('code', page.location?.searchParams.get('code') ?? undefined)
    const tokens = await app.redeem(page, request)
    keep('access token', tokens.access_token)
    keep('refresh token', tokens.refresh_token)
    keep('ID token', tokens.id_token)
    await client.fetchUserInfo(app.configuration, tokens.access_token, mira.accountId)
    await client.tokenIntrospection(app.configuration, tokens.access_token)
    const refreshed = await client.refreshTokenGrant(app.configuration, tokens.refresh_token ?? '')
    keep('second refresh token', refreshed.refresh_token)
    // The server refuses a used token, a used code, a wrong secret and a token in the address.
    await oauthErrorOf(client.refreshTokenGrant(app.configuration, tokens.refresh_token ?? ''))
    await oauthErrorOf(app.redeem(page, request))
    const impostor = await relyingParty(
      server,
      'app',
      client.ClientSecretPost('a wrong secret of an app'),
    )
    keep('wrong client secret', 'a wrong secret of an app')
    await oauthErrorOf(impostor.redeem(page, request))
    await fetch(new URL(`/me?access_token=${tokens.access_token}`, server.issuer))
    await fetch(new URL(`/no-such-page/?code=a-code-in-a-query`, server.issuer))
    keep('code in a query', 'a-code-in-a-query')

    await wrongCodes()
    await setUp()
    await device()

    // The cookies `interaction` and `resume` hold a uid that is also in the path. The uid is worth nothing without the
    // cookie's signature.
    for (const { key, value } of mira.browser.jar.all())
      if (!/^(interaction|resume)$/.test(key)) keep(`cookie ${key}`, value)
    const out = await mira.browser.visit(
      client.buildEndSessionUrl(app.configuration, { id_token_hint: tokens.id_token ?? '' }),
    )
    keep('token of the sign-out', out.form().fields['xsrf'])
    await mira.browser.follow(await mira.browser.submit(out))
    // The server cannot parse this request.
    await mira.browser.postRaw(`${server.issuer}/token`, 'client_secret=unreadable%E0%A4%A-secret')
    keep('unreadable secret', 'unreadable')
  }

  const wrongCodes = async (): Promise<void> => {
    const browser = new HttpClient()
    const app = await relyingParty(server)
    const login = await browser.visit((await app.request()).url)
    let page: Page = await browser.follow(
      await browser.submit(login, { username: mira.username, password: mira.password }),
    )
    keep('wrong code', '918273')
    page = await browser.submit(page, { code: '918273' })
    const right = mira.nextCode()
    keep('right code', right)
    page = await browser.submit(page, { code: right })
    if (page.status !== 303) throw new Error('The code was not taken.')
  }

  const setUp = async (): Promise<void> => {
    const { accounts, oneTime, counters } = server.storage
    const account = (await accounts.byId((await server.addPerson('nora')).accountId))?.account
    if (account === undefined) throw new Error('Nobody was added.')
    const links = setUpLinks({
      accounts,
      oneTime,
      counters,
      clock: systemClock,
      random: systemRandom,
      issuer: server.issuer,
      serviceName: 'Acme',
      minimumLength: 8,
      hasher: { hash: async () => '', verify: async () => false, needsRehash: () => false },
      record: async () => undefined,
      passwordChanged: async () => undefined,
      epochOf: async () => 1,
      // The server uses the link that is made here.
      change: async () => undefined,
    })
    const { url } = await links.make(account, 'reset')
    keep('set-up link', url.split('/').at(-1))
    const browser = new HttpClient()
    const password = 'the new password of nora'
    keep('new password', password)
    const page = await browser.get(url)
    await browser.submit(page, { password: 'short', passwordAgain: 'short' })
    await browser.submit(page, { password, passwordAgain: password })
    await browser.get(`${url}/and/more?x=1`)
  }

  const device = async (): Promise<void> => {
    const tv = await relyingParty(server, 'tv', client.None())
    const begun = await client.initiateDeviceAuthorization(tv.configuration, { scope: 'openid' })
    keep('device code', begun.device_code)
    keep('user code', begun.user_code)
    await mira.browser.get(begun.verification_uri_complete ?? '')
    const page = await mira.browser.get(begun.verification_uri)
    await mira.browser.submit(page, { user_code: begun.user_code })
  }

  it('has a line for each request, and tells what went wrong', () => {
    const requests = server.output
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as { path?: string; status?: number; requestId?: string })
      .filter(({ path }) => path !== undefined)
    expect(requests.length).to.be.greaterThan(40)
    for (const path of ['/auth', '/token', '/me', '/set-up/…', '/device', '/session/end'])
      expect(
        requests.map((request) => request.path),
        path,
      ).to.include(path)
    expect(requests.map(({ status }) => status)).to.include.members([200, 303, 400, 401, 404, 422])
    expect(log).to.contain('not told of a sign-out').and.to.contain('invalid_grant')
  })

  it('holds no secret that passed through it, in no spelling', () => {
    expect(secrets.size).to.be.greaterThan(30)
    for (const [name, secret] of secrets)
      for (const spelling of [
        secret,
        encodeURIComponent(secret),
        encodeURIComponent(secret).replaceAll('%20', '+'),
        Buffer.from(secret).toString('base64'),
        JSON.stringify(secret).slice(1, -1),
      ])
        expect(log.includes(spelling), `${name} is in the log`).to.equal(false)
  })

  it('holds no query and no header', () => {
    expect(log).not.to.match(/"(query|search|headers|cookies?|authorization|body)"/i)
    expect(log).not.to.match(/"path":"[^"]*\?/)
    expect(log).not.to.match(/client_id=|code_challenge|id_token_hint|Basic |Bearer /)
  })
})
