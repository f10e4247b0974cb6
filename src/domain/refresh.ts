import type { Instant } from './time.ts'

/**
 * The seconds after the first use of a refresh token in which a second use gets the same new token. Two requests of one
 * client that run at the same time need this time, and so does a client that sends a request again because the answer
 * was lost.
 */
export const REPEAT_SECONDS = 10

/** A refresh token that was used and that a client presents again. */
export interface UsedRefreshToken {
  /** When it was used first, as the adapter has stored it. A value that is no time in seconds permits no repetition. */
  readonly usedAt: unknown
  /** Whether the token that replaced it was used: its client has it, so nobody has to ask for it again. */
  readonly isSuccessorUsed: boolean
}

/**
 * Whether a second use of a refresh token is a repetition of the first one, which gets the same new token. Any other
 * second use is a replay, which ends the family (R21; RFC 9700 4.14.2). The clocks of two nodes may differ, so a use
 * that seems to be later than now counts by its distance.
 */
export function isRepetition({ usedAt, isSuccessorUsed }: UsedRefreshToken, now: Instant): boolean {
  return typeof usedAt === 'number' && Math.abs(now - usedAt) <= REPEAT_SECONDS && !isSuccessorUsed
}

/**
 * The errors by which a repetition is refused although the token itself may be repeated: somebody else presented it,
 * namely another client or a sender with another key or certificate, or its grant has ended.
 */
const ERRORS_OF_ANOTHER_SENDER: readonly unknown[] = ['invalid_grant', 'invalid_request']

/**
 * Whether a refused second use ends the family. A replay always does. A repetition does if another client or sender
 * made it; a request for a scope that was not granted has no effect on the family.
 */
export function endsFamily(use: {
  readonly isRepetition: boolean
  readonly error: unknown
}): boolean {
  return !use.isRepetition || ERRORS_OF_ANOTHER_SENDER.includes(use.error)
}
