import type { Instant } from './time.ts'

/** An event of an account. It is recorded with the decision itself and passed on at least once. */
export interface MfaEvent {
  /** Unique; a listener that must not act twice keeps it. */
  readonly id: string
  readonly type: EventType
  readonly accountId: string
  readonly at: Instant
  readonly detail: EventDetail
}

/** Never holds a secret, a code or a token (R31). */
export interface EventDetail {
  readonly factor?: string
  readonly authenticatorId?: string
  readonly authenticatorName?: string
  readonly reason?: string
  readonly browser?: 'known' | 'unknown'
  readonly clientId?: string
  readonly ip?: string
  readonly userAgent?: string
  /** The language of the page (BCP 47). */
  readonly locale?: string
  readonly remaining?: number
  readonly until?: Instant
  readonly epoch?: number
  /** The attempts that the event stands for. Absent: one. */
  readonly count?: number
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
  'owner-proved', // the proof that a first enrolment asks for (R10)
  'factor-enrolled',
  'factor-imported', // taken over from another product; `until` when it is weak and ends
  'factor-removed',
  'factor-renamed',
  'signed-in',
  'browser-forgotten', // a known browser is unknown again after ten failures (R4)
  'epoch-raised', // earlier sessions, grants and pending sign-ins have ended (R20)
  'restored', // the storage came from a backup: codes and sessions that the backup brought back are void (R37)
  'reset', // an administrator started a reset (R36)
] as const

/** One of `EVENT_TYPES`, or a type that a factor has added. */
export type EventType = (typeof EVENT_TYPES)[number] | FactorEventType

/** In kebab-case. */
export type FactorEventType = string & {}
