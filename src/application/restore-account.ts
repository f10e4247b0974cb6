import type { Json } from '../domain/json.ts'
import type { Authenticator } from '../domain/mfa-record.ts'
import { settleRestored } from '../domain/restore.ts'
import type { Instant } from '../domain/time.ts'
import { commit } from './commit.ts'
import type { Dependencies } from './dependencies.ts'
import { openState, sealState } from './sealed-state.ts'

/**
 * After a restore from a backup, for each account, before anybody signs in (R37): what was spent since the backup is
 * spent again, and everything live ends. `since`: leave an account that was restored then or later, so that a run
 * that broke off goes on; answers whether it changed. Throws what a commit throws.
 */
export async function restoreAccount(
  deps: Dependencies,
  accountId: string,
  since?: Instant,
): Promise<boolean> {
  return commit(deps, accountId, (record, now) => {
    const { restoredAt } = record.history
    if (since !== undefined && restoredAt !== undefined && restoredAt >= since)
      return { outcome: false }
    const keys = new Set<string>()
    const authenticators = record.authenticators
      .filter((one) => isFirstOfKey(deps, accountId, one, keys))
      .map((one) => spend(deps, accountId, one, now))
    return { outcome: true, ...settleRestored(record, authenticators, now) }
  })
}

/** Of two authenticators of one key, which a record of an older version may have, the first one stays (R40). */
function isFirstOfKey(
  deps: Dependencies,
  accountId: string,
  authenticator: Authenticator,
  keys: Set<string>,
): boolean {
  const factor = deps.factors.get(authenticator.factor)
  if (factor?.keyOf === undefined) return true
  const state: unknown = factor.parseState(openState(deps.box, accountId, authenticator))
  const key = JSON.stringify([factor.id, factor.keyOf(state)])
  const isFirst = !keys.has(key)
  keys.add(key)
  return isFirst
}

/** A factor that this deployment does not offer is left as it is: nothing of it is accepted. */
function spend(
  deps: Dependencies,
  accountId: string,
  authenticator: Authenticator,
  now: Instant,
): Authenticator {
  const factor = deps.factors.get(authenticator.factor)
  if (factor?.afterRestore === undefined) return authenticator
  const state: unknown = factor.parseState(openState(deps.box, accountId, authenticator))
  const spent = factor.afterRestore(state, now) as Json
  return { ...authenticator, sealed: sealState(deps.box, accountId, authenticator, spent) }
}
