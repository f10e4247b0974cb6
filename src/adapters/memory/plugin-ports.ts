import type { JsonObject } from '../../domain/json.ts'
import type { Instant } from '../../domain/time.ts'
import type { Counters } from '../../ports/counters.ts'
import type { MfaRecords } from '../../ports/mfa-records.ts'
import type { OneTime } from '../../ports/one-time.ts'
import { COUNTER_KEPT_SECONDS } from '../counter-rules.ts'
import { handlesOf, handleTaken } from '../handle-rules.ts'
import { sweepMap } from './sweep-map.ts'

/** Deletes at most `limit` entries past their time; answers how many. */
export interface Sweepable {
  sweep(now: Instant, limit: number): number
}

/** The server pages over them; `createMfa` never does. */
export interface Listed {
  ids(page: { after?: string; limit: number }): Promise<readonly string[]>
}

export function memoryRecords(): MfaRecords & Listed {
  const stored = new Map<string, { json: string; version: number; handles: readonly string[] }>()
  /** Which account each handle belongs to. */
  const owners = new Map<string, string>()
  return {
    async load(accountId) {
      const entry = stored.get(accountId)
      return entry && { record: JSON.parse(entry.json) as JsonObject, version: entry.version }
    },

    async save(accountId, record, expectedVersion) {
      const before = stored.get(accountId)
      if ((before?.version ?? 0) !== expectedVersion) return false
      const handles = handlesOf(record)
      if (handles.some((handle) => (owners.get(handle) ?? accountId) !== accountId))
        throw handleTaken()
      for (const handle of before?.handles ?? []) owners.delete(handle)
      for (const handle of handles) owners.set(handle, accountId)
      const json = JSON.stringify(record)
      stored.set(accountId, { json, version: expectedVersion + 1, handles })
      return true
    },

    async findByHandle(handle) {
      return owners.get(handle)
    },

    async ids({ after, limit }) {
      return [...stored.keys()]
        .filter((id) => after === undefined || id > after)
        .sort((a, b) => (a < b ? -1 : 1))
        .slice(0, limit)
    },
  }
}

export function memoryOneTime(): OneTime & Sweepable {
  const stored = new Map<string, { json: string; expiresAt: Instant }>()
  const valueOf = (key: string, now: Instant): JsonObject | undefined => {
    const entry = stored.get(key)
    return entry && entry.expiresAt > now ? (JSON.parse(entry.json) as JsonObject) : undefined
  }
  return {
    async put(key, value, expiresAt) {
      stored.set(key, { json: JSON.stringify(value), expiresAt })
    },

    async take(key, now) {
      const value = valueOf(key, now)
      stored.delete(key)
      return value
    },

    async peek(key, now) {
      return valueOf(key, now)
    },

    sweep: (now, limit) => sweepMap(stored, limit, (entry) => entry.expiresAt <= now),
  }
}

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
      const before = current(key, now) ?? {
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
