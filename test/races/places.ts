/**
 * Where races take place: a storage that several processes open at once, each with a connection of its own.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import mongoose from 'mongoose'
import { mfaFields, mongooseStorage } from '../../src/adapters/mongoose/index.ts'
import { openSqliteStorage } from '../../src/adapters/sqlite/index.ts'
import type { MfaRecords } from '../../src/ports/mfa-records.ts'
import type { Storage } from '../../src/ports/storage.ts'
import { openDatabase } from '../support/mongodb.ts'
import { requireMongodb } from '../support/requirements.ts'

/** A place that a test has made for itself. */
export interface Place {
  /** What every process is told, to open it. */
  readonly address: string
  remove(): Promise<void>
}

export interface OpenPlace<Kept extends Storage = Storage> {
  readonly storage: Kept
  close(): Promise<void>
}

/** In user documents instead of a collection of its own. */
const USERS = 'users+'

export async function sqlitePlace(): Promise<Place> {
  const folder = await mkdtemp(join(tmpdir(), 'mfa-races-'))
  return {
    address: join(folder, 'mfa.db'),
    remove: () => rm(folder, { recursive: true }),
  }
}

export async function mongodbPlace(context: Mocha.Context, inUsers: boolean): Promise<Place> {
  const { url, close } = await openDatabase(await requireMongodb(context))
  return { address: `${inUsers ? USERS : ''}${url}`, remove: close }
}

export async function openPlace(address: string): Promise<OpenPlace> {
  if (!address.includes('mongodb:')) {
    const storage = openSqliteStorage({ path: address })
    return { storage, close: () => storage.close() }
  }
  const connection = mongoose.createConnection(address.replace(USERS, ''), {
    autoIndex: false,
    autoCreate: false,
  })
  await connection.asPromise()
  const storage = address.startsWith(USERS) ? inUsers(connection) : mongooseStorage(connection)
  return { storage, close: () => connection.close() }
}

/** In documents of users who come into being when a race first speaks of them. */
function inUsers(connection: mongoose.Connection): Storage {
  const schema = new mongoose.Schema({ _id: String })
  schema.plugin(mfaFields, { passwordPath: false })
  const User = connection.model('User', schema)
  const storage = mongooseStorage(User)
  const made = new Map<string, Promise<unknown>>()
  const user = (_id: string): Promise<unknown> => {
    const making =
      made.get(_id) ?? User.updateOne({ _id }, { $setOnInsert: { _id } }, { upsert: true }).exec()
    made.set(_id, making)
    return making
  }
  const records: MfaRecords = {
    async load(accountId) {
      await user(accountId)
      return storage.records.load(accountId)
    },
    save: storage.records.save,
  }
  return { ...storage, records }
}
