import type { Context } from 'koa'
import type { Account, KoaContextWithOIDC, Provider } from 'oidc-provider'
import { MfaError } from '../src/domain/errors.ts'
import type { Loaded } from '../src/application/commit.ts'
import type { Dependencies } from '../src/application/dependencies.ts'
import type { FirstEnrolmentRule } from '../src/domain/enrolment.ts'
import type { HostClient } from '../src/host/provider.ts'
import { presentMount } from '../src/http/mount.ts'
import type { Views } from '../src/http/views.ts'
import type { Notice } from './notice.ts'

/** What the application's own functions are asked with. `account` is what its findAccount answered. */
export interface PolicyQuestion {
  readonly account: HostAccount
  readonly client: HostClient
  /** The parameters of the authorization request. */
  readonly params: Readonly<Record<string, unknown>>
}

/** What the application's findAccount answers: the host types it loosely, applications add what they like. */
export type HostAccount = Account

/** How a person is shown to, and reached for, themselves. */
export interface PersonDescription {
  /** A user name or address: on the pages and in the authenticator app. */
  readonly label: string
  /** A verified address to mail to, if there is one. */
  readonly address?: string
}

/** The parts of a configuration without which nobody would be asked for a second factor. */
export interface Taken {
  /** `configure` was called. */
  configured: boolean
  /** The host has made the guarded adapter of its interactions. */
  adapter: boolean
  /** The requests in which the host has asked the wrapped policy. */
  readonly policy: WeakSet<object>
}

/** What prompts, routes and guards of one `createMfa` share. */
export interface Core {
  readonly deps: Dependencies
  readonly issuerName: string
  /** Under which path of the provider the pages are: `/mfa`. */
  readonly path: string
  readonly views: Views
  readonly links: Readonly<Record<string, string>>
  readonly sessionSeconds: number
  requires(question: PolicyQuestion): Promise<boolean>
  firstEnrolmentRule(
    question: PolicyQuestion & { readonly firstSignIn: boolean },
  ): Promise<FirstEnrolmentRule>
  describe(account: HostAccount): Promise<PersonDescription>
  /** Pages between an accepted second factor and the app, besides those of every sign-in. */
  readonly notices: readonly Notice[]
  /** Whether an app may ask for a change of the person's factors. */
  mayManage(client: HostClient): Promise<boolean>
  /** Where people manage their factors, if the application says. */
  readonly manageUrl: string | undefined
  /**
   * What the application's findAccount answers for an account, asked once per request. `seenAs`: the context as it
   * would be without the plugin, with the person in the session.
   */
  account(
    ctx: KoaContextWithOIDC,
    accountId: string,
    seenAs?: KoaContextWithOIDC,
  ): Promise<HostAccount | undefined>
  /** The account's record as it is within this request: read once. */
  record(ctx: object | undefined, accountId: string): Promise<Loaded>
  /** Nodes without the plugin serve the same sign-ins. */
  readonly adopting: boolean
  /** What the provider has taken of the configuration that `configure` has made. */
  readonly taken: Taken
  /** Set by `attach`. */
  provider: Provider | undefined
}

/**
 * Where a browser finds the provider, without a slash at the end: where this request has found it, else the path of
 * its issuer, which a proxy may have taken away. Empty before `attach`.
 */
export function mountPath({ provider }: Pick<Core, 'provider'>): string {
  if (provider === undefined) return ''
  return presentMount() || new URL(provider.issuer).pathname.replace(/\/$/, '')
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
 * The host tells of an error in an authorization by an event of its own, to which few listen. Koa's `error` is
 * printed where nobody does: how an application is put together should not have to be guessed.
 */
export function misconfigured(ctx: KoaContextWithOIDC, error: MfaError): MfaError {
  const { app } = ctx as unknown as Context
  if (app.listenerCount('error') > 0) app.emit('error', error, ctx)
  return error
}
