/** The storages of the race tests. Several processes open one at the same time, each with its own connection. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import mongoose from 'mongoose'
import { mfaFields, mongooseStorage } from '../../src/adapters/mongoose/index.ts'
import { openMongoStorage } from '../../src/adapters/mongoose/server-storage.ts'
import { openSqliteStorage } from '../../src/adapters/sqlite/index.ts'
import type { MfaRecords } from '../../src/ports/mfa-records.ts'
import type { ServerStorage } from '../../src/ports/server-storage.ts'
import type { Clock } from '../../src/ports/services.ts'
import type { Storage } from '../../src/ports/storage.ts'
import { openDatabase } from '../support/mongodb.ts'
import { requireMongodb } from '../support/requirements.ts'

/** A storage location that a test has made for itself. */
export interface Place {
  /** The address with which every process opens it. */
  readonly address: string
  remove(): Promise<void>
}

/** The places that also have the server's ports (people, clients, the host's records), by name. */
export const SERVER_PLACES: Readonly<Record<string, (context: Mocha.Context) => Promise<Place>>> = {
  'SQLite storage': sqlitePlace,
  'MongoDB, the server’s collections': (context) => mongodbPlace(context, false),
}

export interface OpenPlace<Kept extends Storage = Storage> {
  readonly storage: Kept
  close(): Promise<void>
}

/** The prefix of an address whose records are kept in user documents instead of a collection of their own. */
const USERS = 'users+'

export async function sqlitePlace(): Promise<Place> {
  const folder = await mkdtemp(join(tmpdir(), 'mfa-races-'))
  const address = join(folder, 'mfa.db')
  return {
    address,
    remove: () => rm(folder, { recursive: true }),
  }
}

export async function mongodbPlace(context: Mocha.Context, inUsers: boolean): Promise<Place> {
  const { url, close } = await openDatabase(await requireMongodb(context))
  return { address: `${inUsers ? USERS : ''}${url}`, remove: close }
}

/** Opens one of SERVER_PLACES, with the server's ports. */
export async function openServerPlace(address: string, clock?: Clock): Promise<ServerStorage> {
  const timed = clock === undefined ? {} : { clock }
  return address.startsWith('mongodb:')
    ? openMongoStorage({ url: address, ...timed })
    : openSqliteStorage({ path: address, ...timed })
}

export async function openPlace(address: string): Promise<OpenPlace> {
  if (!address.startsWith(USERS)) {
    const storage = await openServerPlace(address)
    return { storage, close: () => storage.close() }
  }
  const connection = mongoose.createConnection(address.replace(USERS, ''), {
    autoIndex: false,
    autoCreate: false,
  })
  await connection.asPromise()
  return { storage: await inUsers(connection), close: () => connection.close() }
}

/** A storage in user documents. A user is created when a race first names that user. */
async function inUsers(connection: mongoose.Connection): Promise<Storage> {
  const schema = new mongoose.Schema({ _id: String })
  schema.plugin(mfaFields, { passwordPath: false })
  const User = connection.model('User', schema)
  const storage = mongooseStorage(User)
  await storage.ensureIndexes()
  const made = new Map<string, Promise<unknown>>()
  const user = (_id: string): Promise<unknown> => {
    const making =
      made.get(_id) ?? User.updateOne({ _id }, { $setOnInsert: { _id } }, { upsert: true }).exec()
    made.set(_id, making)
    return making
  }
  const records: MfaRecords = {
    ...storage.records,
    async save(accountId, ...given) {
      await user(accountId)
      return storage.records.save(accountId, ...given)
    },
    async load(accountId) {
      await user(accountId)
      return storage.records.load(accountId)
    },
  }
  return { ...storage, records }
}
