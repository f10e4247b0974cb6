import { randomBytes } from 'node:crypto'
import { openMongoStorage } from '../../src/adapters/mongoose/server-storage.ts'
import { describeServerStorage } from '../../src/testing/storage-suite.ts'
import { openDatabase } from '../support/mongodb.ts'
import {
  credentialsOf,
  startProtectedMongodb,
  type ProtectedMongodb,
} from '../support/protected-mongodb.ts'
import { requireMongodb, requireOwnMongodb } from '../support/requirements.ts'

describe('the contracts on MongoDB', function () {
  this.timeout(30_000)
  let server: string

  before(async function () {
    server = await requireMongodb(this)
  })

  describeServerStorage('mongodb', async ({ clock }) => {
    const database = await openDatabase(server)
    const store = await openMongoStorage({ url: database.url, clock })
    return {
      store,
      close: async () => {
        await store.close()
        await database.close()
      },
    }
  })
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
    const store = await openMongoStorage({ url, clock })
    return { store, close: () => store.close() }
  })
})
