import { meet } from '../domain/grace.ts'
import { commit, type Loaded } from './commit.ts'
import type { Dependencies } from './dependencies.ts'

/** The rules whose grace begins now, and the names of all rules in force with such a grace. */
export interface Meeting {
  readonly met: readonly string[]
  readonly inForce: readonly string[]
}

/**
 * Begins the grace of rules that meet the account for the first time, whatever page comes or comes not: a device or a
 * silent sign-in must not put an enrolment off for ever. Writes nothing for rules that have met it. Throws what a commit
 * throws.
 */
export async function meetRules(
  deps: Dependencies,
  accountId: string,
  { met, inForce }: Meeting,
  seen: Loaded,
): Promise<void> {
  const isNew = met.some((name) => !Object.hasOwn(seen.record.rulesMet ?? {}, name))
  if (!isNew) return
  await commit(
    deps,
    accountId,
    (record, now) => ({ outcome: undefined, record: meet(record, { met, inForce }, now) }),
    seen,
  )
}
