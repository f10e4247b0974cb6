import { answerOffer, type OfferAnswer } from '../domain/factor-offer.ts'
import { commit, type Loaded } from './commit.ts'
import type { Dependencies } from './dependencies.ts'
import type { Place } from './place.ts'

/**
 * Keeps a person's answer to the offer of a factor with the account. Nothing is kept where the account's epoch has changed
 * meanwhile: somebody else may be at this page. Throws what a commit throws.
 */
export async function keepAnswer(
  deps: Dependencies,
  { accountId, epoch }: Pick<Place, 'accountId' | 'epoch'>,
  given: { readonly factor: string; readonly answer: OfferAnswer },
  seen: Loaded,
): Promise<void> {
  await commit(
    deps,
    accountId,
    (record, now) =>
      record.epoch === epoch
        ? { outcome: undefined, record: answerOffer(record, given, now) }
        : { outcome: undefined },
    seen,
  )
}
