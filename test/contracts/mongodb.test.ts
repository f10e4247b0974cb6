import { randomBytes } from 'node:crypto'
import { openMongoStorage } from '../../src/adapters/mongoose/server-storage.ts'
import type { Clock } from '../../src/ports/services.ts'
import { describeRecordsAtRest } from '../../src/testing/records-at-rest-suite.ts'
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
  let server: string

  before(async function () {
    server = await requireMongodb(this)
  })

  describeServerStorage('mongodb', open)

  describeRecordsAtRest('mongodb', async (given) => {
    const { store, connection, close } = await open(given)
    const stored = () => textsInMongodb(connection)
    return { store: { hostRecords: store.hostRecords, stored }, close }
  })

  async function open({ clock }: { readonly clock: Clock }) {
    const database = await openDatabase(server)
    const store = await openMongoStorage({ url: database.url, encryptionKeys: KEYS, clock })
    return {
      store,
      connection: database.connection,
      close: async () => {
        await store.close()
        await database.close()
      },
    }
  }
})

describe('the contracts on MongoDB, over TLS and with a password', function () {
  this.timeout(30_000)
  const user = { name: 'mfa', role: 'readWriteAnyDatabase' }
  let server: ProtectedMongodb

  before(async function () {
    requireOwnMongodb(this)
    server = await startProtectedMongodb([user])
  })
  after(() => server?.stop())

  // Each in a database of its own, which goes with the server.
  describeServerStorage('mongodb, protected', async ({ clock }) => {
    const database = `mfa_test_${randomBytes(8).toString('hex')}`
    const url = server.url(database, credentialsOf(user))
    const store = await openMongoStorage({ url, encryptionKeys: KEYS, clock })
    return { store, close: () => store.close() }
  })
})
