/**
 * Storage in MongoDB through the application's own Mongoose (`oidc-provider-mfa/mongoose`): the record of the second
 * factor in its user documents, or in a collection of its own where people live elsewhere. No transactions are needed.
 */
import type { Connection, Model } from 'mongoose'
import { MfaError } from '../../domain/errors.ts'
import type { MfaRecords } from '../../ports/mfa-records.ts'
import type { Storage } from '../../ports/storage.ts'
import { mongoCounters } from './counters.ts'
import { MongoDatabase } from './database.ts'
import { ensureIndexes, indexAutomatically } from './indexes.ts'
import { mongoOneTime } from './one-time.ts'
import { mongoRecords } from './records.ts'
import { userRecords } from './user-records.ts'
import { isGuarded } from './write-guard.ts'

export { mfaFields, type MfaFieldsOptions, type UserSchema } from './mfa-fields.ts'

export interface MongooseStorage extends Storage {
  /**
   * Makes the indexes that delete what is past its time. It is done by itself when the connection opens, unless
   * `autoIndex` is off: then call it when you deploy.
   */
  ensureIndexes(): Promise<void>
}

/**
 * `of`: a model whose schema has the plugin `mfaFields`, and the records are in its documents; or a connection, and
 * they are in a collection of their own. One-time values and counters are in collections beside them: `mfa_one_time`,
 * `mfa_counters`.
 *
 * Throws MfaError `options-invalid`. Afterwards every failure of the database rejects with `storage-unavailable`, and
 * the storage recovers by itself when the cause has gone; a record of nobody's is not saved: `account-unknown`.
 */
export function mongooseStorage<User>(of: UserModel<User>): UserStorage<User>
export function mongooseStorage(of: Connection): MongooseStorage
export function mongooseStorage(of: UserModel<unknown> | Connection): MongooseStorage {
  if (isModel(of)) {
    const User = of as unknown as Model<never>
    if (!isGuarded(User))
      throw new MfaError(
        'options-invalid',
        'mongooseStorage: call userSchema.plugin(mfaFields, { passwordPath }) before the model is made',
      )
    const records = userRecords(new MongoDatabase(User.db), User)
    const storage: UserStorage<unknown> = {
      ...storageOn(User.db, () => records, User.schema.get('autoIndex')),
      findUser: (accountId) => records.findUser(accountId),
      duringRequest: (work) => records.duringRequest(work),
    }
    return storage
  }
  if (typeof of !== 'object' || of === null || typeof of.asPromise !== 'function')
    throw new MfaError('options-invalid', 'mongooseStorage takes a model or a connection')
  return storageOn(of, mongoRecords)
}

/** A storage in the application's user documents. */
export interface UserStorage<User> extends MongooseStorage {
  /**
   * The document of the user with this account id, or undefined; for the application's `findAccount`. It is read
   * together with the record of the second factor, so that a request of the provider reads the user once. From the
   * primary, and past the hooks of queries; what the schema, one inside of it or one derived from it does not select
   * is not in it, and a `save()` leaves that as it is.
   */
  findUser(accountId: string): Promise<User | undefined>
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

function storageOn(
  connection: Connection,
  records: (database: MongoDatabase) => MfaRecords,
  autoIndex?: unknown,
): MongooseStorage {
  const database = new MongoDatabase(connection)
  const ensure = (): Promise<void> => ensureIndexes(database)
  indexAutomatically(connection, ensure, autoIndex)
  return {
    records: records(database),
    oneTime: mongoOneTime(database),
    counters: mongoCounters(database),
    ensureIndexes: ensure,
  }
}
