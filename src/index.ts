import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Context } from 'koa'
import type { Configuration, Provider } from 'oidc-provider'
import { hashBrowserToken, readBrowserTokens } from '../interactions/browser-token.ts'
import { manageUrlOf, type Core } from '../interactions/core.ts'
import { answerInteraction, type InteractionResults } from '../interactions/login/finish.ts'
import { answerIdentification, openIdentification } from '../interactions/login/identify.ts'
import {
  openSignInForm,
  type SignInForm,
  type SignInFormOptions,
} from '../interactions/login/sign-in-form.ts'
import {
  renewSession,
  sessionOf,
  type RaisedEpoch,
  type SignedInSession,
} from '../interactions/session.ts'
import { wayBack, type WayBack } from '../interactions/way-back.ts'
import { cancelRecoveryUrl, type CancelRecoveryOptions } from './account/cancel-recovery.ts'
import { notMeUrl, type NotMeOptions } from './account/not-me.ts'
import type { AccountPages } from './account/page.ts'
import { AccountConsole } from './account/pages.ts'
import { checkAccount } from './application/check-account.ts'
import { passEventsOn } from './application/commit.ts'
import { tellEverything } from './application/refused-attempts.ts'
import {
  browserFailed,
  forgetBrowser,
  knowsBrowser,
  readBrowsers,
  type KnownBrowserStatus,
} from './application/known-browsers.ts'
import * as accounts from './application/manage-accounts.ts'
import { tellRecovery } from './application/recover.ts'
import { resealSecrets, sealingKeys } from './application/reseal.ts'
import { turnOff, type TurnOffOutcome } from './application/turn-off.ts'
import { spendShownProof, type ShownProof } from './application/spend-proof.ts'
import { restoreAccount } from './application/restore-account.ts'
import {
  readTrustedBrowsers,
  revokeTrustedBrowsers,
  type TrustedBrowserStatus,
  type TrustToRevoke,
} from './application/trusted-browsers.ts'
import type { Doors } from './domain/doors.ts'
import { MfaError } from './domain/errors.ts'
import type { RequestDetail } from './domain/events.ts'
import type { JsonObject } from './domain/json.ts'
import { given } from './host/given.ts'
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
import {
  explainPolicy,
  type ExplainQuestion,
  type PolicyExplanation,
} from './plugin/explain-policy.ts'
import {
  simulatePolicy,
  type ProposedPolicy,
  type SimulatedClients,
} from './plugin/simulate-policy.ts'
import { configure } from './plugin/configure.ts'
import { coreOf } from './plugin/core.ts'
import type { MfaEvent, Subscribe } from './plugin/events.ts'
import { listeners } from './plugin/listeners.ts'
import { keepParts } from './plugin/made.ts'
import { mailNotices } from './plugin/mailed-notices.ts'
import { firstSignInAt, noticeOf, type Notice } from './plugin/notices.ts'
import { parseOptions, type MfaOptions } from './plugin/options.ts'
import type { PolicyOptions } from './plugin/policy.ts'

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
export type { Door, Doors, DoorState, ShutReason } from './domain/doors.ts'
export type { EventCause, EventDetail, RequestDetail } from './domain/events.ts'
export type * from './plugin/events.ts'
export type { ExplainQuestion, PolicyExplanation } from './plugin/explain-policy.ts'
export type {
  PolicySimulation,
  ProposedPolicy,
  SimulatedChange,
  SimulatedClients,
  SimulatedPerson,
} from './plugin/simulate-policy.ts'
export type { Notice } from './plugin/notices.ts'
export {
  policyFaults,
  reachableLevels,
  type ConditionOptions,
  type PolicyOptions,
  type PolicySurroundings,
  type RuleOptions,
} from './plugin/policy.ts'
export type { UpstreamLevels, UpstreamOptions } from './plugin/upstream.ts'
export type { Level } from './domain/policy/levels.ts'
export type {
  AccountOptions,
  ManageOptions,
  MfaOptions,
  MfaTheme,
  RecoveryOptions,
} from './plugin/options.ts'
export type {
  AccountLink,
  HostAccount,
  PersonDescription,
  PolicyQuestion,
  VerifiedAddress,
} from '../interactions/core.ts'
export type { CancelRecoveryOptions } from './account/cancel-recovery.ts'
export type { NotMeOptions } from './account/not-me.ts'
export type { RaisedEpoch, SignedInSession } from '../interactions/session.ts'
export type { HostClient } from './host/provider.ts'
export type { WayBack } from '../interactions/way-back.ts'
export type { SignInForm, SignInFormOptions } from '../interactions/login/sign-in-form.ts'
export type { FirstFactorResult, InteractionResults } from '../interactions/login/finish.ts'
export {
  IMPORT_FIELDS,
  type FieldsToImport,
  type ImportFault,
  type ImportOutcome,
  type ImportWarning,
} from './import/index.ts'
export type { KnownBrowserStatus } from './application/known-browsers.ts'
export type { TrustedBrowserStatus, TrustToRevoke } from './application/trusted-browsers.ts'
export type { AccountStatus, ChangedByMail, FactorStatus } from './application/manage-accounts.ts'
export type { BrowserName } from './domain/browser-name.ts'
export type { TurnOffOutcome } from './application/turn-off.ts'
export type { ShownProof } from './application/spend-proof.ts'
export type {
  AccountPage,
  AccountPages,
  AccountVisit,
  Deed,
  FactorDeed,
  OwnDeed,
} from './account/page.ts'
export { ACCOUNT_CLIENT_ID } from './account/client.ts'
export { MfaError, type ErrorCode } from './domain/errors.ts'
export {
  HARDWARE_PROTECTED_ACR,
  MULTI_FACTOR_ACR,
  PASSWORD_ACR,
  PHISHING_RESISTANT_ACR,
} from './domain/policy/levels.ts'
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

export interface Mfa {
  /** The host's configuration with the second factor in it: `new Provider(issuer, mfa.configure(configuration))`. */
  configure(configuration: Configuration): Configuration
  /** Adds the plugin's pages and routes to the provider. Call it right after `new Provider(...)`. */
  attach(provider: Provider): void
  /**
   * Replaces the rules in force as a whole, for every later decision of this process. Throws MfaError `options-invalid`
   * with every fault; the rules in force then stay.
   */
  setPolicy(policy: PolicyOptions): void
  /** Takes the place of `provider.interactionFinished` in the login page. Answers the request with a redirect. */
  interactionFinished(
    request: IncomingMessage,
    response: ServerResponse,
    results: InteractionResults,
    options?: { mergeWithLastSubmission?: boolean },
  ): Promise<void>
  /** Takes the place of `provider.interactionResult`, for JSON front ends. Answers where the browser goes next. */
  interactionResult(
    request: IncomingMessage,
    response: ServerResponse,
    results: InteractionResults,
    options?: { mergeWithLastSubmission?: boolean },
  ): Promise<string>
  /**
   * Opens a challenge of a factor in this sign-in and answers the data that the login page shows of it. The factor's
   * credential names its owner (a passkey). Call it when the page is shown, and again after a refusal.
   */
  identification(
    request: IncomingMessage,
    response: ServerResponse,
    factorId: string,
  ): Promise<JsonObject>
  /**
   * Examines the parsed form that this login page received. Answers where the browser goes next. Undefined: the
   * response is refused, whatever the reason. Check your form's own protection against forgery first, as for a
   * password.
   */
  identificationResult(
    request: IncomingMessage,
    response: ServerResponse,
    factorId: string,
    form: Form,
  ): Promise<string | undefined>
  /**
   * Opens a challenge in this sign-in and makes the form by which your login page offers a passkey. `html` is the whole
   * form with its script; it is posted to `action`, below your login page, where the plugin takes it. Call it each time
   * the page is shown.
   */
  passkeySignIn(
    request: IncomingMessage,
    response: ServerResponse,
    options?: SignInFormOptions,
  ): Promise<PasskeySignIn>
  /**
   * Answers who is signed in in the browser that sends a request, for a page of your own; undefined: nobody is. The
   * host's `Session.get` also answers with sessions that have ended. `ctx`: any Koa context, or `{ req, res }`.
   */
  sessionOf(ctx: Pick<Context, 'req' | 'res'>): Promise<SignedInSession | undefined>
  /**
   * Lets the session of this browser go on after a change of the password on a page of your own, under a new id; every
   * other session of the account has ended. `from`: the epoch that you have read before `accounts.passwordChanged`;
   * `to`: the one that the calls have made of it, one more for each. False: no session of this account and epoch.
   */
  renewSession(
    ctx: Pick<Context, 'req' | 'res'>,
    accountId: string,
    epochs: RaisedEpoch,
  ): Promise<boolean>
  /**
   * The plugin's account pages, for pages of your own among them. Each member throws MfaError `options-invalid` while
   * the option `account` is off.
   */
  readonly account: AccountPages
  /**
   * The address of the page where people manage their factors: `manage.url`, or else the plugin's account page.
   * Undefined: there is neither, or `attach` was not called.
   */
  manageUrl(): string | undefined
  readonly policy: {
    /**
     * The decision on a request of a person who has just proved the password, and the part of each rule in it, by the
     * function and the facts of the sign-in. Changes nothing.
     */
    explain(question: ExplainQuestion): Promise<PolicyExplanation>
    /**
     * Reads a proposed policy, and answers a function that says what it would change for an account at these clients.
     * Changes nothing.
     */
    simulate(proposed: unknown, clients: SimulatedClients): ProposedPolicy
  }
  readonly accounts: {
    status(accountId: string): Promise<accounts.AccountStatus>
    /**
     * The epoch of the account. Read it before a password is checked and hand it to `interactionFinished` with the
     * account: a password that was right in an older epoch is not accepted in a new one.
     */
    epoch(accountId: string): Promise<number>
    /** Removes every factor and ends sessions, grants and pending sign-ins: for a reset by an administrator (R36). */
    reset(accountId: string, options?: { readonly factor?: string }): Promise<void>
    /**
     * Ends everything that was signed in with the old password (R20). Call it after every change of the password. For a
     * password that is set by a mailed link, call it before the change too, with `by`, `address` and `askedAt`: the
     * mailbox then proves nothing beside this password (R9). False: do not set the password.
     */
    passwordChanged(accountId: string, how?: accounts.ChangedByMail): Promise<boolean>
    /**
     * Ends every wait after wrong codes, for an administrator who knows that the owner is asking. The owner's lock, codes
     * that are turned off and a suspected password stay.
     */
    unlock(accountId: string): Promise<void>
    /** Which changes of email, password, recovery and factors the account allows now, and why not. */
    doors(accountId: string): Promise<Doors>
    /**
     * Locks the account for its owner: everything live ends, and the ways in by mail are shut until a second factor is
     * proved.
     */
    freeze(accountId: string, detail?: RequestDetail): Promise<void>
    /**
     * Spends the fresh proof that a page of your own has asked for with `mfa_action=prove:PURPOSE:HASH` (R11). True
     * once; false for a proof of another account, purpose, secret or epoch, after ten minutes, and the second time.
     */
    spendProof(accountId: string, proof: ShownProof): Promise<boolean>
    /**
     * Removes every factor for the owner, who has proved one with `mfa_action=prove:PURPOSE:HASH`, and ends everything
     * that was signed in with them. Ask your own policy before.
     */
    turnOff(accountId: string, proof: ShownProof, detail?: RequestDetail): Promise<TurnOffOutcome>
    /**
     * Tells what time has brought to the recovery of an account: the events of half the wait, of its end and of the end
     * of the recovery. Answers whether to ask again. Call it once a minute for each account that had the event
     * `recovery-started`, until it answers false.
     */
    tellRecovery(accountId: string): Promise<boolean>
    /**
     * Ends the access of one app: its grants count nowhere any more, and neither do their codes and tokens, nor the
     * grant of an authorization that is in flight. Destroy the stored records besides, if you want them gone.
     */
    endAccess(accountId: string, clientId: string): Promise<void>
    /**
     * How often the access of an app was ended since the epoch last rose. If a page of your own makes a grant, and the
     * number changes while it does, the access was ended meanwhile: destroy the grant.
     */
    accessEndings(accountId: string, clientId: string): Promise<number>
    /** The browsers that stand in for the account's second factor, at most ten, the newest first. */
    trustedBrowsers(accountId: string): Promise<readonly TrustedBrowserStatus[]>
    /**
     * Trusts one browser (`id`: from `trustedBrowsers`) or all of them no longer: the next request of an app asks for
     * the factor there. Sessions go on. Answers how many browsers that were.
     */
    revokeTrustedBrowsers(accountId: string, which?: TrustToRevoke): Promise<number>
    /** Ends sessions, grants and tokens of an account, such as a disabled one. Its factors stay. */
    endEverything(accountId: string, reason: string): Promise<void>
    /**
     * Seals anew, with the newest encryption key, the values that an older key has sealed for the account; answers
     * whether there were any. Throws, after the rest was saved, when a value does not open.
     */
    resealSecrets(accountId: string): Promise<boolean>
    /** The number of the account's values that are sealed with each encryption key, by the key's id. Opens no value. */
    sealingKeys(accountId: string): Promise<Readonly<Record<string, number>>>
    /** Takes over a person's second factor from another application, once: a second call changes nothing. */
    import(
      accountId: string,
      fields: FieldsToImport,
      options?: { dryRun?: boolean; codesAtOnce?: number },
    ): Promise<ImportOutcome>
    /** Opens every value that a sign-in would open, and throws the error that would stop it. */
    check(accountId: string): Promise<void>
    /** Passes on the events that a crash has left in the account's record. Without it they wait for its next change. */
    passEventsOn(accountId: string): Promise<void>
    /** Makes an account safe after a restore from a backup. Call it for every account before anybody signs in (R37). */
    restored(accountId: string, options?: { since?: number }): Promise<boolean>
  }
  readonly browsers: {
    /**
     * Whether the account's owner has completed a sign-in in this browser: it is exempt from the limits of unknown
     * browsers (R4).
     */
    isKnown(request: IncomingMessage, accountId: string): Promise<boolean>
    /** Counts a wrong password from this browser. At ten failures the account no longer knows the browser. */
    failed(request: IncomingMessage, accountId: string): Promise<void>
    /**
     * The browsers that the account knows, at most 20: the one that sends `request` first, then the one that was seen
     * last.
     */
    list(accountId: string, request?: IncomingMessage): Promise<readonly KnownBrowserStatus[]>
    /**
     * Makes a browser unknown again, for the owner: the limits of unknown browsers apply to it, and its next sign-in is
     * told to the owner. Its session goes on. `id`: from `list`. False: the account does not know it.
     */
    forget(accountId: string, id: string, detail?: RequestDetail): Promise<boolean>
  }
  /** Subscribes to events; see `Subscribe`. */
  readonly on: Subscribe
  /**
   * The mail that tells the owner of an account of an event: its template and values for `views.renderMail`. Undefined:
   * the owner is not told of this event.
   */
  noticeOf(event: MfaEvent): Promise<Notice | undefined>
  /** Tells of an interaction that is over, by its uid, whether its page was answered, and the way back to its app. */
  wayBack(uid: string): Promise<WayBack>
  /**
   * The address of the page for a person who did not do what a notice says: for the mails that an application writes
   * itself. It works for 30 days, as often as wanted, for this account alone; only the POST of the page acts. It ends
   * everything live and shuts the ways in by mail, as `accounts.freeze` does. Throws MfaError `not-attached` before
   * `attach`, unless `issuer` is given.
   */
  notMeUrl(accountId: string, about?: NotMeOptions): string
  /**
   * The address of the page that cancels the recovery that began at `since` (seconds since the Unix epoch), for the mails
   * that an application writes itself. It asks for no sign-in, only the POST of the page acts, and it is void with that
   * recovery. Throws MfaError `not-attached` before `attach`, unless `issuer` is given.
   */
  cancelRecoveryUrl(accountId: string, about: CancelRecoveryOptions): string
  /** The pages, mails and assets, for an application that shows its own pages in the same look. */
  readonly views: Views
  /** Resolves when all decided events were passed on to the listeners. Await it before you close the storage. */
  settled(): Promise<void>
}

/**
 * A second factor for an `oidc-provider`. See `MfaOptions`.
 * Throws MfaError `options-invalid` that lists every fault.
 */
export function createMfa(options: MfaOptions): Mfa {
  const parsed = parseOptions(options)
  const { on, publish } = listeners()
  let findAccount: Configuration['findAccount']
  const core = coreOf(parsed, {
    findAccount: () => findAccount,
    rules: importRules,
    notices: [endingNotice],
    publish,
  })
  const { deps, accountSite } = core
  const account = accountSite && new AccountConsole(core, accountSite)
  if (parsed.notices === true) mailNotices(core, on, () => given(findAccount, 'findAccount'))

  const mfa: Mfa = {
    configure: (configuration = {}) => {
      parsed.inForce.see(configuration)
      const wrapped = configure(core, configuration, {
        acknowledge: parsed.acknowledge ?? [],
        trustedGrantTypes: parsed.trustedGrantTypes ?? [],
      })
      findAccount = configuration.findAccount ?? findAccount
      return wrapped
    },
    attach: (provider) =>
      attach(core, provider, { account, signInRoutes: parsed.signInRoutes ?? true }),
    setPolicy: (next) => parsed.inForce.replace(next),
    async interactionFinished(request, response, results, finishOptions) {
      seeOther(response, await answerInteraction(core, request, response, results, finishOptions))
    },
    interactionResult: (request, response, results, finishOptions) =>
      answerInteraction(core, request, response, results, finishOptions),
    identification: (request, response, factorId) =>
      openIdentification(core, request, response, factorId),
    identificationResult: (request, response, factorId, form) =>
      answerIdentification(core, request, response, { factorId, form }),
    passkeySignIn: (request, response, options) => passkeySignIn(core, request, response, options),
    sessionOf: (ctx) => sessionOf(core, ctx),
    renewSession: (ctx, accountId, epochs) => renewSession(core, ctx, accountId, epochs),
    account: account ?? NO_PAGES,
    manageUrl: () => manageUrlOf(core),
    policy: {
      explain: (question) => explainPolicy(core, question),
      simulate: (proposed, clients) => simulatePolicy(core, parsed.inForce, proposed, clients),
    },
    accounts: accountsOf(deps),
    browsers: browsersOf(core),
    on,
    noticeOf: (event) =>
      noticeOf(event, () => firstSignInAt(deps, event.accountId), deps.factors.values()),
    wayBack: async (uid) =>
      core.provider === undefined ? { answered: false } : wayBack(core.provider, uid),
    notMeUrl: (accountId, about = {}) => notMeUrl(core, accountId, about),
    cancelRecoveryUrl: (accountId, about) => cancelRecoveryUrl(core, accountId, about),
    views: core.views,
    settled: () => tellEverything(deps),
  }
  return keepParts(mfa, deps)
}

/** The form of a login page for a passkey. */
export interface PasskeySignIn extends SignInForm {
  /** `PublicKeyCredentialRequestOptionsJSON` (WebAuthn Level 3, 5.1), for a page with a script of its own. */
  readonly options: JsonObject
}

/** The id of the factor of `oidc-provider-mfa/passkeys`, which this entry does not import. */
const PASSKEY = 'passkey'

async function passkeySignIn(
  core: Core,
  request: IncomingMessage,
  response: ServerResponse,
  options: SignInFormOptions = {},
): Promise<PasskeySignIn> {
  const given = { ...options, factorId: PASSKEY }
  const { verification, ...form } = await openSignInForm(core, request, response, given)
  return { ...form, options: JSON.parse(verification.options as string) as JsonObject }
}

/** Answers with a redirect (R22). */
function seeOther(response: ServerResponse, location: string): void {
  response.statusCode = 303
  response.setHeader('Location', location)
  response.setHeader('Content-Length', '0')
  response.end()
}

function browsersOf(core: Core): Mfa['browsers'] {
  const { deps } = core
  const tokenHashes = (request: IncomingMessage, accountId: string): string[] =>
    readBrowserTokens(request, issuerOf(core)).map((token) => hashBrowserToken(accountId, token))
  return {
    isKnown: (request, accountId) => knowsBrowser(deps, accountId, tokenHashes(request, accountId)),
    failed: (request, accountId) => browserFailed(deps, accountId, tokenHashes(request, accountId)),
    list: (accountId, request) =>
      readBrowsers(deps, accountId, request && tokenHashes(request, accountId)),
    forget: (accountId, id, detail) => forgetBrowser(deps, accountId, { id }, detail),
  }
}

/** An object that is made by `{ ...mfa }` has every member, so none of them throws before it is used. */
const NO_PAGES: AccountPages = {
  get path(): never {
    throw withoutPages()
  },
  page() {
    throw withoutPages()
  },
  visit: () => Promise.reject(withoutPages()),
}

function withoutPages(): MfaError {
  return new MfaError('options-invalid', 'mfa.account needs the option `account` of createMfa')
}

function accountsOf(deps: Core['deps']): Mfa['accounts'] {
  return {
    status: (accountId) => accounts.readStatus(deps, accountId),
    epoch: (accountId) => accounts.readEpoch(deps, accountId),
    reset: (accountId, options) => accounts.resetAccount(deps, accountId, options),
    passwordChanged: (accountId, how) => accounts.passwordChanged(deps, accountId, how),
    unlock: (accountId) => accounts.unlockAccount(deps, accountId),
    doors: (accountId) => accounts.readDoors(deps, accountId),
    tellRecovery: (accountId) => tellRecovery(deps, accountId),
    freeze: (accountId, detail) => accounts.freezeAccount(deps, accountId, detail),
    spendProof: (accountId, proof) => spendShownProof(deps, accountId, proof),
    turnOff: (accountId, proof, detail) => turnOff(deps, accountId, proof, detail),
    endAccess: (accountId, clientId) => accounts.endAppAccess(deps, accountId, clientId),
    accessEndings: (accountId, clientId) => accounts.readAccessEndings(deps, accountId, clientId),
    trustedBrowsers: (accountId) => readTrustedBrowsers(deps, accountId),
    revokeTrustedBrowsers: (accountId, which = {}) =>
      revokeTrustedBrowsers(deps, accountId, which, { reason: 'revoked' }),
    endEverything: (accountId, reason) => accounts.endEverything(deps, accountId, reason),
    resealSecrets: (accountId) => resealSecrets(deps, accountId),
    sealingKeys: (accountId) => sealingKeys(deps, accountId),
    import: (accountId, fields, options) => importFactors(deps, accountId, fields, options),
    check: (accountId) => checkAccount(deps, accountId),
    passEventsOn: (accountId) => passEventsOn(deps, accountId),
    restored: (accountId, { since } = {}) => restoreAccount(deps, accountId, since),
  }
}

function issuerOf(core: Core): string {
  if (core.provider === undefined)
    throw new MfaError('not-attached', 'Call mfa.attach(provider) right after `new Provider(...)`')
  return core.provider.issuer
}
