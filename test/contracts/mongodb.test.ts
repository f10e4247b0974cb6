import { randomBytes } from 'node:crypto'
import mongoose from 'mongoose'
import { COLLECTIONS } from '../../src/adapters/mongoose/collections.ts'
import { openMongoStorage } from '../../src/adapters/mongoose/server-storage.ts'
import type { ServerStorage } from '../../src/ports/server-storage.ts'
import type { Clock } from '../../src/ports/services.ts'
import { describeRecordsAtRest } from '../../src/testing/records-at-rest-suite.ts'
import { TEST_START } from '../../src/testing/runner.ts'
import { describeServerStorage } from '../../src/testing/storage-suite.ts'
import { openDatabase } from '../support/mongodb.ts'
import {
  credentialsOf,
  startProtectedMongodb,
  type ProtectedMongodb,
} from '../support/protected-mongodb.ts'
import { requireMongodb, requireOwnMongodb } from '../support/requirements.ts'
import { textsInMongodb } from '../support/stored-texts.ts'

const KEYS = [Buffer.alloc(32, 1)]

describe('the contracts on MongoDB', function () {
  this.timeout(30_000)
  let database: Awaited<ReturnType<typeof openDatabase>>
  let emptied: EmptiedStorage

  before(async function () {
    database = await openDatabase(await requireMongodb(this))
    emptied = await EmptiedStorage.open(database.url, database.connection)
  })
  after(async () => {
    await emptied?.close()
    await database?.close()
  })

  describeServerStorage('mongodb', ({ clock }) => emptied.forTest(clock))

  describeRecordsAtRest('mongodb', ({ clock }) => {
    const { store, close } = emptied.forTest(clock)
    const stored = () => textsInMongodb(database.connection)
    return { store: { hostRecords: store.hostRecords, stored }, close }
  })
})

describe('the contracts on MongoDB, over TLS and with a password', function () {
  this.timeout(30_000)
  const user = { name: 'mfa', role: 'readWriteAnyDatabase' }
  let server: ProtectedMongodb
  let connection: mongoose.Connection
  let emptied: EmptiedStorage

  before(async function () {
    requireOwnMongodb(this)
    server = await startProtectedMongodb([user])
    const url = server.url(`mfa_test_${randomBytes(8).toString('hex')}`, credentialsOf(user))
    connection = await mongoose.createConnection(url, { autoIndex: false }).asPromise()
    emptied = await EmptiedStorage.open(url, connection)
  })
  after(async () => {
    await emptied?.close()
    await connection?.close(true)
    await server?.stop()
  })

  describeServerStorage('mongodb, protected', ({ clock }) => emptied.forTest(clock))
})

/**
 * A storage that each test finds empty, because the one before it has removed all documents. A new database for each
 * test would need a connection and all indexes again, which takes longer than most tests.
 */
class EmptiedStorage {
  readonly #store: ServerStorage
  readonly #connection: mongoose.Connection
  readonly #clock: { of: Clock }

  private constructor(store: ServerStorage, connection: mongoose.Connection, clock: { of: Clock }) {
    this.#store = store
    this.#connection = connection
    this.#clock = clock
  }

  static async open(url: string, connection: mongoose.Connection): Promise<EmptiedStorage> {
    const current: { of: Clock } = { of: { now: () => TEST_START } }
    const clock = { now: () => current.of.now() }
    const store = await openMongoStorage({ url, encryptionKeys: KEYS, clock })
    return new EmptiedStorage(store, connection, current)
  }

  forTest(clock: Clock) {
    this.#clock.of = clock
    return { store: this.#store, close: () => this.#empty() }
  }

  close(): Promise<void> {
    return this.#store.close()
  }

  async #empty(): Promise<void> {
    for (const collection of await this.#connection.db!.collections())
      // The version of the schema stays, because the storage checks it.
      if (collection.collectionName !== COLLECTIONS.schema) await collection.deleteMany({})
  }
}
