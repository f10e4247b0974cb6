import { DAY_SECONDS, type Instant } from './time.ts'

/** NIST SP 800-63B-4 2.2: at the second level people authenticate again after a day (R15). */
export const SESSION_SECONDS = DAY_SECONDS

export interface SessionState {
  /** The epoch it was made under; undefined for one from before the plugin. */
  readonly epoch: number | undefined
  readonly loginTs: Instant | undefined
}

/** Whether a stored session still speaks for its account: equality of epochs, never a comparison of times (R20). */
export function isLive(
  session: SessionState,
  epoch: number,
  longestSeconds: number,
  now: Instant,
): boolean {
  return (
    session.epoch === epoch &&
    session.loginTs !== undefined &&
    now - session.loginTs < longestSeconds
  )
}
