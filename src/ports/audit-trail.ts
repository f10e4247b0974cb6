import type { EventDetail, MfaEventBase } from '../domain/events.ts'
import type { Instant } from '../domain/time.ts'

/** An append-only trail. Adding an event of a known id again changes nothing (events arrive at least once). */
export interface AuditTrail {
  add(events: readonly AuditEntry[]): Promise<void>
  /** The entries of `page`, without the way on. */
  list(query: AuditQuery): Promise<readonly AuditEntry[]>
  /** Newest first, unless `oldestFirst`. Entries that are added meanwhile move no other entry to another page. */
  page(query: AuditQuery): Promise<AuditPage>
}

/** Every condition that is given must hold. */
export interface AuditQuery {
  readonly accountId?: string
  /** This type, or one of these. */
  readonly type?: string | readonly string[]
  /** The members of the detail. */
  readonly clientId?: string
  readonly ip?: string
  readonly actor?: string
  readonly requestId?: string
  /** Not before this time. */
  readonly since?: Instant
  /** Before this time. */
  readonly before?: Instant
  readonly oldestFirst?: boolean
  /** The end of the page before, in the same order. */
  readonly after?: AuditPosition
  readonly limit: number
}

/** The members of the detail by which entries are found. Each storage has an index for each. */
export const AUDIT_KEYS = ['clientId', 'ip', 'actor', 'requestId'] as const

/** The place of an entry in the order of the trail. */
export interface AuditPosition {
  readonly at: Instant
  /** A number that the storage has given the entry. */
  readonly order: number
  /** Tells entries of one number apart: two nodes may give the same. */
  readonly id: string
}

export interface AuditPage {
  readonly entries: readonly AuditEntry[]
  /** Absent: there are no more. */
  readonly next?: AuditPosition
}

/** The plugin's events and the server's own (`password-refused`, `user-added`, `client-changed`, ...). */
export interface AuditEntry extends Omit<MfaEventBase, 'accountId'> {
  readonly type: string
  readonly accountId?: string
  readonly detail: EventDetail
}
