import type { Settled } from '../domain/attempt.ts'
import type { RequestDetail } from '../domain/events.ts'
import { settlePostponed, type Postponable } from '../domain/grace.ts'
import type { MfaRecord } from '../domain/mfa-record.ts'
import type { Instant } from '../domain/time.ts'
import { commit, type Loaded } from './commit.ts'
import type { Dependencies } from './dependencies.ts'
import type { Place } from './place.ts'

/** An enrolment that the person has put off. */
export interface Postponed extends Postponable {
  /** The names of the rules in force whose grace counts from the time at which they first met an account. */
  readonly inForce: readonly string[]
}

/** The record after it was put off, with the event of it. */
export function settle(
  record: MfaRecord,
  { until, rules, inForce }: Postponed,
  { now, detail }: { readonly now: Instant; readonly detail: RequestDetail },
): Settled {
  return settlePostponed(record, { until, rules }, { inForce, now, detail })
}

/**
 * The person of a session, or of a sign-in with a second factor, puts an enrolment off: the grace of its rules is kept.
 * False: the account's epoch has changed meanwhile. Throws what a commit throws.
 */
export async function postpone(
  deps: Dependencies,
  place: Place,
  postponed: Postponed,
  seen: Loaded,
): Promise<boolean> {
  return commit(
    deps,
    place.accountId,
    (record, now) =>
      record.epoch === place.epoch
        ? { outcome: true, ...settle(record, postponed, { now, detail: place.detail }) }
        : { outcome: false },
    seen,
  )
}
