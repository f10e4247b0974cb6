import type { Instant } from '../domain/time.ts'

export interface CounterLimit {
  /** The highest value of the counter. */
  readonly limit: number
  /**
   * Seconds after its first increment when the counter starts again from 0; undefined: never. Names that no account has
   * are counted too, so a counter without a window may be deleted once it has not changed for 90 days. A window that
   * ends later than twice its length from now was begun under a wrong clock, and counts as over.
   */
  readonly windowSeconds?: number
}

export type CounterAnswer =
  | { readonly allowed: true; readonly count: number }
  | { readonly allowed: false; readonly count: number; readonly retryAt?: Instant }

/** Counters that do not belong to one account: failed passwords per name and per address. */
export interface Counters {
  /**
   * Adds one unless that would pass the limit, in one atomic step: of any number of parallel calls on any number of
   * nodes exactly `limit` are allowed per window. The caller reserves before the check, and releases after a success.
   */
  reserve(key: string, limit: CounterLimit, now: Instant): Promise<CounterAnswer>

  /** Subtracts one, never below 0: the attempt that reserved it did not fail. */
  release(key: string, now: Instant): Promise<void>

  /** Sets the counter to 0. */
  reset(key: string): Promise<void>

  /** The counter as it is; nothing is changed. Undefined: it is at 0. */
  read(key: string, now: Instant): Promise<CounterState | undefined>
}

export interface CounterState {
  readonly count: number
  /** When it starts again from 0. Without a window: when it may be deleted, if it does not change before. */
  readonly endsAt: Instant
}
