import type { AcrRequest } from './policy/decide.ts'
import { rankOfAcr, type Levels } from './policy/levels.ts'
import { isWaiting, MINUTE_SECONDS, type Instant } from './time.ts'

/** The answers below the level that an app asked for, in one minute, after which a page stops the repetition. */
const MOST_ROUNDS = 3
/** The clients that a session remembers. A client beyond them takes the place of the one that was remembered first. */
export const MOST_CLIENTS = 20

/** The answers to one client that asked for a higher level than the person reached. */
export interface Wish {
  readonly clientId: string
  /** The person has refused to set up a second factor for this client. */
  readonly refused: boolean
  /** The times of the latest such answers, at most `MOST_ROUNDS`. */
  readonly answeredAt: readonly Instant[]
}

/** The wishes that a session remembers. They belong to one account: another person decides anew. */
export interface Wishes {
  readonly accountId: string
  readonly clients: readonly Wish[]
}

/** The client that asks, and the account that is signed in or signs in. */
export interface Asking {
  readonly clientId: string
  readonly accountId: string
}

/**
 * Whether a voluntary request is answered by a lower level than any that it names. A relying party that ignores this
 * asks again, without an end. An essential request never gets such an answer (R24).
 */
export function missesWish(
  levels: Levels,
  requested: AcrRequest | undefined,
  answered: number,
): boolean {
  if (requested === undefined || requested.essential || requested.values.length === 0) return false
  return !requested.values.some((value) => (rankOfAcr(levels, value) ?? Infinity) <= answered)
}

export interface OfferInput {
  /** Whether the answer would have a lower level than the app asked for. */
  readonly isMissed: boolean
  /**
   * Whether a second factor would reach a level that the app asked for, and the person can set one up now: they have
   * none, and the proof for it can be given (R10).
   */
  readonly canSetUp: boolean
  /** The person's answer to an offer that was made in this authorization. */
  readonly reply: 'accepted' | 'refused' | undefined
  readonly wish: Wish | undefined
  readonly now: Instant
}

/** `offer`: a page offers the set-up, with "Not now"; `repeated`: it also says that the app asks again and again. */
export type Offer = 'none' | 'offer' | 'repeated'

/**
 * Whether a page comes before an answer that has a lower level than the app asked for. A refusal counts for the session
 * and the client: then the answer goes out without a page, unless the app has got three such answers in a minute.
 */
export function offerFor(input: OfferInput): Offer {
  const { isMissed, canSetUp, reply, wish, now } = input
  if (reply === 'refused' || !isMissed) return 'none'
  if (reply !== 'accepted' && isRepeated(wish, now)) return 'repeated'
  return canSetUp && (reply === 'accepted' || wish?.refused !== true) ? 'offer' : 'none'
}

/** Whether a level that the app asked for is above the answer, and a factor that people can set up reaches it. */
export function wouldHelp(
  levels: Levels,
  requested: AcrRequest | undefined,
  { answered, highest }: { readonly answered: number; readonly highest: number },
): boolean {
  const ranks = requested?.values.map((value) => rankOfAcr(levels, value) ?? Infinity) ?? []
  return ranks.some((rank) => rank > answered && rank <= highest)
}

function isRepeated(wish: Wish | undefined, now: Instant): boolean {
  const recent =
    wish?.answeredAt.filter((at) => isWaiting(at + MINUTE_SECONDS, now, MINUTE_SECONDS)) ?? []
  return recent.length >= MOST_ROUNDS
}

/** The wish of this client and account; undefined: none is remembered. */
export function wishOf(wishes: Wishes | undefined, asking: Asking): Wish | undefined {
  if (wishes?.accountId !== asking.accountId) return undefined
  return wishes.clients.find(({ clientId }) => clientId === asking.clientId)
}

/** Remembers that the person refused the offer. */
export function withRefusal(wishes: Wishes | undefined, asking: Asking): Wishes {
  return withWish(wishes, asking, (wish) => ({ ...wish, refused: true }))
}

/** Remembers an answer below the level that was asked for. */
export function withRound(wishes: Wishes | undefined, asking: Asking, now: Instant): Wishes {
  return withWish(wishes, asking, (wish) => ({
    ...wish,
    answeredAt: [...wish.answeredAt, now].slice(-MOST_ROUNDS),
  }))
}

function withWish(
  wishes: Wishes | undefined,
  asking: Asking,
  change: (wish: Wish) => Wish,
): Wishes {
  const { accountId, clientId } = asking
  const before = wishOf(wishes, asking) ?? { clientId, refused: false, answeredAt: [] }
  const clients = wishes?.accountId === accountId ? wishes.clients : []
  const others = clients.filter((other) => other.clientId !== clientId)
  return { accountId, clients: [...others, change(before)].slice(-MOST_CLIENTS) }
}
