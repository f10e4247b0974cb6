import type { Assurance } from './assurance.ts'
import type { MfaEvent } from './events.ts'
import type { Instant } from './time.ts'

/** Raised when the shape of a stored record changes; an older one is upgraded when read, a newer one refused. */
export const RECORD_SCHEMA = 1

/**
 * All MFA state of one account: one document, one version, saved only if nothing changed meanwhile.
 * What must be secret is inside `sealed` strings; everything else may be read by an operator.
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
  /** Interactions in which everything asked for was proved, until they have finished. */
  readonly accepted: readonly AcceptedAttempt[]
  readonly history: History
  /** Decided together with what they tell of; passed on afterwards, at least once. */
  readonly events: readonly MfaEvent[]
}

export interface Authenticator {
  readonly id: string
  readonly factor: string
  /** What the person calls it. */
  readonly name: string
  readonly createdAt: Instant
  readonly lastUsedAt?: Instant
  /**
   * Imported, and weaker than what is made here (R7, R8): from then on it is not examined, and until then its owner
   * is asked to set up another.
   */
  readonly renewBy?: Instant
  /** SHA-256 of the handles by which the account can be found; absent where the factor has none. */
  readonly handles?: readonly string[]
  /** The factor's own state. */
  readonly sealed: string
}

export interface PendingEnrolment {
  /** The interaction that began it: it dies with that. */
  readonly interaction: string
  readonly factor: string
  readonly sealed: string
  readonly expiresAt: Instant
  /** Where its code was sent, masked; absent where nothing was sent. */
  readonly sentTo?: string
  /** Wrong confirmations only slow themselves down: guessing a secret one was shown gains nothing. */
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

/** Consecutive failures and the wait they have earned. */
export interface Delay {
  readonly failures: number
  readonly until?: Instant
}

export interface Throttle {
  /** When codes were refused within the last 30 days, oldest first; at most 100 (R1). */
  readonly failedAt: readonly Instant[]
  /** Set when the hundredth came; only a recovery or a phishing-resistant factor clears it. */
  readonly codesDisabledAt?: Instant
  /** All browsers the owner has not completed a sign-in from, together (R2). */
  readonly unknownBrowsers: Delay
  /** Ten failures after a right password: somebody has it (R2). Cleared by a changed password. */
  readonly passwordSuspectedAt?: Instant
}

export interface KnownBrowser {
  /** SHA-256 over account and token; the token itself is in the browser alone (R4). */
  readonly tokenHash: string
  readonly since: Instant
  readonly lastSeenAt: Instant
  /** Wrong codes in this browser. */
  readonly delay: Delay
  /** Wrong passwords and codes since its last success; at ten the browser is a stranger again. */
  readonly failures: number
}

export interface AcceptedAttempt {
  readonly interaction: string
  /** A keyed hash of interaction, factor and the response's normal form: recognises a double tap (R38). */
  readonly fingerprint: string
  readonly factor: string
  readonly authenticatorId: string
  readonly assurance: Assurance
  readonly at: Instant
  /** Counts only while it is the record's. */
  readonly epoch: number
  /** Recognises the challenge that it was the answer to: spent, it is answered no second time (R28). */
  readonly challenge?: string
  /** What is left of a look-up secret, for the warning straight after use. */
  readonly remaining?: number
  /** A keyed hash of the change of factors that it was made for and spent on: it is good for no other (R11). */
  readonly spentOn?: string
}

export interface History {
  readonly firstSignInAt?: Instant
  readonly firstEnrolledAt?: Instant
  /** The last reset by an administrator: after one the password alone enrols nothing (R10). */
  readonly resetAt?: Instant
  /** When the factors of another product were taken over, or that there were none. Once; the same holds after it. */
  readonly importedAt?: Instant
  /**
   * When somebody was imported whose second factor was on in another product, with nothing of it that works: until
   * they have set one up they are asked to, whatever the application's policy says. A reset leaves it to the policy.
   */
  readonly mustEnrolSince?: Instant
  /** The last restore from a backup: what happened since it was made is forgotten, so the same holds after it. */
  readonly restoredAt?: Instant
  /** Proofs of ownership made for a first enrolment, per interaction (R10). */
  readonly ownerProofs: readonly OwnerProof[]
  /** Codes mailed in the last hour: cooldown and quota (R3). */
  readonly deliveredAt: readonly Instant[]
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
