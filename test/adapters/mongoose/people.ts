import mongoose, { type Connection, type HydratedDocument, type Model, type mongo } from 'mongoose'
import { mfaFields, mongooseStorage } from '../../../src/adapters/mongoose/index.ts'
import type { UserStorage } from '../../../src/adapters/mongoose/index.ts'
import { MfaError } from '../../../src/domain/errors.ts'
import { openDatabase } from '../../support/mongodb.ts'

/** A user of an application, with the fields of the application's own schema. */
export interface User {
  _id: mongo.ObjectId
  name: string
  passwordHash?: string
  profile: { city?: string; tags: string[] }
  friends: mongo.ObjectId[]
  createdAt: Date
  updatedAt: Date
}

export interface People {
  readonly connection: Connection
  readonly User: Model<User>
  readonly storage: UserStorage<HydratedDocument<User>>
  /** Reads a user directly from the database, without Mongoose. */
  stored(id?: mongo.ObjectId): Promise<StoredUser>
  close(): Promise<void>
}

export type StoredUser = User & {
  mfa?: { version: number; record?: string; passwordChanged?: { times: number; at: number } }
}

export const MIRA = new mongoose.mongo.ObjectId('650000000000000000000001')
export const NOOR = new mongoose.mongo.ObjectId('650000000000000000000002')

/** Makes a new schema for each call, because a Mongoose plugin changes the schema to which it is added. */
export function userSchema(options: mongoose.SchemaOptions = {}): mongoose.Schema<User> {
  return new mongoose.Schema<User>(
    {
      name: { type: String, required: true },
      passwordHash: String,
      profile: { city: String, tags: [String] },
      friends: [{ type: mongoose.Schema.Types.ObjectId, ref: 'User' }],
    },
    { timestamps: true, ...(options as object) },
  )
}

/** Opens an application with two users in its own database. The first user has a record of version 2. */
export async function openPeople(
  url: string,
  given: {
    readonly schema?: mongoose.Schema<User>
    readonly passwordPath?: string | false
    readonly options?: mongoose.ConnectOptions
  } = {},
): Promise<People> {
  const { connection, close } = await openDatabase(url, given.options)
  const schema = given.schema ?? userSchema()
  schema.plugin(mfaFields, { passwordPath: given.passwordPath ?? 'passwordHash' })
  const User = connection.model('User', schema)
  const storage = mongooseStorage(User)
  await User.create([
    { _id: MIRA, name: 'mira', passwordHash: 'old', profile: { city: 'Bern', tags: ['a'] } },
    { _id: NOOR, name: 'noor', passwordHash: 'hers', friends: [MIRA] },
  ])
  await storage.records.save(String(MIRA), { n: 1 }, 0)
  await storage.records.save(String(MIRA), { n: 2 }, 1)
  return {
    connection,
    User,
    storage,
    close,
    stored: async (id = MIRA) =>
      (await connection.db!.collection('users').findOne({ _id: id })) as unknown as StoredUser,
  }
}

/** The changes that a `save()` would write. Mongoose 8 has one name for them, Mongoose 9 another. */
export function changesOf(document: object): unknown {
  type Changes = Readonly<Record<string, () => unknown>>
  return (document as Changes)['$getChanges' in document ? '$getChanges' : 'getChanges']!()
}

/** The code of the MfaError with which an operation is refused, or `done`. Throws any other error again. */
export async function outcomeOf(deed: () => unknown): Promise<string> {
  try {
    await deed()
    return 'done'
  } catch (error) {
    if (error instanceof MfaError) return error.code
    throw error
  }
}
