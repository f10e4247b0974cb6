import { doorsOf } from '../domain/doors.ts'
import type { RequestDetail } from '../domain/events.ts'
import type { ShutDoor } from '../domain/factor-change.ts'
import { putOffRemoved } from '../domain/factor-offer.ts'
import type { MfaRecord } from '../domain/mfa-record.ts'
import { spendProof } from '../domain/proof.ts'
import type { Instant } from '../domain/time.ts'
import { settleTurnedOff } from '../domain/turn-off.ts'
import { commit, type Decided } from './commit.ts'
import type { Dependencies } from './dependencies.ts'
import { spentBy, type ShownProof } from './spend-proof.ts'

/** The epochs of an account before and after a change, for `mfa.renewSession`. */
export interface RaisedEpochs {
  readonly from: number
  readonly to: number
}

export type TurnOffOutcome =
  | { readonly outcome: 'turned-off'; readonly epochs: RaisedEpochs }
  /** The account does not allow it now. The proof is not spent. */
  | { readonly outcome: 'shut'; readonly door: ShutDoor }
  /** The account has no second factor. */
  | { readonly outcome: 'not-enrolled' }
  /** There is no such proof, its ten minutes are over, or it was spent. */
  | { readonly outcome: 'not-proved' }

/**
 * Removes every factor of an account for its owner, who has proved one for this change (R11): the commit that removes
 * them spends the proof. The caller has to ask the application's policy before. Throws what a commit throws.
 */
export async function turnOff(
  deps: Dependencies,
  accountId: string,
  shown: ShownProof,
  detail: RequestDetail = {},
): Promise<TurnOffOutcome> {
  const asked = spentBy(shown)
  return commit<TurnOffOutcome>(deps, accountId, (record, now): Decided<TurnOffOutcome> => {
    const door = doorsOf(record, now, deps.recovery)['turn-off']
    if (!door.open) return { outcome: { outcome: 'shut', door } }
    const spent = spendProof(record, asked, now)
    const settled = settleTurnedOff(withoutOffers(deps, spent ?? record, now), detail)
    if (settled === undefined) return { outcome: { outcome: 'not-enrolled' } }
    if (spent === undefined) return { outcome: { outcome: 'not-proved' } }
    const epochs = { from: record.epoch, to: settled.record.epoch }
    return { outcome: { outcome: 'turned-off', epochs }, ...settled }
  })
}

/**
 * The same for a page that has just spent the proof itself. Undefined: the account has changed since the epoch in which
 * the proof was spent, does not allow it now, or has no factor.
 */
export async function turnOffProved(
  deps: Dependencies,
  accountId: string,
  epoch: number,
  detail: RequestDetail,
): Promise<RaisedEpochs | undefined> {
  return commit<RaisedEpochs | undefined>(deps, accountId, (record, now) => {
    const { open } = doorsOf(record, now, deps.recovery)['turn-off']
    const left = withoutOffers(deps, record, now)
    const settled = open && record.epoch === epoch ? settleTurnedOff(left, detail) : undefined
    if (settled === undefined) return { outcome: undefined }
    return { outcome: { from: epoch, to: settled.record.epoch }, ...settled }
  })
}

/** A person who turns a factor off is not offered it at once, and no browser makes it without asking. */
function withoutOffers(deps: Dependencies, record: MfaRecord, now: Instant): MfaRecord {
  return record.authenticators
    .filter(({ factor }) => deps.factors.get(factor)?.pages?.offer === true)
    .reduce((left, { factor }) => putOffRemoved(left, factor, now), record)
}
