import { expect } from 'chai'
import type { AdapterFactory, AdapterPayload, Configuration } from 'oidc-provider'
import { overlay } from '../../src/host/overlay.ts'
import { MULTI_FACTOR_ACR, PASSWORD_ACR } from '../../src/index.ts'
import { schemaFaults } from '../support/authn-factors-schema.ts'
import { HttpClient } from '../support/http-client.ts'
import {
  callbackOf,
  CLIENT,
  defaultConfiguration,
  follow,
  PUBLIC_CLIENT,
  redeem,
  showPassword,
  startHost,
  type Host,
  type HostOptions,
} from './host.ts'
import { asClient, introspect, refresh, userinfo } from './relying-party.ts'
import { STORAGES } from './recorded-storage.ts'
import { enrolledPerson, nextCode, signIn, type Person } from './sign-in.ts'

const JWT_API = 'urn:example:jwt'
const OPAQUE_API = 'urn:example:opaque'
const SCOPE = 'openid email'
const ASKED = JSON.stringify({ id_token: { authn_factors: null } })

const HYBRID = {
  client_id: 'hybrid',
  redirect_uri: 'https://app.example/callback',
  response_type: 'code id_token token',
} as const

type Claims = Record<string, unknown>

const claimsIn = (token: unknown): Claims =>
  JSON.parse(Buffer.from(String(token).split('.')[1] ?? '', 'base64url').toString()) as Claims

/** An application with two APIs, one of each format, that gives each app what it asks for. */
function application(storage = STORAGES.memory!({ now: () => 0 })): Partial<Configuration> {
  const { features } = defaultConfiguration(storage)
  return {
    clients: [
      {
        ...CLIENT,
        grant_types: [...CLIENT.grant_types, 'urn:ietf:params:oauth:grant-type:device_code'],
      },
      {
        ...CLIENT,
        client_id: 'hybrid',
        redirect_uris: [HYBRID.redirect_uri],
        grant_types: ['authorization_code', 'implicit'],
        response_types: [HYBRID.response_type],
      },
      PUBLIC_CLIENT,
    ],
    responseTypes: ['code', HYBRID.response_type],
    features: {
      ...features,
      clientCredentials: { enabled: true },
      deviceFlow: { enabled: true },
      resourceIndicators: {
        enabled: true,
        useGrantedResource: () => true,
        getResourceServerInfo: (_ctx, resource) => ({
          scope: 'email',
          accessTokenFormat: resource === JWT_API ? 'jwt' : 'opaque',
        }),
      },
    },
    rotateRefreshToken: true,
    issueRefreshToken: async () => true,
    async loadExistingGrant({ oidc: { client, session, provider } }) {
      const { clientId } = client!
      const grant = new provider.Grant({ clientId, accountId: session!.accountId! })
      grant.addOIDCScope(`${SCOPE} authn`)
      grant.addOIDCClaims(['authn_factors'])
      for (const api of [JWT_API, OPAQUE_API]) grant.addResourceScope(api, 'email')
      await grant.save()
      return grant
    },
  }
}

let host: Host
let mira: Person

async function begin({ configuration, ...options }: HostOptions = {}): Promise<void> {
  host = await startHost({ ...options, configuration: { ...application(), ...configuration } })
  mira = await enrolledPerson(host)
}

/** Signs the person in and answers the tokens, with the claims of the ID token. */
async function tokensFor(
  parameters: Record<string, string> = {},
): Promise<{ tokens: Record<string, string>; claims: Claims }> {
  const asked = { scope: SCOPE, prompt: 'login', ...parameters }
  const back = await signIn(host, mira.browser, mira, asked)
  const answer = await redeem(host, callbackOf(back))
  expect(answer.status, JSON.stringify(answer.tokens)).to.equal(200)
  return answer
}

const levelIn = ({ acr, amr, auth_time }: Claims): Claims => ({ acr, amr, auth_time })

describe('the authentication that a token asserts', () => {
  beforeEach(() => begin())
  afterEach(() => host.close())

  it('R27 R45 stands in a JWT access token as in the ID token, and stays through two refreshes', async () => {
    const { tokens: first, claims } = await tokensFor({ resource: JWT_API })
    let tokens = first
    const level = levelIn(claims)
    expect(level).to.deep.include({ acr: MULTI_FACTOR_ACR, amr: ['pwd', 'otp', 'mfa'] })
    for (const round of [0, 1, 2]) {
      expect(claimsIn(tokens.access_token), `${round}`).to.deep.include({ aud: JWT_API, ...level })
      expect(levelIn(claimsIn(tokens.id_token)), `${round}`).to.deep.equal(level)
      host.clock.at += 100
      tokens = (await refresh(host, tokens.refresh_token!)).json as Record<string, string>
    }
  })

  for (const [kind, parameters] of [
    ['an access token', {}],
    ['an access token for an API', { resource: OPAQUE_API }],
  ] as const)
    it(`R27 R45 is in the introspection of ${kind} and of its refresh token, and stays through two refreshes`, async () => {
      const { tokens: first, claims } = await tokensFor(parameters)
      let tokens = first
      for (const round of [0, 1, 2]) {
        for (const name of ['access_token', 'refresh_token']) {
          const { json } = await introspect(host, tokens[name]!)
          expect(json, `${name} ${round}`).to.deep.include({ active: true, ...levelIn(claims) })
          expect(json).not.to.have.property('authn_factors')
        }
        tokens = (await refresh(host, tokens.refresh_token!)).json as Record<string, string>
      }
    })

  it('R27 is the same in both tokens of the hybrid flow', async () => {
    const back = await signIn(host, mira.browser, mira, { ...HYBRID, prompt: 'login' })
    const given = new URLSearchParams(back.location!.hash.slice(1))
    const level = levelIn(claimsIn(given.get('id_token')))
    expect(level.acr).to.equal(MULTI_FACTOR_ACR)
    expect((await introspect(host, given.get('access_token')!)).json).to.deep.include(level)
    const { tokens } = await redeem(host, given, 'hybrid', HYBRID.redirect_uri)
    expect((await introspect(host, tokens.access_token!)).json).to.deep.include(level)
  })

  it('R17 R27 is that of the person who confirmed, in the device flow', async () => {
    const started = await asClient(host, '/device/auth', { scope: SCOPE, claims: ASKED })
    const tokens = await confirmedDevice(started.json)
    const level = levelIn(claimsIn(tokens.id_token))
    expect(level).to.deep.include({ acr: MULTI_FACTOR_ACR, amr: ['pwd', 'otp', 'mfa'] })
    const { json } = await introspect(host, tokens.access_token!)
    expect(json).to.deep.include(level)
    expect(json.authn_factors).to.deep.equal(claimsIn(tokens.id_token).authn_factors)
    const again = (await refresh(host, tokens.refresh_token!)).json
    expect((await introspect(host, String(again.access_token))).json).to.deep.include(level)
  })

  it('R27 is what the request asserts and not the session, where a lower level was asked for', async () => {
    const { tokens } = await tokensFor({
      claims: JSON.stringify({ id_token: { acr: { essential: true, value: PASSWORD_ACR } } }),
    })
    const { json } = await introspect(host, tokens.access_token!)
    expect(json.acr).to.equal(claimsIn(tokens.id_token).acr)
  })

  it('is not in the token of an app that acts for nobody', async () => {
    const { json } = await introspect(host, String((await clientToken()).json.access_token))
    expect(json.active).to.equal(true)
    expect(json).not.to.have.any.keys('acr', 'amr', 'auth_time')
  })
})

describe('the claim authn_factors', () => {
  beforeEach(() => begin())
  afterEach(() => host.close())

  const factor = (amr: string, kind: string, time: unknown): Claims => ({
    amr: [amr],
    kinds: [kind],
    phishing_resistant: false,
    time,
  })

  /** The claim in each place where an app can read it. */
  async function shownIn(tokens: Record<string, string>, isForApi = false): Promise<unknown[]> {
    const places = [claimsIn(tokens.id_token)]
    for (const token of [tokens.access_token!, tokens.refresh_token!])
      places.push((await introspect(host, token)).json)
    if (!isForApi) places.push((await userinfo(host, tokens.access_token!)).json)
    return places.map((place) => place.authn_factors)
  }

  for (const [way, parameters] of [
    ['claims.id_token', { claims: ASKED }],
    ['claims.userinfo', { claims: JSON.stringify({ userinfo: { authn_factors: null } }) }],
    ['the scope authn', { scope: `${SCOPE} authn` }],
  ] as const)
    it(`R45 has each proof with its time, the newest first, asked for by ${way}, through two refreshes`, async () => {
      const { tokens: first, claims } = await tokensFor(parameters)
      let tokens = first
      const factors = claims.authn_factors as { time: number }[]
      expect(factors).to.deep.equal([
        factor('otp', 'possession', host.clock.at),
        factor('pwd', 'knowledge', claims.auth_time),
      ])
      for (const round of [0, 1, 2]) {
        for (const shown of await shownIn(tokens)) {
          expect(shown, `${round}`).to.deep.equal(factors)
          expect(schemaFaults(shown)).to.deep.equal([])
        }
        host.clock.at += 100
        tokens = (await refresh(host, tokens.refresh_token!)).json as Record<string, string>
      }
    })

  it('R45 is in the access tokens of APIs, JWT and opaque', async () => {
    const jwt = await tokensFor({ claims: ASKED, resource: JWT_API })
    expect(claimsIn(jwt.tokens.access_token).authn_factors).to.deep.equal(jwt.claims.authn_factors)
    const opaque = await tokensFor({ claims: ASKED, resource: OPAQUE_API })
    for (const shown of await shownIn(opaque.tokens, true))
      expect(shown).to.deep.equal(opaque.claims.authn_factors)
  })

  it('is nowhere where nobody asks for it', async () => {
    const { tokens } = await tokensFor()
    expect(await shownIn(tokens)).to.deep.equal(Array(4).fill(undefined))
    const { tokens: forApi } = await tokensFor({ resource: JWT_API })
    expect(claimsIn(forApi.access_token)).not.to.have.property('authn_factors')
  })

  it('R45 cannot be injected by the app, nor by the account', async () => {
    const forged = [{ amr: ['hwk'], time: 1 }]
    await host.close()
    await begin({
      configuration: {
        findAccount: async (_ctx, sub) => ({
          accountId: sub,
          claims: async () => ({ sub, authn_factors: forged }),
        }),
        extraTokenClaims: async () => ({ authn_factors: forged, acr: 'forged', tenant: 'north' }),
      },
    })
    const plain = await tokensFor()
    expect(await shownIn(plain.tokens)).to.deep.equal(Array(4).fill(undefined))
    const about = (await introspect(host, plain.tokens.access_token!)).json
    expect(about).to.deep.include({ tenant: 'north', acr: MULTI_FACTOR_ACR })
    const asked = await tokensFor({
      claims: JSON.stringify({
        id_token: { authn_factors: { value: forged } },
        authn_factors: forged,
        mfaBasis: { proofs: forged, tellsFactors: true },
      }),
    })
    for (const shown of await shownIn(asked.tokens))
      expect(shown).to.have.length(2).and.not.to.deep.include(forged[0])
  })

  it('is in discovery, with its scope', async () => {
    const found = await fetch(new URL('/.well-known/openid-configuration', host.issuer))
    const discovery = (await found.json()) as Record<string, string[]>
    expect(discovery.claims_supported).to.include.members(['acr', 'amr', 'authn_factors'])
    expect(discovery.scopes_supported).to.include('authn')
  })
})

const asks = (when: object = {}, rest: object = {}) => ({
  rules: [{ name: 'tightened', when, require: 'multi-factor', ...rest }],
})

describe('a token after the policy was tightened', () => {
  afterEach(() => host.close())

  let tokens: Record<string, string>

  /** A sign-in by the password alone. */
  async function beginWithPassword(mfa: HostOptions['mfa'] = {}): Promise<void> {
    host = await startHost({
      mfa: { require: false, ...mfa },
      configuration: application(),
    })
    const browser = new HttpClient()
    const back = await showPassword(host, browser, 'noah', { scope: SCOPE })
    ;({ tokens } = await redeem(host, callbackOf(back)))
    expect(claimsIn(tokens.id_token).acr).to.equal(PASSWORD_ACR)
  }

  /** Whether the access token counts at introspection and at userinfo. Both answer alike. */
  async function isActive(token = tokens.access_token!): Promise<unknown> {
    const { active } = (await introspect(host, token)).json
    expect((await userinfo(host, token)).status).to.equal(active === true ? 200 : 401)
    return active
  }

  it('R45 is not active, and refreshes no more, while it rests on less than a rule asks', async () => {
    await beginWithPassword()
    host.mfa.setPolicy(asks())
    expect(await isActive()).to.equal(false)
    expect((await introspect(host, tokens.refresh_token!)).json.active).to.equal(false)
    const refused = await refresh(host, tokens.refresh_token!)
    expect(refused.json.error).to.equal('invalid_grant')
    // The refused token was not used up: a rule that was a mistake signs nobody out.
    host.mfa.setPolicy({ rules: [] })
    expect(await isActive()).to.equal(true)
    expect((await refresh(host, tokens.refresh_token!)).status).to.equal(200)
  })

  it('R45 is judged where the plugin has its account pages too', async () => {
    await beginWithPassword({ account: true })
    host.mfa.setPolicy(asks())
    expect(await isActive()).to.equal(false)
  })

  for (const [condition, matching, other] of [
    ['the app', { client: 'app' }, { client: 'other' }],
    ['a group', { group: 'staff' }, { group: 'guests' }],
    ['a scope', { scope: 'email' }, { scope: 'openid-of-another' }],
  ] as const)
    it(`R45 is judged by a rule for ${condition}`, async () => {
      await beginWithPassword({
        describe: ({ accountId }) => ({ label: accountId, groups: ['staff'] }),
      })
      host.mfa.setPolicy(asks(other))
      expect(await isActive()).to.equal(true)
      host.mfa.setPolicy(asks(matching))
      expect(await isActive()).to.equal(false)
      expect((await refresh(host, tokens.refresh_token!)).json.error).to.equal('invalid_grant')
    })

  it('R45 is judged as one of its own app, also where another app asks about it', async () => {
    await beginWithPassword()
    const isActiveFor = async (clientId: string): Promise<unknown> => {
      const fields = { token: tokens.access_token! }
      return (await asClient(host, '/token/introspection', fields, clientId)).json.active
    }
    for (const [client, isLeft] of [
      ['hybrid', true],
      ['app', false],
    ] as const) {
      host.mfa.setPolicy(asks({ client }))
      for (const asking of ['app', 'hybrid'])
        expect(await isActiveFor(asking), `${client} ${asking}`).to.equal(isLeft)
    }
  })

  it('tells an app without a secret of its own tokens alone', async () => {
    await beginWithPassword()
    const form = { client_id: PUBLIC_CLIENT.client_id, token: tokens.access_token! }
    const response = await fetch(new URL('/token/introspection', host.issuer), {
      method: 'POST',
      body: new URLSearchParams(form),
    })
    expect(await response.json()).to.deep.equal({ active: false })
    expect(await isActive()).to.equal(true)
  })

  it('R45 is judged by `require` too', async () => {
    let required = false
    await beginWithPassword({ require: () => required })
    expect(await isActive()).to.equal(true)
    required = true
    expect(await isActive()).to.equal(false)
  })

  it('R45 keeps the result of the network and of the new browser from its authorization', async () => {
    await beginWithPassword({ policy: asks({ network: '192.0.2.0/24' }) })
    expect(await isActive()).to.equal(true)
    host.mfa.setPolicy(asks({ network: '127.0.0.0/8' }))
    expect(await isActive()).to.equal(true)
    host.mfa.setPolicy(asks({ network: '!192.0.2.0/24' }))
    expect(await isActive()).to.equal(false)
    // The sign-in has made the browser known; it was new when the policy was asked.
    host.mfa.setPolicy(asks({ newBrowser: false }))
    expect(await isActive()).to.equal(true)
    host.mfa.setPolicy(asks({ newBrowser: true }))
    expect(await isActive()).to.equal(false)
  })

  it('R47 tells the audit trail that a rule has ended it, with the rule', async () => {
    await beginWithPassword()
    await host.mfa.settled()
    const before = host.events.length
    host.mfa.setPolicy(asks())
    expect(await isActive()).to.equal(false)
    await host.mfa.settled()
    const told = host.events.slice(before).filter(({ type }) => type === 'policy-decided')
    // At introspection and at userinfo.
    expect(told).to.have.length(2)
    for (const { detail } of told)
      expect(detail).to.deep.include({ decision: 'refuse', rules: ['tightened'] })
  })

  it('R47 tells the audit trail once that a rule has refused a refresh, with the rule and the app', async () => {
    await beginWithPassword()
    await host.mfa.settled()
    const before = host.events.length
    host.mfa.setPolicy(asks())
    expect((await refresh(host, tokens.refresh_token!)).json.error).to.equal('invalid_grant')
    await host.mfa.settled()
    const told = host.events.slice(before).filter(({ type }) => type === 'policy-decided')
    expect(told).to.have.length(1)
    expect(told[0]).to.have.property('accountId', 'noah')
    expect(told[0]?.detail).to.deep.include({
      decision: 'refuse',
      rules: ['tightened'],
      clientId: 'app',
    })
  })

  it('R45 with both factors goes on, whatever time passes since they were shown', async () => {
    await begin({ mfa: { policy: asks({}, { maxAgeSeconds: 60 }) } })
    ;({ tokens } = await tokensFor())
    host.clock.at += 1000
    expect(await isActive()).to.equal(true)
    const again = (await refresh(host, tokens.refresh_token!)).json
    expect(await isActive(String(again.access_token))).to.equal(true)
  })

  it('R20 of an account that is gone is not active', async () => {
    let isGone = false
    await begin({
      configuration: {
        findAccount: async (_ctx, sub) =>
          isGone ? undefined : { accountId: sub, claims: async () => ({ sub }) },
      },
    })
    ;({ tokens } = await tokensFor())
    isGone = true
    expect(await isActive()).to.equal(false)
  })
})

describe('a token that keeps no basis', () => {
  afterEach(() => host.close())

  /** Whether the storage is that of a release that keeps no basis, or of a host without the plugin. */
  let isOfBefore = true

  /** The adapter of a release that drops the basis of each code and token. */
  const forgetful: AdapterFactory = (name) => {
    const inner = records(name)
    return overlay(inner, {
      upsert: (id: string, { mfaBasis, ...payload }: AdapterPayload, expiresIn: number) =>
        inner.upsert(id, isOfBefore ? payload : { ...payload, mfaBasis }, expiresIn),
    })
  }
  let records: AdapterFactory

  const withForgetful = (): Partial<Configuration> => {
    records = STORAGES.memory!({ now: () => Math.floor(Date.now() / 1000) }).hostRecords
    return { ...application(), adapter: forgetful }
  }

  /** A sign-in by the password alone, whose tokens keep no basis. */
  async function beginBefore(): Promise<Record<string, string>> {
    isOfBefore = true
    host = await startHost({ mfa: { require: false }, configuration: withForgetful() })
    const back = await showPassword(host, new HttpClient(), 'noah', { scope: SCOPE })
    return (await redeem(host, callbackOf(back))).tokens
  }

  const isActive = async (token: string): Promise<unknown> =>
    (await introspect(host, token)).json.active

  it('R45 counts as a password: it goes on until a rule asks for more', async () => {
    const tokens = await beginBefore()
    expect(await isActive(tokens.access_token!)).to.equal(true)
    host.mfa.setPolicy(asks())
    expect(await isActive(tokens.access_token!)).to.equal(false)
    expect(await isActive(tokens.refresh_token!)).to.equal(false)
    expect((await userinfo(host, tokens.access_token!)).status).to.equal(401)
    expect((await refresh(host, tokens.refresh_token!)).json.error).to.equal('invalid_grant')
    host.mfa.setPolicy({ rules: [{ name: 'young', maxAgeSeconds: 60 }] })
    expect((await refresh(host, tokens.refresh_token!)).status).to.equal(200)
  })

  it('R45 counts as a password although it says a higher level', async () => {
    isOfBefore = false
    await begin({ configuration: withForgetful() })
    const back = await signIn(host, mira.browser, mira, { scope: SCOPE, prompt: 'login' })
    isOfBefore = true
    const { tokens, claims } = await redeem(host, callbackOf(back))
    expect(claims.acr).to.equal(MULTI_FACTOR_ACR)
    expect(await isActive(tokens.access_token!)).to.equal(false)
    expect((await refresh(host, tokens.refresh_token!)).json.error).to.equal('invalid_grant')
  })

  it('R45 hands no basis to the tokens that a refresh makes of it', async () => {
    const tokens = await beginBefore()
    isOfBefore = false
    const again = (await refresh(host, tokens.refresh_token!)).json
    expect(await isActive(String(again.access_token))).to.equal(true)
    host.mfa.setPolicy(asks())
    expect(await isActive(String(again.access_token))).to.equal(false)
    expect((await refresh(host, String(again.refresh_token))).json.error).to.equal('invalid_grant')
  })

  it('R45 says what it is judged by, in each place and through two refreshes: the first level, and no factor', async () => {
    const before = { acr: MULTI_FACTOR_ACR, amr: ['pwd', 'otp', 'mfa'] }
    const factors = { authn_factors: [{ amr: ['otp'], time: 1 }] }
    isOfBefore = true
    const configuration = withForgetful()
    const inner = records
    records = (name) =>
      overlay(inner(name), {
        upsert: (id: string, payload: AdapterPayload, expiresIn: number) =>
          inner(name).upsert(
            id,
            name === 'AccessToken'
              ? { ...payload, extra: { ...payload.extra, ...before, ...factors } }
              : { ...payload, ...(/Code$|^RefreshToken$/.test(name) ? before : {}) },
            expiresIn,
          ),
      })
    host = await startHost({ mfa: { require: false }, configuration })
    const asked = { scope: SCOPE, claims: ASKED, resource: '' }
    for (const resource of [JWT_API, OPAQUE_API]) {
      const back = await showPassword(host, new HttpClient(), 'noah', { ...asked, resource })
      let { tokens } = await redeem(host, callbackOf(back))
      for (const round of [0, 1, 2]) {
        const places = [claimsIn(tokens.id_token)]
        if (resource === JWT_API) places.push(claimsIn(tokens.access_token))
        else places.push((await introspect(host, tokens.access_token!)).json)
        places.push((await introspect(host, tokens.refresh_token!)).json)
        for (const [place, said] of places.entries()) {
          expect(said, `${resource} ${round} ${place}`).to.include({ acr: PASSWORD_ACR })
          expect(said).to.not.have.any.keys('amr', 'authn_factors')
          expect(said.auth_time).to.be.a('number')
        }
        tokens = (await refresh(host, tokens.refresh_token!)).json as Record<string, string>
      }
    }
  })

  it('goes on if it belongs to no person', async () => {
    await beginBefore()
    const { json } = await clientToken()
    host.mfa.setPolicy(asks())
    expect(await isActive(String(json.access_token))).to.equal(true)
  })

  it("goes on if the application's own code has made it", async () => {
    await beginBefore()
    const { Client, Grant, AccessToken } = host.provider
    const client = (await Client.find('app'))!
    const grant = new Grant({ accountId: 'noah', clientId: 'app' })
    const token = new AccessToken({
      accountId: 'noah',
      client,
      grantId: await grant.save(),
      scope: 'email',
    } as never)
    const value = await token.save()
    host.mfa.setPolicy(asks())
    expect(await isActive(value)).to.equal(true)
  })
})

async function clientToken(): Promise<Awaited<ReturnType<typeof asClient>>> {
  const { provider } = host
  const client = await provider.Client.find('app')
  const token = new provider.ClientCredentials({ client: client!, scope: 'email' })
  return { status: 200, json: { access_token: await token.save() } }
}

/** Confirms a device's code as the person, and answers the tokens of the device. */
async function confirmedDevice(started: Record<string, unknown>): Promise<Record<string, string>> {
  const { browser } = mira
  const entry = await browser.get(new URL('/device', host.issuer))
  const xsrf = /name="xsrf" value="([^"]+)"/.exec(entry.body)![1]!
  const code = { xsrf, user_code: String(started.user_code) }
  await browser.post(new URL('/device', host.issuer).href, code)
  const confirmed = await browser.post(new URL('/device', host.issuer).href, {
    ...code,
    confirm: 'yes',
  })
  let page = await follow(host, browser, confirmed)
  if (page.name === 'host-login')
    page = await follow(
      host,
      browser,
      await browser.post(page.url, { username: 'mira', password: 'secret' }),
    )
  if (page.name === 'totp-verify')
    page = await follow(host, browser, await browser.submit(page, { code: nextCode(host, mira) }))
  const { json } = await asClient(host, '/token', {
    grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
    device_code: String(started.device_code),
  })
  expect(json, page.body.slice(0, 300)).to.have.property('access_token')
  return json as Record<string, string>
}
