import type { IncomingHttpHeaders } from 'node:http'
import type { Context } from 'koa'
import type {
  Account,
  ClientMetadata,
  Configuration,
  KoaContextWithOIDC,
  Provider,
} from 'oidc-provider'
import { MfaError } from '../src/domain/errors.ts'
import type { Loaded } from '../src/application/commit.ts'
import type { Dependencies } from '../src/application/dependencies.ts'
import type { Demand, PolicyInForce } from '../src/application/policy-input.ts'
import type { FirstEnrolmentRule } from '../src/domain/enrolment.ts'
import type { UpstreamTrust } from '../src/domain/policy/upstream.ts'
import type { Instant } from '../src/domain/time.ts'
import type { HostClient } from '../src/host/provider.ts'
import type { SessionCookie } from '../src/host/session.ts'
import { presentMount } from '../src/http/mount.ts'
import type { Views } from '../src/http/views.ts'
import type { Notice } from './notice.ts'

/** The argument of the application's own functions. `account` is the answer of its findAccount. */
export interface PolicyQuestion {
  readonly account: HostAccount
  readonly client: HostClient
  /** The parameters of the authorization request. */
  readonly params: Readonly<Record<string, unknown>>
}

/**
 * The answer of the application's findAccount. The host types it loosely, and applications add members of their own.
 */
export type HostAccount = Account

/** The name and the address of a person, as pages and mails use them. */
export interface PersonDescription {
  /** A user name or address, which the pages and the authenticator app show. */
  readonly label: string
  /** A verified mail address, if there is one. */
  readonly address?: string
  /**
   * All verified addresses, the preferred one first, and when each was verified, in seconds since the Unix epoch. Recovery
   * accepts an address 7 days after it was verified (R9). Default: `address`, of which that time is not known.
   */
  readonly addresses?: readonly VerifiedAddress[]
  /** The language that the person has chosen (BCP 47), before those of the browser. */
  readonly language?: string
  /** The groups of the person, which rules of the policy may name. */
  readonly groups?: readonly string[]
  /**
   * When the account was made. At the first sign-in within 72 h of it, a person may put off a set-up for which a rule has
   * a grace. Default: only a browser that has completed a sign-in may.
   */
  readonly createdAt?: Instant
}

export interface VerifiedAddress {
  readonly address: string
  readonly verifiedAt?: Instant
}

/** Which parts of the configuration are in use. Without them nobody would be asked for a second factor. */
export interface Taken {
  /** `configure` was called. */
  configured: boolean
  /** The host has made the guarded adapter of its interactions. */
  adapter: boolean
  /** The names of the prompts that a first factor may answer: `login`, and every prompt before it. */
  readonly firstFactorPrompts: Set<string>
  /** The requests in which the host has asked the wrapped policy. */
  readonly policy: WeakSet<object>
}

/** A link that the application adds to the account page. */
export interface AccountLink {
  readonly href: string
  readonly text: string
}

/** The metadata of the account pages' client that depends on the application's configuration. */
export interface ClientTerms {
  readonly idTokenAlgorithm: NonNullable<ClientMetadata['id_token_signed_response_alg']>
  readonly authMethod: 'client_secret_basic' | 'client_secret_post' | 'none'
  /** The scopes that a sign-in asks for, with spaces between them. */
  readonly scope: string
}

/** The account pages of the plugin: where they are, and as which client they sign people in. */
export interface AccountSite {
  /** The path below the provider, such as `/account`. */
  readonly path: string
  readonly links: readonly AccountLink[]
  /** Made at each start and known to this process alone, which redeems its own codes. */
  readonly clientSecret: string
  /** Set by `configure`. */
  terms: ClientTerms | undefined
}

/** The data and functions that the prompts, routes and guards of one `createMfa` share. */
export interface Core {
  readonly deps: Dependencies
  /** The name that the authenticator app shows. */
  readonly issuerName: string
  /** The name on pages and in mails. */
  readonly serviceName: string
  /** The path of the pages below the provider, such as `/mfa`. */
  readonly path: string
  readonly views: Views
  readonly links: Readonly<Record<string, string>>
  readonly sessionSeconds: number
  /** Whether people can begin a recovery themselves. */
  readonly recovers: boolean
  readonly policy: PolicyInForce
  /** The upstream providers whose words count for a first factor. */
  readonly upstream: UpstreamTrust
  /** The demands of the application's `require` on this account at this client. */
  demands(question: PolicyQuestion): Promise<readonly Demand[]>
  /** The groups of a person; they are looked up only if a rule names one. */
  groupsOf(account: HostAccount): Promise<readonly string[]>
  /** Whether an address is in a network that a rule names. Undefined: the text is no address. */
  isWithin(address: string): ((network: string) => boolean) | undefined
  /** Whether an app is the service's own. */
  isFirstParty(client: HostClient): boolean
  firstEnrolmentRule(
    question: PolicyQuestion & { readonly firstSignIn: boolean },
  ): Promise<FirstEnrolmentRule>
  describe(account: HostAccount): Promise<PersonDescription>
  /** Whether an account may sign in by a credential that names its owner. */
  maySignIn(account: HostAccount): Promise<boolean>
  /** Pages between an accepted second factor and the app, in addition to those that every sign-in has. */
  readonly notices: readonly Notice[]
  /** Whether an app may ask for a change of the person's factors. */
  mayManage(client: HostClient): Promise<boolean>
  /** The page on which people manage their factors, if the application names one of its own. */
  readonly manageUrl: string | undefined
  /** The plugin's own account pages. Undefined: the option `account` is off. */
  readonly accountSite: AccountSite | undefined
  /**
   * The answer of the application's findAccount for an account; findAccount is called once per request. `seenAs` is the
   * context that it receives: as it would be without the plugin, with the person in the session.
   */
  account(
    ctx: KoaContextWithOIDC,
    accountId: string,
    seenAs?: KoaContextWithOIDC,
  ): Promise<HostAccount | undefined>
  /** The account's record, which is read once per request, or at each call without `ctx`. */
  record(ctx: object | undefined, accountId: string): Promise<Loaded>
  /** Whether nodes without the plugin serve the same sign-ins. */
  readonly adopting: boolean
  /** The parts of the configuration from `configure` that the provider uses. */
  readonly taken: Taken
  /** How the host sets the cookie of a session. Set by `configure`; undefined: as the host does by default. */
  sessionCookie: SessionCookie | undefined
  /** The application's own function for the page of an interaction. Set by `configure`. */
  interactionUrl: NonNullable<Configuration['interactions']>['url']
  /** Set by `attach`. */
  provider: Provider | undefined
}

/**
 * The path at which a browser finds the provider, without a slash at the end. It is the path at which the present
 * request found the provider, or else the path of the issuer, which a proxy may have removed from the request. Empty
 * before `attach`.
 */
export function mountPath({ provider }: Pick<Core, 'provider'>): string {
  if (provider === undefined) return ''
  return presentMount() || new URL(provider.issuer).pathname.replace(/\/$/, '')
}

/** The path of the pages as a browser sees it: with the path at which the provider is mounted. */
export function publicPath(core: Core): string {
  return mountPath(core) + core.path
}

/** The path of the account pages as a browser sees it. */
export function publicAccountPath(core: Core, { path }: Pick<AccountSite, 'path'>): string {
  return mountPath(core) + path
}

/**
 * The address of the page where people manage their factors: the application's own page, or else the plugin's account
 * page. Undefined: there is neither, or the provider is not there yet.
 */
export function manageUrlOf(core: Core): string | undefined {
  const { manageUrl, accountSite, provider } = core
  if (manageUrl !== undefined) return manageUrl
  if (accountSite === undefined || provider === undefined) return undefined
  return new URL(publicAccountPath(core, accountSite), provider.issuer).href
}

/**
 * The address that leads to the replacement of an authenticator or, without its id, to the page with all of them.
 * Undefined: the application has neither account pages nor a page of its own.
 */
export function replaceUrlOf(core: Core, authenticatorId?: string): string | undefined {
  const { accountSite, provider } = core
  if (accountSite === undefined || provider === undefined || authenticatorId === undefined)
    return manageUrlOf(core)
  const url = new URL(publicAccountPath(core, accountSite) + REPLACE_PATH, provider.issuer)
  url.searchParams.set('id', authenticatorId)
  return url.href
}

/** Below the path of the account pages: begins the replacement of the authenticator `id`. */
export const REPLACE_PATH = '/replace'

/**
 * The links of every page. Without one of the application's own, `home` is the page where people manage their factors,
 * or else the root of the issuer's origin: a page that leads to nothing else links to it.
 */
export function linksOf(core: Core): Readonly<Record<string, string>> {
  return { home: manageUrlOf(core) ?? '/', ...core.links }
}

/**
 * The language of a page for an authorization request with these parameters. `chosen`: the language of the person, where
 * it is known who that is.
 */
export function localeIn(
  { views }: Pick<Core, 'views'>,
  headers: IncomingHttpHeaders,
  { ui_locales: uiLocales }: Readonly<Record<string, unknown>> = {},
  chosen?: string,
): string {
  return views.localeFor({
    ...(typeof uiLocales === 'string' ? { uiLocales } : {}),
    chosen,
    acceptLanguage: headers['accept-language'],
  })
}

/** The provider that the pages were attached to. Throws MfaError `not-attached`. */
export function providerOf(core: Core): Provider {
  if (core.provider === undefined)
    throw new MfaError(
      'not-attached',
      'The configuration was made by mfa.configure(), but mfa.attach(provider) was not called: call it right after `new Provider(...)`',
    )
  return core.provider
}

/**
 * Reports an error of the set-up by Koa's `error` event and answers it, so that the caller can throw it. The host
 * reports errors of an authorization by an event of its own, to which few applications listen. Koa prints an `error`
 * event that has no other listener, so the developer sees the cause.
 */
export function misconfigured(ctx: KoaContextWithOIDC, error: MfaError): MfaError {
  const { app } = ctx as unknown as Context
  if (app.listenerCount('error') > 0) app.emit('error', error, ctx)
  return error
}
