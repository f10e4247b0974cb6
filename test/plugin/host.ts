import {
  createServer,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type Server,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Middleware } from 'koa'
import { Provider, type Configuration } from 'oidc-provider'
import { passwordHasher } from '../../src/adapters/crypto/index.ts'
import {
  backupCodes,
  importedCodes,
  createMfa,
  totp,
  type Mfa,
  type MfaEvent,
  type MfaOptions,
} from '../../src/index.ts'
import type { ServerStorage } from '../../src/ports/server-storage.ts'
import { type HttpClient, type Page } from '../support/http-client.ts'
import { hostPages, PASSWORD } from './host-pages.ts'
import { keyPage } from './key-page.ts'
import { recordWrites, STORAGES, type OpenStorage, type Write } from './recorded-storage.ts'

export { PASSWORD } from './host-pages.ts'

/** The server's clock, which the test moves. */
export class Clock {
  at = Math.floor(Date.now() / 1000)
  now = (): number => this.at
}

export interface Host {
  readonly issuer: string
  readonly mfa: Mfa
  readonly provider: Provider
  /** Direct access to the storage, as an attacker has it who got into the database: no check of the plugin applies. */
  readonly storage: ServerStorage
  readonly clock: Clock
  /** Every change to the storage since the start. */
  readonly writes: Write[]
  /** The events that `mfa.on('*')` has received. */
  readonly events: MfaEvent[]
  /** The errors of Koa's `error` event, which an application would log. */
  readonly faults: Error[]
  /** Every request with its response; more than the log of a proxy contains. */
  readonly answers: Answered[]
  close(): Promise<void>
}

export interface Answered {
  readonly method: string
  readonly address: string
  readonly status: number
  readonly headers: Readonly<OutgoingHttpHeaders>
}

export interface HostOptions {
  readonly mfa?: Partial<MfaOptions>
  readonly configuration?: Partial<Configuration>
  readonly attach?: boolean
  /** Changes the configuration after `configure`, as a careless application might. */
  readonly reconfigure?: (configured: Configuration) => Configuration
  /** The function with which the login page answers; default: the plugin's interactionFinished. */
  readonly answer?: (
    host: Host,
    request: IncomingMessage,
    response: ServerResponse,
    accountId: string,
  ) => Promise<void>
  readonly storage?: OpenStorage
  /** The id of a factor whose credentials sign in without a user name, at /interaction/UID/key. */
  readonly keyPage?: string
  /**
   * The path of the application's own page. It shows as JSON who is signed in; a POST changes the password of the account
   * that the header `account` names.
   */
  readonly ownPage?: string
  /** Middleware of the application, after the plugin and before its own pages. */
  readonly middleware?: (mfa: Mfa) => Middleware
  /** The path under which a larger application mounts the provider, as koa-mount and Express do. */
  readonly mount?: string
  /** The host of the issuer. Default: `127.0.0.1`. Browsers know passkeys of `localhost`, and of no address. */
  readonly hostname?: 'localhost'
}

export const CLIENT = {
  client_id: 'app',
  client_secret: 'app-secret-app-secret-app-secret-app',
  client_name: 'Fieldnotes',
  redirect_uris: ['http://127.0.0.1:1/callback'],
  grant_types: ['authorization_code', 'refresh_token'],
}

const { client_secret: _, ...metadata } = CLIENT

/** An app that can keep no secret, such as a page or an app on a phone. */
export const PUBLIC_CLIENT = {
  ...metadata,
  client_id: 'public',
  token_endpoint_auth_method: 'none' as const,
}

/** Starts a host application with the plugin. It has its own login and consent pages, and users in memory. */
export async function startHost(options: HostOptions = {}): Promise<Host> {
  const clock = new Clock()
  const writes: Write[] = []
  const storage = (options.storage ?? STORAGES.memory!)(clock)
  const recorded = recordWrites(storage, writes)
  const mfa = createMfa({
    issuerName: 'Acme',
    storage: recorded,
    encryptionKeys: [Buffer.alloc(32, 7)],
    factors: [totp(), backupCodes(), importedCodes()],
    firstEnrolment: 'password',
    hasher: passwordHasher({ memoryKib: 8, iterations: 1 }),
    clock,
    ...options.mfa,
  })
  const events: MfaEvent[] = []
  mfa.on('*', (event) => events.push(event))
  const server: Server = createServer()
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const { mount = '', hostname = '127.0.0.1' } = options
  const issuer = `http://${hostname}:${(server.address() as AddressInfo).port}${mount}`
  const configuration = mfa.configure({
    ...defaultConfiguration(recorded),
    ...options.configuration,
  })
  const { reconfigure = (configured) => configured } = options
  const provider = new Provider(issuer, reconfigure(configuration))
  if (options.attach !== false) mfa.attach(provider)
  const faults: Error[] = []
  const application: NodeJS.EventEmitter = provider
  application.on('error', (error: Error) => faults.push(error))
  const answers: Answered[] = []
  server.on('request', ({ method = '', url = '' }: IncomingMessage, response: ServerResponse) => {
    response.on('finish', () =>
      answers.push({
        method,
        address: url,
        status: response.statusCode,
        headers: response.getHeaders(),
      }),
    )
  })
  const host: Host = {
    issuer,
    mfa,
    provider,
    storage,
    clock,
    writes,
    events,
    faults,
    answers,
    async close() {
      server.closeAllConnections()
      await new Promise<void>((done) => server.close(() => done()))
      await mfa.settled()
      await storage.close()
    },
  }
  const answer =
    options.answer ??
    ((_host, request, response, accountId) =>
      mfa.interactionFinished(request, response, { login: { accountId } }))
  if (options.keyPage !== undefined) provider.use(keyPage(mfa, options.keyPage))
  if (options.ownPage !== undefined)
    provider.use(async (ctx, next) => {
      if (ctx.path !== options.ownPage) return next()
      const session = await mfa.sessionOf(ctx)
      ctx.body = session ?? {}
      if (ctx.method === 'POST') ctx.body = await changePassword(mfa, ctx, ctx.get('account'))
    })
  if (options.middleware !== undefined) provider.use(options.middleware(mfa))
  provider.use(
    hostPages(provider, (request, response, accountId) =>
      answer(host, request, response, accountId),
    ),
  )
  const serve = provider.callback()
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    const { url = '' } = request
    if (!url.startsWith(`${mount}/`)) return void response.writeHead(404).end()
    Object.assign(request, { originalUrl: url, url: url.slice(mount.length) })
    void serve(request, response)
  })
  return host
}

/** The application's own page changes a password, and lets its session go on. */
async function changePassword(
  mfa: Mfa,
  ctx: Parameters<Mfa['renewSession']>[0],
  accountId: string,
): Promise<{ renewed: boolean }> {
  const from = await mfa.accounts.epoch(accountId)
  await mfa.accounts.passwordChanged(accountId)
  return { renewed: await mfa.renewSession(ctx, accountId, { from, to: from + 1 }) }
}

export function defaultConfiguration(storage: ServerStorage): Configuration {
  return {
    adapter: storage.hostRecords,
    clients: [CLIENT, { ...CLIENT, client_id: 'other', client_name: 'Ledger' }],
    cookies: { keys: ['cookie-key-for-tests'] },
    features: {
      devInteractions: { enabled: false },
      claimsParameter: { enabled: true },
      introspection: { enabled: true },
      revocation: { enabled: true },
    },
    claims: { openid: ['sub'], email: ['email', 'email_verified'] },
    async findAccount(_ctx, sub) {
      if (sub.startsWith('nobody')) return undefined
      return {
        accountId: sub,
        claims: async () => ({ sub, email: `${sub}@example.com`, email_verified: true }),
      }
    },
    async loadExistingGrant(ctx) {
      const { client, session, provider, result } = ctx.oidc
      const { consent } = (result ?? {}) as { consent?: { grantId: string } }
      const known = consent?.grantId ?? session!.grantIdFor(client!.clientId)
      const existing = known === undefined ? undefined : await provider.Grant.find(known)
      if (existing !== undefined) return existing
      const grant = new provider.Grant({
        clientId: client!.clientId,
        accountId: session!.accountId!,
      })
      grant.addOIDCScope('openid email offline_access')
      await grant.save()
      return grant
    },
  }
}

/** An authorization request as a relying party sends it. */
export function authorizeUrl(
  host: Pick<Host, 'issuer'>,
  parameters: Record<string, string> = {},
): URL {
  const url = new URL('/auth', host.issuer)
  url.search = new URLSearchParams({
    client_id: 'app',
    response_type: 'code',
    redirect_uri: CLIENT.redirect_uris[0]!,
    scope: 'openid email',
    code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
    code_challenge_method: 'S256',
    state: 'the-state',
    nonce: 'the-nonce',
    ...parameters,
  }).toString()
  return url
}

/** Follows redirects within the provider; stops at a page, or at the redirect to the relying party. */
export async function follow(
  host: Pick<Host, 'issuer'>,
  client: HttpClient,
  page: Page,
): Promise<Page> {
  let current = page
  for (let hops = 0; hops < 10; hops += 1) {
    const { location } = current
    if (location === undefined || location.origin !== host.issuer) return current
    current = await client.get(location)
  }
  throw new Error(`Too many redirects, at ${current.url.href}`)
}

/** The parameters with which the provider has sent the browser back to the relying party. */
export function callbackOf(page: Page): URLSearchParams {
  if (page.location?.origin !== 'http://127.0.0.1:1')
    throw new Error(
      `Not at the relying party: ${page.name} ${page.status} ${page.url.href} ${page.body.slice(0, 300)}`,
    )
  return page.location.searchParams
}

/** Signs in with the password and returns the first page after it. */
export async function showPassword(
  host: Pick<Host, 'issuer'>,
  client: HttpClient,
  username: string,
  parameters: Record<string, string> = {},
): Promise<Page> {
  const login = await follow(host, client, await client.get(authorizeUrl(host, parameters)))
  const answer = await client.post(login.url, { username, password: PASSWORD })
  return follow(host, client, answer)
}

/** Exchanges an authorization code for tokens; returns them with the claims of the ID token. */
export async function redeem(
  host: Pick<Host, 'issuer'>,
  parameters: URLSearchParams,
  clientId = 'app',
  redirectUri = CLIENT.redirect_uris[0]!,
): Promise<{ status: number; tokens: Record<string, string>; claims: Record<string, unknown> }> {
  const response = await fetch(new URL('/token', host.issuer), {
    method: 'POST',
    headers: {
      Authorization: `Basic ${Buffer.from(`${clientId}:${CLIENT.client_secret}`).toString('base64')}`,
      'Content-Type': 'application/x-www-form-urlencoded',
    },
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      code: parameters.get('code') ?? '',
      redirect_uri: redirectUri,
      code_verifier: 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk',
    }),
  })
  const tokens = (await response.json()) as Record<string, string>
  const claims =
    tokens.id_token === undefined
      ? {}
      : (JSON.parse(Buffer.from(tokens.id_token.split('.')[1]!, 'base64url').toString()) as Record<
          string,
          unknown
        >)
  return { status: response.status, tokens, claims }
}
