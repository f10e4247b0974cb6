import { MfaError } from '../../domain/errors.ts'
import { NO_MEASURES, type HashWait, type Measures } from '../../ports/measures.ts'
import type { HashingPlace } from '../../ports/services.ts'

export interface QueueLimits {
  readonly maxConcurrent: number
  readonly maxQueued: number
}

/** Most jobs of one known browser's account that run or wait at once. A person sends one, or two by a double tap. */
const SHARE_OF_KNOWN = 4

interface Waiting {
  readonly begin: () => void
  readonly kept: boolean
}

export type QueueMeasures = Pick<Measures, 'hashWaited' | 'watchHashes' | 'span'>

/** Runs a job, or lets it wait. `place`: the party that it counts for; without one it counts for none. */
export type RunQueued = <T>(job: () => Promise<T>, place?: HashingPlace) => Promise<T>

/**
 * Runs `maxConcurrent` jobs at a time, in the order of the calls, and keeps up to `maxQueued` jobs waiting. One more
 * job rejects at once with MfaError `hashing-overloaded`: a queue without a limit would fill the memory, and requests
 * would time out.
 *
 * One party cannot fill the queue: it has a quarter of the waiting places at most, and rejects beyond them with MfaError
 * `too-many-attempts`. Another quarter is kept for known browsers, whose jobs also run first. So attackers in many
 * networks do not shut owners out.
 */
export function boundedQueue(
  limits: QueueLimits,
  measures: QueueMeasures = NO_MEASURES,
): RunQueued {
  const quarter = Math.floor(limits.maxQueued / 4)
  const waiting: Waiting[] = []
  const hold = sharesOf(limits, quarter)
  let running = 0
  measures.watchHashes(() => ({ running, waiting: waiting.length }))

  const overloaded = (): MfaError =>
    new MfaError('hashing-overloaded', 'Too many hashes are waiting to be computed', {
      status: 503,
    })
  const enter = async (kept: boolean): Promise<void> => {
    if (running < limits.maxConcurrent) return void (running += 1)
    const places = kept ? limits.maxQueued : limits.maxQueued - quarter
    if (waiting.length >= places) throw overloaded()
    await new Promise<void>((begin) => waiting.push({ begin, kept }))
  }
  /** The place of a finished job goes to a known browser's job, or to the one that has waited longest. */
  const leave = (): void => {
    const first = waiting.findIndex(({ kept }) => kept)
    const [next] = waiting.splice(Math.max(first, 0), 1)
    if (next === undefined) running -= 1
    else next.begin()
  }

  /** Waits for a place; returns the function that gives it back. Throws as the queue does. */
  const take = async (place: HashingPlace | undefined): Promise<() => void> => {
    const letGo = place === undefined ? undefined : hold(place)
    try {
      // A job that counts for no party comes after a first factor: it may have every place.
      await enter(place?.kept ?? true)
    } catch (error) {
      letGo?.()
      throw error
    }
    return () => {
      leave()
      letGo?.()
    }
  }

  return async (job, place) => {
    const begun = performance.now()
    const waited = (outcome: HashWait): void =>
      measures.hashWaited((performance.now() - begun) / 1000, outcome)
    const giveBack = await take(place).catch((error: unknown) => {
      waited('refused')
      throw error
    })
    waited('begun')
    try {
      return await measures.span('oidc_mfa.hash', {}, job)
    } finally {
      giveBack()
    }
  }
}

/** Counts the jobs of each party. The function of a job ends its count; it throws for a job beyond the party's share. */
function sharesOf({ maxConcurrent }: QueueLimits, quarter: number) {
  const held = new Map<string, number>()
  return ({ party, kept }: HashingPlace): (() => void) => {
    const before = held.get(party) ?? 0
    const share = kept ? SHARE_OF_KNOWN : maxConcurrent + Math.max(1, quarter)
    if (before >= share)
      throw new MfaError('too-many-attempts', 'This party has its share of the waiting hashes', {
        status: 429,
      })
    held.set(party, before + 1)
    return () => {
      const left = (held.get(party) ?? 0) - 1
      if (left > 0) held.set(party, left)
      else held.delete(party)
    }
  }
}
