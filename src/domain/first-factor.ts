import type { Amr } from './assurance.ts'
import type { Proof, UpstreamAssurance } from './policy/proofs.ts'
import { CLOCK_SKEW_SECONDS, MINUTE_SECONDS, type Instant } from './time.ts'

/** How long a right password waits for the second factor. */
export const PENDING_SECONDS = 10 * MINUTE_SECONDS

/**
 * The proof of the login page. It is kept in the interaction and nowhere else, and signs nobody in. It is carried from
 * interaction to interaction of one authorization (`cid`), and is valid until its time ends or the account's epoch
 * changes.
 */
export interface PendingFirstFactor {
  readonly accountId: string
  readonly amr: readonly Amr[]
  /**
   * When the person proved the first factor: `auth_time`. May be long ago if the login page asks another identity
   * provider.
   */
  readonly ts: Instant
  /** Whether it was proved before its authorization began: it is not fresh for that request (`isEarlierThan`). */
  readonly isEarlier?: boolean
  /** When the login page answered with it. Its lifetime begins then. */
  readonly answeredAt: Instant
  readonly epoch: number
  /** The assurance that it has on the word of an upstream provider. Absent: it is of one kind. */
  readonly upstream?: UpstreamAssurance
  /** All proofs of this authorization, the first factor among them, where more than one second factor is asked for. */
  readonly proofs?: readonly Proof[]
  /** The proofs are those of a factor with which the person signs in alone: no second factor was asked for yet. */
  readonly alone?: true
  /** False: the session ends with the browser. */
  readonly remember?: boolean
  /** Other values of the login page, for the application's own checks. The plugin decides nothing by them. */
  readonly extra?: Readonly<Record<string, unknown>>
}

/**
 * Whether a pending first factor counts. `heldUntil`: the time until which a set-up in progress, or an accepted second
 * factor, holds it beyond its ten minutes. Nothing holds it beyond its epoch.
 */
export function isCurrent(
  pending: PendingFirstFactor,
  epoch: number,
  now: Instant,
  heldUntil: Instant = pending.answeredAt,
): boolean {
  return (
    pending.epoch === epoch &&
    now < Math.max(pending.answeredAt + PENDING_SECONDS, heldUntil) &&
    pending.answeredAt <= now + CLOCK_SKEW_SECONDS
  )
}

/**
 * Whether the login page names a time before the authorization began: it knew the person already. Such a proof counts
 * from its own time where a request or a rule limits the age (R15, R25).
 */
export function isEarlierThan(begunAt: Instant | undefined, ts: Instant | undefined): boolean {
  return begunAt !== undefined && ts !== undefined && ts < begunAt - CLOCK_SKEW_SECONDS
}

/** Since when the proofs of an authorization were given for it. */
export function begunWith({
  ts,
  answeredAt,
  isEarlier,
}: Pick<PendingFirstFactor, 'ts' | 'answeredAt' | 'isEarlier'>): Instant {
  return isEarlier === true ? answeredAt : ts
}
