import type { Assurance } from './assurance.ts'
import type { BrowserName } from './browser-name.ts'
import type { MfaEvent } from './events.ts'
import type { Instant } from './time.ts'
import type { Trace } from './trace.ts'

/** Raised when the shape of a stored record changes; an older one is upgraded when read, a newer one refused. */
export const RECORD_SCHEMA = 1

/**
 * All MFA state of one account: one document, one version, saved only if nothing changed meanwhile. Secrets are inside
 * `sealed` strings; an operator may read everything else.
 */
export interface MfaRecord {
  readonly schema: typeof RECORD_SCHEMA
  readonly accountId: string
  /** Sessions, grants and pending sign-ins carry the epoch they were made under and count only while it is equal (R20). */
  readonly epoch: number
  readonly authenticators: readonly Authenticator[]
  /** Enrolments begun and not confirmed. */
  readonly pending: readonly PendingEnrolment[]
  /** Delivered codes waiting for their response. */
  readonly challenges: readonly OpenChallenge[]
  readonly throttle: Throttle
  readonly browsers: readonly KnownBrowser[]
  /**
   * The trusts in browsers in which the person chose not to be asked for the factor for a while, oldest first; at most 10
   * browsers, each with at most 5 (R14).
   */
  readonly trustedBrowsers?: readonly TrustedBrowser[]
  /** Interactions in which everything asked for was proved, until they have finished. */
  readonly accepted: readonly AcceptedAttempt[]
  /** Proofs that pages of the application's own have asked for, until they are spent or too old. */
  readonly proofs?: readonly KeptProof[]
  readonly history: History
  /** The apps whose access was ended in this epoch, each once. */
  readonly accessEnded?: readonly EndedAccess[]
  /** The recovery in progress, or one whose time is over and that nobody has looked at yet. */
  readonly recovery?: Recovery
  /**
   * When the owner locked the account ("this was not me"). Until a second factor is proved, no password can be reset by
   * mail and no recovery can begin.
   */
  readonly frozenAt?: Instant
  /** When each rule of the policy with a grace first met the account, by the rule's name (src/domain/grace.ts). */
  readonly rulesMet?: Readonly<Record<string, Instant>>
  /** The offers of a factor that the person has answered, one for each factor (src/domain/factor-offer.ts). */
  readonly offers?: readonly AnsweredOffer[]
  /** The traces of authenticators that the account had, the newest last; at most 20 (src/domain/trace.ts). */
  readonly traces?: readonly Trace[]
  /** Events, saved together with the change that they report; passed on afterwards, at least once. */
  readonly events: readonly MfaEvent[]
}

export interface Authenticator {
  readonly id: string
  readonly factor: string
  /** The person's name for it. */
  readonly name: string
  readonly createdAt: Instant
  readonly lastUsedAt?: Instant
  /**
   * Set if it was imported and is weaker than an authenticator that is set up here (R7, R8). From then on it is not
   * examined; until then its owner is asked to set up another.
   */
  readonly renewBy?: Instant
  /** SHA-256 of the handles by which the account can be found; absent where the factor has none. */
  readonly handles?: readonly string[]
  /** The factor's own state. */
  readonly sealed: string
}

export interface PendingEnrolment {
  /** The hash of the id of the interaction that began it. It ends with that interaction. */
  readonly interaction: string
  readonly factor: string
  readonly sealed: string
  readonly expiresAt: Instant
  /** Where its code was sent, masked; absent where nothing was sent. */
  readonly sentTo?: string
  /**
   * Whether it was begun with a fresh factor of the account, as a change that the person asked for. It keeps that proof
   * until it ends (R11).
   */
  readonly isProved?: true
  /**
   * Wrong confirmations delay this enrolment only: a person who guesses a secret that the page has shown gains nothing.
   */
  readonly delay: Delay
}

/** A code that was sent, waiting for its response. */
export interface OpenChallenge {
  readonly interaction: string
  /** A factor's id, or `owner-proof`. */
  readonly purpose: string
  readonly sealed: string
  /** Where the code was sent, masked. */
  readonly sentTo?: string
  readonly expiresAt: Instant
}

/** An offer to set up a factor after a sign-in, which the person has put off. */
export interface AnsweredOffer {
  /** The id of the factor. */
  readonly factor: string
  /** The factor is not offered before. Absent: never again. */
  readonly until?: Instant
}

/** Consecutive failures, and the wait that they cause. */
export interface Delay {
  readonly failures: number
  readonly until?: Instant
}

export interface Throttle {
  /** When codes were refused within the last 30 days, oldest first; at most 100 (R1). */
  readonly failedAt: readonly Instant[]
  /** Set at the hundredth failure; only a recovery or a phishing-resistant factor clears it. */
  readonly codesDisabledAt?: Instant
  /** All browsers in which the owner has not completed a sign-in, together (R2). */
  readonly unknownBrowsers: Delay
  /**
   * Set after ten failures that followed a right password: somebody else may know the password (R2). Cleared by a
   * changed password.
   */
  readonly passwordSuspectedAt?: Instant
}

export interface KnownBrowser extends BrowserPlace {
  /** SHA-256 over account and token; the token itself is in the browser alone (R4). */
  readonly tokenHash: string
  readonly since: Instant
  readonly lastSeenAt: Instant
  /** Wrong codes in this browser. */
  readonly delay: Delay
  /** Wrong passwords and codes since its last success; at ten the browser is unknown again. */
  readonly failures: number
}

/**
 * A trust in a browser in which the person chose not to be asked for the factor for a while (R14). Where they have chosen
 * it again, after another factor or for an app with a shorter time, the browser has several.
 */
export interface TrustedBrowser extends BrowserPlace {
  /** Names it on pages and in its cookie. It is worth nothing without the secret. */
  readonly id: string
  /** SHA-256 over account and token; the token itself is in the browser alone. */
  readonly tokenHash: string
  /** The tokens that this one has replaced within the last seconds. */
  readonly previous: readonly ReplacedToken[]
  /** When the box was ticked. Use does not extend it. */
  readonly since: Instant
  readonly until: Instant
  readonly lastUsedAt: Instant
  /** The id of the factor that earned the trust. Absent in records of an earlier release. */
  readonly factor?: string
  /** Names the browser: all trusts of the account in it have the same value. Absent: the trust's `id` names the browser. */
  readonly browser?: string
  /** The trust is valid only while the record has this epoch. */
  readonly epoch: number
}

export interface ReplacedToken {
  readonly tokenHash: string
  readonly at: Instant
}

/** The signs by which a person recognises a browser. Each is absent where it was not seen. */
export interface BrowserPlace {
  readonly name?: BrowserName
  /** The /24 or /48 of its last sign-in that was stored. */
  readonly network?: string
}

export interface AcceptedAttempt {
  readonly interaction: string
  /** A keyed hash of interaction, factor and the response's normal form: recognises a double tap (R38). */
  readonly fingerprint: string
  readonly factor: string
  readonly authenticatorId: string
  readonly assurance: Assurance
  readonly at: Instant
  /** The attempt is valid only while the record has this epoch. */
  readonly epoch: number
  /** Recognises the challenge that it answered, which is spent and cannot be answered again (R28). */
  readonly challenge?: string
  /** The number of look-up secrets left, for the warning directly after use. */
  readonly remaining?: number
  /** A keyed hash of the change of factors that was made with it; no other change can be made with it (R11). */
  readonly spentOn?: string
  /** Whether it was asked for as the proof for a change: sign-ins beside it do not push it out. */
  readonly isProof?: true
  /** The sign-in needs another factor after it, so no change can be made with it (R11). */
  readonly isPart?: true
}

/** A fresh proof for one change, which a page of the application's own makes (R11). */
export interface KeptProof {
  /** The change that it is for, in kebab-case. */
  readonly purpose: string
  /** SHA-256 of the secret that the page keeps in the browser, in base64url. */
  readonly secretHash: string
  /** When the factor was shown. */
  readonly at: Instant
  /** The proof is valid only while the record has this epoch. */
  readonly epoch: number
}

export interface EndedAccess {
  readonly clientId: string
  readonly times: number
}

export interface History {
  readonly firstSignInAt?: Instant
  /**
   * The last sign-in that was saved. A sign-in with the password alone in a known browser changes nothing and is not
   * saved.
   */
  readonly lastSignInAt?: Instant
  readonly firstEnrolledAt?: Instant
  /** The last reset by an administrator. After a reset the password alone is not enough to enrol a factor (R10). */
  readonly resetAt?: Instant
  /**
   * When the factors of another product were imported, or were found to be none. An account is imported once. As after
   * a reset, the password alone is not enough to enrol a factor.
   */
  readonly importedAt?: Instant
  /**
   * When an account was imported whose second factor was on in another product but could not be taken over. The person
   * must set up a factor at the next sign-in, even if the application's policy requires none. After a reset the policy
   * alone decides.
   */
  readonly mustEnrolSince?: Instant
  /**
   * The last restore from a backup. The record does not hold what happened after the backup was made, so the password
   * alone is not enough to enrol a factor, as after a reset.
   */
  readonly restoredAt?: Instant
  /** Proofs of ownership made for a first enrolment, per interaction (R10). */
  readonly ownerProofs: readonly OwnerProof[]
  /** Codes mailed in the last hour: cooldown and quota (R3). */
  readonly deliveredAt: readonly Instant[]
  /** The last password that was set by a mailed link. Its mailbox is no second proof until a factor is proved (R9). */
  readonly passwordByMail?: PasswordByMail
  /** When the first factor was bound on the password alone: for some days it opens fewer doors (R10). */
  readonly boundOnPasswordAt?: Instant
  /** When a recovery last bound a replacement. */
  readonly recoveredAt?: Instant
  /** When recoveries were cancelled, in the last 30 days. */
  readonly recoveriesCancelledAt?: readonly Instant[]
  /** When wrong codes of recovery were refused, in the last hour. */
  readonly recoveryFailedAt?: readonly Instant[]
  /** A link for a new password that was asked for at this time or before is void: a recovery began then (R9). */
  readonly resetsVoidUntil?: Instant
}

export interface PasswordByMail {
  readonly at: Instant
  /** A keyed hash of the mailbox, with the id of its key. */
  readonly mailbox: string
  /** When a second factor was first proved after it. */
  readonly provedAt?: Instant
}

/** A recovery, from the mailed proof at its start to the end of the time in which a replacement can be bound (R9). */
export interface Recovery {
  readonly startedAt: Instant
  /** The end of the wait. */
  readonly opensAt: Instant
  readonly endsAt: Instant
  /** The notice that was given last, after the one of the start. */
  readonly told?: 'half-way' | 'opened'
  /** The interaction in which the mailed proof was shown once more, after the wait. */
  readonly proof?: OwnerProof
}

export interface OwnerProof {
  readonly interaction: string
  readonly at: Instant
}

export function newRecord(accountId: string): MfaRecord {
  return {
    schema: RECORD_SCHEMA,
    accountId,
    epoch: 1,
    authenticators: [],
    pending: [],
    challenges: [],
    throttle: { failedAt: [], unknownBrowsers: { failures: 0 } },
    browsers: [],
    accepted: [],
    history: { ownerProofs: [], deliveredAt: [] },
    events: [],
  }
}
