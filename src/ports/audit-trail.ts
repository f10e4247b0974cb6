import type { EventDetail, MfaEventBase } from '../domain/events.ts'
import type { Instant } from '../domain/time.ts'

/** An append-only trail. Adding an event of a known id again changes nothing (events arrive at least once). */
export interface AuditTrail {
  add(events: readonly AuditEntry[]): Promise<void>
  /** Newest first. */
  list(query: {
    accountId?: string
    type?: string
    before?: Instant
    limit: number
  }): Promise<readonly AuditEntry[]>
}

/** The plugin's events and the server's own (`password-refused`, `user-added`, `client-changed`, ...). */
export interface AuditEntry extends Omit<MfaEventBase, 'accountId'> {
  readonly type: string
  readonly accountId?: string
  readonly detail: EventDetail
}
