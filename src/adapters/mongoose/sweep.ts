import type { mongo } from 'mongoose'
import type { Instant } from '../../domain/time.ts'
import { COLLECTIONS, dateOf } from './collections.ts'
import { COUNTERS } from './counters.ts'
import type { MongoDatabase } from './database.ts'
import { ONE_TIME } from './one-time.ts'

/**
 * The collections whose documents have their time in `keepUntil`. MongoDB's TTL indexes delete most of them, later and
 * by the database's clock. A sweep deletes by the server's clock and counts.
 */
const PERISHABLE = [
  COLLECTIONS.hostRecords,
  COLLECTIONS.hostSessions,
  COLLECTIONS.outbox,
  ONE_TIME,
  COUNTERS,
]

/** Deletes at most `limit` documents that are past their time, audit entries before `auditBefore`; answers how many. */
export async function sweep(
  database: MongoDatabase,
  limit: number,
  now: Instant,
  auditBefore?: Instant,
): Promise<number> {
  let swept = 0
  for (const collection of PERISHABLE)
    swept += await sweepSome(
      database,
      collection,
      'keepUntil',
      { $lte: dateOf(now) },
      limit - swept,
    )
  if (auditBefore !== undefined)
    swept += await sweepSome(database, COLLECTIONS.audit, 'at', { $lt: auditBefore }, limit - swept)
  return swept
}

/** Deletes the oldest first, by the index on the field. */
async function sweepSome(
  database: MongoDatabase,
  collection: string,
  field: 'keepUntil' | 'at',
  past: Readonly<Record<string, unknown>>,
  limit: number,
): Promise<number> {
  if (limit <= 0) return 0
  return database.on<mongo.Document, number>(collection, async (documents) => {
    const found = await documents
      .find({ [field]: past }, { projection: { _id: 1 } })
      .sort({ [field]: 1 })
      .limit(limit)
      .toArray()
    if (found.length === 0) return 0
    // The time is part of the filter again: a document that was renewed meanwhile stays.
    const { deletedCount } = await documents.deleteMany({
      _id: { $in: found.map(({ _id }) => _id) },
      [field]: past,
    })
    return deletedCount
  })
}
