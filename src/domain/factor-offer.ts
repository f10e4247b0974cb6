import { isEnrolled, isFull } from './enrolment.ts'
import type { AnsweredOffer, MfaRecord } from './mfa-record.ts'
import { DAY_SECONDS, isWaiting, type Instant } from './time.ts'

/** How long "Not now" keeps the offer of a factor away. */
export const NOT_NOW_SECONDS = 30 * DAY_SECONDS

/** A person's answer to the offer of a factor. */
export type OfferAnswer = 'set-up' | 'not-now' | 'never'

/** The offered factor, as far as its offer depends on it. */
export interface OfferedFactor {
  readonly id: string
  readonly guessable: boolean
  readonly most?: number
}

/**
 * Whether an account may be offered a factor after a sign-in: it has others and none of this one, and the person has not
 * put the offer off. A person whose account is in recovery, or is locked by its owner, has another thing to do first.
 */
export function mayBeOffered(record: MfaRecord, factor: OfferedFactor, now: Instant): boolean {
  const { authenticators, recovery, frozenAt } = record
  return (
    isEnrolled(record) &&
    !authenticators.some((one) => one.factor === factor.id) &&
    !isFull(record, factor) &&
    recovery === undefined &&
    frozenAt === undefined &&
    !isPutOff(record, factor.id, now)
  )
}

function isPutOff({ offers = [] }: MfaRecord, factor: string, now: Instant): boolean {
  const answered = offers.find((offer) => offer.factor === factor)
  if (answered === undefined) return false
  return answered.until === undefined || isWaiting(answered.until, now, NOT_NOW_SECONDS)
}

/**
 * Keeps the answer to an offer. A person who begins the set-up and does not finish it has also put it off, so that no
 * answer brings the page back at the next sign-in.
 */
export function answerOffer(
  record: MfaRecord,
  { factor, answer }: { readonly factor: string; readonly answer: OfferAnswer },
  now: Instant,
): MfaRecord {
  const others = (record.offers ?? []).filter((offer) => offer.factor !== factor)
  const answered: AnsweredOffer =
    answer === 'never' ? { factor } : { factor, until: now + NOT_NOW_SECONDS }
  return { ...record, offers: [...others, answered] }
}
