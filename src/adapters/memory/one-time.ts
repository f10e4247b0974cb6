import type { JsonObject } from '../../domain/json.ts'
import type { Instant } from '../../domain/time.ts'
import type { OneTime } from '../../ports/one-time.ts'
import { sweepMap, type Sweepable } from './sweep-map.ts'

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
