import type { Accounts } from './accounts.ts'
import type { AuditRetention, AuditTrail } from './audit-trail.ts'
import type { Clients } from './clients.ts'
import type { Counters } from './counters.ts'
import type { AccountRecords, HostRecords } from './host-records.ts'
import type { Leases } from './leases.ts'
import type { Nodes } from './nodes.ts'
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
  readonly nodes: Nodes
  /** The ids of all MFA records, whether or not the server has such an account, in order, after `after`. */
  recordIds(page: { after?: string; limit: number }): Promise<readonly string[]>
  /**
   * Deletes an account with its names, and its MFA record. Without a transaction the record goes first, so that a call
   * that breaks off can be repeated. False: there was no such account.
   */
  removeAccount(accountId: string): Promise<boolean>
  /**
   * The ids of at most `limit` MFA records, or accounts, whose `events` are not empty: a crash may have left them. It
   * is one look-up by an index, because every node asks each minute.
   */
  waitingEvents(of: 'records' | 'accounts', limit: number): Promise<readonly string[]>
  /** Throws when the storage cannot be written durably right now (health/ready). */
  checkWritable(): Promise<void>
  /**
   * The schema as the database notes it now. Throws MfaError `schema-newer`, `schema-outdated` and those of an opening
   * while this code may not work with it: a newer release has contracted the schema, or an older backup was put back.
   */
  schema(): Promise<SchemaState>
  /**
   * Deletes at most `limit` expired records, and the audit entries that `audit` names (without it, none);
   * returns how many. Each kind of row has a share of the limit, so that many rows of one kind do not delay the others.
   * A kind of row that fails does not delay them either: the call rejects only if it deleted nothing.
   * A storage whose database deletes expired rows by itself may leave them to it for two hours.
   */
  sweep(limit: number, audit?: AuditRetention): Promise<number>
  /**
   * The seconds by which the clock of this process is ahead of the database's; negative if it is behind. A node with a
   * wrong clock must not sweep: it would delete rows that still hold. Absent: only processes of one machine use the
   * database.
   */
  secondsAhead?(): Promise<number>
  /** How long one call of `sweep` and `giveBackSpace` should take. The caller chooses its limit by it. */
  readonly sweepMilliseconds: number
  /**
   * Gives free space of deleted rows back to the file system, at most `limit` units of the storage's own; returns how
   * many. 0: nothing is left to give back. Absent: the database does it by itself.
   */
  giveBackSpace?(limit: number): Promise<number>
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

/** `expand` adds to a schema, `contract` removes from it or tightens it. */
export type MigrationPhase = 'expand' | 'contract'

/** Which migrations may be applied to a database that has content. True: all of them. */
export type MigrationPhases = boolean | MigrationPhase

/** Versions are those of the schema, not of the product. */
export interface SchemaState {
  /** The newest migration that was applied; 0: the database is empty. */
  readonly current: number
  /** The newest version that this code knows. */
  readonly wanted: number
  /** The oldest version whose code may work with the schema. */
  readonly readableFrom: number
  /** Present while a contract is left: `readableFrom` afterwards. */
  readonly contractsTo?: number
  /** Present for a file that keeps its free pages until `migrate` rewrites it. */
  readonly keepsFreePages?: true
}
