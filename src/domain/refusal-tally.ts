import type { EventDetail } from './events.ts'
import { MINUTE_SECONDS, type Instant } from './time.ts'

/** The refusals of one place that are told one by one within a minute. Later ones are told together (R47). */
export const MOST_TOLD_SINGLY = 10
/** The places that are counted separately at one time. The refusals of all further places are counted together. */
export const MOST_PLACES = 10_000

/** A refused attempt, for the listeners or the audit trail. `detail.count`: it stands for so many attempts. */
export interface Refused {
  readonly type: string
  /** Absent: no account is named, or the attempts that are counted together named several. */
  readonly accountId?: string
  readonly at: Instant
  readonly detail: EventDetail
}

interface Minute {
  readonly since: Instant
  readonly singly: number
  /** The attempts that are told together when the minute is over. */
  readonly together?: Refused
}

/**
 * Counts refused attempts that no stored decision records. Each of them is told, but a flood of them must not fill the
 * trail: beyond ten a minute and place, one entry has the number of the others. The memory is bounded too.
 */
export class RefusalTally {
  /** In the order in which their minutes began. */
  readonly #minutes = new Map<string, Minute>()

  /**
   * Counts a refusal. Returns the refusals to tell now: this one, or none if it is counted with others; before it those
   * that were counted together in minutes that are over.
   */
  count(place: string, refused: Refused): readonly Refused[] {
    const over = this.#takeOver(refused.at)
    const key = this.#minutes.has(place) || this.#minutes.size < MOST_PLACES ? place : ELSEWHERE
    const before = this.#minutes.get(key) ?? { since: refused.at, singly: 0 }
    if (key !== ELSEWHERE && before.singly < MOST_TOLD_SINGLY) {
      this.#minutes.set(key, { ...before, singly: before.singly + 1 })
      return [...over, refused]
    }
    this.#minutes.set(key, { ...before, together: addTo(before.together, refused) })
    return over
  }

  /** Ends every minute; returns the refusals that were counted together in them. */
  takeAll(): readonly Refused[] {
    return this.#takeOver(Infinity)
  }

  #takeOver(now: Instant): readonly Refused[] {
    const over: Refused[] = []
    for (const [place, { since, together }] of this.#minutes) {
      if (now < since + MINUTE_SECONDS) break
      this.#minutes.delete(place)
      if (together !== undefined) over.push(together)
    }
    return over
  }
}

/** The place of refusals that have no place of their own in the memory. */
const ELSEWHERE = '\u0000elsewhere'

/** Keeps the members that all the attempts have in common: an address stays only if every attempt came from it. */
function addTo(before: Refused | undefined, { type, accountId, at, detail }: Refused): Refused {
  if (before === undefined)
    return {
      type,
      at,
      detail: { ...detail, count: 1 },
      ...(accountId === undefined ? {} : { accountId }),
    }
  const { count = 0, ...members } = before.detail
  const common = Object.entries(members).filter(
    ([name, value]) => detail[name as keyof EventDetail] === value,
  )
  return {
    type,
    at,
    detail: { ...Object.fromEntries(common), count: count + 1 },
    ...(accountId === undefined || accountId !== before.accountId ? {} : { accountId }),
  }
}
