/**
 * A counter that never ends is kept for 90 days after it was last changed (ports/counters.ts): long enough to make
 * guessing hopeless, and counters of names without an account do not fill the storage for ever.
 */
export const COUNTER_KEPT_SECONDS = 90 * 24 * 3600
