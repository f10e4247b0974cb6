/**
 * Storage in MongoDB through the application's own Mongoose (`oidc-provider-mfa/mongoose`): the record of the second
 * factor in its user documents, or in a collection of its own where users are stored elsewhere. It needs no transactions.
 */
import type { Connection, Model } from 'mongoose'
import { MfaError } from '../../domain/errors.ts'
import type { MfaRecords } from '../../ports/mfa-records.ts'
import type { Storage } from '../../ports/storage.ts'
import { MongoDatabase } from './database.ts'
import { HANDLES_FIELD, USER_HANDLES_PATH } from './field.ts'
import { handleIndex, handleIndexOf, type HandleIndex } from './handle-index.ts'
import { ensureIndex, indexAutomatically, isAutoIndex, type DeclaredIndex } from './indexes.ts'
import { mongoRecords, RECORDS } from './records.ts'
import { userRecords, type UserQuery } from './user-records.ts'
import { isGuarded } from './write-guard.ts'

export { mfaFields, type MfaFieldsOptions, type UserSchema } from './mfa-fields.ts'
export type { UserQuery } from './user-records.ts'

export interface MongooseStorage extends Storage {
  /**
   * Makes the index that finds an account by a handle. It is made when the connection opens, unless `autoIndex` is
   * off: then call this when you deploy.
   */
  ensureIndexes(): Promise<void>
}

/**
 * `of`: a model whose schema has the plugin `mfaFields`, and the records are in its documents; or a connection, and
 * they are in the collection `mfa_records`. No other collection is made.
 *
 * Throws MfaError `options-invalid`. Afterwards every failure of the database rejects with `storage-unavailable`, or
 * with `storage-refused` if the database refuses the operation each time, and the storage recovers by itself when the
 * cause has gone. A save for an account without a user document rejects with `account-unknown`.
 */
export function mongooseStorage<User>(of: UserModel<User>): UserStorage<User>
export function mongooseStorage(of: Connection): MongooseStorage
export function mongooseStorage(of: UserModel<unknown> | Connection): MongooseStorage {
  if (isModel(of)) return userStorage(of as unknown as Model<never>)
  if (typeof of !== 'object' || of === null || typeof of.asPromise !== 'function')
    throw new MfaError('options-invalid', 'mongooseStorage takes a model or a connection')
  return storageOn(of, handleIndexOf(RECORDS, HANDLES_FIELD), undefined, mongoRecords)
}

function userStorage(User: Model<never>): UserStorage<unknown> {
  if (!isGuarded(User))
    throw new MfaError(
      'options-invalid',
      'mongooseStorage: call userSchema.plugin(mfaFields, { passwordPath }) before the model is made',
    )
  const storage = storageOn(
    User.db,
    handleIndexOf(User.collection.name, USER_HANDLES_PATH),
    User.schema.get('autoIndex'),
    (database, index) => userRecords(database, User, index),
  )
  const { records } = storage
  return {
    ...storage,
    findUser: (accountId: string, query?: UserQuery<unknown>) =>
      records.findUser(accountId, query) as Promise<never>,
    duringRequest: (work) => records.duringRequest(work),
  }
}

/** A storage in the application's user documents. */
export interface UserStorage<User> extends MongooseStorage {
  /**
   * The user with this account id, or undefined; for the application's `findAccount`. It is what the model's own
   * `findOne({ _id })` finds, with all its hooks, read from the primary together with the record of the second factor,
   * so that a request of the provider reads the user once. An error of a hook is passed on.
   */
  findUser(accountId: string): Promise<User | undefined>
  /**
   * The same by a query of the application's own, `User.findOne({ tenant }).populate('team')`, to which the account id
   * is added. The query is copied, so it can be kept. Rejects with MfaError `options-invalid` if it is not a query of
   * this model that finds one user.
   */
  findUser<Found>(accountId: string, query: UserQuery<Found>): Promise<Found | undefined>
}

/** Any model of Mongoose. */
export interface UserModel<User> {
  readonly modelName: string
  readonly db: Connection
  hydrate(document: object): User
}

function isModel(of: unknown): of is UserModel<unknown> {
  return typeof of === 'function' && 'modelName' in of
}

/** `autoIndex`: the option of the users' schema, if there is one. */
function storageOn<Records extends MfaRecords>(
  connection: Connection,
  ofHandles: DeclaredIndex,
  autoIndex: unknown,
  recordsOn: (database: MongoDatabase, index: HandleIndex) => Records,
): MongooseStorage & { readonly records: Records } {
  const database = new MongoDatabase(connection)
  const index = handleIndex(database, ofHandles, () => isAutoIndex(connection, autoIndex))
  const ensure = (): Promise<void> => ensureIndex(database, ofHandles)
  indexAutomatically(connection, ensure, autoIndex)
  return {
    records: recordsOn(database, index),
    ensureIndexes: ensure,
  }
}
