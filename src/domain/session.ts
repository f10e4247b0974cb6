import { combine, type Amr } from './assurance.ts'
import { MULTI_FACTOR_ACR, PASSWORD_ACR } from './policy/levels.ts'
import { DAY_SECONDS, type Instant } from './time.ts'

/** NIST SP 800-63B-4 2.2: at the second level people authenticate again after a day (R15). */
export const SESSION_SECONDS = DAY_SECONDS

/**
 * The epoch of every account until its first change: a session that was made without the plugin is valid in that epoch,
 * and ends with it.
 */
export const FIRST_EPOCH = 1

export interface SessionState {
  /** The epoch it was made under; undefined for a session made before the plugin was added. */
  readonly epoch: number | undefined
  readonly signedInAt: Instant | undefined
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
    session.signedInAt !== undefined &&
    now - session.signedInAt < longestSeconds
  )
}

/**
 * The level of a session that the plugin has not made: it is older than the plugin, or a node without the plugin made
 * it. Its `acr` is accepted only if its `amr` supports it, because some login pages answer with the level that was
 * requested. An `acr` of the application's own stays; a session without `acr` has the level of a password.
 */
export function levelWithoutEpoch(acr: string | undefined, amr: readonly Amr[]): string {
  if (acr === undefined) return PASSWORD_ACR
  return acr === MULTI_FACTOR_ACR && !combine(amr, NOTHING_MORE).multiFactor ? PASSWORD_ACR : acr
}

const NOTHING_MORE = { amr: [], kinds: [], phishingResistant: false } as const
