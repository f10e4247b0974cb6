import type { EventDetail } from '../../domain/events.ts'
import type { mongo } from 'mongoose'
import {
  AUDIT_KEYS,
  type AuditEntry,
  type AuditPage,
  type AuditQuery,
  type AuditTrail,
} from '../../ports/audit-trail.ts'
import { auditPage, typesIn } from '../audit-pages.ts'
import { COLLECTIONS, is, type AuditDocument } from './collections.ts'
import type { MongoDatabase } from './database.ts'
import { nextOrder } from './order.ts'

/** MongoDB's error code for a duplicate key, in the write errors of a bulk. */
const DUPLICATE_KEY = 11_000

export function mongoAudit(database: MongoDatabase): AuditTrail {
  const page = (query: AuditQuery): Promise<AuditPage> =>
    database.on<AuditDocument, AuditPage>(COLLECTIONS.audit, async (trail) => {
      const way = query.oldestFirst === true ? 1 : -1
      const found = await trail
        .find(auditFilter(query))
        .sort({ at: way, order: way, _id: way })
        .limit(query.limit + 1)
        .toArray()
      const placed = found.map((each) => ({ order: each.order, entry: entryOf(each) }))
      return auditPage(placed, query.limit)
    })

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

    page,
    list: async (query) => (await page(query)).entries,
  }
}

function auditFilter(query: AuditQuery): mongo.Filter<AuditDocument> {
  const { accountId, since, before, after } = query
  const types = typesIn(query)
  const beyond = query.oldestFirst === true ? '$gt' : '$lt'
  const keys = AUDIT_KEYS.filter((key) => query[key] !== undefined)
  const [type] = types ?? []
  return {
    ...(accountId === undefined ? {} : { accountId: is(accountId) }),
    ...(types === undefined
      ? {}
      : { type: types.length === 1 && type !== undefined ? is(type) : { $in: [...types] } }),
    ...Object.fromEntries(keys.map((key) => [key, is(query[key])])),
    ...(since === undefined && before === undefined
      ? {}
      : {
          at: {
            ...(since === undefined ? {} : { $gte: since }),
            ...(before === undefined ? {} : { $lt: before }),
          },
        }),
    ...(after === undefined
      ? {}
      : {
          $or: [
            { at: { [beyond]: after.at } },
            { at: is(after.at), order: { [beyond]: after.order } },
            { at: is(after.at), order: is(after.order), _id: { [beyond]: after.id } },
          ],
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
    ...auditKeysOf(detail),
  }
}

/** The members of a detail that are stored beside it, because an index finds no member of a text. */
export function auditKeysOf(detail: EventDetail): Partial<AuditDocument> {
  return Object.fromEntries(
    AUDIT_KEYS.filter((key) => detail[key] !== undefined).map((key) => [key, detail[key]]),
  )
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
