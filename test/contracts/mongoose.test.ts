import { createHash } from 'node:crypto'
import mongoose, { type Connection } from 'mongoose'
import { mfaFields, mongooseStorage } from '../../src/adapters/mongoose/index.ts'
import type { MfaRecords } from '../../src/ports/mfa-records.ts'
import type { Storage } from '../../src/ports/storage.ts'
import { describeStorage } from '../../src/testing/storage-suite.ts'
import { openDatabase } from '../support/mongodb.ts'
import { requireMongodb } from '../support/requirements.ts'

/** Users with ids of one type; the id of the user whom a suite calls by a name of its own. */
interface Kind {
  readonly type: unknown
  idOf(name: string): unknown
}

interface OpenedStorage {
  readonly store: Storage
  ensureIndexes(): Promise<void>
}

const KINDS: Readonly<Record<string, Kind>> = {
  ObjectId: {
    type: mongoose.Schema.Types.ObjectId,
    idOf: (name) => new mongoose.Types.ObjectId(digest(name).slice(0, 24)),
  },
  string: { type: String, idOf: (name) => name },
  UUID: {
    type: mongoose.Schema.Types.UUID,
    // Version 4, variant 1: what is no UUID by RFC 9562 is no id.
    idOf: (name) =>
      new mongoose.mongo.UUID(
        digest(name)
          .slice(0, 32)
          .replace(/^(.{12}).(.{3})./, '$14$28'),
      ),
  },
  number: { type: Number, idOf: (name) => Number.parseInt(digest(name).slice(0, 12), 16) },
}

describe('MongoDB', () => {
  let url: string

  before(async function () {
    url = await requireMongodb(this)
  })

  async function on(open: (connection: Connection) => OpenedStorage) {
    const { connection, close } = await openDatabase(url)
    const { store, ensureIndexes } = open(connection)
    await ensureIndexes()
    return { store, close }
  }

  describeStorage('a collection of its own', () =>
    on((connection) => {
      const store = mongooseStorage(connection)
      return { store, ensureIndexes: store.ensureIndexes }
    }),
  )

  for (const [name, kind] of Object.entries(KINDS))
    describeStorage(`users with ${name} ids`, () => on((connection) => withUsers(connection, kind)))
})

/** The storage on a user model, whose users come into being when a suite first speaks of them. */
function withUsers(connection: Connection, { type, idOf }: Kind): OpenedStorage {
  const schema = new mongoose.Schema({ _id: type as StringConstructor, name: String })
  schema.plugin(mfaFields, { passwordPath: false })
  const User = connection.model('User', schema)
  const storage = mongooseStorage(User)
  const { load, save, findByHandle } = storage.records
  const names = new Map<string, string>()
  const user = async (name: string): Promise<string> => {
    const _id = idOf(name)
    await User.collection.insertOne({ _id, name } as never).catch((error: { code?: number }) => {
      if (error.code !== 11_000) throw error as Error
    })
    names.set(String(_id), name)
    return String(_id)
  }
  const records: MfaRecords = {
    load: async (name) => load(await user(name)),
    save: async (name, record, version) => save(await user(name), record, version),
    findByHandle: async (handle) => {
      const id = await findByHandle(handle)
      return id === undefined ? undefined : names.get(id)
    },
  }
  return { store: { ...storage, records }, ensureIndexes: storage.ensureIndexes }
}

function digest(name: string): string {
  return createHash('sha256').update(name).digest('hex')
}
