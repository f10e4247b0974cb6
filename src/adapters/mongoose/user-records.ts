import type { Model, mongo } from 'mongoose'
import { MfaError } from '../../domain/errors.ts'
import type { MfaRecords, PasswordChanged, Unrecorded, Versioned } from '../../ports/mfa-records.ts'
import { handlesOf, handleTaken } from '../handle-rules.ts'
import type { MongoDatabase } from './database.ts'
import { MFA_FIELD, USER_HANDLES_PATH } from './field.ts'
import { isHandleTaken, ownerOf, type HandleIndex } from './handle-index.ts'
import { OneRead } from './one-read.ts'
import { isCount, readVersioned } from './records.ts'
import { unselected } from './unselected.ts'
import { onWrite } from './write-guard.ts'

/**
 * Records in the application's own user documents, as the sub-document `mfa`:
 *
 *     { version: 7, record: '{"schema":1,...}', handles: ['...'], passwordChanged: { times: 1, at: 1800000000 } }
 *
 * A save replaces the sub-document if `mfa.version` is unchanged, so edits of the profile and sign-ins never collide.
 * `handles` is absent where the record has none. Each write of the password writes `passwordChanged` and raises the
 * version (write-guard.ts).
 */
interface UserRow {
  /** Of the type that the application has chosen. */
  readonly _id: never
  readonly mfa?: unknown
}

export interface UserRecords extends MfaRecords {
  /** The user's document. A request that asks for the record too, before or after, reads both at once. */
  findUser(accountId: string): Promise<unknown>
  /** As in `Storage`. */
  duringRequest<T>(work: () => T): T
}

/** `User`: a model whose schema has the plugin `mfaFields`. An account's id is its `_id`, as text. */
export function userRecords(
  database: MongoDatabase,
  User: Model<never>,
  index: HandleIndex,
): UserRecords {
  const collection = User.collection.name
  const idOf = (accountId: string) => readId(User, accountId)
  const { whole, recordOnly } = readsOf(database, User)
  const together = new OneRead<UserRow | null, UserRow | null>({
    both: async (accountId) => {
      const row = await whole(accountId)
      // The record is copied, because a document that is made of the row removes the field from it (mfa-fields.ts).
      return { account: row, record: row && { _id: row._id, mfa: row.mfa } }
    },
    account: whole,
    record: recordOnly,
  })
  onWrite(User, () => together.forgetAll())
  /** Whether the application uses `findUser`; otherwise reading the users would be wasted work. */
  let givesUsers = false

  return {
    duringRequest: (work) => together.duringRequest(work),

    async findUser(accountId) {
      givesUsers = true
      const row = await together.account(accountId)
      // Mongoose is told which paths were left out: otherwise it would set defaults, and the next `save()` would
      // overwrite the stored values with them.
      return row === null ? undefined : User.hydrate(row, without(unselected(User.schema)))
    },

    async load(accountId) {
      const row = await (givesUsers ? together.record(accountId) : recordOnly(accountId))
      return row?.mfa === undefined ? undefined : readStored(row.mfa)
    },

    async save(accountId, record, expectedVersion) {
      const id = idOf(accountId)
      if (id === undefined) throw unknownAccount()
      const handles = handlesOf(record)
      if (handles.length > 0) await index.ready()
      const version = expectedVersion + 1
      const saved = { version, record: JSON.stringify(record) }
      const mfa = handles.length === 0 ? saved : { ...saved, handles }
      together.forget(accountId)
      const saving = database.on<UserRow, boolean>(collection, (users) =>
        saveRecord(users, id, mfa, expectedVersion),
      )
      return saving.finally(() => together.forget(accountId))
    },

    async findByHandle(handle) {
      await index.ready()
      const id = await database.on<UserRow, unknown>(collection, (users) =>
        ownerOf(users, USER_HANDLES_PATH, handle),
      )
      return id === undefined ? undefined : String(castId(User, id))
    },
  }
}

/** The two ways to read a user: the application's fields with the record, or the record alone. */
function readsOf(database: MongoDatabase, User: Model<never>) {
  const read = async (accountId: string, projection: Projection): Promise<UserRow | null> => {
    const id = readId(User, accountId)
    if (id === undefined) return null
    return database.on<UserRow, UserRow | null>(User.collection.name, (users) =>
      users.findOne({ _id: { $eq: id } }, { projection }),
    )
  }
  return {
    whole: (accountId: string) =>
      read(accountId, without(unselected(User.schema).filter((path) => path !== MFA_FIELD))),
    recordOnly: (accountId: string) => read(accountId, { _id: 0, [MFA_FIELD]: 1 }),
  }
}

/** Returns false if the stored version is not the expected one. */
async function saveRecord(
  users: mongo.Collection<UserRow>,
  id: UserRow['_id'],
  mfa: object,
  expectedVersion: number,
): Promise<boolean> {
  const guard =
    expectedVersion === 0
      ? { [MFA_FIELD]: { $exists: false } }
      : { [`${MFA_FIELD}.version`]: expectedVersion }
  try {
    const { matchedCount } = await users.updateOne(
      { _id: { $eq: id }, ...guard },
      { $set: { [MFA_FIELD]: mfa } },
    )
    if (matchedCount === 1) return true
  } catch (error) {
    throw isHandleTaken(error) ? handleTaken(error) : error
  }
  // A deleted user has no document for a record, and a second attempt would not help.
  const user = await users.findOne({ _id: { $eq: id } }, { projection: { _id: 1 } })
  if (user === null) throw unknownAccount()
  return false
}

type Projection = Readonly<Record<string, 0 | 1>>

function without(paths: readonly string[]): Projection {
  return Object.fromEntries(paths.map((path) => [path, 0]))
}

/**
 * The `_id` that an account id stands for, or undefined when no user can have it. An id is accepted only in the
 * spelling in which MongoDB shows it. A value that is not text, or not an id of this type, has no user and is not put
 * into a query.
 */
function readId(User: Model<never>, accountId: unknown): UserRow['_id'] | undefined {
  if (typeof accountId !== 'string') return undefined
  try {
    const id = castId(User, accountId)
    return String(id) === accountId ? id : undefined
  } catch {
    return undefined
  }
}

/** An `_id` as the driver has it. Mongoose 8 casts a UUID to its bytes, whose text is not the id's spelling. */
function castId(User: Model<never>, given: unknown): UserRow['_id'] {
  const path = User.schema.path('_id')
  const id: unknown = path.cast(given)
  return (path.instance === 'UUID' ? new User.base.mongo.UUID(id as Uint8Array) : id) as never
}

/** Fails closed: a sub-document that this adapter has not written never counts as "no second factor". */
function readStored(mfa: unknown): Versioned | Unrecorded {
  if (typeof mfa !== 'object' || mfa === null)
    throw new MfaError('record-unreadable', `The field ${MFA_FIELD} of the user is no record`)
  const { record, version, passwordChanged } = mfa as Record<string, unknown>
  if (passwordChanged === undefined) return readVersioned({ record, version })
  const seen = readPasswordChanged(passwordChanged)
  if (record !== undefined) return { ...readVersioned({ record, version }), passwordChanged: seen }
  if (!isCount(version))
    throw new MfaError('record-unreadable', 'The stored MFA record has no version')
  return { version, passwordChanged: seen }
}

function readPasswordChanged(stored: unknown): PasswordChanged {
  const { times, at } = (stored ?? {}) as Record<string, unknown>
  if (!isCount(times) || !isCount(at))
    throw new MfaError(
      'record-unreadable',
      'What the MFA record says of the password is unreadable',
    )
  return { times, at }
}

function unknownAccount(): MfaError {
  return new MfaError('account-unknown', 'There is no user with this account id', { status: 404 })
}
