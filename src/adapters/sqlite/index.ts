/**
 * Storage in one SQLite file, with Node's own `node:sqlite`: the server's default.
 *
 * Several processes on one machine may share the file; several machines may not (SQLite's locks do not work over
 * network file systems). A power failure may lose the newest sessions and tokens of the host. It never makes a spent
 * code valid again, and never undoes a counted failure or a changed password.
 */
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import type {
  MigrationPhases,
  SchemaState,
  ServerStorage,
  StorageRemark,
} from '../../ports/server-storage.ts'
import type { Clock, SecretBox } from '../../ports/services.ts'
import { secretBox } from '../crypto/secret-box.ts'
import { systemClock } from '../crypto/system.ts'
import { EMPTY, schemaStateOf } from '../schema-rules.ts'
import { sealedAccountRecords, sealedHostRecords } from '../sealed-host-records.ts'
import { sqliteAccounts, sqliteRemoveAccount } from './accounts.ts'
import { sqliteAudit } from './audit-trail.ts'
import { sqliteClients } from './clients.ts'
import { Connection, LOCK_WAIT_MS } from './connection.ts'
import { sqliteCounters } from './counters.ts'
import { SqliteDatabase } from './database.ts'
import { failed, isStorageFailure } from './failure.ts'
import { sqliteHostRecords, sqliteHostSessions } from './host-records.ts'
import { sqliteLeases } from './leases.ts'
import { sqliteRecordIds, sqliteRecords } from './mfa-records.ts'
import { MIGRATIONS, readSchemaState } from './migrations.ts'
import { sqliteNodes } from './nodes.ts'
import { sqliteOneTime } from './one-time.ts'
import { sqliteOutbox } from './outbox.ts'
import { sqliteSettings } from './settings.ts'
import { giveBackPages, sweep } from './sweep.ts'
import { hasIncrementalVacuum } from './vacuum.ts'
import { sqliteWaitingEvents } from './waiting-events.ts'

export { sweepExpired } from '../sweep-expired.ts'
export type { SweepOptions } from '../sweep-expired.ts'

export interface SqliteStorageOptions {
  /** The database file. If it is missing, it is created with mode 0600, and its folder with mode 0700. */
  readonly path: string
  /**
   * Whether a database of an older version is migrated; otherwise it is refused. `expand` and `contract` apply these
   * migrations alone, true applies both. An empty database is always migrated.
   */
  readonly migrate?: MigrationPhases
  /**
   * The `encryptionKeys` of `createMfa`: 32 bytes each, as bytes or in base64 (standard or url), the newest first. Only
   * the device flow needs them: a user code is stored as an HMAC. Without them the storage refuses user codes.
   */
  readonly encryptionKeys?: readonly (string | Uint8Array)[]
  readonly clock?: Clock
}

/**
 * Throws `MfaError`: `storage-unavailable`, `storage-refused` (no database, or a damaged one), `schema-outdated` (run
 * `oidc-provider-mfa migrate`), `schema-too-old`, `schema-newer`, `schema-foreign`, `options-invalid` for keys that
 * cannot be used. Afterwards every failure of the database rejects with one of the first two, and the storage recovers
 * by itself when the cause has gone.
 */
export function openSqliteStorage(options: SqliteStorageOptions): ServerStorage {
  const box = options.encryptionKeys && secretBox({ keys: options.encryptionKeys.map(bytesOf) })
  const database = new SqliteDatabase({ path: options.path, migrate: options.migrate ?? false })
  return sqliteStorageOn(database, options.clock ?? systemClock, box)
}

/** Decodes both alphabets of base64. The box refuses keys of another length. */
function bytesOf(key: string | Uint8Array): Uint8Array {
  return typeof key === 'string' ? Buffer.from(key, 'base64') : key
}

/** The ports on a database that is open. */
export function sqliteStorageOn(
  database: SqliteDatabase,
  clock: Clock,
  box?: SecretBox,
): ServerStorage {
  const host = sqliteHostRecords(database, clock)
  return {
    records: sqliteRecords(database),
    oneTime: sqliteOneTime(database),
    counters: sqliteCounters(database),
    accounts: sqliteAccounts(database),
    clients: sqliteClients(database),
    hostRecords: sealedHostRecords(host, box),
    accountRecords: sealedAccountRecords(host, sqliteHostSessions(database, clock), box),
    audit: sqliteAudit(database),
    settings: sqliteSettings(database),
    outbox: sqliteOutbox(database),
    leases: sqliteLeases(database),
    nodes: sqliteNodes(database),
    recordIds: sqliteRecordIds(database),
    removeAccount: sqliteRemoveAccount(database),
    waitingEvents: sqliteWaitingEvents(database),

    checkWritable: () =>
      database.durable((connection) => {
        connection.run(
          'INSERT INTO write_checks (id, at) VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET at = excluded.at',
          clock.now(),
        )
      }),

    schema: () => database.schema(),

    // A call blocks the process for as long.
    sweepMilliseconds: 5,
    sweep: (limit, audit) => sweep(database, limit, clock.now(), audit),
    giveBackSpace: (limit) => giveBackPages(database, limit),
    inspect: () => database.relaxed(inspect),

    async close() {
      database.close()
    },
  }
}

function inspect(connection: Connection): readonly StorageRemark[] {
  if (hasIncrementalVacuum(connection)) return []
  return [
    {
      about: 'free pages',
      problem:
        'are not given back to the file system, because the file was made by an earlier version: run `oidc-provider-mfa migrate`',
    },
  ]
}

/**
 * Which version the file's schema has, and which one this version wants; `current` is 0 when there is none yet.
 * Throws like `openSqliteStorage`, but neither makes nor changes anything, and an older schema is no error.
 */
export function schemaState(path: string): SchemaState {
  const file = resolve(path)
  if (!existsSync(file)) return schemaStateOf(MIGRATIONS, EMPTY)
  let connection: Connection | undefined
  try {
    connection = new Connection(file, 'NORMAL', LOCK_WAIT_MS)
    const state = readSchemaState(connection)
    const keepsFreePages = state.current > 0 && !hasIncrementalVacuum(connection)
    return { ...state, ...(keepsFreePages ? { keepsFreePages } : {}) }
  } catch (error) {
    throw isStorageFailure(error) ? failed(error, file) : error
  } finally {
    connection?.close()
  }
}
