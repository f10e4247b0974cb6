import { enrollableOf } from '../src/application/policy-person.ts'
import { ruleWithMailbox } from '../src/application/prove-owner.ts'
import { isEnrolled, isFirstSignIn, ruleNow } from '../src/domain/enrolment.ts'
import type { MfaRecord } from '../src/domain/mfa-record.ts'
import { highestReached, PASSWORD } from '../src/domain/policy/levels.ts'
import {
  missesWish,
  offerFor,
  wishOf,
  wouldHelp,
  type Offer,
  type Wishes,
} from '../src/domain/step-up-offer.ts'
import type { Core, PolicyQuestion } from './core.ts'
import { acrRequestOf } from './request.ts'

/** The member of an interaction's results that holds the person's answer to an offer. */
export const OFFER = 'mfaOffer'

/** An answer that the policy allows, before it goes out: the app may have asked for a higher level. */
export interface Answering {
  readonly question: PolicyQuestion
  readonly record: MfaRecord
  /** The level of the answer, as its place in the order. */
  readonly answered: number
  readonly results: Readonly<Record<string, unknown>>
  /** The wishes that the browser's session remembers. */
  readonly wishes: Wishes | undefined
}

export interface StepUpOffer {
  readonly offer: Offer
  readonly canSetUp: boolean
}

export const NO_OFFER: StepUpOffer = { offer: 'none', canSetUp: false }

/**
 * Whether a page comes before the answer. Only this function asks the domain's rule, so that the login page and the
 * prompt decide alike. The application's rule for a first factor is called only where the app's wish is missed.
 */
export async function offerIn(core: Core, answering: Answering): Promise<StepUpOffer> {
  const { question, record, answered, results, wishes } = answering
  const requested = acrRequestOf({ params: question.params })
  const { levels } = core.policy
  if (!missesWish(levels, requested, answered)) return NO_OFFER
  const highest = highestReached(levels, [PASSWORD, ...enrollableOf(core.deps)])
  const helps = wouldHelp(levels, requested, { answered, highest })
  const canSetUp = helps && (await canSetUpNow(core, question, record))
  const { account, client } = question
  const offer = offerFor({
    isMissed: true,
    canSetUp,
    reply: replyIn(results),
    wish: wishOf(wishes, { accountId: account.accountId, clientId: client.clientId }),
    now: core.deps.clock.now(),
  })
  return { offer, canSetUp }
}

/** The person's answer among the results of an interaction. */
export function replyIn(
  results: Readonly<Record<string, unknown>>,
): 'accepted' | 'refused' | undefined {
  const reply = results[OFFER]
  return reply === 'accepted' || reply === 'refused' ? reply : undefined
}

/** Whether the set-up of a first factor would not end at a page that refuses it. */
async function canSetUpNow(
  core: Core,
  question: PolicyQuestion,
  record: MfaRecord,
): Promise<boolean> {
  const hasChoice = [...core.deps.factors.values()].some(
    ({ enrolment }) => enrolment === 'confirmed',
  )
  if (isEnrolled(record) || !hasChoice) return false
  const firstSignIn = isFirstSignIn(record)
  const { address } = await core.describe(question.account)
  const given = await core.firstEnrolmentRule({ ...question, firstSignIn })
  const rule = ruleNow(record, {
    rule: ruleWithMailbox(core.deps, record, given, address),
    firstSignIn,
  })
  return rule === 'mailed-code' ? address !== undefined : rule !== 'refused'
}
