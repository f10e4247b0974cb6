import { hashProof } from '../../src/server/accounts/set-up-link.ts'
import { decodeJwt } from 'jose'
import { createHash, randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseEnvironment, type Config, type Environment } from '../../config/environment.ts'
import { memoryStorage } from '../../src/adapters/memory/index.ts'
import { passwordHasher, systemClock, systemRandom } from '../../src/adapters/crypto/index.ts'
import { addPerson as add } from '../../src/server/accounts/people.ts'
import type { JsonObject } from '../../src/domain/json.ts'
import type { ServerStorage } from '../../src/ports/server-storage.ts'
import type { Clock } from '../../src/ports/services.ts'
import { openLog, type Logger } from '../../src/server/observe/log.ts'
import { serve, type Running } from '../../src/server/boot/serve.ts'
import { backupCodesOf, secretOf } from '../support/enrolment.ts'
import { HttpClient, type Page } from '../support/http-client.ts'
import { totpCode } from '../support/totp.ts'

export const CALLBACK = 'https://app.example/callback'
export const CLIENT_SECRET = 'the secret of the app, long enough'
export const APP_CREDENTIALS = `Basic ${Buffer.from(`app:${encodeURIComponent(CLIENT_SECRET)}`).toString('base64')}`
/** A PKCE code verifier of the minimum length (RFC 7636 4.1). */
export const VERIFIER = 'v'.repeat(43)

/** A confidential app; each test overrides the members that it examines. */
export const APP: JsonObject = {
  client_id: 'app',
  client_name: 'The App',
  client_secret: CLIENT_SECRET,
  redirect_uris: [CALLBACK],
  post_logout_redirect_uris: ['https://app.example/signed-out'],
  grant_types: ['authorization_code', 'refresh_token'],
}

export const PASSWORD = 'correct horse battery staple'

/** No proxy has to see that a server stops. */
export const NO_DRAIN = { drainSeconds: 0 }

export interface TestServer extends Running {
  readonly storage: ServerStorage
  readonly clock: Clock & { ahead: number }
  readonly config: Config
  readonly environment: Environment
  /** Where the server keeps files: without a mail server, mails in `outbox`. */
  readonly folder: string
  /** The lines of the server's log with the levels debug, info, warn and error. */
  readonly lines: readonly string[]
  /** Changes the content of CONFIG_FILE while the server runs. */
  writeSettings(settings: object): void
  /** The URL of an authorization request. */
  authorize(params?: Readonly<Record<string, string>>): URL
}

export interface TestOptions {
  readonly environment?: Environment
  /** The content of CONFIG_FILE. */
  readonly settings?: object
  /** The content of other files that the settings name, by their paths. */
  readonly files?: Readonly<Record<string, string>>
  /** The content of CLIENTS_FILE. */
  readonly clients?: readonly JsonObject[]
  readonly storage?: ServerStorage
  /** The clock of another server that this one shares. */
  readonly clock?: TestServer['clock']
  /** The interval at which the server reads what commands have changed; one minute if it is not set. */
  readonly renewalMilliseconds?: number
  /** The time between two heartbeats of the node; 15 s if it is not set. */
  readonly heartbeatMilliseconds?: number
  /** Starts the demonstration too. */
  readonly demonstration?: boolean
}

const running = new Set<{ stop(): Promise<void> }>()

/** Starts a server in this process, on a free port, with a storage in memory unless `storage` is set. */
export async function startServer(options: TestOptions = {}): Promise<TestServer> {
  const folder = mkdtempSync(join(tmpdir(), 'mfa-server-'))
  const files: Record<string, string> = {
    '/config.json': contentOf(options.settings),
    '/clients.json': JSON.stringify(options.clients ?? [APP]),
    ...options.files,
  }
  const environment: Environment = {
    ENCRYPTION_KEYS: randomBytes(32).toString('base64'),
    COOKIE_KEYS: randomBytes(32).toString('base64'),
    PORT: '0',
    DEMO_PORT: '0',
    DEMO: options.demonstration === true ? 'on' : 'off',
    CONFIG_FILE: '/config.json',
    CLIENTS_FILE: '/clients.json',
    ...options.environment,
  }
  const config = parseEnvironment(environment, (path) => files[path] ?? '')
  const clock = options.clock ?? shiftedClock()
  const storage = options.storage ?? memoryStorage({ clock })
  const lines: string[] = []
  const server = await serve(config, {
    storage,
    clock,
    folder,
    signals: false,
    readFile: async (path) => files[path] ?? '',
    ...(options.renewalMilliseconds === undefined
      ? {}
      : { renewalMilliseconds: options.renewalMilliseconds }),
    ...(options.heartbeatMilliseconds === undefined
      ? {}
      : { heartbeatMilliseconds: options.heartbeatMilliseconds }),
    print: () => undefined,
    log: collectingLog(lines),
  })
  const stop = async (): Promise<void> => {
    running.delete(handle)
    await server.stop()
    rmSync(folder, { recursive: true, force: true })
  }
  const handle = { stop }
  running.add(handle)
  return {
    ...server,
    stop,
    storage,
    clock,
    config,
    environment,
    folder,
    lines,
    writeSettings: (settings) => void (files['/config.json'] = contentOf(settings)),
    authorize: (params = {}) => authorizationUrl(server.issuer, params),
  }
}

function shiftedClock(): TestServer['clock'] {
  const clock = { ahead: 0, now: () => systemClock.now() + clock.ahead }
  return clock
}

/** The settings of another node beside a server on its storage: the same issuer and the same keys. */
export function asNodeBeside({ environment, issuer }: TestServer): Environment {
  const { ENCRYPTION_KEYS, COOKIE_KEYS } = environment
  return { ENCRYPTION_KEYS, COOKIE_KEYS, ISSUER: issuer }
}

/** Stops the servers that a test has started: `afterEach(stopServers)`. */
export async function stopServers(): Promise<void> {
  await Promise.all([...running].map((server) => server.stop()))
}

/** A log whose lines are texts of JSON: the level, the fields and the message. */
export function collectingLog(lines: string[]): Logger {
  const log = openLog('silent')
  const write = (level: string) => (about: unknown, message?: string) => {
    lines.push(JSON.stringify([level, about, message], hideNothing))
  }
  return Object.assign(log, {
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
  })
}

function hideNothing(_key: string, value: unknown): unknown {
  return value instanceof Error ? { message: value.message, stack: value.stack } : value
}

export function authorizationUrl(
  issuer: string,
  params: Readonly<Record<string, string>> = {},
): URL {
  const url = new URL('/auth', issuer)
  const challenge = createHash('sha256').update(VERIFIER).digest('base64url')
  url.search = new URLSearchParams({
    client_id: 'app',
    response_type: 'code',
    scope: 'openid',
    redirect_uri: CALLBACK,
    state: 'state',
    nonce: 'nonce',
    code_challenge: challenge,
    code_challenge_method: 'S256',
    ...params,
  }).toString()
  return url
}

/** Whether a redirect leads to the app. The HTTP client returns such a redirect and does not follow it. */
export const atTheApp = (url: URL): boolean => url.host === 'app.example'

/** Adds a person with a password, as `user add --password-stdin` does. */
export async function addPerson(
  server: TestServer,
  about: { username?: string; claims?: JsonObject; groups?: readonly string[] } = {},
): Promise<Person & { id: string }> {
  const { username = 'alice', claims = {}, groups = [] } = about
  const added = await add(
    { accounts: server.storage.accounts, clock: server.clock, random: systemRandom },
    { username, email: `${username}@example.com`, groups, claims, passwordHash: await hash() },
  )
  if (!added.ok) throw new Error(added.fault)
  return { username, password: PASSWORD, id: added.account.id }
}

/** The lowest cost that the configuration accepts, because the suites sign in some hundreds of people. */
const QUICK_HASHES = { hashMemoryKib: 19_456, hashPasses: 2 }

function withQuickHashes(
  settings: { readonly passwords?: object; readonly stop?: object } = {},
): object {
  return { ...settings, passwords: { ...QUICK_HASHES, ...settings.passwords } }
}

function contentOf(settings?: object): string {
  return JSON.stringify(withQuickHashes({ stop: NO_DRAIN, ...settings }))
}

let hashed: Promise<string> | undefined
const hash = (): Promise<string> => (hashed ??= passwordHasher().hash(PASSWORD))

/** Exchanges the code in a redirect to the app for tokens. */
export async function redeem(
  server: TestServer,
  page: Page,
  about: Readonly<Record<string, string>> = {},
): Promise<{ status: number; body: Record<string, unknown>; claims: Record<string, unknown> }> {
  const code = page.location?.searchParams.get('code') ?? ''
  return tokenRequest(server, {
    grant_type: 'authorization_code',
    code,
    redirect_uri: CALLBACK,
    code_verifier: VERIFIER,
    ...about,
  })
}

export async function tokenRequest(
  server: TestServer,
  fields: Readonly<Record<string, string>>,
  credentials = APP_CREDENTIALS,
): Promise<{ status: number; body: Record<string, unknown>; claims: Record<string, unknown> }> {
  const response = await fetch(new URL('/token', server.url), {
    method: 'POST',
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      ...(credentials === '' ? {} : { authorization: credentials }),
    },
    body: new URLSearchParams(fields),
  })
  const body = (await response.json()) as Record<string, unknown>
  const idToken = body['id_token']
  const claims = typeof idToken === 'string' ? decodeJwt(idToken) : {}
  return { status: response.status, body, claims }
}

export interface Person {
  readonly username: string
  readonly password: string
  secret?: string
  codes?: string[]
}

/** The token that the browser keeps after it used a set-up link, and the proof that the account keeps. */
export const PROOF = { cookie: 'a'.repeat(43), hash: hashProof('a'.repeat(43)) }

/** A browser in which a set-up link was used. */
export function browserWithProof({ issuer }: Pick<TestServer, 'issuer'>): HttpClient {
  const browser = new HttpClient()
  browser.jar.store(new URL(issuer), [`set-up-proof=${PROOF.cookie}; Path=/`])
  return browser
}

/** Signs a person in, from the login page to the redirect back to the app or to the page that stops the sign-in. */
export async function signIn(
  browser: HttpClient,
  start: URL,
  person: Person,
  { clock }: TestServer,
): Promise<Page> {
  const now = (): number => clock.now()
  let page = await browser.visit(start, atTheApp)
  for (let steps = 0; steps < 12 && page.location === undefined; steps += 1) {
    const next = await step(browser, page, person, now)
    if (next === undefined) return page
    page = await browser.follow(next, atTheApp)
  }
  return page
}

async function step(
  browser: HttpClient,
  page: Page,
  person: Person,
  now: () => number,
): Promise<Page | undefined> {
  if (page.status >= 400) return undefined
  switch (page.name) {
    case 'login':
      return browser.submit(page, { username: person.username, password: person.password })
    case 'mfa-choose':
      return browser.submit(page, { factor: 'totp' })
    case 'totp-enrol':
      person.secret = secretOf(page)
      return browser.submit(page, {
        code: totpCode({ secret: person.secret }, now()),
        name: 'phone',
      })
    case 'backup-codes':
      person.codes = backupCodesOf(page)
      return browser.submit(page, { saved: 'yes' })
    case 'totp-verify':
      return browser.submit(page, { code: totpCode({ secret: person.secret ?? '' }, now()) })
    case 'consent':
      return browser.submit(page)
    default:
      return undefined
  }
}
