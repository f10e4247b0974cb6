import type { EventDetail } from '../../domain/events.ts'
import type { AuditEntry, AuditTrail } from '../../ports/audit-trail.ts'
import { COLLECTIONS, is, type AuditDocument } from './collections.ts'
import type { MongoDatabase } from './database.ts'
import { nextOrder } from './order.ts'

/** MongoDB's error code for a duplicate key, in the write errors of a bulk. */
const DUPLICATE_KEY = 11_000

export function mongoAudit(database: MongoDatabase): AuditTrail {
  return {
    async add(events) {
      const documents = [...firstOfEach(events).values()].map(documentOf)
      if (documents.length === 0) return
      await database.on<AuditDocument, void>(COLLECTIONS.audit, async (trail) => {
        try {
          // Unordered: an entry that exists already does not stop those after it.
          await trail.insertMany(documents, { ordered: false })
        } catch (error) {
          if (!areDuplicatesAlone(error)) throw error
        }
      })
    },

    list: ({ accountId, type, before, limit }) =>
      database.on<AuditDocument, AuditEntry[]>(COLLECTIONS.audit, async (trail) => {
        const found = await trail
          .find({
            ...(accountId === undefined ? {} : { accountId: is(accountId) }),
            ...(type === undefined ? {} : { type: is(type) }),
            ...(before === undefined ? {} : { at: { $lt: before } }),
          })
          .sort({ at: -1, order: -1 })
          .limit(limit)
          .toArray()
        return found.map(entryOf)
      }),
  }
}

function firstOfEach(events: readonly AuditEntry[]): Map<string, AuditEntry> {
  const first = new Map<string, AuditEntry>()
  for (const event of events) if (!first.has(event.id)) first.set(event.id, event)
  return first
}

function documentOf({ id, at, type, accountId, detail }: AuditEntry): AuditDocument {
  return {
    _id: id,
    at,
    order: nextOrder(),
    type,
    ...(accountId === undefined ? {} : { accountId }),
    detail: JSON.stringify(detail),
  }
}

function entryOf({ _id, at, type, accountId, detail }: AuditDocument): AuditEntry {
  return {
    id: _id,
    type,
    ...(accountId === undefined ? {} : { accountId }),
    at,
    detail: JSON.parse(detail) as EventDetail,
  }
}

/** The members of the driver's bulk error that are used here. */
interface BulkError {
  readonly writeErrors: unknown
  readonly result: { getWriteConcernError(): unknown }
}

/** Whether every other entry was written, by a majority. Otherwise the entries must be added again. */
function areDuplicatesAlone(error: unknown): boolean {
  if (!(error instanceof Error && error.name === 'MongoBulkWriteError')) return false
  const { writeErrors, result } = error as unknown as BulkError
  const refusals = [writeErrors].flat()
  return (
    refusals.length > 0 &&
    refusals.every((refusal) => (refusal as { code: unknown }).code === DUPLICATE_KEY) &&
    result.getWriteConcernError() === undefined
  )
}
