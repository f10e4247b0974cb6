import { settleCompleted } from '../domain/attempt.ts'
import { classify } from '../domain/known-browser.ts'
import { commit, type Loaded } from './commit.ts'
import type { Dependencies } from './dependencies.ts'
import type { Place } from './place.ts'

/**
 * A sign-in is complete with the first factor alone. Written down only where it changes something: the first
 * one ever, the first one in a browser, and one that ends a row of failures there (R4). False: the account's
 * epoch has changed since.
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
