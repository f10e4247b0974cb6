import type { Instant } from '../domain/time.ts'
import type { Accounts } from './accounts.ts'
import type { AuditTrail } from './audit-trail.ts'
import type { Clients } from './clients.ts'
import type { Counters } from './counters.ts'
import type { HostRecords } from './host-records.ts'
import type { OneTime } from './one-time.ts'
import type { Settings } from './settings.ts'
import type { Storage } from './storage.ts'

/** What the complete server asks of a database: the plugin's port and its own. */
export interface ServerStorage extends Storage {
  readonly oneTime: OneTime
  readonly counters: Counters
  readonly accounts: Accounts
  readonly clients: Clients
  readonly hostRecords: HostRecords
  readonly audit: AuditTrail
  readonly settings: Settings
  /** Accounts that have an MFA record, whether or not they have an account: in order of `id`, after `after`. */
  recordIds(page: { after?: string; limit: number }): Promise<readonly string[]>
  /** Throws when the storage cannot be written durably right now (health/ready). */
  checkWritable(): Promise<void>
  /**
   * Deletes a bounded number of records past their time; answers how many. Of the audit trail those from before
   * `auditBefore`; without it none.
   */
  sweep(limit: number, auditBefore?: Instant): Promise<number>
  /** What works, and an operator should change all the same (`doctor`). Absent: there is nothing to look at. */
  inspect?(): Promise<readonly StorageRemark[]>
  close(): Promise<void>
}

/** A sentence without a secret. */
export interface StorageRemark {
  readonly about: string
  readonly problem: string
}

export interface SchemaState {
  readonly current: number
  readonly wanted: number
}
