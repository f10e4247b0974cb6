import mongoose from 'mongoose'
import type { mongo } from 'mongoose'
import { isStorageFailure, storageUnavailable } from './failure.ts'
import { refusalOf } from './refusal.ts'

/**
 * What no STORAGE_URL may change. One that says `w=1`, or reads from secondaries, would give a spent code its life
 * back after a failover, or show the state before it was spent.
 */
const PROMISES = {
  readPreference: 'primary',
  // What is written and not yet confirmed by a majority is seen: a code that may be spent counts as spent.
  readConcern: new mongoose.mongo.ReadConcern('local'),
  writeConcern: { w: 'majority', journal: true },
} as const satisfies mongo.DbOptions

/** A write that was cut off is known again when it is repeated, and done once. */
const RETRIES = { retryWrites: true, retryReads: true } as const satisfies mongoose.ConnectOptions

/** A server that is away is found out before the patience of a page is over, and found again soon after. */
const LIMITS = {
  serverSelectionTimeoutMS: 2_000,
  connectTimeoutMS: 2_000,
  heartbeatFrequencyMS: 2_000,
  waitQueueTimeoutMS: 2_000,
} as const satisfies mongoose.ConnectOptions

/** A deployment of MongoDB, and the database in it that the URL names. */
export interface OpenConnection {
  readonly connection: mongoose.Connection
  readonly db: mongo.Db
}

/**
 * The driver keeps the connections from here on, and makes new ones for those that it loses. Throws MfaError
 * `storage-unavailable`, in words that say what to mend and hold nothing of the URL but its hosts.
 */
export async function openConnection(url: string): Promise<OpenConnection> {
  const connection = mongoose.createConnection()
  try {
    await connection.openUri(url, {
      ...LIMITS,
      ...RETRIES,
      appName: 'oidc-provider-mfa',
      autoCreate: false,
      autoIndex: false,
      bufferCommands: false,
    })
    return { connection, db: connection.getClient().db(undefined, PROMISES) }
  } catch (error) {
    await connection.close(true).catch(() => undefined)
    throw storageUnavailable(refusalOf(error), error)
  }
}

/** Work that no page waits for. Every failure of the driver comes out as `storage-unavailable`. */
export async function atLeisure<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw isStorageFailure(error) ? storageUnavailable(refusalOf(error), error) : error
  }
}
