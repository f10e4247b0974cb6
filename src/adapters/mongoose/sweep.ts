import type { mongo } from 'mongoose'
import type { Instant } from '../../domain/time.ts'
import type { AuditRetention } from '../../ports/audit-trail.ts'
import { sweepInShares } from '../sweep-shares.ts'
import { sweepAudit } from './audit-removed.ts'
import { COLLECTIONS, dateOf } from './collections.ts'
import { COUNTERS } from './counters.ts'
import type { MongoDatabase } from './database.ts'
import { ONE_TIME } from './one-time.ts'

/** The collections whose documents have their time in `keepUntil`. */
const PERISHABLE = [
  COLLECTIONS.hostRecords,
  COLLECTIONS.hostSessions,
  COLLECTIONS.outbox,
  COLLECTIONS.nodes,
  ONE_TIME,
  COUNTERS,
]

/**
 * The TTL indexes delete these documents an hour after their time (server-indexes.ts). The sweep deletes only those that
 * are still there an hour later: the TTL monitor may be switched off, or be late.
 */
const LEFT_TO_TTL_SECONDS = 2 * 3600

/**
 * Deletes at most `limit` documents that are long past their time, and the audit entries that `audit` names; answers how
 * many. How long entries are kept is a setting of the server, so no index deletes them.
 */
export function sweep(
  database: MongoDatabase,
  limit: number,
  now: Instant,
  audit?: AuditRetention,
): Promise<number> {
  const past = { $lte: dateOf(now - LEFT_TO_TTL_SECONDS) }
  const kinds = PERISHABLE.map(
    (collection) => (most: number) => sweepSome(database, collection, past, most),
  )
  if (audit !== undefined) kinds.push((most) => sweepAudit(database, audit, most))
  return sweepInShares(kinds, limit)
}

/** Deletes the oldest first, by the index. */
async function sweepSome(
  database: MongoDatabase,
  collection: string,
  past: Readonly<Record<string, unknown>>,
  limit: number,
): Promise<number> {
  return database.on<mongo.Document, number>(collection, async (documents) => {
    const found = await documents
      .find({ keepUntil: past }, { projection: { _id: 1 } })
      .sort({ keepUntil: 1 })
      .limit(limit)
      .toArray()
    if (found.length === 0) return 0
    // The time is part of the filter again: a document that was renewed meanwhile stays.
    const { deletedCount } = await documents.deleteMany({
      _id: { $in: found.map(({ _id }) => _id) },
      keepUntil: past,
    })
    return deletedCount
  })
}
