import type { mongo } from 'mongoose'
import type { Instant } from '../../domain/time.ts'
import type { CounterAnswer, Counters } from '../../ports/counters.ts'
import { COUNTER_KEPT_SECONDS, latestWindowEnd } from '../counter-rules.ts'
import type { Keyed, MongoDatabase } from './database.ts'
import { isDuplicateKey } from './failure.ts'

export const COUNTERS = 'mfa_counters'

interface CounterRow extends Keyed {
  readonly count: number
  /** When it starts again from 0; null: never. */
  readonly endsAt: Instant | null
  /** When it may be deleted, for the TTL index. */
  readonly keepUntil: Date
}

export function mongoCounters(database: MongoDatabase): Counters {
  const on = <T>(deed: (collection: mongo.Collection<CounterRow>) => Promise<T>): Promise<T> =>
    database.on<CounterRow, T>(COUNTERS, deed)

  return {
    reserve: (key, { limit, windowSeconds }, now) =>
      on(async (collection): Promise<CounterAnswer> => {
        const endsAt = windowSeconds === undefined ? null : now + windowSeconds
        const first = { count: 1, endsAt, keepUntil: keepUntil(endsAt, now) }
        const times = { now, latest: latestWindowEnd(now, windowSeconds) }
        for (;;) {
          if (limit > 0) {
            const counted = await addOne(collection, { key, limit, first }, times)
            if (counted !== undefined) return { allowed: true, count: counted }
          }
          const present = await collection.findOne({ _id: { $eq: key } })
          if (limit <= 0 || (present !== null && isFull(present, limit, times)))
            return refusal(present ?? { count: 0, endsAt })
          if (present === null && (await insertFirst(collection, key, first)))
            return { allowed: true, count: 1 }
          // Another call has created, deleted or changed the counter in between.
        }
      }),

    release: (key, now) =>
      on(async (collection) => {
        await collection.updateOne(
          {
            _id: { $eq: key },
            count: { $gt: 0 },
            $or: [{ endsAt: null }, { endsAt: { $gt: now } }],
          },
          [
            {
              $set: {
                count: { $subtract: ['$count', 1] },
                keepUntil: keptUntil({ $ifNull: ['$endsAt', null] }, now),
              },
            },
          ],
        )
      }),

    reset: (key) =>
      on(async (collection) => {
        await collection.deleteOne({ _id: { $eq: key } })
      }),

    read: (key, now) =>
      on(async (collection) => {
        const row = await collection.findOne({ _id: { $eq: key } })
        if (row === null || row.count <= 0 || (row.endsAt !== null && row.endsAt <= now))
          return undefined
        return { count: row.count, endsAt: row.endsAt ?? row.keepUntil.getTime() / 1000 }
      }),
  }
}

interface Times {
  readonly now: Instant
  /** The latest end that a window can have. */
  readonly latest: Instant
}

/**
 * Adds one to a counter that is there, or begins its next window, in one conditional update: of any number of parallel
 * calls `limit` are allowed. Returns the new count; undefined: the counter does not exist, or it has reached its limit.
 */
async function addOne(
  collection: mongo.Collection<CounterRow>,
  { key, limit, first }: { key: string; limit: number; first: Omit<CounterRow, '_id'> },
  { now, latest }: Times,
): Promise<number | undefined> {
  // Null sorts before every number: without the first condition a counter without an end would count as ended.
  const over = {
    $or: [
      { $lte: ['$count', 0] },
      { $and: [{ $gt: ['$endsAt', null] }, { $lte: ['$endsAt', now] }] },
      { $gt: ['$endsAt', latest] },
    ],
  }
  const after = await collection.findOneAndUpdate(
    {
      _id: { $eq: key },
      $or: [{ count: { $lt: limit } }, { endsAt: { $lte: now } }, { endsAt: { $gt: latest } }],
    },
    [
      {
        $set: {
          count: { $cond: [over, 1, { $add: ['$count', 1] }] },
          endsAt: { $cond: [over, first.endsAt, '$endsAt'] },
          keepUntil: { $cond: [over, first.keepUntil, keptUntil('$endsAt', now)] },
        },
      },
    ],
    { returnDocument: 'after' },
  )
  return after?.count
}

async function insertFirst(
  collection: mongo.Collection<CounterRow>,
  key: string,
  first: Omit<CounterRow, '_id'>,
): Promise<boolean> {
  try {
    await collection.insertOne({ ...first, _id: key } as mongo.OptionalUnlessRequiredId<CounterRow>)
    return true
  } catch (error) {
    if (isDuplicateKey(error)) return false
    throw error
  }
}

function isFull({ count, endsAt }: CounterRow, limit: number, { now, latest }: Times): boolean {
  return count >= limit && (endsAt === null || (endsAt > now && endsAt <= latest))
}

function refusal({ count, endsAt }: Pick<CounterRow, 'count' | 'endsAt'>): CounterAnswer {
  return { allowed: false, count, ...(endsAt === null ? {} : { retryAt: endsAt }) }
}

function keepUntil(endsAt: Instant | null, now: Instant): Date {
  return new Date((endsAt ?? now + COUNTER_KEPT_SECONDS) * 1000)
}

/** The same of a counter that is stored, as the server computes it. */
function keptUntil(endsAt: unknown, now: Instant): object {
  return { $toDate: { $multiply: [{ $ifNull: [endsAt, now + COUNTER_KEPT_SECONDS] }, 1000] } }
}
