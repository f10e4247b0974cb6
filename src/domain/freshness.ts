import { CLOCK_SKEW_SECONDS, MINUTE_SECONDS, type Instant } from './time.ts'

/** For this long after a second factor, changes that open no door need no other one (R11). */
export const RECENT_SECONDS = 5 * MINUTE_SECONDS

/** The proofs that were given in a session. */
export interface SessionProofs {
  /** Whether the account has a factor. */
  readonly enrolled: boolean
  /** The last second factor in the session. */
  readonly factorAt?: Instant | undefined
  /** The first factor of the session. */
  readonly signedInAt: Instant
}

/**
 * The time of the proof that counts as fresh: the last second factor or, where the account has none, the first factor.
 * Undefined: the account has a factor, and none was shown in this session.
 */
export function provedAtIn({ enrolled, factorAt, signedInAt }: SessionProofs): Instant | undefined {
  return enrolled ? factorAt : signedInAt
}

/**
 * Whether a proof was given within the last five minutes. A proof from the future does not count: the clock was set back,
 * and it would stay fresh for the length of the jump.
 */
export function isRecent(provedAt: Instant | undefined, now: Instant): boolean {
  return (
    provedAt !== undefined &&
    now - provedAt < RECENT_SECONDS &&
    provedAt <= now + CLOCK_SKEW_SECONDS
  )
}
