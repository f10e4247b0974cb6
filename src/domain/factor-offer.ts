import type { Settled } from './attempt.ts'
import { isEnrolled, isFull } from './enrolment.ts'
import type { AuthenticatorDetail, RequestDetail } from './events.ts'
import { unspentProof } from './factor-change.ts'
import type { BrowserClass } from './known-browser.ts'
import type { AnsweredOffer, Authenticator, MfaRecord } from './mfa-record.ts'
import { DAY_SECONDS, isWaiting, type Instant } from './time.ts'
import { standing } from './trusted-browser.ts'

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

/**
 * The offer of a factor after the person has removed an authenticator of it: put off, as by "Not now". A person who has
 * removed it is not one who gets another without asking. An answer that was given before stays.
 */
export function putOffRemoved(record: MfaRecord, factor: string, now: Instant): MfaRecord {
  const isAnswered = record.offers?.some((offer) => offer.factor === factor) === true
  return isAnswered ? record : answerOffer(record, { factor, answer: 'not-now' }, now)
}

/** The sign-in in which a browser makes an authenticator without asking the person. */
export interface SilentPlace {
  readonly interaction: string
  /** The epoch in which the first factor of the sign-in was shown. */
  readonly epoch: number
  /** Whether the account allows a factor to be added now. */
  readonly isAddOpen: boolean
  /** Whether the account has a factor that lasts. Beside others an added factor would raise the epoch. */
  readonly isBesideOther: boolean
}

/**
 * Whether a browser may make an authenticator of the offered factor without asking the person. It needs the fresh and
 * unspent proof of a sign-in of this epoch (R11), and a person who has never answered the offer: one who has refused, or
 * has removed an authenticator that was made in this way, gets none. An added factor ends the trust in browsers (R14).
 * The person chose that trust, so where there is any, nothing is made that the person did not choose.
 */
export function mayBeMadeSilently(
  record: MfaRecord,
  factor: OfferedFactor,
  { interaction, epoch, isAddOpen, isBesideOther }: SilentPlace,
  now: Instant,
): boolean {
  const { offers = [], pending } = record
  return (
    isAddOpen &&
    isBesideOther &&
    record.epoch === epoch &&
    unspentProof(record, interaction, now) !== undefined &&
    mayBeOffered(record, factor, now) &&
    !offers.some((offer) => offer.factor === factor.id) &&
    // A set-up of the person's own, in another tab, has data of its own.
    !pending.some((open) => open.factor === factor.id && open.expiresAt > now) &&
    standing(record, now).length === 0
  )
}

/**
 * Binds an authenticator that a browser has made without asking. It is no proof: the sign-in has passed with its code
 * alone, and its proof stays as it was. No epoch rises, as with every factor that is added beside one that lasts (R20).
 * The offer is answered for good, so that an authenticator which the person removes does not come back.
 */
export function settleSilent(
  record: MfaRecord,
  authenticator: Authenticator,
  {
    browser,
    now,
    detail,
  }: { readonly browser: BrowserClass; readonly now: Instant; readonly detail: RequestDetail },
): Settled {
  const bound = {
    ...record,
    authenticators: [...record.authenticators, { ...authenticator, lastUsedAt: now }],
  }
  const { factor, id, name } = authenticator
  const about: AuthenticatorDetail = {
    ...detail,
    factor,
    authenticatorId: id,
    ...(name === '' ? {} : { authenticatorName: name }),
    browser: browser.kind,
  }
  return {
    record: answerOffer(bound, { factor, answer: 'never' }, now),
    events: [{ type: 'factor-enrolled', detail: { ...about, reason: 'silent' } }],
  }
}
