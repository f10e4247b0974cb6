import type { Json } from '../domain/json.ts'
import type { Authenticator } from '../domain/mfa-record.ts'
import { settleRestored } from '../domain/restore.ts'
import type { Instant } from '../domain/time.ts'
import { commit } from './commit.ts'
import type { Dependencies } from './dependencies.ts'
import { openState, sealState } from './sealed-state.ts'

/**
 * Makes an account safe after its storage came from a backup; it runs for each account before anybody signs in (R37).
 * Codes that may have been spent since the backup was made are spent again, and sessions, grants and pending sign-ins
 * end. `since`: an account that was restored at this time or later is left unchanged, so that an interrupted run can
 * continue. Returns whether the account changed. Throws what a commit throws.
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

/** The state of a factor that this deployment does not offer stays as it is: its codes are not accepted. */
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
