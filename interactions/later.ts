import { postponableBy, type Postponable } from '../src/domain/grace.ts'
import type { Instant } from '../src/domain/time.ts'
import type { Steps } from './decide.ts'

/** The member of an interaction's results that names the account whose person has put an enrolment off. */
export const LATER = 'mfaLater'

/** The set-up that a sign-in offers to put off. */
export interface Later extends Postponable {
  /** When the account was made, if the application says so. */
  readonly createdAt?: Instant
  /** Whether a factor of the person has to be shown before. */
  readonly afterFactor: boolean
}

/** Whether the person has put the enrolment off in this authorization. It does not count for another person. */
export function isPostponedIn(
  results: Readonly<Record<string, unknown>> | undefined,
  accountId: string,
): boolean {
  return results?.[LATER] === accountId
}

/** The set-up that can be put off: now, or once a factor of the person was shown. Undefined: there is none, or it is due. */
export function laterBy({ decision, next }: Steps): Omit<Later, 'createdAt'> | undefined {
  const now = postponableBy(decision)
  if (now !== undefined) return { ...now, afterFactor: false }
  const then = next === undefined ? undefined : postponableBy(next)
  return then === undefined ? undefined : { ...then, afterFactor: true }
}

/** The decision by which a factor has to be set up: the present one, or the one after a factor of the person was shown. */
export function setUpBy({ decision, next }: Steps): Steps['decision'] | undefined {
  return [decision, next].find((one) => one?.step === 'enrol' || one?.step === 'enrol-later')
}
