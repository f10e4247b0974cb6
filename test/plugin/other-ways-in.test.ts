import { expect } from 'chai'
import type { AdapterPayload, Configuration, KoaContextWithOIDC } from 'oidc-provider'
import { MULTI_FACTOR_ACR, PASSWORD_ACR, type MfaOptions } from '../../src/index.ts'
import { secretOf } from '../support/enrolment.ts'
import { HttpClient, type Page } from '../support/http-client.ts'
import { totpCode } from '../support/totp.ts'
import {
  authorizeUrl,
  callbackOf,
  CLIENT,
  follow,
  PASSWORD,
  redeem,
  startHost,
  type Host,
  type HostOptions,
} from './host.ts'
import { signedInSessions } from './recorded-storage.ts'
import { asClient, type Answered } from './relying-party.ts'
import { enrolledPerson, nextCode, signIn, uidOf, type Person } from './sign-in.ts'

const DIRECT = 'urn:example:direct'
const DEVICE = 'urn:ietf:params:oauth:grant-type:device_code'
const CIBA = 'urn:openid:params:grant-type:ciba'

let host: Host
const withGrantType = (grantType: string): Partial<Configuration> => ({
  clients: [{ ...CLIENT, grant_types: [...CLIENT.grant_types, grantType] }],
})

describe("a grant type of the application's own", () => {
  afterEach(async () => host.close())

  /** Starts a host with a grant type of a careless application, which issues tokens for any named account unchecked. */
  const start = async (gty: string | undefined, mfa: Partial<MfaOptions> = {}): Promise<void> => {
    host = await startHost({ mfa, configuration: withGrantType(DIRECT) })
    host.provider.registerGrantType(
      DIRECT,
      async (ctx: KoaContextWithOIDC) => {
        const { client, params, provider } = ctx.oidc
        const accountId = String(params!.username)
        const grant = new provider.Grant({ accountId, clientId: client!.clientId })
        grant.addOIDCScope('openid email')
        const token = new provider.AccessToken({
          accountId,
          client: client!,
          grantId: await grant.save(),
          scope: 'openid email',
          ...(gty === undefined ? {} : { gty }),
        } as never)
        ctx.body = { access_token: await token.save(), token_type: 'Bearer' }
      },
      ['username'],
    )
  }
  const ask = (): Promise<Answered> =>
    asClient(host, '/token', { grant_type: DIRECT, username: 'mira' })

  for (const [kind, gty] of [
    ['under its own name', DIRECT],
    ['under no name', undefined],
    ['under the name of another', 'authorization_code'],
  ] as const)
    it(`R17 gets no token ${kind}`, async () => {
      await start(gty)
      const { status, json } = await ask()
      expect([status, json.error]).to.deep.equal([400, 'invalid_grant'])
      expect(host.writes.map(({ deed }) => deed)).not.to.include('AccessToken.upsert')
    })

  it('R17 gets tokens when the application says that it asserts the policy itself', async () => {
    await start(DIRECT, { trustedGrantTypes: [DIRECT] })
    expect((await ask()).json.access_token).to.be.a('string')
  })
})

describe('CIBA that the application vouches for', () => {
  afterEach(async () => host.close())

  it('R17 gets its tokens', async () => {
    host = await startHost({
      mfa: { acknowledge: ['ciba'] },
      configuration: {
        clients: [
          {
            ...CLIENT,
            grant_types: [...CLIENT.grant_types, CIBA],
            backchannel_token_delivery_mode: 'poll',
          },
        ],
        features: {
          devInteractions: { enabled: false },
          ciba: {
            enabled: true,
            deliveryModes: ['poll'],
            processLoginHint: async (_ctx: unknown, hint: string) => hint,
            triggerAuthenticationDevice: async () => undefined,
            validateBindingMessage: async () => undefined,
            validateRequestContext: async () => undefined,
            verifyUserCode: async () => undefined,
          },
        } as Configuration['features'],
      },
    })
    const { json } = await asClient(host, '/backchannel', { scope: 'openid', login_hint: 'mira' })
    const grant = new host.provider.Grant({ accountId: 'mira', clientId: 'app' })
    grant.addOIDCScope('openid')
    const request = String(json.auth_req_id)
    await host.provider.backchannelResult(request, await grant.save(), { acr: MULTI_FACTOR_ACR })
    const tokens = await asClient(host, '/token', { grant_type: CIBA, auth_req_id: request })
    expect(tokens.json.access_token, JSON.stringify(tokens.json)).to.be.a('string')
  })
})

describe('the device flow', () => {
  let mira: Person
  let browser: HttpClient
  let code: { device_code: string; user_code: string; verification_uri: string }

  beforeEach(async () => {
    host = await startHost({
      configuration: {
        ...withGrantType(DEVICE),
        features: {
          devInteractions: { enabled: false },
          claimsParameter: { enabled: true },
          deviceFlow: { enabled: true },
        },
      },
    })
    mira = await enrolledPerson(host)
    browser = new HttpClient()
    await begin()
  })
  afterEach(async () => host.close())

  const begin = async (parameters: Record<string, string> = {}): Promise<void> => {
    const { json } = await asClient(host, '/device/auth', { scope: 'openid', ...parameters })
    code = json as typeof code
  }
  /** Enters the user code of the device and confirms it; returns the first page after that. */
  const confirm = async (): Promise<Page> => {
    const asked = await browser.get(code.verification_uri)
    const shown = await browser.submit(asked, { user_code: code.user_code })
    return follow(host, browser, await browser.submit(shown))
  }
  const poll = (): Promise<Answered> =>
    asClient(host, '/token', { grant_type: DEVICE, device_code: code.device_code })
  const typePassword = async (login: Page, username = 'mira'): Promise<Page> =>
    follow(host, browser, await browser.post(login.url, { username, password: PASSWORD }))

  /** Replaces the host with one that has the device flow enabled. */
  const startWith = async (
    mfa: Partial<MfaOptions>,
    answer?: NonNullable<HostOptions['answer']>,
  ): Promise<void> => {
    await host.close()
    const features = { devInteractions: { enabled: false }, deviceFlow: { enabled: true } }
    host = await startHost({
      mfa,
      configuration: { ...withGrantType(DEVICE), features },
      ...(answer === undefined ? {} : { answer }),
    })
    browser = new HttpClient()
  }

  it('R17 is off unless the application turns it on', async () => {
    const plain = await startHost()
    try {
      const page = await browser.get(new URL('/device', plain.issuer))
      expect(page.status).to.equal(404)
    } finally {
      await plain.close()
    }
  })

  it('R17 gives the device its tokens after both factors, not before', async () => {
    const login = await confirm()
    expect(login.name).to.equal('host-login')
    const verify = await typePassword(login)
    expect(verify.name).to.equal('totp-verify')
    expect((await poll()).json.error).to.equal('authorization_pending')
    const resume = new URL(`/device/${uidOf(verify)}`, host.issuer)
    const stolen = new HttpClient({ jar: browser.jar.copy() })
    expect((await follow(host, stolen, await stolen.get(resume))).name).to.equal('host-login')
    expect((await poll()).json.error).to.equal('authorization_pending')
  })

  it('R17 says what was proved in the tokens of the device', async () => {
    const verify = await typePassword(await confirm())
    const answer = await browser.submit(verify, { code: nextCode(host, mira) })
    const done = await follow(host, browser, answer)
    expect(done.status).to.equal(200)
    const { status, json } = await poll()
    expect(status).to.equal(200)
    const payload = String(json.id_token).split('.')[1]!
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as object
    expect(claims).to.deep.include({
      sub: 'mira',
      acr: MULTI_FACTOR_ACR,
      amr: ['pwd', 'otp', 'mfa'],
    })
  })

  it('R17 is not passed by a login that was written into the stored interaction', async () => {
    const login = await confirm()
    const interactions = host.storage.hostRecords('Interaction')
    const stored = (await interactions.find(uidOf(login))) as AdapterPayload
    const result = { login: { accountId: 'mira' } }
    host.writes.length = 0
    await interactions.upsert(uidOf(login), { ...stored, result }, 3600)
    const resume = new URL(`/device/${uidOf(login)}`, host.issuer)
    expect((await follow(host, browser, await browser.get(resume))).name).to.equal('host-login')
    expect(signedInSessions(host.writes)).to.deep.equal([])
    expect((await poll()).json.error).to.equal('authorization_pending')
  })

  it('R17 asks for a fresh factor in a session that has shown both', async () => {
    await signIn(host, browser, mira)
    const verify = await confirm()
    expect(verify.name).to.equal('totp-verify')
    expect((await poll()).json.error).to.equal('authorization_pending')
    const done = await browser.submit(verify, { code: nextCode(host, mira) })
    expect((await follow(host, browser, done)).status).to.equal(200)
    expect((await poll()).status).to.equal(200)
  })

  for (const [name, parameters] of [
    ['prompt=login', { prompt: 'login' }],
    ['max_age=0', { max_age: '0' }],
  ] as const)
    it(`R25 asks for the password and the factor anew under ${name}, as a browser does`, async () => {
      await signIn(host, browser, mira)
      host.clock.at += 30
      await begin(parameters)
      const login = await confirm()
      expect(login.name).to.equal('host-login')
      const before = host.clock.at
      const verify = await typePassword(login)
      expect(verify.name).to.equal('totp-verify')
      const answer = await browser.submit(verify, { code: nextCode(host, mira) })
      expect((await follow(host, browser, answer)).status).to.equal(200)
      const { json } = await poll()
      const payload = String(json.id_token).split('.')[1]!
      const { auth_time: authTime } = JSON.parse(Buffer.from(payload, 'base64url').toString()) as {
        auth_time: number
      }
      expect(authTime).to.equal(before)
    })

  it('R25 asks for the password anew when max_age has passed', async () => {
    // The host compares max_age with the real time, not with the test's clock.
    let shownAt = Math.floor(Date.now() / 1000) - 100
    await startWith({}, (_host, request, response, accountId) =>
      host.mfa.interactionFinished(request, response, { login: { accountId, ts: shownAt } }),
    )
    mira = await enrolledPerson(host)
    await signIn(host, browser, mira)
    await begin({ max_age: '20' })
    const login = await confirm()
    expect(login.name).to.equal('host-login')
    shownAt = Math.floor(Date.now() / 1000)
    expect((await typePassword(login)).name).to.equal('totp-verify')
  })

  it('R17 a fresh factor of another request does not count for the device', async () => {
    await signIn(host, browser, mira, { prompt: 'mfa' })
    const verify = await confirm()
    expect(verify.name).to.equal('totp-verify')
    const asked = await browser.get(authorizeUrl(host, { prompt: 'mfa' }))
    const other = await follow(host, browser, asked)
    await follow(host, browser, await browser.submit(other, { code: nextCode(host, mira) }))
    const resume = new URL(`/device/${uidOf(verify)}`, host.issuer)
    await follow(host, browser, await browser.get(resume))
    expect((await poll()).json.error).to.equal('authorization_pending')
  })

  it('R17 asks somebody without a second factor for the password alone where nothing requires more', async () => {
    await startWith({ require: false })
    await begin()
    expect((await typePassword(await confirm(), 'noor')).status).to.equal(200)
    const { status, json } = await poll()
    expect(status).to.equal(200)
    const payload = String(json.id_token).split('.')[1]!
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as object
    expect(claims).to.deep.include({ sub: 'noor', acr: PASSWORD_ACR, amr: ['pwd'] })
  })

  it('R17 asks for that password anew in a session that has shown it: a session alone signs in no device', async () => {
    await startWith({ require: false })
    callbackOf(
      await typePassword(await follow(host, browser, await browser.get(authorizeUrl(host)))),
    )
    await begin()
    const login = await confirm()
    expect(login.name).to.equal('host-login')
    expect((await poll()).json.error).to.equal('authorization_pending')
    expect((await typePassword(login)).status).to.equal(200)
    expect((await poll()).status).to.equal(200)
  })

  it('R17 a person who gives up ends the code', async () => {
    const verify = await typePassword(await confirm())
    const cancelled = await browser.submit(verify, {}, { form: '[action$="/cancel"]' })
    await follow(host, browser, cancelled)
    expect((await poll()).json.error).to.equal('access_denied')
  })

  it('R20 tokens of a device end with the epoch', async () => {
    const verify = await typePassword(await confirm())
    await follow(host, browser, await browser.submit(verify, { code: nextCode(host, mira) }))
    await host.mfa.accounts.passwordChanged('mira')
    expect((await poll()).json.error).to.equal('invalid_grant')
  })

  it('R24 an essential acr of the device that nobody can reach fails', async () => {
    const acr = { essential: true, value: 'urn:unknown' }
    await begin({ claims: JSON.stringify({ id_token: { acr } }) })
    await confirm()
    expect((await poll()).json.error).to.equal('unmet_authentication_requirements')
  })
})

describe('a pushed authorization request', () => {
  afterEach(async () => host.close())

  it('R24 meets the same rule, whatever is added to it in the open', async () => {
    host = await startHost({
      mfa: { require: false },
      configuration: {
        features: {
          devInteractions: { enabled: false },
          claimsParameter: { enabled: true },
          pushedAuthorizationRequests: { enabled: true },
        },
      },
    })
    const acr = { essential: true, value: MULTI_FACTOR_ACR }
    const parameters = authorizeUrl(host, {
      claims: JSON.stringify({ id_token: { acr } }),
    }).searchParams
    const { json } = await asClient(host, '/request', Object.fromEntries(parameters))
    const url = new URL('/auth', host.issuer)
    url.search = new URLSearchParams({
      client_id: 'app',
      request_uri: String(json.request_uri),
      acr_values: 'urn:oidc-provider-mfa:password',
      claims: '{}',
    }).toString()
    const browser = new HttpClient()
    const login = await follow(host, browser, await browser.get(url))
    const answer = await browser.post(login.url, { username: 'mira', password: PASSWORD })
    const setUp = await follow(host, browser, answer)
    expect(setUp.name).to.equal('totp-enrol')
    const code = totpCode({ secret: secretOf(setUp) }, host.clock.at)
    const shown = await follow(host, browser, await browser.submit(setUp, { code }))
    const back = await follow(host, browser, await browser.submit(shown, { saved: 'yes' }))
    expect((await redeem(host, callbackOf(back))).claims.acr).to.equal(MULTI_FACTOR_ACR)
  })
})
