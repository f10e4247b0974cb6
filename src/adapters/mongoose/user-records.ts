import type { Model, mongo, Query } from 'mongoose'
import { MfaError } from '../../domain/errors.ts'
import type { MfaRecords, PasswordChanged, Unrecorded, Versioned } from '../../ports/mfa-records.ts'
import { handlesOf, handleTaken } from '../handle-rules.ts'
import type { MongoDatabase } from './database.ts'
import { MFA_FIELD, USER_HANDLES_PATH } from './field.ts'
import { isHandleTaken, ownerOf, type HandleIndex } from './handle-index.ts'
import { OneRead, type Both } from './one-read.ts'
import { isCount, readVersioned } from './records.ts'
import { unselectedByDerived } from './unselected.ts'
import { withRows, type UserRow } from './user-read.ts'
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
interface StoredRow extends UserRow {
  /** Of the type that the application has chosen. */
  readonly _id: never
}

/**
 * A query of the application's own for one user: `User.findOne(...)`, of any version of Mongoose. `Found`: the document
 * or, with `lean()`, the object that it finds.
 */
export interface UserQuery<Found> {
  clone(): unknown
  exec(): Promise<Found | null>
}

export interface UserRecords extends MfaRecords {
  /** The user that the query finds. A request that also asks for the record reads both at once. */
  findUser(accountId: string, query?: UserQuery<unknown>): Promise<unknown>
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
  const { together, findUser, readRow } = readsOf(database, User)

  return {
    duringRequest: (work) => together.duringRequest(work),

    findUser,

    async load(accountId) {
      const row = await readRow(accountId)
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
      const saving = database.on<StoredRow, boolean>(collection, (users) =>
        saveRecord(users, id, mfa, expectedVersion),
      )
      return saving.finally(() => together.forget(accountId))
    },

    async findByHandle(handle) {
      await index.ready()
      const id = await database.on<StoredRow, unknown>(collection, (users) =>
        ownerOf(users, USER_HANDLES_PATH, handle),
      )
      return id === undefined ? undefined : String(castId(User, id))
    },
  }
}

/** How users and their records are read: in one read, where one request asks for both. */
function readsOf(database: MongoDatabase, User: Model<never>) {
  const recordOnly = recordReader(database, User)
  const readsBy = (query?: UserQuery<unknown>) => ({
    both: (accountId: string) => readUser(database, User, accountId, query),
    account: async (accountId: string) =>
      (await readUser(database, User, accountId, query)).account,
  })
  const together = new OneRead<unknown, StoredRow | null>({ ...readsBy(), record: recordOnly })
  onWrite(User, () => together.forgetAll())
  /** Whether the application uses `findUser` without a query; otherwise reading the users would be wasted work. */
  let givesUsers = false

  async function readRow(accountId: string): Promise<StoredRow | null> {
    try {
      if (givesUsers) return await together.record(accountId)
      return (await together.keptRecord(accountId)) ?? (await recordOnly(accountId))
    } catch (error) {
      if (error instanceof MfaError) throw error
      // A hook of the application has refused. The application hears that when it asks for the user itself.
      return recordOnly(accountId)
    }
  }

  return {
    together,
    readRow,
    async findUser(accountId: string, query?: UserQuery<unknown>): Promise<unknown> {
      if (query === undefined) {
        givesUsers = true
        return together.account(accountId)
      }
      refuseOtherQuery(User, query)
      return together.account(accountId, readsBy(query))
    },
  }
}

/** Reads the record of a user and nothing else of the document. */
function recordReader(database: MongoDatabase, User: Model<never>) {
  const projection = { _id: 0, [MFA_FIELD]: 1 }
  return async (accountId: string): Promise<StoredRow | null> => {
    const id = readId(User, accountId)
    if (id === undefined) return null
    return database.on<StoredRow, StoredRow | null>(User.collection.name, (users) =>
      users.findOne({ _id: { $eq: id } }, { projection }),
    )
  }
}

/**
 * The user that a query of the application finds under the account id, with all its hooks, and the record of the same
 * document. `query` restricts who is found; without one it is the model's own `findOne`.
 */
async function readUser(
  database: MongoDatabase,
  User: Model<never>,
  accountId: string,
  query: UserQuery<unknown> | undefined,
): Promise<Both<unknown, StoredRow | null>> {
  if (readId(User, accountId) === undefined) return { account: undefined, record: null }
  const { found, rows } = await database.on(User.collection.name, () =>
    withRows(() =>
      query === undefined ? ownQuery(User, accountId) : restricted(query, accountId),
    ),
  )
  // A hook may have read users too. Of several readings of this user, nobody can tell which one was answered.
  const [row, ...more] = rows.filter((each) => isOf(User, each, accountId))
  return {
    account: found ?? undefined,
    record: row === undefined || more.length > 0 ? undefined : (row as StoredRow),
  }
}

/** The query of the model itself. A plugin may have replaced its `findOne`, as some do that mark users as deleted. */
function ownQuery(User: Model<never>, accountId: string): PromiseLike<unknown> {
  const query = (User as unknown as Model<object>).findOne({ _id: accountId })
  const hidden = unselectedByDerived(User.schema)
  return hidden.length === 0 ? query : query.select(without(hidden))
}

function restricted(query: UserQuery<unknown>, accountId: string): PromiseLike<unknown> {
  // A query can be executed once; its copy lets the application keep it.
  const copy = query.clone() as Query<unknown, unknown>
  const own = { _id: accountId }
  // The condition of the application's own for `_id` holds too.
  return ('_id' in copy.getFilter() ? copy.and([own]) : copy.where(own)).exec()
}

/** Throws MfaError `options-invalid` for a value that is no query for one user of the model. */
function refuseOtherQuery(User: Model<never>, query: unknown): void {
  const { op, model } = (query ?? {}) as { op?: unknown; model?: { collection?: unknown } }
  if (op === 'findOne' && model?.collection === User.collection) return
  throw new MfaError(
    'options-invalid',
    `findUser takes a query of ${User.modelName} that finds one user: ${User.modelName}.findOne(...)`,
  )
}

function isOf(User: Model<never>, { _id }: UserRow, accountId: string): boolean {
  return _id !== undefined && String(castId(User, _id)) === accountId
}

/** Returns false if the stored version is not the expected one. */
async function saveRecord(
  users: mongo.Collection<StoredRow>,
  id: StoredRow['_id'],
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
function readId(User: Model<never>, accountId: unknown): StoredRow['_id'] | undefined {
  if (typeof accountId !== 'string') return undefined
  try {
    const id = castId(User, accountId)
    return String(id) === accountId ? id : undefined
  } catch {
    return undefined
  }
}

/** An `_id` as the driver has it. Mongoose 8 casts a UUID to its bytes, whose text is not the id's spelling. */
function castId(User: Model<never>, given: unknown): StoredRow['_id'] {
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
