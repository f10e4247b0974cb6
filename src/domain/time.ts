/** A point in time: whole seconds since the Unix epoch. The domain is given it, it never reads a clock. */
export type Instant = number

export const MINUTE_SECONDS = 60
export const HOUR_SECONDS = 60 * MINUTE_SECONDS
export const DAY_SECONDS = 24 * HOUR_SECONDS
