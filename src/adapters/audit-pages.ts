import type { Instant } from '../domain/time.ts'
import type {
  AuditEntry,
  AuditPage,
  AuditPosition,
  AuditQuery,
  AuditRetention,
} from '../ports/audit-trail.ts'

/** An entry with its place in the order. */
export interface PlacedEntry {
  readonly order: number
  readonly entry: AuditEntry
}

/** The page of what was found. One more than `limit` was asked for, so that the last page is known to be the last. */
export function auditPage(found: readonly PlacedEntry[], limit: number): AuditPage {
  const shown = found.slice(0, limit)
  const last = shown.at(-1)
  return {
    entries: shown.map(({ entry }) => entry),
    ...(last === undefined || found.length <= limit ? {} : { next: positionOf(last) }),
  }
}

/** The types of a query. Absent: every type. */
export function typesIn({ type }: Pick<AuditQuery, 'type'>): readonly string[] | undefined {
  return typeof type === 'string' ? [type] : type
}

export function positionOf({ order, entry: { at, id } }: PlacedEntry): AuditPosition {
  return { at, order, id }
}

/** The time before which entries of a type are deleted. Undefined: they stay. */
export function endOfType({ before, types }: AuditRetention, type: string): Instant | undefined {
  return types?.has(type) === true ? types.get(type) : before
}
