import { spawn, type ChildProcessByStdio } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import * as client from 'openid-client'
import { systemClock, systemRandom } from '../../src/adapters/crypto/index.ts'
import { openSqliteStorage } from '../../src/adapters/sqlite/index.ts'
import type { JsonObject } from '../../src/domain/json.ts'
import type { ServerStorage } from '../../src/ports/server-storage.ts'
import { addPerson } from '../../src/server/accounts/people.ts'
import { hasherOf } from '../../src/server/boot/foundation.ts'
import { fileSchema } from '../../config/settings-file.ts'
import { backupCodesOf, secretOf } from '../support/enrolment.ts'
import { HttpClient, type Page } from '../support/http-client.ts'
import { totpCode } from '../support/totp.ts'

export const MULTI_FACTOR = 'http://schemas.openid.net/pape/policies/2007/06/multi-factor'
export const PASSWORD_ACR = 'urn:oidc-provider-mfa:password'

export const CALLBACK = 'https://app.example/callback'
export const SIGNED_OUT = 'https://app.example/signed-out'
export const SECRET = 'the secret of the app, long enough'
const PASSWORD = 'correct horse battery staple'

/** A confidential app that is not `first_party`, so that people are asked for consent. */
export const APP: JsonObject = {
  client_id: 'app',
  client_name: 'The App',
  client_secret: SECRET,
  redirect_uris: [CALLBACK],
  post_logout_redirect_uris: [SIGNED_OUT],
  grant_types: ['authorization_code', 'refresh_token'],
}

/** Whether a redirect leads to the app. The HTTP client returns such a redirect and does not follow it. */
export const atTheApp = (url: URL): boolean => url.host === 'app.example'

export interface ServerProcess {
  readonly issuer: string
  readonly storage: ServerStorage
  addPerson(username: string): Promise<Visitor>
  /** The lines that the server has written: its announcement, its log, and its errors. */
  readonly output: readonly string[]
  stop(): Promise<void>
}

/** Starts the server as an operator does: the command of `npm start`, on SQLite, with these settings. */
export async function startServerProcess(options: {
  readonly clients: readonly JsonObject[]
  readonly settings?: object
  readonly environment?: Readonly<Record<string, string>>
}): Promise<ServerProcess> {
  const folder = mkdtempSync(join(tmpdir(), 'mfa-oidc-'))
  const file = (name: string, content: unknown): string => {
    writeFileSync(join(folder, name), JSON.stringify(content))
    return join(folder, name)
  }
  const database = join(folder, 'server.sqlite')
  const child = spawn(
    process.execPath,
    [join(import.meta.dirname, '..', '..', 'bin', 'oidc-provider-mfa.mjs'), 'serve'],
    {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: process.env['PATH'] ?? '',
        ENCRYPTION_KEYS: randomBytes(32).toString('base64'),
        COOKIE_KEYS: randomBytes(32).toString('base64'),
        STORAGE_URL: `sqlite:${database}`,
        CLIENTS_FILE: file('clients.json', options.clients),
        CONFIG_FILE: file('config.json', { stop: { drainSeconds: 0 }, ...options.settings }),
        PORT: '0',
        DEMO: 'off',
        ...options.environment,
      },
    },
  )
  const output: string[] = []
  const issuer = await announced(child, output)
  const storage = openSqliteStorage({ path: database, clock: systemClock })
  const passwordHash = await hasherOf(fileSchema.parse(options.settings ?? {})).hash(PASSWORD)

  return {
    issuer,
    storage,
    output,
    async addPerson(username) {
      const added = await addPerson(
        { accounts: storage.accounts, clock: systemClock, random: systemRandom },
        { username, email: `${username}@example.com`, claims: { name: username }, passwordHash },
      )
      if (!added.ok) throw new Error(added.fault)
      return new Visitor(username, added.account.id)
    },
    async stop() {
      if (child.exitCode === null) {
        const gone = once(child, 'exit')
        child.kill('SIGTERM')
        await gone
      }
      await storage.close()
      rmSync(folder, { recursive: true })
    },
  }
}

/** Waits until the server announces its issuer, and returns the issuer. */
function announced(
  child: ChildProcessByStdio<null, Readable, Readable>,
  output: string[],
): Promise<string> {
  return new Promise((resolve, reject) => {
    child.once('exit', (code) =>
      reject(new Error([`The server ended with ${String(code)}.`, ...output].join('\n'))),
    )
    createInterface({ input: child.stderr }).on('line', (line) => output.push(line))
    createInterface({ input: child.stdout }).on('line', (line) => {
      output.push(line)
      const [, issuer] = /^oidc-provider-mfa: (\S+)$/.exec(line) ?? []
      if (issuer !== undefined) resolve(issuer)
    })
  })
}

/** Makes a relying party with openid-client, a library that refuses what the standards do not allow. */
export async function relyingParty(
  { issuer }: Pick<ServerProcess, 'issuer'>,
  clientId = 'app',
  authentication: client.ClientAuth = client.ClientSecretBasic(SECRET),
  metadata: Partial<client.ClientMetadata> = {},
): Promise<RelyingParty> {
  const configuration = await client.discovery(
    new URL(issuer),
    clientId,
    metadata,
    authentication,
    // The tests use loopback without TLS.
    { execute: [client.allowInsecureRequests] },
  )
  return new RelyingParty(configuration)
}

export interface Request {
  readonly url: URL
  readonly checks: client.AuthorizationCodeGrantChecks
}

export class RelyingParty {
  readonly configuration: client.Configuration

  constructor(configuration: client.Configuration) {
    this.configuration = configuration
  }

  /** Makes an authorization request with state, nonce and, unless `pkce` is false, PKCE. */
  async request(
    params: Readonly<Record<string, string>> = {},
    how: { pushed?: boolean; pkce?: boolean } = {},
  ): Promise<Request> {
    const verifier = client.randomPKCECodeVerifier()
    const [state, nonce] = [client.randomState(), client.randomNonce()]
    const withPkce = how.pkce !== false
    const all = {
      redirect_uri: CALLBACK,
      scope: 'openid',
      state,
      nonce,
      ...(withPkce
        ? {
            code_challenge: await client.calculatePKCECodeChallenge(verifier),
            code_challenge_method: 'S256',
          }
        : {}),
      ...params,
    }
    const url = how.pushed
      ? await client.buildAuthorizationUrlWithPAR(this.configuration, all)
      : client.buildAuthorizationUrl(this.configuration, all)
    const checks = {
      expectedState: state,
      expectedNonce: nonce,
      idTokenExpected: true,
      ...(withPkce ? { pkceCodeVerifier: verifier } : {}),
      ...(params['max_age'] === undefined ? {} : { maxAge: Number(params['max_age']) }),
    }
    return { url, checks }
  }

  /** Exchanges the code in the redirect at the end of a sign-in for tokens. */
  redeem(page: Page, { checks }: Request): Promise<Tokens> {
    if (page.location === undefined)
      throw new Error(`The sign-in ended on ${String(page.name)} (${page.status}).`)
    return client.authorizationCodeGrant(this.configuration, page.location, checks)
  }
}

export type Tokens = client.TokenEndpointResponse & client.TokenEndpointResponseHelpers

/** The claims of the ID token. */
export function claimsOf(tokens: Tokens): client.IDToken {
  const claims = tokens.claims()
  if (claims === undefined) throw new Error('There is no ID token.')
  return claims
}

/** The error code in a redirect to the app. */
export function errorOf(page: Page): string | undefined {
  return page.location?.searchParams.get('error') ?? undefined
}

/** The error code with which the server has refused a request of the app; `none` if it has not refused. */
export async function oauthErrorOf(work: Promise<unknown>): Promise<string> {
  try {
    await work
  } catch (error) {
    if (error instanceof client.ResponseBodyError) return error.error
    if (error instanceof client.WWWAuthenticateChallengeError)
      return error.cause.map(({ parameters }) => parameters.error).join(' ')
    throw error
  }
  return 'none'
}

const STEP_SECONDS = 30

/** A person with a browser, a password and, once enrolled, an authenticator and backup codes. */
export class Visitor {
  readonly username: string
  readonly accountId: string
  browser = new HttpClient()
  secret = ''
  codes: string[] = []
  /** The names of the pages that the person has seen since the last sign-in began. */
  seen: string[] = []
  /** The next time step. A code is accepted once, so each sign-in takes the next of the three steps in the window. */
  #step = Math.floor(systemClock.now() / STEP_SECONDS) - 1

  constructor(username: string, accountId: string) {
    this.username = username
    this.accountId = accountId
  }

  get password(): string {
    return PASSWORD
  }

  /** Signs in, from the authorization request to the redirect to the app or to the page that stops the sign-in. */
  async signIn(start: URL | { readonly url: URL }): Promise<Page> {
    this.seen = []
    return this.goOn(await this.browser.visit('url' in start ? start.url : start, atTheApp))
  }

  /** Answers each page, beginning with this one, until the redirect to the app or a page that it cannot answer. */
  async goOn(from: Page): Promise<Page> {
    let page = from
    let late = false
    for (let steps = 0; steps < 12 && page.location === undefined; steps += 1) {
      // The code of the oldest accepted step leaves the window if a new step begins before the server examines it.
      const isLate = page.status === 422 && /^totp-/.test(page.name ?? '') && !late
      if (isLate) late = true
      else this.seen.push(page.name ?? '')
      const answer = page.status < 400 || isLate ? await this.answer(page) : undefined
      if (answer === undefined) return page
      page = await this.browser.follow(answer, atTheApp)
    }
    return page
  }

  async answer(page: Page): Promise<Page | undefined> {
    const { browser } = this
    switch (page.name) {
      case 'login':
        return browser.submit(page, { username: this.username, password: PASSWORD })
      case 'consent':
        return browser.submit(page)
      case 'mfa-choose':
        return browser.submit(page, { factor: 'totp' })
      case 'totp-enrol':
        this.secret = secretOf(page)
        return browser.submit(page, { code: this.nextCode(), name: 'phone' })
      case 'backup-codes':
        this.codes = backupCodesOf(page)
        return browser.submit(page, { saved: 'yes' })
      case 'totp-verify':
        return browser.submit(page, { code: this.nextCode() })
      default:
        return undefined
    }
  }

  nextCode(): string {
    this.#step = Math.max(this.#step, Math.floor(systemClock.now() / STEP_SECONDS) - 1)
    const code = totpCode({ secret: this.secret }, this.#step * STEP_SECONDS)
    this.#step += 1
    return code
  }
}
