import type { Instant } from '../domain/time.ts'

/**
 * A counter that never ends is kept for 90 days after it was last changed (ports/counters.ts): long enough to make
 * guessing hopeless, and counters of names without an account do not fill the storage for ever.
 */
export const COUNTER_KEPT_SECONDS = 90 * 24 * 3600

/**
 * The latest end that the window of a counter can have, by the port: a later one was begun under a wrong clock. A
 * counter without a window has no end.
 */
export function latestWindowEnd(now: Instant, windowSeconds: number | undefined): Instant {
  return now + 2 * (windowSeconds ?? Infinity)
}
