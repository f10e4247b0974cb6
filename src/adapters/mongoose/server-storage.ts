/**
 * The server's storage in MongoDB: for several nodes on several machines.
 *
 * It uses no transactions: each rule is enforced by one conditional write of one document, confirmed by a majority;
 * reads go to the primary. Works on a replica set, on a sharded cluster (docs/guides/mongodb-in-production.md), and,
 * without the safety of a second copy, on one server.
 */
import type { MigrationPhases, SchemaState, ServerStorage } from '../../ports/server-storage.ts'
import type { Clock } from '../../ports/services.ts'
import { secretBox } from '../crypto/secret-box.ts'
import { systemClock } from '../crypto/system.ts'
import { sealedAccountRecords, sealedHostRecords } from '../sealed-host-records.ts'
import { accountsWithRecords } from './accounts-with-records.ts'
import { mongoAccounts, mongoRemoveAccount } from './accounts.ts'
import { mongoAudit } from './audit-trail.ts'
import { mongoClients } from './clients.ts'
import { secondsAhead } from './clock.ts'
import { COLLECTIONS, is } from './collections.ts'
import { atLeisure, openConnection } from './connection.ts'
import { mongoCounters } from './counters.ts'
import { inTime, MongoDatabase, type Keyed } from './database.ts'
import type { HandleIndex } from './handle-index.ts'
import { mongoHostRecords } from './host-records.ts'
import { mongoHostSessions } from './host-sessions.ts'
import { inspect } from './inspect.ts'
import { mongoLeases } from './leases.ts'
import {
  bringUpToDate,
  readSchemaState,
  requireUsableSchema,
  type Migration,
} from './migrations.ts'
import { mongoNodes } from './nodes.ts'
import { mongoOneTime } from './one-time.ts'
import { mongoOutbox } from './outbox.ts'
import { mongoRecordIds } from './record-ids.ts'
import { mongoRecords } from './records.ts'
import { mongoSettings } from './settings.ts'
import { sweep } from './sweep.ts'
import { mongoWaitingEvents } from './waiting-events.ts'

export interface MongoStorageOptions {
  /** `mongodb://` or `mongodb+srv://`, with the database's name, and TLS and authentication as its options. */
  readonly url: string
  /** Which migrations a database of an older version gets. An empty database gets all. */
  readonly migrate?: MigrationPhases
  /** For tests of future migrations. */
  readonly migrations?: readonly Migration[]
  /** 32 bytes each, the newest first. Only the device flow needs them: a user code is stored as an HMAC. */
  readonly encryptionKeys?: readonly Uint8Array[]
  readonly clock?: Clock
}

/** The time limit of the check whether the storage can be written, because a load balancer does not wait for long. */
const CHECK_MS = 4_000

/**
 * Throws `MfaError`: `storage-unavailable`, `schema-outdated` (run `oidc-provider-mfa migrate`), `schema-too-old`,
 * `schema-newer`, `schema-foreign`, `options-invalid` for keys that cannot be used. Afterwards every failure of the
 * database rejects with `storage-unavailable` or `storage-refused`, and the storage recovers by itself when the cause
 * has gone. The URL's secrets are in no message.
 */
export async function openMongoStorage(options: MongoStorageOptions): Promise<ServerStorage> {
  const { url, migrate = false, clock = systemClock, encryptionKeys, migrations } = options
  const box = encryptionKeys && secretBox({ keys: encryptionKeys })
  const { connection, db } = await openConnection(url)
  try {
    await atLeisure(() => bringUpToDate(db, migrate, migrations))
  } catch (error) {
    await connection.close(true)
    throw error
  }
  const database = new MongoDatabase(connection)
  const together = accountsWithRecords(database)
  const sessions = mongoHostSessions(database, clock)
  const host = mongoHostRecords(database, clock, sessions)
  return {
    records: mongoRecords(database, OPENED, together),
    oneTime: mongoOneTime(database),
    counters: mongoCounters(database),
    accounts: mongoAccounts(database, together),
    duringRequest: (work) => together.duringRequest(work),
    clients: mongoClients(database),
    hostRecords: sealedHostRecords(host, box),
    accountRecords: sealedAccountRecords(host, sessions, box),
    audit: mongoAudit(database),
    settings: mongoSettings(database),
    outbox: mongoOutbox(database),
    leases: mongoLeases(database),
    nodes: mongoNodes(database),
    recordIds: mongoRecordIds(database),
    removeAccount: mongoRemoveAccount(database, together),
    waitingEvents: mongoWaitingEvents(database),

    // Fails with the message of a failed opening, so that `doctor` and the log say what to correct.
    checkWritable: () =>
      atLeisure(async () => {
        const checking = db
          .collection<WriteCheck>(COLLECTIONS.writeChecks)
          .updateOne({ _id: is('check') }, { $set: { at: clock.now() } }, { upsert: true })
        await inTime(checking, CHECK_MS)
      }),

    schema: () => atLeisure(() => inTime(requireUsableSchema(db, migrations), CHECK_MS)),

    // The process goes on meanwhile. A call has about six queries over the network.
    sweepMilliseconds: 100,
    sweep: (limit, audit) => sweep(database, limit, clock.now(), audit),
    secondsAhead: () =>
      atLeisure(() =>
        inTime(
          secondsAhead(db, () => clock.now()),
          CHECK_MS,
        ),
      ),
    inspect: () => atLeisure(() => inspect(db)),
    close: () => connection.close(true),
  }
}

/** The storage does not open without the indexes that are unique (migrations.ts). */
const OPENED: HandleIndex = { ready: async () => undefined }

/** The document that the check writes. */
interface WriteCheck extends Keyed {
  readonly at: number
}

/**
 * Which version the database's schema has, and which one this version wants; `current` is 0 when there is none yet.
 * Throws like `openMongoStorage`, but changes nothing.
 */
export async function mongoSchemaState(url: string): Promise<SchemaState> {
  const { connection, db } = await openConnection(url)
  try {
    return await atLeisure(() => readSchemaState(db))
  } finally {
    await connection.close(true)
  }
}
