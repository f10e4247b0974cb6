import type { Json } from '../domain/json.ts'
import type { Authenticator, MfaRecord } from '../domain/mfa-record.ts'
import { isTrace, withTraces, type Trace } from '../domain/trace.ts'
import type { AnyFactor } from '../factors/factor.ts'
import type { Dependencies } from './dependencies.ts'
import { openState } from './sealed-state.ts'

type Opening = Pick<Dependencies, 'box' | 'factors'>

/**
 * The record after a change, with the traces of the authenticators that the change has removed. It is the same for each
 * way in which an authenticator goes: a removal, a replacement, a reset, a recovery, a restore.
 */
export function keepTraces(deps: Opening, before: MfaRecord, after: MfaRecord): MfaRecord {
  if (before.authenticators === after.authenticators) return after
  const kept = new Set(after.authenticators.map(({ id }) => id))
  const gone = before.authenticators.filter(({ id }) => !kept.has(id))
  return withTraces(
    after,
    gone.flatMap((authenticator) => traceOf(deps, before.accountId, authenticator)),
  )
}

function traceOf(
  { box, factors }: Opening,
  accountId: string,
  authenticator: Authenticator,
): readonly Trace[] {
  const factor: AnyFactor | undefined = factors.get(authenticator.factor)
  if (factor?.traceOf === undefined) return []
  try {
    const state = factor.parseState(openState(box, accountId, authenticator)) as Json
    const trace = { factor: factor.id, text: factor.traceOf(state) }
    return isTrace(trace) ? [trace] : []
  } catch {
    // Its key is missing or its seal is broken. Such an authenticator must be removable all the same.
    return []
  }
}
