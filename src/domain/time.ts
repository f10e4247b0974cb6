/** A point in time: whole seconds since the Unix epoch. The domain is given it, it never reads a clock. */
export type Instant = number

export const MINUTE_SECONDS = 60
export const HOUR_SECONDS = 60 * MINUTE_SECONDS
export const DAY_SECONDS = 24 * HOUR_SECONDS

/**
 * How far the clocks of two nodes may differ: a node accepts a time that another node with a faster clock has just
 * stored.
 */
export const CLOCK_SKEW_SECONDS = 30

/**
 * Whether a wait that a rule has set lasts still. An end further away than twice the longest wait of the rule was set
 * under a wrong clock, and counts as over: otherwise a wait would last for as long as the clock was ahead. It is twice
 * the longest, because the clocks of two nodes differ, and a clock that is set back a little must end no wait early.
 */
export function isWaiting(end: Instant, now: Instant, longestSeconds: number): boolean {
  return end > now && end <= now + 2 * longestSeconds
}
