import type { Instant } from '../../domain/time.ts'
import type { Counters } from '../../ports/counters.ts'
import { COUNTER_KEPT_SECONDS, latestWindowEnd } from '../counter-rules.ts'
import { sweepMap, type Sweepable } from './sweep-map.ts'

export function memoryCounters(): Counters & Sweepable {
  interface Counter {
    readonly count: number
    /** When it starts again from 0; undefined: never. */
    readonly endsAt?: Instant
    readonly touchedAt: Instant
  }
  const stored = new Map<string, Counter>()
  const isOver = (counter: Counter, now: Instant): boolean =>
    counter.count === 0 || (counter.endsAt !== undefined && counter.endsAt <= now)
  const current = (key: string, now: Instant): Counter | undefined => {
    const counter = stored.get(key)
    return counter && !isOver(counter, now) ? counter : undefined
  }
  return {
    async reserve(key, { limit, windowSeconds }, now) {
      const present = current(key, now)
      const isOfWrongClock = (present?.endsAt ?? 0) > latestWindowEnd(now, windowSeconds)
      const before = (isOfWrongClock ? undefined : present) ?? {
        count: 0,
        touchedAt: now,
        ...(windowSeconds === undefined ? {} : { endsAt: now + windowSeconds }),
      }
      if (before.count >= limit) {
        return {
          allowed: false,
          count: before.count,
          ...(before.endsAt === undefined ? {} : { retryAt: before.endsAt }),
        }
      }
      const count = before.count + 1
      stored.set(key, { ...before, count, touchedAt: now })
      return { allowed: true, count }
    },

    async release(key, now) {
      const before = current(key, now)
      if (before) stored.set(key, { ...before, count: before.count - 1, touchedAt: now })
    },

    async reset(key) {
      stored.delete(key)
    },

    async read(key, now) {
      const counter = current(key, now)
      if (counter === undefined) return undefined
      const { count, endsAt = counter.touchedAt + COUNTER_KEPT_SECONDS } = counter
      return { count, endsAt }
    },

    sweep: (now, limit) =>
      sweepMap(
        stored,
        limit,
        (counter) =>
          isOver(counter, now) ||
          (counter.endsAt === undefined && counter.touchedAt <= now - COUNTER_KEPT_SECONDS),
      ),
  }
}
