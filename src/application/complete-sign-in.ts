import { settleCompleted } from '../domain/attempt.ts'
import { classify } from '../domain/known-browser.ts'
import { commit, type Loaded } from './commit.ts'
import type { Dependencies } from './dependencies.ts'
import type { Place } from './place.ts'

/**
 * A sign-in is complete with the first factor alone. Saved only if it changes the record: the first sign-in of the
 * account, the first in a browser, or one after failures in that browser (R4). False: the account's epoch has changed
 * meanwhile.
 */
export async function completeSignIn(
  deps: Dependencies,
  place: Place,
  seen: Loaded,
): Promise<boolean> {
  return commit(
    deps,
    place.accountId,
    (record, now) => {
      if (record.epoch !== place.epoch) return { outcome: false }
      const browser = classify(record, place.tokenHashes)
      const nothingNew =
        browser.kind === 'known' &&
        browser.failures === 0 &&
        record.history.firstSignInAt !== undefined
      if (nothingNew) return { outcome: true }
      const tokenHash = browser.kind === 'known' ? browser.tokenHash : place.newTokenHash
      return {
        outcome: true,
        record: settleCompleted(record, tokenHash, now),
        events: [{ type: 'signed-in', detail: { ...place.detail, browser: browser.kind } }],
      }
    },
    seen,
  )
}
