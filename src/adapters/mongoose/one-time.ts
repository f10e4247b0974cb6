import type { JsonObject } from '../../domain/json.ts'
import type { Instant } from '../../domain/time.ts'
import type { OneTime } from '../../ports/one-time.ts'
import type { Keyed, MongoDatabase } from './database.ts'
import { isDuplicateKey } from './failure.ts'

export const ONE_TIME = 'mfa_one_time'

interface OneTimeRow extends Keyed {
  readonly value: string
  readonly expiresAt: Instant
  /** The same as a date, for the index that deletes. */
  readonly keepUntil: Date
}

export function mongoOneTime(database: MongoDatabase): OneTime {
  const on = <T>(deed: Parameters<typeof database.on<OneTimeRow, T>>[1]): Promise<T> =>
    database.on<OneTimeRow, T>(ONE_TIME, deed)
  /** MongoDB deletes expired entries late. They count as deleted from that time on. */
  const live = (key: string, now: Instant) => ({ _id: { $eq: key }, expiresAt: { $gt: now } })

  return {
    put: (key, entry, expiresAt) =>
      on(async (collection) => {
        const value = JSON.stringify(entry)
        const row = { value, expiresAt, keepUntil: new Date(expiresAt * 1000) }
        // This is no upsert, because of two simultaneous upserts MongoDB may refuse one. A caller that finds the key in
        // use replaces its entry, unless the entry was taken in between.
        for (;;) {
          try {
            await collection.insertOne({ _id: key, ...row })
            return
          } catch (error) {
            if (!isDuplicateKey(error)) throw error
          }
          const { matchedCount } = await collection.updateOne({ _id: { $eq: key } }, { $set: row })
          if (matchedCount === 1) return
        }
      }),

    take: (key, now) =>
      on(async (collection) => valueOf(await collection.findOneAndDelete(live(key, now)))),

    peek: (key, now) => on(async (collection) => valueOf(await collection.findOne(live(key, now)))),
  }
}

function valueOf(row: Pick<OneTimeRow, 'value'> | null): JsonObject | undefined {
  return row === null ? undefined : (JSON.parse(row.value) as JsonObject)
}
