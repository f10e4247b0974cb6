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
    if (!hasKeys(keys)) continue
    batch.push({ updateOne: { filter: { _id }, update: { $set: keys } } })
    if (batch.length === BATCH) await write()
  }
  await write()
}

/** The entries that are looked at: the newest ones that the former release has written. */
const LOOKED_AT = 100

/**
 * Whether nodes of the former release have written entries since the trail was made searchable. It looks at a few entries
 * by an index: that release adds to no chain, and entries without one are read from the newest on.
 */
export async function hasUnsearchable(db: mongo.Db): Promise<boolean> {
  const unchained = await db
    .collection<AuditDocument>(COLLECTIONS.audit)
    .find({ chain: { $exists: false } })
    .sort({ chain: -1, number: -1 })
    .limit(LOOKED_AT)
    .toArray()
  return unchained.some(
    (entry) => !hasKeys(entry) && hasKeys(auditKeysOf(JSON.parse(entry.detail) as EventDetail)),
  )
}

function hasKeys(members: Partial<AuditDocument>): boolean {
  return AUDIT_KEYS.some((key) => members[key] !== undefined)
}
