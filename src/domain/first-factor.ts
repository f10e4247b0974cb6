import type { Amr } from './assurance.ts'
import { MINUTE_SECONDS, type Instant } from './time.ts'

/** How long a right password waits for the second factor. */
export const PENDING_SECONDS = 10 * MINUTE_SECONDS
/** How far the clocks of two nodes may differ: what one has just sealed, the other takes. */
export const CLOCK_SKEW_SECONDS = 30

/**
 * What the login page has proved, kept in the interaction and nowhere else: nobody is signed in by it.
 * It is carried from interaction to interaction of one authorization (`cid`) and counts while its time
 * runs and the account's epoch is the one it was made under.
 */
export interface PendingFirstFactor {
  readonly accountId: string
  readonly amr: readonly Amr[]
  /** When it was shown: `auth_time`. Long ago, where the login page asks a provider of its own. */
  readonly ts: Instant
  /** When the login page answered with it: from then on it waits. */
  readonly answeredAt: Instant
  readonly epoch: number
  /** False: the session ends with the browser. */
  readonly remember?: boolean
  /** What else the login page has said, for the application's own checks; nothing is decided by it. */
  readonly extra?: Readonly<Record<string, unknown>>
}

export function isCurrent(pending: PendingFirstFactor, epoch: number, now: Instant): boolean {
  return (
    pending.epoch === epoch &&
    now < pending.answeredAt + PENDING_SECONDS &&
    pending.answeredAt <= now + CLOCK_SKEW_SECONDS
  )
}
