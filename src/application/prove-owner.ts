import { settleRefused } from '../domain/attempt.ts'
import {
  challengeIn,
  hasProved,
  nextDeliveryAt,
  openChallenge,
  proveOwner,
  takeBackChallenge,
  type ChallengeOpened,
  type FirstEnrolmentRule,
} from '../domain/enrolment.ts'
import { classify } from '../domain/known-browser.ts'
import type { MfaRecord } from '../domain/mfa-record.ts'
import { isSpentMailbox } from '../domain/recovery.ts'
import { gate, type Gate } from '../domain/throttle.ts'
import type { Instant } from '../domain/time.ts'
import { commit, loadRecord, type Decided } from './commit.ts'
import { maskAddress } from '../domain/masked-address.ts'
import { sendOrTakeBack } from './deliver.ts'
import type { Dependencies } from './dependencies.ts'
import { isMailbox } from './mailbox.ts'
import { openState, sealState } from './sealed-state.ts'
import { admit } from './flood.ts'
import { drawCode, hashCode, isSameHash, readCode } from './mailed-code.ts'
import { fingerprintOf, type Place } from './place.ts'
import { tellRefusedWhileLocked } from './refused-attempts.ts'

/**
 * The purpose of the mailed code that a first enrolment requires (R10). It is not a factor: it proves that the person
 * reads mail at an address.
 */
export const OWNER_PROOF = 'owner-proof'

/**
 * The rule of the application for a first factor. A code mailed to the mailbox that has set the present password proves
 * nothing beside that password (R9, R10): a person who reads the mailbox would need nothing else.
 */
export function ruleWithMailbox(
  deps: Dependencies,
  record: MfaRecord,
  rule: FirstEnrolmentRule,
  address: string | undefined,
): FirstEnrolmentRule {
  if (rule !== 'mailed-code' || address === undefined) return rule
  const isSpent = isSpentMailbox(record, (mark) => isMailbox(deps, record.accountId, address, mark))
  return isSpent ? 'refused' : rule
}

/** Mails a code to the verified address, after the commit that keeps its hash (R3). */
export async function sendOwnerCode(
  deps: Dependencies,
  place: Place,
  about: { address: string; app: string; locale: string },
): Promise<'sent' | 'not-sent' | 'stale' | { readonly notBefore: Instant }> {
  const code = drawCode(deps)
  const outcome = await commit<'stale' | { notBefore: Instant } | Omit<ChallengeOpened, 'record'>>(
    deps,
    place.accountId,
    (record, now) => {
      if (record.epoch !== place.epoch) return { outcome: 'stale' }
      const notBefore = nextDeliveryAt(record, now)
      if (notBefore !== undefined) return { outcome: { notBefore } }
      const where = { interaction: place.interaction, purpose: OWNER_PROOF }
      const codeHash = hashCode(place, code)
      const sealed = sealState(deps.box, place.accountId, where, { codeHash })
      const challenge = { ...where, sealed, sentTo: maskAddress(about.address) }
      const { record: next, opened, before } = openChallenge(record, challenge, now)
      return { outcome: { opened, before }, record: next }
    },
  )
  if (outcome === 'stale' || 'notBefore' in outcome) return outcome
  const delivery = {
    channel: 'mail',
    to: about.address,
    template: 'enrolment-code',
    locale: about.locale,
    values: { code, app: about.app, minutes: '10' },
  } as const
  const { opened, before } = outcome
  const isSent = await sendOrTakeBack(deps, place.accountId, delivery, (record) =>
    takeBackChallenge(record, opened, before),
  )
  return isSent ? 'sent' : 'not-sent'
}

export type ProofOutcome =
  | { readonly outcome: 'proved' | 'refused' | 'unreadable' | 'stale' }
  | { readonly outcome: 'closed'; readonly gate: Gate & { open: false } }

/**
 * Examines a mailed code as it was typed. Wrong codes count on the account like those of a factor (R1). Throws MfaError
 * `too-many-attempts`, and what a commit throws.
 */
export async function checkOwnerCode(
  deps: Dependencies,
  place: Place,
  typed: string | undefined,
): Promise<ProofOutcome> {
  const code = readCode(typed)
  if (code === undefined) return { outcome: 'unreadable' }
  const seen = await loadRecord(deps, place.accountId)
  const fingerprint = fingerprintOf(deps, place, OWNER_PROOF, code, seen.record)
  const outcome = await admit(
    deps,
    place,
    { fingerprint, seen, factor: OWNER_PROOF, step: 'enrolment' },
    () =>
      commit(
        deps,
        place.accountId,
        (record, now) => examine(deps, place, { record, now, code }),
        seen,
      ),
  )
  if (outcome.outcome === 'closed')
    tellRefusedWhileLocked(deps, place, outcome.gate, {
      factor: OWNER_PROOF,
      browser: classify(seen.record, place.tokenHashes).kind,
    })
  return outcome
}

function examine(
  deps: Dependencies,
  place: Place,
  { record, now, code }: { record: MfaRecord; now: Instant; code: string },
): Decided<ProofOutcome> {
  if (record.epoch !== place.epoch) return { outcome: { outcome: 'stale' } }
  const browser = classify(record, place.tokenHashes)
  const open = gate(record, browser, true, now)
  if (!open.open) return { outcome: { outcome: 'closed', gate: open } }
  const challenge = challengeIn(record, place.interaction, OWNER_PROOF, now)
  if (challenge === undefined)
    // A double tap that another node has answered: the code is spent, and its proof is still valid (R38).
    return { outcome: { outcome: hasProved(record, place.interaction, now) ? 'proved' : 'stale' } }
  const { codeHash } = openState(deps.box, place.accountId, challenge) as { codeHash: string }
  if (isSameHash(codeHash, hashCode(place, code)))
    return {
      outcome: { outcome: 'proved' },
      record: proveOwner(record, place.interaction, now),
      events: [{ type: 'owner-proved', detail: place.detail }],
    }
  const settled = settleRefused(record, {
    factor: OWNER_PROOF,
    guessable: true,
    reason: 'wrong',
    browser,
    now,
    detail: place.detail,
  })
  return { outcome: { outcome: 'refused' }, ...settled }
}
