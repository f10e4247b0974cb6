import type { Instant } from '../domain/time.ts'
import type { Accounts } from './accounts.ts'
import type { AuditTrail } from './audit-trail.ts'
import type { Clients } from './clients.ts'
import type { Counters } from './counters.ts'
import type { AccountRecords, HostRecords } from './host-records.ts'
import type { Leases } from './leases.ts'
import type { OneTime } from './one-time.ts'
import type { Outbox } from './outbox.ts'
import type { Settings } from './settings.ts'
import type { Storage } from './storage.ts'

/** The storage that the complete server needs: the plugin's port and the server's own ports. */
export interface ServerStorage extends Storage {
  readonly oneTime: OneTime
  readonly counters: Counters
  readonly accounts: Accounts
  readonly clients: Clients
  readonly hostRecords: HostRecords
  readonly accountRecords: AccountRecords
  readonly audit: AuditTrail
  readonly settings: Settings
  readonly outbox: Outbox
  readonly leases: Leases
  /** The ids of all MFA records, whether or not the server has such an account, in order, after `after`. */
  recordIds(page: { after?: string; limit: number }): Promise<readonly string[]>
  /**
   * The ids of at most `limit` MFA records, or accounts, whose `events` are not empty: a crash may have left them. It
   * is one look-up by an index, because every node asks each minute.
   */
  waitingEvents(of: 'records' | 'accounts', limit: number): Promise<readonly string[]>
  /** Throws when the storage cannot be written durably right now (health/ready). */
  checkWritable(): Promise<void>
  /**
   * Deletes at most `limit` expired records, and audit entries older than `auditBefore` (without it, no entries);
   * returns how many.
   */
  sweep(limit: number, auditBefore?: Instant): Promise<number>
  /**
   * Settings of the database that work but that an operator should change (`doctor`). Absent: the storage checks none.
   */
  inspect?(): Promise<readonly StorageRemark[]>
  close(): Promise<void>
}

/** A remark about a setting of the database. It contains no secret. */
export interface StorageRemark {
  readonly about: string
  readonly problem: string
}

export interface SchemaState {
  readonly current: number
  readonly wanted: number
}
