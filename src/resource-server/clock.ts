/** The time in seconds since the Unix epoch. */
export interface Clock {
  now(): number
}

/** The time of this machine. An API loads nothing of the provider, so this clock is its own. */
export const systemClock: Clock = { now: () => Math.floor(Date.now() / 1000) }

/** How far the clock of the provider may be ahead of ours. */
export const SKEW_SECONDS = 30
