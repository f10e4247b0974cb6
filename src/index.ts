import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Context } from 'koa'
import type { Configuration, Provider } from 'oidc-provider'
import { hashBrowserToken, readBrowserTokens } from '../interactions/browser-token.ts'
import type { Core } from '../interactions/core.ts'
import { answerInteraction, type InteractionResults } from '../interactions/login/finish.ts'
import { answerIdentification, openIdentification } from '../interactions/login/identify.ts'
import { sessionOf, type SignedInSession } from '../interactions/session.ts'
import { wayBack, type WayBack } from '../interactions/way-back.ts'
import { checkAccount } from './application/check-account.ts'
import { settleEvents } from './application/commit.ts'
import * as accounts from './application/manage-accounts.ts'
import { resealSecrets, sealingKeys } from './application/reseal.ts'
import { restoreAccount } from './application/restore-account.ts'
import { MfaError } from './domain/errors.ts'
import type { EventType, MfaEvent } from './domain/events.ts'
import type { JsonObject } from './domain/json.ts'
import type { Form } from './factors/factor.ts'
import type { Views } from './http/views.ts'
import {
  endingNotice,
  importFactors,
  importRules,
  type FieldsToImport,
  type ImportOutcome,
} from './import/index.ts'
import { attach } from './plugin/attach.ts'
import { configure } from './plugin/configure.ts'
import { coreOf } from './plugin/core.ts'
import { parseOptions, type MfaOptions } from './plugin/options.ts'

export { backupCodes } from './factors/backup-codes/index.ts'
export { importedCodes } from './factors/imported-codes/index.ts'
export { totp, type TotpOptions } from './factors/totp/index.ts'
export type * from './factors/factor.ts'
export { mailedCode } from './plugin/first-enrolment.ts'
export type {
  FirstEnrolment,
  FirstEnrolmentFunction,
  FirstEnrolmentQuestion,
  MailedCode,
  OutgoingMail,
  SendMail,
} from './plugin/first-enrolment.ts'
export type { ManageOptions, MfaOptions } from './plugin/options.ts'
export type { HostAccount, PersonDescription, PolicyQuestion } from '../interactions/core.ts'
export type { SignedInSession } from '../interactions/session.ts'
export type { HostClient } from './host/provider.ts'
export type { WayBack } from '../interactions/way-back.ts'
export type { FirstFactorResult, InteractionResults } from '../interactions/login/finish.ts'
export {
  IMPORT_FIELDS,
  type FieldsToImport,
  type ImportFault,
  type ImportOutcome,
  type ImportWarning,
} from './import/index.ts'
export type { AccountStatus, FactorStatus } from './application/manage-accounts.ts'
export type { EventDetail, EventType, MfaEvent } from './domain/events.ts'
export { MfaError, type ErrorCode } from './domain/errors.ts'
export { MULTI_FACTOR_ACR, PASSWORD_ACR } from './domain/policy.ts'
export type {
  CodeError,
  DeliveryModel,
  EnrolModel,
  PageModels,
  PageName,
  Render,
  Surroundings,
  VerifyModel,
} from './http/pages.ts'
export type { MfaRecords, Versioned } from './ports/mfa-records.ts'
export type { Storage } from './ports/storage.ts'
export type { Clock, Delivery, PasswordHasher, Random } from './ports/services.ts'

/** May return a promise: an event is kept, and offered again, until every listener has taken it. */
export type Listener = (event: MfaEvent) => unknown

export interface Mfa {
  /** The host's configuration with the second factor in it: `new Provider(issuer, mfa.configure(configuration))`. */
  configure(configuration: Configuration): Configuration
  /** The plugin's pages and routes. Right after `new Provider(...)`. */
  attach(provider: Provider): void
  /** In the login page, in place of `provider.interactionFinished`. Answers the request with a redirect. */
  interactionFinished(
    request: IncomingMessage,
    response: ServerResponse,
    results: InteractionResults,
    options?: { mergeWithLastSubmission?: boolean },
  ): Promise<void>
  /** For JSON front ends, in place of `provider.interactionResult`. Answers where the browser goes next. */
  interactionResult(
    request: IncomingMessage,
    response: ServerResponse,
    results: InteractionResults,
    options?: { mergeWithLastSubmission?: boolean },
  ): Promise<string>
  /**
   * For a login page that takes a credential which names its owner (a passkey): opens a challenge of that factor in this
   * sign-in and answers what the page shows of it. Call it when the page is shown, and again after a refusal.
   */
  identification(
    request: IncomingMessage,
    response: ServerResponse,
    factorId: string,
  ): Promise<JsonObject>
  /**
   * Examines what that login page received, as a parsed form. Answers where the browser goes next; undefined: refused,
   * for whatever reason. Check your form's own protection against forgery first, as for a password.
   */
  identificationResult(
    request: IncomingMessage,
    response: ServerResponse,
    factorId: string,
    form: Form,
  ): Promise<string | undefined>
  /**
   * Who is signed in in the browser that sends a request, for a page of your own. The host's `Session.get` answers with
   * sessions that have ended, too. `ctx`: any Koa context, or `{ req, res }`.
   */
  sessionOf(ctx: Pick<Context, 'req' | 'res'>): Promise<SignedInSession | undefined>
  readonly accounts: {
    status(accountId: string): Promise<accounts.AccountStatus>
    /**
     * The epoch to read before a password is checked and to hand to `interactionFinished` with the account: what
     * was right under an older one is not accepted under a new one.
     */
    epoch(accountId: string): Promise<number>
    /** Removes every factor and ends everything live: an administrator starts a reset (R36). */
    reset(accountId: string): Promise<void>
    /** After every change of the password: it ends what the old one has signed in (R20). */
    passwordChanged(accountId: string): Promise<void>
    /** Ends sessions, grants and tokens; factors stay. For a disabled account. */
    endEverything(accountId: string, reason: string): Promise<void>
    /**
     * Seals anew, with the newest encryption key, what an older one has sealed for the account; answers whether
     * there was anything. Throws, after the rest was saved, when a value does not open.
     */
    resealSecrets(accountId: string): Promise<boolean>
    /** How many values of the account are sealed with each encryption key, by the key's id. Opens none. */
    sealingKeys(accountId: string): Promise<Readonly<Record<string, number>>>
    /** Takes over what another application kept of a person's second factor. Once; a second call changes nothing. */
    import(
      accountId: string,
      fields: FieldsToImport,
      options?: { dryRun?: boolean },
    ): Promise<ImportOutcome>
    /** Opens everything that a sign-in would open; throws what would stop it. */
    check(accountId: string): Promise<void>
    /** After a restore from a backup, for every account, before anybody signs in (R37). */
    restored(accountId: string, options?: { since?: number }): Promise<boolean>
  }
  readonly browsers: {
    /** Whether the account's owner has completed a sign-in in this browser: it is exempt from strangers' limits (R4). */
    isKnown(request: IncomingMessage, accountId: string): Promise<boolean>
    /** A wrong password came from it. At ten failures it is a stranger again. */
    failed(request: IncomingMessage, accountId: string): Promise<void>
  }
  /** Events of a decision, at least once each; `'*'` for all of them. Answers how to stop listening. */
  on(type: EventType | '*', listener: Listener): () => void
  /** Of an interaction that is over, by its uid: whether its page was answered, and the way back to its app. */
  wayBack(uid: string): Promise<WayBack>
  /** The pages, mails and assets: for an application that shows its own pages in the same look. */
  readonly views: Views
  /** Resolves when what has been decided was passed on to the listeners: before closing the storage. */
  settled(): Promise<void>
}

/**
 * A second factor for an `oidc-provider`. See `MfaOptions`.
 * Throws MfaError `options-invalid` that lists every fault.
 */
export function createMfa(options: MfaOptions): Mfa {
  const parsed = parseOptions(options)
  const listeners = new Map<EventType | '*', Set<Listener>>()
  let findAccount: Configuration['findAccount']
  const core = coreOf(parsed, {
    findAccount: () => findAccount,
    rules: importRules,
    notices: [endingNotice],
    async publish(events) {
      for (const event of events)
        for (const type of [event.type, '*'] as const)
          for (const listener of [...(listeners.get(type) ?? [])]) await listener(event)
    },
  })
  const { deps } = core
  const tokenHashes = (request: IncomingMessage, accountId: string): string[] =>
    readBrowserTokens(request, issuerOf(core)).map((token) => hashBrowserToken(accountId, token))

  return {
    configure: (configuration = {}) => {
      const wrapped = configure(core, configuration, {
        acknowledge: parsed.acknowledge ?? [],
        trustedGrantTypes: parsed.trustedGrantTypes ?? [],
      })
      findAccount = configuration.findAccount ?? findAccount
      return wrapped
    },
    attach: (provider) => attach(core, provider),
    async interactionFinished(request, response, results, finishOptions) {
      const location = await answerInteraction(core, request, response, results, finishOptions)
      response.statusCode = 303
      response.setHeader('Location', location)
      response.setHeader('Content-Length', '0')
      response.end()
    },
    interactionResult: (request, response, results, finishOptions) =>
      answerInteraction(core, request, response, results, finishOptions),
    identification: (request, response, factorId) =>
      openIdentification(core, request, response, factorId),
    identificationResult: (request, response, factorId, form) =>
      answerIdentification(core, request, response, { factorId, form }),
    sessionOf: (ctx) => sessionOf(core, ctx),
    accounts: accountsOf(deps),
    browsers: {
      isKnown: (request, accountId) =>
        accounts.knowsBrowser(deps, accountId, tokenHashes(request, accountId)),
      failed: (request, accountId) =>
        accounts.browserFailed(deps, accountId, tokenHashes(request, accountId)),
    },
    on(type, listener) {
      const set = listeners.get(type) ?? new Set()
      listeners.set(type, set.add(listener))
      return () => void set.delete(listener)
    },
    wayBack: async (uid) =>
      core.provider === undefined ? { answered: false } : wayBack(core.provider, uid),
    views: core.views,
    settled: () => settleEvents(deps),
  }
}

function accountsOf(deps: Core['deps']): Mfa['accounts'] {
  return {
    status: (accountId) => accounts.readStatus(deps, accountId),
    epoch: (accountId) => accounts.readEpoch(deps, accountId),
    reset: (accountId) => accounts.resetAccount(deps, accountId),
    passwordChanged: (accountId) => accounts.passwordChanged(deps, accountId),
    endEverything: (accountId, reason) => accounts.endEverything(deps, accountId, reason),
    resealSecrets: (accountId) => resealSecrets(deps, accountId),
    sealingKeys: (accountId) => sealingKeys(deps, accountId),
    import: (accountId, fields, options) => importFactors(deps, accountId, fields, options),
    check: (accountId) => checkAccount(deps, accountId),
    restored: (accountId, { since } = {}) => restoreAccount(deps, accountId, since),
  }
}

function issuerOf(core: Core): string {
  if (core.provider === undefined)
    throw new MfaError('not-attached', 'Call mfa.attach(provider) right after `new Provider(...)`')
  return core.provider.issuer
}
