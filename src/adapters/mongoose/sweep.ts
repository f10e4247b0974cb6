import type { mongo } from 'mongoose'
import type { Instant } from '../../domain/time.ts'
import { COLLECTIONS, dateOf } from './collections.ts'
import { COUNTERS } from './counters.ts'
import type { MongoDatabase } from './database.ts'
import { ONE_TIME } from './one-time.ts'

/**
 * Where the time of a document is in `keepUntil`. The database's TTL indexes delete most of this, later and by its own
 * clock; here it is done by the server's, and counted.
 */
const PERISHABLE = [COLLECTIONS.hostRecords, COLLECTIONS.hostSessions, ONE_TIME, COUNTERS]

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

/** The oldest first, by the index on the field. */
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
    // Looked at again: what was renewed meanwhile stays.
    const { deletedCount } = await documents.deleteMany({
      _id: { $in: found.map(({ _id }) => _id) },
      [field]: past,
    })
    return deletedCount
  })
}
