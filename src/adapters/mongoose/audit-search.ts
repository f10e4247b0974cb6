import type { mongo } from 'mongoose'
import type { EventDetail } from '../../domain/events.ts'
import { AUDIT_KEYS } from '../../ports/audit-trail.ts'
import { auditKeysOf } from './audit-documents.ts'
import { COLLECTIONS, type AuditDocument } from './collections.ts'
import { makeIndexes } from './server-indexes.ts'

const BATCH = 1000

/** Makes the indexes of the trail, and older entries searchable. */
export async function makeAuditSearchable(db: mongo.Db): Promise<void> {
  await makeIndexes(db)
  await fillAuditKeys(db)
}

/**
 * Gives entries of the trail the members by which they are found, if they have none of them: a node of the former
 * release writes such entries. It may run at any time and again after an interruption.
 */
export async function fillAuditKeys(db: mongo.Db): Promise<void> {
  const trail = db.collection<AuditDocument>(COLLECTIONS.audit)
  let batch: mongo.AnyBulkWriteOperation<AuditDocument>[] = []
  const write = async (): Promise<void> => {
    if (batch.length > 0) await trail.bulkWrite(batch, { ordered: false })
    batch = []
  }
  const bare = Object.fromEntries(AUDIT_KEYS.map((key) => [key, { $exists: false }]))
  for await (const { _id, detail } of trail.find(bare, { projection: { detail: 1 } })) {
    const keys = auditKeysOf(JSON.parse(detail) as EventDetail)
    if (Object.keys(keys).length === 0) continue
    batch.push({ updateOne: { filter: { _id }, update: { $set: keys } } })
    if (batch.length === BATCH) await write()
  }
  await write()
}
