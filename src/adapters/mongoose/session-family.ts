import type { Instant } from '../../domain/time.ts'
import type { SessionEnding } from '../../host/session.ts'
import { ENDED_SESSION_SECONDS, HEIR_SECONDS } from '../host-record-rules.ts'

/** A record of a session under the id that it has now. */
export interface LiveSession {
  readonly id: string
  readonly payload: string
  /** The name of the account that is signed in. Null: nobody is. Absent: stored before version 3 of the schema. */
  readonly account?: string | null
  /** After this time the record is not found. Null: it is kept for ever. */
  readonly keepUntil: Instant | null
}

/**
 * The ids that belong to a session's `uid`: the present ones and the ended ones. The rules are those of
 * `adapters/host-record-rules.ts`; one document holds a family, so that a session and the mark of its end are always
 * read together.
 */
export interface SessionFamily {
  /** In the order in which they were stored: the last is the newest. Parallel requests can lead to more than one. */
  readonly live: readonly LiveSession[]
  readonly ended: readonly { readonly id: string; readonly keepUntil: Instant }[]
  /** True: no session is stored under the uid again, except one heir until `heirUntil`. */
  readonly over: boolean
  readonly heirUntil: Instant
}

const NOBODY: SessionFamily = { live: [], ended: [], over: false, heirUntil: 0 }

/** The family with the changed or new session; undefined: the session has ended and stays ended. */
export function withSession(
  family: SessionFamily = NOBODY,
  session: LiveSession,
  now: Instant,
): SessionFamily | undefined {
  const { live, ended, over, heirUntil } = family
  if (live.some(({ id }) => id === session.id))
    return { ...family, live: live.map((each) => (each.id === session.id ? session : each)) }
  if (ended.some(({ id }) => id === session.id)) return undefined
  if (over && heirUntil < now) return undefined
  return tidied(
    { live: [...live, session], ended, over: false, heirUntil: over ? 0 : heirUntil },
    now,
  )
}

/** The family after `destroy(id)`; undefined: nothing changes. */
export function withoutSession(
  family: SessionFamily,
  id: string,
  ending: SessionEnding,
  now: Instant,
): SessionFamily | undefined {
  const isLive = family.live.some((each) => each.id === id)
  const endsAll = ending === 'signed-out' || (ending === 'unknown' && isLive)
  const leaving = family.live.filter((each) => endsAll || each.id === id)
  const over = family.over || endsAll
  const heirUntil = ending === 'unknown' && isLive ? now + HEIR_SECONDS : 0
  if (leaving.length === 0 && over === family.over && heirUntil === family.heirUntil)
    return undefined
  const marks = leaving.map((each) => ({ id: each.id, keepUntil: now + ENDED_SESSION_SECONDS }))
  return tidied(
    {
      live: family.live.filter((each) => !leaving.includes(each)),
      ended: [...family.ended, ...marks],
      over,
      heirUntil,
    },
    now,
  )
}

/** The family after its end, which has no heir. */
export function endedFamily(family: SessionFamily, now: Instant): SessionFamily {
  const marks = family.live.map(({ id }) => ({ id, keepUntil: now + ENDED_SESSION_SECONDS }))
  return tidied({ live: [], ended: [...family.ended, ...marks], over: true, heirUntil: 0 }, now)
}

/** The time after which the family is not needed any more; null: never. */
export function keptUntil({ live, ended }: SessionFamily): Instant | null {
  let latest = 0
  for (const { keepUntil } of [...live, ...ended]) {
    if (keepUntil === null) return null
    latest = Math.max(latest, keepUntil)
  }
  return latest
}

/** Removes expired ids, because a session of many days changes its id many times. */
function tidied(family: SessionFamily, now: Instant): SessionFamily {
  return {
    ...family,
    live: family.live.filter(({ keepUntil }) => keepUntil === null || keepUntil > now),
    ended: family.ended.filter(({ keepUntil }) => keepUntil > now),
  }
}
