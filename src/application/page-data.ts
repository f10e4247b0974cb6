import type { JsonObject } from '../domain/json.ts'
import type { MfaRecord } from '../domain/mfa-record.ts'
import { tracesOf } from '../domain/trace.ts'
import type { PageAbout } from '../factors/factor.ts'
import type { Dependencies } from './dependencies.ts'
import { existingStates } from './owned-states.ts'

/** The values that a factor gives to its script on the overview of an account. */
export interface FactorPageData {
  readonly factor: string
  readonly data: JsonObject
}

/** The values of each factor that the account has, or had, and that gives some. They are the account's own. */
export function pageDataOf(
  deps: Pick<Dependencies, 'box' | 'factors'>,
  record: MfaRecord,
  about: PageAbout,
): readonly FactorPageData[] {
  return [...deps.factors.values()].flatMap((factor) => {
    if (factor.pageData === undefined) return []
    const states = existingStates(deps, record, factor)
    const traces = tracesOf(record, factor.id)
    if (states.length === 0 && traces.length === 0) return []
    return [{ factor: factor.id, data: factor.pageData(states, about, traces) }]
  })
}
