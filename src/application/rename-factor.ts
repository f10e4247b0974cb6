import { withName } from '../domain/factor-change.ts'
import type { RequestDetail } from '../domain/events.ts'
import { classify } from '../domain/known-browser.ts'
import { nameFault, nameOf, type NameFault } from './authenticator.ts'
import { commit } from './commit.ts'
import type { Dependencies } from './dependencies.ts'

/** The session that wants a new name. */
export interface Renaming {
  readonly accountId: string
  /** The epoch of the session; the account must still have it (R42). */
  readonly epoch: number
  /** Of the tokens that the browser shows. */
  readonly tokenHashes: readonly string[]
}

/**
 * Renames an authenticator for its owner, who has shown a factor in the last minutes. `gone`: the account does not have
 * it, or is in another epoch. `nameless`, `too-long`: the name is unfit. Throws what a commit throws.
 */
export async function renameFactor(
  deps: Dependencies,
  { accountId, epoch, tokenHashes }: Renaming,
  { id, name: typed }: { readonly id: string; readonly name: string },
  detail: RequestDetail,
): Promise<'renamed' | 'gone' | NameFault> {
  const fault = nameFault(typed)
  if (fault !== undefined) return fault
  const name = nameOf(typed)
  return commit<'renamed' | 'gone'>(deps, accountId, (record) => {
    const found = record.authenticators.find((each) => each.id === id)
    if (found === undefined || record.epoch !== epoch) return { outcome: 'gone' }
    const about = {
      ...detail,
      factor: found.factor,
      authenticatorId: id,
      authenticatorName: name,
      browser: classify(record, tokenHashes).kind,
    }
    return {
      outcome: 'renamed',
      record: withName(record, id, name),
      events: [{ type: 'factor-renamed', detail: about }],
    }
  })
}
