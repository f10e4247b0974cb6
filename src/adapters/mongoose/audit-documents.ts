import type { ChainedEntry } from '../../domain/audit-chain.ts'
import type { EventDetail } from '../../domain/events.ts'
import { AUDIT_KEYS, type AuditEntry } from '../../ports/audit-trail.ts'
import type { AuditDocument } from './collections.ts'
import { nextOrder } from './order.ts'

export function chained(document: AuditDocument): ChainedEntry<AuditEntry> {
  return { number: document.number ?? 0, hash: document.hash ?? '', entry: entryOf(document) }
}

export function documentOf(
  { id, at, type, accountId, detail }: AuditEntry,
  order = nextOrder(),
): AuditDocument {
  return {
    _id: id,
    at,
    order,
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

export function entryOf({ _id, at, type, accountId, detail }: AuditDocument): AuditEntry {
  return {
    id: _id,
    type,
    ...(accountId === undefined ? {} : { accountId }),
    at,
    detail: JSON.parse(detail) as EventDetail,
  }
}
