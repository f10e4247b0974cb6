import { expect } from 'chai'
import { SignJWT } from 'jose'
import {
  MULTI_FACTOR_ACR,
  PASSWORD_ACR,
  PHISHING_RESISTANT_ACR,
  type MfaOptions,
} from '../../src/index.ts'
import {
  authorizeUrl,
  CLIENT,
  defaultConfiguration,
  follow,
  PASSWORD,
  redeem,
  startHost,
  type Host,
} from '../plugin/host.ts'
import { decisionSeen } from '../plugin/policy-page.ts'
import { STORAGES } from '../plugin/recorded-storage.ts'
import { asClient, type Answered } from '../plugin/relying-party.ts'
import { enrolledPerson, signIn, uidOf } from '../plugin/sign-in.ts'
import { secretOf } from '../support/enrolment.ts'
import { HttpClient, type Page } from '../support/http-client.ts'
import { totpCode } from '../support/totp.ts'

const DEVICE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code'

/** The time since the sign-in, in seconds, at which each request comes. */
const SINCE_SIGN_IN = 1000

type Parameters = Readonly<Record<string, string>>

/** Parameters that would lower what is asked for, if they were read beside those of the signed or pushed request. */
const CONTRADICTION: Parameters = {
  acr_values: PASSWORD_ACR,
  claims: JSON.stringify({ id_token: { acr: { value: PASSWORD_ACR } } }),
  max_age: '100000',
  prompt: 'consent',
}

const acr = (request: unknown): Parameters => ({
  claims: JSON.stringify({ id_token: { acr: request } }),
})
const essential = (value: string, rest: object = {}): Parameters =>
  acr({ essential: true, value, ...rest })

interface Asked {
  readonly name: string
  /** `hint`: stands for an ID token of somebody else. */
  readonly parameters: Parameters
  /** The page at which a person with a session stops, or the answer that the app gets. */
  readonly seen: string
  /** The same for the person who confirms a device. The device flow always asks for a factor (R17). */
  readonly onDevice?: string
}

const ASKED: readonly Asked[] = [
  { name: 'no level', parameters: {}, seen: 'pass' },
  { name: 'acr_values', parameters: { acr_values: MULTI_FACTOR_ACR }, seen: 'pass' },
  {
    name: 'acr_values that the person cannot reach',
    parameters: { acr_values: PHISHING_RESISTANT_ACR },
    seen: 'pass',
  },
  { name: 'an essential acr', parameters: essential(MULTI_FACTOR_ACR), seen: 'pass' },
  {
    name: 'an essential acr that nobody can reach',
    parameters: essential('urn:unknown'),
    seen: 'refuse',
    onDevice: 'unmet_authentication_requirements',
  },
  {
    name: 'an essential acr that nobody can reach, beside acr_values that are reached',
    parameters: { ...essential('urn:unknown'), acr_values: PASSWORD_ACR },
    seen: 'refuse',
    onDevice: 'unmet_authentication_requirements',
  },
  { name: 'acr.max_age', parameters: acr({ max_age: SINCE_SIGN_IN - 1 }), seen: 'verify' },
  { name: 'acr.max_age that is kept', parameters: acr({ max_age: 5000 }), seen: 'pass' },
  { name: 'max_age', parameters: { max_age: '500' }, seen: 'login', onDevice: 'login' },
  { name: 'max_age=0', parameters: { max_age: '0' }, seen: 'login', onDevice: 'login' },
  { name: 'max_age that is kept', parameters: { max_age: '5000' }, seen: 'pass' },
  { name: 'prompt=login', parameters: { prompt: 'login' }, seen: 'login', onDevice: 'login' },
  { name: 'prompt=mfa', parameters: { prompt: 'mfa' }, seen: 'verify' },
  { name: 'prompt=none', parameters: { prompt: 'none' }, seen: 'pass' },
  {
    name: 'prompt=none with an acr.max_age that is over',
    parameters: { ...acr({ max_age: SINCE_SIGN_IN - 1 }), prompt: 'none' },
    seen: 'interaction_required',
  },
  {
    name: 'an id_token_hint of somebody else',
    parameters: { id_token_hint: 'hint' },
    seen: 'login',
    onDevice: 'login',
  },
  {
    name: 'an id_token_hint of somebody else, with prompt=none',
    parameters: { id_token_hint: 'hint', prompt: 'none' },
    seen: 'login_required',
    onDevice: 'login',
  },
]

const configuration = () => ({
  clients: [{ ...CLIENT, grant_types: [...CLIENT.grant_types, DEVICE_GRANT] }],
  features: {
    ...defaultConfiguration(STORAGES.memory!({ now: () => 0 })).features,
    deviceFlow: { enabled: true },
    jwtResponseModes: { enabled: true },
    pushedAuthorizationRequests: { enabled: true },
    requestObjects: { enabled: true },
  },
})

const begin = (mfa: Partial<MfaOptions> = {}): Promise<Host> =>
  startHost({ mfa, configuration: configuration() })

/** A request object that is signed with the client's secret. Whole numbers and claims stand in it as JSON. */
async function objectOf(host: Host, parameters: Parameters): Promise<string> {
  const { claims, max_age: maxAge, ...texts } = parameters
  return new SignJWT({
    ...texts,
    ...(claims === undefined ? {} : { claims: JSON.parse(claims) as unknown }),
    ...(maxAge === undefined ? {} : { max_age: Number(maxAge) }),
  })
    .setProtectedHeader({ alg: 'HS256' })
    .setIssuer(CLIENT.client_id)
    .setAudience(host.issuer)
    .setExpirationTime(Math.floor(Date.now() / 1000) + 3600)
    .sign(Buffer.from(CLIENT.client_secret))
}

const queryOf = (host: Host, parameters: Parameters): Parameters =>
  Object.fromEntries(authorizeUrl(host, parameters).searchParams)

/** The address of an authorization request with these parameters and no others. */
function addressOf(host: Host, parameters: Parameters): URL {
  const url = new URL('/auth', host.issuer)
  url.search = new URLSearchParams(parameters).toString()
  return url
}

/** Brings a request to the provider: answers the address for the browser, or the refusal of an endpoint. */
type Channel = (host: Host, parameters: Parameters) => Promise<URL | Answered>

async function pushed(host: Host, fields: Parameters, beside: Parameters): Promise<URL | Answered> {
  const answer = await asClient(host, '/request', fields)
  const { request_uri: uri } = answer.json
  return typeof uri === 'string'
    ? addressOf(host, { client_id: CLIENT.client_id, request_uri: uri, ...beside })
    : answer
}

const signed = async (host: Host, parameters: Parameters): Promise<Parameters> => ({
  client_id: CLIENT.client_id,
  request: await objectOf(host, queryOf(host, parameters)),
})

const CHANNELS: Readonly<Record<string, Channel>> = {
  'the query': async (host, parameters) => authorizeUrl(host, parameters),
  'a signed request object': async (host, parameters) =>
    addressOf(host, await signed(host, parameters)),
  'a signed request object with other parameters outside': async (host, parameters) =>
    addressOf(host, { ...queryOf(host, CONTRADICTION), ...(await signed(host, parameters)) }),
  'a pushed request': (host, parameters) => pushed(host, queryOf(host, parameters), {}),
  'a pushed request with other parameters in the query': (host, parameters) =>
    pushed(host, queryOf(host, parameters), CONTRADICTION),
  'a pushed request object with other parameters outside': async (host, parameters) =>
    pushed(host, { ...CONTRADICTION, ...(await signed(host, parameters)) }, CONTRADICTION),
}

type DeviceChannel = (host: Host, parameters: Parameters) => Promise<Answered>

const DEVICE_CHANNELS: Readonly<Record<string, DeviceChannel>> = {
  'a device': (host, parameters) =>
    asClient(host, '/device/auth', { scope: 'openid email', ...parameters }),
  'a request object of a device': async (host, parameters) =>
    asClient(host, '/device/auth', {
      ...CONTRADICTION,
      request: await objectOf(host, {
        client_id: CLIENT.client_id,
        scope: 'openid email',
        ...parameters,
      }),
    }),
}

/** Confirms the code of a device, and stops at the first page that asks for a proof. */
async function confirm(host: Host, browser: HttpClient, started: Answered): Promise<Page> {
  const device = new URL('/device', host.issuer)
  const entry = await browser.get(device)
  const xsrf = /name="xsrf" value="([^"]+)"/.exec(entry.body)?.[1] ?? ''
  const code = { xsrf, user_code: String(started.json.user_code) }
  await browser.post(device.href, code)
  return follow(host, browser, await browser.post(device.href, { ...code, confirm: 'yes' }))
}

const poll = (host: Host, started: Answered): Promise<Answered> =>
  asClient(host, '/token', {
    grant_type: DEVICE_GRANT,
    device_code: String(started.json.device_code),
  })

describe('a request for a level, a time or a prompt', () => {
  let host: Host
  let signedIn: HttpClient
  let browser: HttpClient
  let hint: string
  before(async () => {
    host = await begin()
    const noah = await enrolledPerson(host, 'noah')
    const back = await signIn(host, noah.browser, noah, { prompt: 'login' })
    const { tokens } = await redeem(host, back.location!.searchParams)
    hint = tokens.id_token!
    const mira = await enrolledPerson(host)
    await signIn(host, mira.browser, mira, { prompt: 'login' })
    signedIn = mira.browser
    host.clock.at += SINCE_SIGN_IN
  })
  after(() => host.close())
  // No request is answered, so that the session stays as it is.
  beforeEach(() => {
    browser = new HttpClient({ jar: signedIn.jar.copy() })
  })

  const withHint = ({ parameters }: Asked): Parameters =>
    parameters.id_token_hint === undefined ? parameters : { ...parameters, id_token_hint: hint }

  for (const [channel, bring] of Object.entries(CHANNELS))
    describe(`by ${channel}`, () => {
      // An app that asks for a level in vain more than twice in a minute leads the person to a page.
      before(() => {
        host.clock.at += 100
      })
      for (const asked of ASKED)
        it(`R24 R25 stops at ${asked.seen} for ${asked.name}`, async () => {
          const address = await bring(host, withHint(asked))
          if (!(address instanceof URL)) expect.fail(JSON.stringify(address))
          const page = await follow(host, browser, await browser.get(address))
          expect(decisionSeen(page)).to.equal(asked.seen)
        })

      it('refuses an acr.max_age that is no whole number', async () => {
        for (const age of [-1, 1.5, '300', null]) {
          const address = await bring(host, essential(MULTI_FACTOR_ACR, { max_age: age }))
          const error =
            address instanceof URL
              ? (await browser.get(address)).location?.searchParams.get('error')
              : address.json.error
          expect(error, JSON.stringify(age)).to.equal('invalid_request')
        }
      })

      it('shows the login page the login_hint', async () => {
        const address = await bring(host, { login_hint: 'mira@example.com' })
        const stranger = new HttpClient()
        const page = await follow(host, stranger, await stranger.get(address as URL))
        expect(page.name).to.equal('host-login')
        const { params } = (await host.provider.Interaction.find(uidOf(page)))!
        expect(params.login_hint).to.equal('mira@example.com')
      })
    })

  for (const [channel, bring] of Object.entries(DEVICE_CHANNELS))
    describe(`by ${channel}`, () => {
      for (const asked of ASKED.filter(({ name }) => !name.startsWith('prompt=none')))
        it(`R17 R24 R25 stops at ${asked.onDevice ?? 'verify'} for ${asked.name}`, async () => {
          const started = await bring(host, withHint(asked))
          expect(started.status, JSON.stringify(started.json)).to.equal(200)
          const page = await confirm(host, browser, started)
          const { error } = (await poll(host, started)).json
          const seen = error === 'authorization_pending' ? decisionSeen(page) : error
          expect(seen, page.body.slice(0, 300)).to.equal(asked.onDevice ?? 'verify')
        })

      it('refuses an acr.max_age that is no whole number before the person sees a page', async () => {
        for (const age of [-1, 1.5, '300', null]) {
          const { json } = await bring(host, essential(MULTI_FACTOR_ACR, { max_age: age }))
          expect(json.error, JSON.stringify(age)).to.equal('invalid_request')
        }
      })
    })
})

describe('the refusal of a request', () => {
  let host: Host
  before(async () => {
    host = await begin()
  })
  after(() => host.close())

  const REFUSED: readonly (readonly [string, Parameters])[] = [
    ['unmet_authentication_requirements', essential('urn:unknown')],
    ['invalid_request', essential(MULTI_FACTOR_ACR, { max_age: -1 })],
    ['login_required', { prompt: 'none' }],
  ]
  const MODES: Readonly<Record<string, (page: Page) => Parameters>> = {
    query: ({ location }) => Object.fromEntries(location!.searchParams),
    fragment: ({ location }) => Object.fromEntries(new URLSearchParams(location!.hash.slice(1))),
    form_post: ({ body }) =>
      Object.fromEntries(
        [...body.matchAll(/name="(\w+)" value="([^"]*)"/g)].map(([, name, value]) => [name, value]),
      ),
    'query.jwt': ({ location }) => claimsIn(location!.searchParams.get('response')),
    jwt: ({ location }) => claimsIn(location!.searchParams.get('response')),
  }

  for (const channel of ['the query', 'a signed request object', 'a pushed request'])
    for (const [mode, read] of Object.entries(MODES))
      it(`comes back by ${mode} for ${channel}`, async () => {
        for (const [error, parameters] of REFUSED) {
          const asked = { ...parameters, response_mode: mode }
          const address = await CHANNELS[channel]!(host, asked)
          if (!(address instanceof URL)) {
            // The endpoint for pushed requests has told the app itself.
            expect(address.json.error).to.equal('invalid_request').and.to.equal(error)
            continue
          }
          const page = await new HttpClient().get(address)
          expect(read(page), error).to.deep.include({ error, state: 'the-state' })
        }
      })
})

const claimsIn = (token: unknown): Record<string, string> =>
  JSON.parse(Buffer.from(String(token).split('.')[1] ?? '', 'base64url').toString()) as Record<
    string,
    string
  >

describe('an essential acr of a device, where the factor is optional', () => {
  let host: Host
  before(async () => {
    host = await begin({ require: false })
  })
  after(() => host.close())

  for (const [channel, bring] of Object.entries(DEVICE_CHANNELS))
    it(`R17 R24 makes a person without a factor set one up, by ${channel}`, async () => {
      const started = await bring(host, essential(MULTI_FACTOR_ACR, { max_age: 0 }))
      const browser = new HttpClient()
      const login = await confirm(host, browser, started)
      expect(login.name).to.equal('host-login')
      const username = `nina${channel.length}`
      const answered = await browser.post(login.url, { username, password: PASSWORD })
      const page = await follow(host, browser, answered)
      expect(page.name).to.equal('totp-enrol')
      expect((await poll(host, started)).json.error).to.equal('authorization_pending')
      const codes = await browser.submit(page, {
        code: totpCode({ secret: secretOf(page) }, host.clock.at),
      })
      await follow(
        host,
        browser,
        await browser.submit(await follow(host, browser, codes), { saved: 'yes' }),
      )
      const { id_token: token } = (await poll(host, started)).json
      expect(claimsIn(token)).to.deep.include({ acr: MULTI_FACTOR_ACR, amr: ['pwd', 'otp', 'mfa'] })
    })
})
