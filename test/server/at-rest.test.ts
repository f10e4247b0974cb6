import { createHmac, randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { Provider } from 'oidc-provider'
import { openMongoStorage } from '../../src/adapters/mongoose/server-storage.ts'
import { openSqliteStorage } from '../../src/adapters/sqlite/index.ts'
import { systemRandom } from '../../src/adapters/crypto/index.ts'
import type { ServerStorage } from '../../src/ports/server-storage.ts'
import { addPerson as add } from '../../src/server/accounts/people.ts'
import { setUpLinks } from '../../src/server/accounts/set-up-link.ts'
import { CookieJar } from '../support/cookie-jar.ts'
import { HttpClient, type Page } from '../support/http-client.ts'
import { openDatabase } from '../support/mongodb.ts'
import { requireMongodb } from '../support/requirements.ts'
import { bytesOfSqlite, textsIn, textsInMongodb, textsInSqlite } from '../support/stored-texts.ts'
import {
  APP,
  APP_CREDENTIALS,
  atTheApp,
  PASSWORD,
  redeem,
  signIn,
  startServer,
  stopServers,
  tokenRequest,
  type Person,
  type TestServer,
} from './support.ts'

const DEVICE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code'
const KEYS = { encryption: randomBytes(32), cookies: randomBytes(32) }

interface OpenDatabase {
  readonly storage: ServerStorage
  /** All texts in the database, row by row. */
  texts(): Promise<readonly string[]>
  /** The bytes of the database as far as a test can have them. */
  bytes(): Promise<string>
  close(): Promise<void>
}

const DATABASES: Readonly<Record<string, (test: Mocha.Context) => Promise<OpenDatabase>>> = {
  async SQLite() {
    const folder = mkdtempSync(join(tmpdir(), 'mfa-at-rest-'))
    const path = join(folder, 'mfa.db')
    return {
      storage: openSqliteStorage({ path, encryptionKeys: [KEYS.encryption] }),
      texts: async () => textsInSqlite(path),
      bytes: async () => bytesOfSqlite(path),
      close: async () => rmSync(folder, { recursive: true }),
    }
  },
  async MongoDB(test) {
    const { connection, url, close } = await openDatabase(await requireMongodb(test))
    const texts = () => textsInMongodb(connection)
    return {
      storage: await openMongoStorage({ url, encryptionKeys: [KEYS.encryption] }),
      texts,
      bytes: async () => (await texts()).join('\n'),
      close,
    }
  },
}

/** The values that a browser or an app has seen and could present. */
class Seen {
  readonly values = new Set<string>()

  add(...values: readonly unknown[]): void {
    for (const value of values) if (typeof value === 'string') this.values.add(value)
  }

  /** A browser, all of whose cookies, addresses and hidden fields are noted. */
  browser(): HttpClient {
    const add = (values: readonly string[]): void =>
      this.add(...values.filter((value) => value.length >= 20))
    return new (class extends HttpClient {
      override async get(...given: Parameters<HttpClient['get']>): Promise<Page> {
        return noted(await super.get(...given))
      }
      override async postRaw(...given: Parameters<HttpClient['postRaw']>): Promise<Page> {
        return noted(await super.postRaw(...given))
      }
    })({
      jar: new (class extends CookieJar {
        override store(url: URL, headers: readonly string[]): void {
          super.store(url, headers)
          add(this.all().map(({ value }) => value))
        }
      })(),
    })

    function noted(page: Page): Page {
      add(page.url.pathname.split('/'))
      add(page.tags('input[type=hidden]').map(({ value = '' }) => value))
      return page
    }
  }
}

for (const [name, open] of Object.entries(DATABASES))
  describe(`a copy of the database, in ${name}`, function () {
    this.timeout(60_000)
    let database: OpenDatabase
    let server: TestServer
    let seen: Seen

    beforeEach(async function () {
      database = await open(this)
      seen = new Seen()
      server = await startServer({
        storage: database.storage,
        environment: {
          ENCRYPTION_KEYS: KEYS.encryption.toString('base64'),
          COOKIE_KEYS: KEYS.cookies.toString('base64'),
        },
        settings: { features: { deviceFlow: true } },
        clients: [{ ...APP, grant_types: ['authorization_code', 'refresh_token', DEVICE_GRANT] }],
      })
    })
    afterEach(async () => {
      await stopServers()
      await database.close()
    })

    const post = async (path: string, fields: Record<string, string>, token?: string) => {
      const response = await fetch(new URL(path, server.url), {
        method: 'POST',
        headers: { authorization: token === undefined ? APP_CREDENTIALS : `Bearer ${token}` },
        body: new URLSearchParams(fields),
      })
      return { status: response.status, body: (await response.json()) as Record<string, unknown> }
    }

    /** Sets up a person by a link. */
    async function invited(browser: HttpClient): Promise<Person> {
      const { accounts } = server.storage
      const made = await add(
        { accounts, clock: server.clock, random: systemRandom },
        { username: 'alice' },
      )
      if (!made.ok) throw new Error(made.fault)
      const { url } = await setUpLinks({
        ...server.storage,
        clock: server.clock,
        issuer: server.issuer,
        random: systemRandom,
        serviceName: 'Acme',
        minimumLength: 8,
        hasher: undefined as never,
        record: async () => {},
        passwordChanged: async () => {},
        epochOf: async () => 1,
        // The server uses the link that is made here.
        change: async () => undefined,
      }).make(made.account, 'invitation')
      const password = PASSWORD
      await browser.submit(await browser.get(url), { password, passwordAgain: password })
      return { username: 'alice', password }
    }

    /** Signs in with a pushed request, and redeems and refreshes. Returns the newest tokens. */
    async function pushedSignIn(browser: HttpClient, alice: Person) {
      const params = Object.fromEntries(server.authorize().searchParams)
      const pushed = await post('/request', {
        ...params,
        scope: 'openid offline_access',
        prompt: 'consent',
      })
      const request_uri = String(pushed.body['request_uri'])
      seen.add(request_uri.split(':').at(-1))
      const start = new URL('/auth', server.issuer)
      start.search = new URLSearchParams({ client_id: 'app', request_uri }).toString()
      const end = await signIn(browser, start, alice, server)
      seen.add(end.location?.searchParams.get('code'))
      const first = await redeem(server, end)
      const refresh_token = String(first.body['refresh_token'])
      const second = await tokenRequest(server, { grant_type: 'refresh_token', refresh_token })
      for (const { body } of [first, second]) seen.add(body['access_token'], body['refresh_token'])
      expect(second.status).to.equal(200)
      return second.body
    }

    /** Begins the flow of a device. `user`: the browser in which its code is entered. */
    async function device(user?: HttpClient): Promise<string> {
      const { body } = await post('/device/auth', { scope: 'openid' })
      const [code, userCode] = [String(body['device_code']), String(body['user_code'])]
      seen.add(code, userCode, userCode.replace('-', ''))
      if (user === undefined) return userCode
      const page = await user.get(`${server.issuer}/device`)
      const confirm = await user.submit(page, { user_code: userCode })
      expect(confirm.name).to.equal('device-confirm')
      const asked = await user.follow(await user.submit(confirm))
      expect(asked.status, asked.text).to.equal(200)
      return userCode
    }

    /** The uid of a browser's session, which no browser sees: it opens the session's row as well. */
    async function noteUid(browser: HttpClient): Promise<void> {
      const session = await database.storage.hostRecords('Session').find(sessionOf(browser))
      expect(session?.uid).to.be.a('string')
      seen.add(session?.uid)
    }

    /** Whole journeys, of which some have not ended. Returns what is still valid. */
    async function journeys() {
      const browser = seen.browser()
      const alice = await invited(browser)
      const tokens = await pushedSignIn(browser, alice)
      server.clock.ahead += 60
      const leaving = seen.browser()
      const end = await signIn(leaving, server.authorize(), alice, server)
      seen.add(end.location?.searchParams.get('code'))
      const page = await leaving.get(`${server.issuer}/session/end?client_id=app`)
      await leaving.follow(await leaving.submit(page), atTheApp)
      await device(browser)
      await noteUid(browser)
      const userCode = await device()
      const waiting = await browser.visit(server.authorize({ prompt: 'login' }), atTheApp)
      expect(waiting.name).to.equal('login')
      return { browser, tokens, userCode, waiting }
    }

    it('R39 has no value that a browser or an app has seen', async () => {
      await journeys()
      expect(seen.values.size).to.be.greaterThan(20)
      const [bytes, texts] = [await database.bytes(), (await database.texts()).join('\n')]
      for (const value of seen.values)
        for (const form of formsOf(value))
          expect(bytes.includes(form) || texts.includes(form), `${value} as ${form}`).to.equal(
            false,
          )
    })

    it('R39 is worth no page and no token with what it has in place of them', async () => {
      const { browser, tokens, userCode, waiting } = await journeys()
      expect(await uses(sessionOf(browser), tokens, userCode, waiting)).to.deep.equal(ALL_USES)

      const texts = (await database.texts()).flatMap(partsOf)
      const stored = [...new Set(texts)].filter((text) => /^[\w-]{20,}$/.test(text))
      expect(stored.length).to.be.greaterThan(20)
      for (const model of MODELS)
        for (const text of stored) {
          const records = server.storage.hostRecords(model)
          for (const found of [
            await records.find(text),
            await records.findByUid(text),
            await records.findByUserCode(text),
          ])
            expect(found, `${model} by ${text}`).to.equal(undefined)
        }
      for (const text of stored.filter(({ length }) => length === 43))
        expect(
          await uses(text, { access_token: text, refresh_token: text }, text, {
            url: new URL(`/interaction/${text}`, server.issuer),
          }),
          text,
        ).to.deep.equal([])
    })

    const sessionOf = (browser: HttpClient): string =>
      browser.jar.all().find(({ key }) => key === 'session')?.value ?? ''

    /** The uses to which the values can be put. `session` is signed with the key of the server. */
    async function uses(
      session: string,
      { access_token, refresh_token }: Readonly<Record<string, unknown>>,
      userCode: string,
      { url }: Pick<Page, 'url'>,
    ): Promise<readonly string[]> {
      const uid = url.pathname.split('/').at(-1) ?? ''
      const visitor = new HttpClient()
      visitor.jar.store(url, signed({ session, interaction: uid }))
      const silent = await visitor.get(server.authorize({ prompt: 'none' }))
      const userinfo = await post('/me', {}, String(access_token)).catch(() => undefined)
      const introspected = await post('/token/introspection', { token: String(refresh_token) })
      const code = await server.storage
        .hostRecords('DeviceCode')
        .findByUserCode(userCode.replace('-', ''))
      const outcomes = {
        session: silent.location?.searchParams.has('code') === true,
        'access token': userinfo?.status === 200,
        'refresh token': introspected.body['active'] === true,
        'user code': code !== undefined,
        interaction: (await visitor.get(url)).status === 200,
      }
      return ALL_USES.filter((use) => outcomes[use])
    }

    function signed(cookies: Readonly<Record<string, string>>): string[] {
      const key = KEYS.cookies.toString('base64url')
      return Object.entries(cookies).flatMap(([cookie, value]) => {
        const pair = `${cookie}=${value}`
        const signature = createHmac('sha1', key).update(pair).digest('base64url')
        return [`${pair}; Path=/`, `${cookie}.sig=${signature}; Path=/`]
      })
    }

    it('R39 has no token of dynamic registration or of a client', async () => {
      const { provider, issuer, close } = await registering(server.storage)
      try {
        const initial = await new provider.InitialAccessToken().save()
        const made = await fetch(`${issuer}/reg`, {
          method: 'POST',
          headers: { authorization: `Bearer ${initial}`, 'content-type': 'application/json' },
          body: JSON.stringify({
            redirect_uris: [],
            response_types: [],
            grant_types: ['client_credentials'],
          }),
        })
        const client = (await made.json()) as Record<string, string>
        expect(made.status, JSON.stringify(client)).to.equal(201)
        const read = await fetch(client['registration_client_uri']!, {
          headers: { authorization: `Bearer ${client['registration_access_token']}` },
        })
        expect(read.status).to.equal(200)
        const { client_id = '', client_secret = '' } = client
        const issued = await fetch(`${issuer}/token`, {
          method: 'POST',
          body: new URLSearchParams({ grant_type: 'client_credentials' }),
          headers: { authorization: `Basic ${btoa(`${client_id}:${client_secret}`)}` },
        })
        const { access_token } = (await issued.json()) as Record<string, string>
        const [bytes, texts] = [await database.bytes(), (await database.texts()).join('\n')]
        expect(texts).to.contain(client_id)
        for (const value of [initial, client['registration_access_token'], access_token])
          for (const form of formsOf(value!))
            expect(bytes.includes(form) || texts.includes(form), value).to.equal(false)
      } finally {
        await close()
      }
    })
  })

const ALL_USES = ['session', 'access token', 'refresh token', 'user code', 'interaction'] as const

const MODELS = [
  'Session',
  'Interaction',
  'AccessToken',
  'RefreshToken',
  'AuthorizationCode',
  'DeviceCode',
  'PushedAuthorizationRequest',
]

/** The value as it is, in hexadecimal, and in base64 at each of the three places where it may begin. */
function formsOf(value: string): readonly string[] {
  const encoded = (['base64', 'base64url'] as const).flatMap((encoding) =>
    [0, 1, 2].map((before) => {
      const text = Buffer.from(' '.repeat(before) + value).toString(encoding)
      // The characters at both ends depend on the bytes beside the value.
      return text.replaceAll('=', '').slice(before === 0 ? 0 : before + 1, -1)
    }),
  )
  return [value, Buffer.from(value).toString('hex'), ...encoded]
}

/** A stored text, what stands behind the name of a model in it, and the texts in it if it is JSON. */
function partsOf(text: string): readonly string[] {
  try {
    return [text, ...textsIn(JSON.parse(text)).flatMap(partsOf)]
  } catch {
    return [text, text.slice(text.indexOf(':') + 1)]
  }
}

/** A provider that lets apps register, with the host's records in the storage. */
async function registering({ hostRecords }: ServerStorage) {
  const server: Server = createServer()
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const provider = new Provider(issuer, {
    adapter: hostRecords,
    cookies: { keys: ['key'] },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      registration: { enabled: true, initialAccessToken: true },
      registrationManagement: { enabled: true },
    },
  })
  server.on('request', provider.callback())
  return {
    provider,
    issuer,
    close: async () => {
      server.closeAllConnections()
      await new Promise<void>((done) => server.close(() => done()))
    },
  }
}
