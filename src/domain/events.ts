import type { Instant } from './time.ts'

/**
 * An event of an account: a union by its type. It is recorded with the decision itself and passed on at least once.
 * `type` tells which members `detail` has.
 */
export type MfaEvent = EventOf<EventDetails> | FactorsEvent

/** The event of a factor's own type. */
export interface FactorsEvent extends MfaEventBase {
  readonly type: FactorEventType
  readonly detail: Whole<FactorEventDetail & EventCause>
}

/** The union of events whose types and details are the members of `Details`. */
export type EventOf<Details> = {
  readonly [T in keyof Details]: MfaEventBase & {
    readonly type: T
    readonly detail: Whole<Details[T] & EventCause>
  }
}[keyof Details]

/** With the members that other events have, which are absent here: a listener of all events may ask for each of them. */
export type Whole<Detail> = Detail extends unknown
  ? Detail & { readonly [Member in Exclude<keyof EventDetail, keyof Detail>]?: never }
  : never

export interface MfaEventBase {
  /** Unique; a listener that must not act twice keeps it. */
  readonly id: string
  readonly accountId: string
  readonly at: Instant
}

/** An event that a decision proposes. The commit adds its id, its account and its time. */
export type EventDraft = Draft | FactorDraft

type Draft = {
  readonly [T in keyof EventDetails]: { readonly type: T; readonly detail: EventDetails[T] }
}[keyof EventDetails]

interface FactorDraft {
  readonly type: FactorEventType
  readonly detail: FactorEventDetail
}

/**
 * All members that the detail of any event has. Never holds a secret, a code or a token (R31); `EventDetails` says
 * which of them an event of a type has.
 */
export interface EventDetail {
  readonly factor?: string
  readonly authenticatorId?: string
  readonly authenticatorName?: string
  readonly replacedId?: string
  readonly replacedName?: string
  readonly reason?: string
  readonly browser?: 'known' | 'unknown'
  readonly clientId?: string
  readonly ip?: string
  readonly userAgent?: string
  /** The language of the page (BCP 47). */
  readonly locale?: string
  /** The issuer of the identity provider on whose word the first factor of the sign-in has its level. */
  readonly upstream?: string
  readonly remaining?: number
  readonly until?: Instant
  readonly since?: Instant
  readonly epoch?: number
  /** The attempts that the event stands for. Absent: one. */
  readonly count?: number
  /** The decision of the policy, and the names of the rules that took part in it. */
  readonly decision?: ToldDecision['decision']
  readonly rules?: ToldDecision['rules']
  /** The decision of the rules on trial, where it is another one. */
  readonly shadow?: ToldDecision
  /** The id of the HTTP request that caused the event, as the log has it. */
  readonly requestId?: string
  /** The name of the operator whose command caused the event. */
  readonly actor?: string
}

/** How an event came about, beside what happened: the request or the operator that caused it. Any event may have it. */
export type EventCause = Pick<EventDetail, 'requestId' | 'actor'>

/** The request that caused an event. Empty where none did: a call of `mfa.accounts`, an import, a restore. */
export type RequestDetail = Pick<
  EventDetail,
  'clientId' | 'ip' | 'userAgent' | 'locale' | 'upstream'
>

/** An authenticator, in the request in which it was used or changed. */
export interface AuthenticatorDetail extends RequestDetail {
  readonly factor: string
  readonly authenticatorId: string
  /** Absent where the person gave it no name. */
  readonly authenticatorName?: string
  readonly browser: 'known' | 'unknown'
}

/** A response to a factor, in the request in which it arrived. */
export interface AttemptDetail extends RequestDetail {
  readonly factor: string
  readonly browser: 'known' | 'unknown'
}

/**
 * Refused attempts that no stored decision records. Beyond ten a minute one event stands for `count` of them; it has
 * the members that they had in common.
 */
export interface RefusedDetail extends RequestDetail {
  readonly factor?: string
  readonly browser?: 'known' | 'unknown'
  readonly count?: number
}

/** A decision of the policy in one word. `verify`: a proof is asked for, of the second factor or of the first one again. */
export type DecisionWord = 'pass' | 'verify' | 'enrol' | 'enrol-later' | 'refuse'

/** A decision of the policy, and the names of the rules that take part in it. */
export interface ToldDecision {
  readonly decision: DecisionWord
  readonly rules: readonly string[]
}

/**
 * A decision of the policy that no record stores. Beyond ten a minute one event stands for `count` of them; it has the
 * members that they had in common.
 */
export interface DecidedDetail extends RequestDetail, Partial<ToldDecision> {
  /** The decision of the rules on trial (`policy.shadow`). Absent: they decide alike, or there are none. */
  readonly shadow?: ToldDecision
  readonly count?: number
}

/** `since`: when the recovery began. `until`: the end of the wait; for `recovery-opened`, the end of the time after it. */
export interface RecoveryDetail extends RequestDetail {
  readonly since: Instant
  readonly until: Instant
}

/** How the owner has cancelled a recovery. */
export type CancelReason = 'factor' | 'mail' | 'locked'

/** The event of a factor's own type: of which authenticator, if of one, and what the factor says of it. */
export interface FactorEventDetail extends RequestDetail {
  readonly factor: string
  readonly authenticatorId: string
  readonly authenticatorName?: string
  /** Absent where a set was made together with another factor. */
  readonly browser?: 'known' | 'unknown'
  readonly remaining?: number
  readonly reason?: string
}

/** The detail of each type of event that does not depend on a factor. */
export interface EventDetails {
  'factor-accepted': AuthenticatorDetail & { readonly remaining?: number }
  'factor-refused': RefusedDetail & {
    readonly reason: 'wrong' | 'replayed' | 'late' | 'wrong-confirmation' | 'throttled'
  }
  /** `reason`: that of the lock. `until`: its end, for `code`. */
  'refused-while-locked': RefusedDetail & {
    readonly reason?: 'code' | 'codes-disabled' | 'password-suspected' | 'factor-ended'
    readonly until?: Instant
  }
  locked: AttemptDetail & { readonly until: Instant }
  'codes-disabled': AttemptDetail
  'password-suspected': AttemptDetail
  /**
   * `reason`: the failures were passwords, in a browser of which nothing else is told; or the owner has forgotten it, in
   * a request from this or another browser.
   */
  'browser-forgotten':
    AttemptDetail | { readonly reason: 'password' } | (RequestDetail & { readonly reason: 'owner' })
  /** `until`: the end of the trust. */
  'browser-trusted': RequestDetail & { readonly until: Instant }
  /** `reason`: `eleventh`, `reused`, what was passed to `revokeTrustedBrowsers`, or that of the `epoch-raised` beside it. */
  'browser-trust-revoked': RequestDetail & { readonly reason: string; readonly count: number }
  'browser-trust-reused': RequestDetail
  /** `reason`: the proof on which it began. */
  'enrolment-started': RequestDetail & {
    readonly factor: string
    readonly reason:
      'allowed' | 'password' | 'mailed-code' | 'refused' | 'fresh-factor' | 'recovery'
  }
  'enrolment-refused': RefusedDetail & { readonly reason?: 'no-proof' | 'no-address' }
  /** `until`: the moment at which the enrolment is due. */
  'enrolment-postponed': RequestDetail & { readonly until: Instant }
  'owner-proved': RequestDetail
  /**
   * `reason`: a recovery has set it up, and `recovery-completed` stands beside it; or a browser has made it without asking
   * the person.
   */
  'factor-enrolled': AuthenticatorDetail & { readonly reason?: 'recovered' | 'silent' }
  /** `until`: the end of a weak one. */
  'factor-imported': Pick<
    AuthenticatorDetail,
    'factor' | 'authenticatorId' | 'authenticatorName'
  > & {
    readonly until?: Instant
  }
  /** The new authenticator, and the one whose place it has taken. */
  'factor-replaced': AuthenticatorDetail & {
    readonly replacedId: string
    /** Absent where the person gave it no name. */
    readonly replacedName?: string
  }
  /**
   * `reason`: the person has turned the second factor off, or a recovery has set up another one; `factors-turned-off` or
   * `recovery-completed` stands beside it. `browser` is absent where no page of the plugin was used.
   */
  'factor-removed': Omit<AuthenticatorDetail, 'browser'> &
    Partial<Pick<AuthenticatorDetail, 'browser'>> & { readonly reason?: 'turned-off' | 'recovered' }
  'factors-turned-off': RequestDetail
  'factor-renamed': AuthenticatorDetail
  'signed-in': RequestDetail & { readonly browser: 'known' | 'unknown' }
  'policy-decided': DecidedDetail
  /** `reason`: `factor-enrolled`, `factor-replaced`, `password-changed`, ..., or what was passed to `endEverything`. */
  'epoch-raised': { readonly epoch: number; readonly reason: string }
  'recovery-started': RecoveryDetail
  'recovery-half-way': RecoveryDetail
  'recovery-opened': RecoveryDetail
  /** `reason`: with a factor at a sign-in, by the link of a notice, or because the owner locked the account. */
  'recovery-cancelled': RecoveryDetail & { readonly reason: CancelReason }
  /** `reason`: `expired`, `factor-enrolled`, or that of the `epoch-raised` beside it. */
  'recovery-ended': RecoveryDetail & { readonly reason: string }
  'recovery-refused': RequestDetail
  'recovery-completed': AuthenticatorDetail
  /** `since`: when the lock began. `reason`: the lock has cancelled a recovery. */
  'account-locked-by-owner': RequestDetail & {
    readonly since: Instant
    readonly reason?: 'recovery-cancelled'
  }
  restored: Readonly<Record<never, never>>
  reset: Readonly<Record<never, never>>
}

/** The events that do not depend on a factor. A factor adds words of its own: `Factor.eventTypes`. */
export const EVENT_TYPES = [
  'factor-accepted', // a second factor was proved
  'factor-refused', // `reason`: wrong | replayed | late | wrong-confirmation; throttled: it was not examined
  'refused-while-locked', // not examined; told outside the commit, and bounded
  'locked', // delays began or grew; `until`
  'codes-disabled', // 100 failures in 30 days (R1)
  'password-suspected', // ten failures after a right password in unknown browsers (R2)
  'enrolment-started',
  'enrolment-refused', // a first factor was wanted without the proof that it needs (R10)
  'enrolment-postponed', // a rule with a grace asks for a factor, and the person has put it off
  'owner-proved', // the proof that a first enrolment asks for (R10)
  'factor-enrolled',
  'factor-imported', // taken over from another product; `until` when it is weak and ends
  'factor-replaced', // another authenticator has taken the place of one
  'factor-removed',
  'factors-turned-off', // the owner removed them all
  'factor-renamed',
  'signed-in',
  'policy-decided', // the policy asked for a page, refused, or decided otherwise than the rules on trial
  'browser-forgotten', // a known browser is unknown again: after ten failures (R4), or because its owner wants it
  'browser-trusted', // a browser stands in for the second factor until `until` (R14)
  'browser-trust-revoked', // it does so no longer; `count` browsers
  'browser-trust-reused', // a token was shown again after it was replaced: somebody has copied it
  'epoch-raised', // earlier sessions, grants and pending sign-ins have ended (R20)
  'recovery-started', // a person who lost their factors has proved the password and a mailbox; the wait begins (R9)
  'recovery-half-way', // half of the wait is over
  'recovery-opened', // the wait is over: a replacement can be bound
  'recovery-cancelled',
  'recovery-ended', // its time is over, or a change of the account ended it
  'recovery-refused', // a wrong code
  'recovery-completed', // a replacement was bound, and the earlier factors are gone
  'account-locked-by-owner', // "this was not me": everything live has ended, and mailed ways in are shut
  'restored', // the storage came from a backup: codes and sessions that the backup brought back are void (R37)
  'reset', // an administrator started a reset (R36)
] as const satisfies readonly (keyof EventDetails)[]

/**
 * Whether the entry of an event must survive a power failure. A decision of the policy that refuses nothing changes
 * nothing and opens nothing, and each sign-in with a second factor has one: it must not wait for the disk.
 */
export function mustSurvivePowerFailure(event: {
  readonly type: string
  readonly detail: EventDetail
}): boolean {
  return event.type !== 'policy-decided' || event.detail.decision === 'refuse'
}

/** One of `EVENT_TYPES`, or a type that a factor has added. */
export type EventType = keyof EventDetails | FactorEventType

declare const ofFactor: unique symbol

/** In kebab-case. It is marked, so that the event of a general type cannot be made with the detail of a factor's. */
export type FactorEventType = string & { readonly [ofFactor]: true }

/** Events after a proof of the second factor, and the sign-in that needs none. */
const OF_OWNER: ReadonlySet<string> = new Set([
  'factor-accepted',
  'factor-enrolled',
  'factor-replaced',
  'factor-removed',
  'factor-renamed',
  'factors-turned-off',
  'backup-codes-created',
  'backup-code-used',
  'signed-in',
])

/**
 * Whether the owner of the account was recognised when an event happened: then the language of its page is that of the
 * owner. A recovery proves the password and a mailbox alone, so it may be somebody else's.
 */
export function isOfOwner({
  type,
  detail,
}: {
  readonly type: string
  readonly detail: Pick<EventDetail, 'reason'>
}): boolean {
  return OF_OWNER.has(type) && detail.reason !== 'recovered'
}
