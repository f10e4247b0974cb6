import type { mongo } from 'mongoose'
import type { EventDetail } from '../../domain/events.ts'
import { auditKeysOf } from './audit-documents.ts'
import { COLLECTIONS, type AuditDocument } from './collections.ts'
import { makeIndexes } from './server-indexes.ts'

const BATCH = 1000

/**
 * Gives older entries of the trail the members by which they are found, and makes the indexes. A run that was
 * interrupted is repeated from the beginning, and writes the same again.
 */
export async function makeAuditSearchable(db: mongo.Db): Promise<void> {
  await makeIndexes(db)
  const trail = db.collection<AuditDocument>(COLLECTIONS.audit)
  let batch: mongo.AnyBulkWriteOperation<AuditDocument>[] = []
  const write = async (): Promise<void> => {
    if (batch.length > 0) await trail.bulkWrite(batch, { ordered: false })
    batch = []
  }
  for await (const { _id, detail } of trail.find({}, { projection: { detail: 1 } })) {
    const keys = auditKeysOf(JSON.parse(detail) as EventDetail)
    if (Object.keys(keys).length === 0) continue
    batch.push({ updateOne: { filter: { _id }, update: { $set: keys } } })
    if (batch.length === BATCH) await write()
  }
  await write()
}
