import type { MfaRecord } from '../domain/mfa-record.ts'
import { commit, loadRecord } from './commit.ts'
import type { Dependencies } from './dependencies.ts'
import { openState, sealState, type SealedPlace } from './sealed-state.ts'

type Sealed = SealedPlace & { readonly sealed: string }

/**
 * Seals the values of the account's record that an older key has sealed again with the newest key; returns whether
 * there were any. Values that the newest key has sealed stay unchanged, so a second run changes nothing. It goes
 * through the one commit loop: a sign-in at the same moment is neither lost nor repeated (R18).
 *
 * If a value does not open, the other values are sealed again and saved all the same; then MfaError `key-missing` or
 * `seal-broken` is thrown.
 */
export async function resealSecrets(deps: Dependencies, accountId: string): Promise<boolean> {
  const { changed, faults } = await commit(deps, accountId, (record) => {
    const { next, count, faults } = resealed(deps, record)
    const outcome = { changed: count > 0, faults }
    return count === 0 ? { outcome } : { outcome, record: next }
  })
  if (faults.length > 0) throw faults[0]
  return changed
}

/** How many values of the account are sealed with each key, by the key's id. Nothing is opened. */
export async function sealingKeys(
  deps: Dependencies,
  accountId: string,
): Promise<Readonly<Record<string, number>>> {
  const { record } = await loadRecord(deps, accountId)
  const counts = new Map<string, number>()
  for (const { sealed } of sealedOf(record)) {
    const id = deps.box.keyIdOf(sealed)
    counts.set(id, (counts.get(id) ?? 0) + 1)
  }
  return Object.fromEntries(counts)
}

function sealedOf(record: MfaRecord): readonly Sealed[] {
  return [...record.authenticators, ...record.pending, ...record.challenges]
}

function resealed(
  deps: Dependencies,
  record: MfaRecord,
): { next: MfaRecord; count: number; faults: readonly unknown[] } {
  const { box } = deps
  const { accountId } = record
  const faults: unknown[] = []
  let count = 0
  const anew = <T extends Sealed>(place: T): T => {
    try {
      if (box.keyIdOf(place.sealed) === box.keyIds[0]) return place
      const sealed = sealState(box, accountId, place, openState(box, accountId, place))
      count += 1
      return { ...place, sealed }
    } catch (error) {
      faults.push(error)
      return place
    }
  }
  const next = {
    ...record,
    authenticators: record.authenticators.map(anew),
    pending: record.pending.map(anew),
    challenges: record.challenges.map(anew),
  }
  return { next, count, faults }
}
