import { settleCompleted } from '../domain/attempt.ts'
import { isEnrolled } from '../domain/enrolment.ts'
import { classify } from '../domain/known-browser.ts'
import { keepProof, type ProofRequest } from '../domain/proof.ts'
import { rotate, type ShownTrust } from '../domain/trusted-browser.ts'
import type { Instant } from '../domain/time.ts'
import type { MfaRecord } from '../domain/mfa-record.ts'
import { commit, type Loaded } from './commit.ts'
import type { Dependencies } from './dependencies.ts'
import type { Place } from './place.ts'
import { settle, type Postponed } from './postpone.ts'

/** A page of the application's own asked for a proof, and the account had no second factor to be asked for. */
export interface PasswordProof {
  readonly asked: ProofRequest
  /** When the password was typed. */
  readonly at: Instant
}

/** The other things that a sign-in with the first factor alone saves. */
export interface Beside {
  readonly proved?: PasswordProof | undefined
  readonly postponed?: Postponed | undefined
  /** The token of the trust that stands in for the factor, and the one that replaces it (R14). */
  readonly standIn?: ShownTrust | undefined
}

export interface CompletedSignIn {
  /**
   * Whether the new token of the trust that stood in is the one that the account knows. False: another tab has replaced
   * the token, or none stood in.
   */
  readonly isRenewed: boolean
}

/**
 * A sign-in is complete with the first factor alone. Saved only if it changes the record: the first sign-in of the
 * account, the first in a browser, or one after failures in that browser (R4), or one that was asked for as a proof, or
 * in which an enrolment was put off. One that has its level on the word of another provider is always an event.
 * Undefined: the account's epoch has changed meanwhile, or the trust was revoked.
 */
export async function completeSignIn(
  deps: Dependencies,
  place: Place,
  seen: Loaded,
  { proved, postponed, standIn }: Beside = {},
): Promise<CompletedSignIn | undefined> {
  return commit(
    deps,
    place.accountId,
    (present, now) => {
      if (present.epoch !== place.epoch) return { outcome: undefined }
      const record = standIn === undefined ? present : rotate(present, standIn, now)
      // The trust that stands in was revoked meanwhile.
      if (record === undefined) return { outcome: undefined }
      const outcome = { isRenewed: isRenewed(record, standIn) }
      const { detail } = place
      const browser = classify(record, place.tokenHashes)
      const nothingNew =
        browser.kind === 'known' &&
        browser.failures === 0 &&
        record.history.firstSignInAt !== undefined &&
        proved === undefined &&
        place.detail.upstream === undefined &&
        record === present
      if (nothingNew)
        return { outcome, ...(postponed && settle(record, postponed, { now, detail })) }
      const tokenHash = browser.kind === 'known' ? browser.tokenHash : place.newTokenHash
      const completed = withProof(settleCompleted(record, tokenHash, { now, detail }), proved, now)
      const put = postponed && settle(completed, postponed, { now, detail })
      return {
        outcome,
        record: put?.record ?? completed,
        events: [
          { type: 'signed-in', detail: { ...detail, browser: browser.kind } },
          ...(put?.events ?? []),
        ],
      }
    },
    seen,
  )
}

function isRenewed({ trustedBrowsers = [] }: MfaRecord, used: ShownTrust | undefined): boolean {
  return trustedBrowsers.some(({ id, tokenHash }) => id === used?.id && tokenHash === used.nextHash)
}

/** A factor that was set up meanwhile is the proof then, and the password is none. */
function withProof(record: MfaRecord, proved: PasswordProof | undefined, now: Instant): MfaRecord {
  if (proved === undefined || isEnrolled(record)) return record
  return keepProof(record, proved.asked, Math.min(proved.at, now))
}
