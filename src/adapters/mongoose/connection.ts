import mongoose from 'mongoose'
import type { mongo } from 'mongoose'
import { isStorageFailure, storageUnavailable } from './failure.ts'
import { refusalOf } from './refusal.ts'

/**
 * Options that STORAGE_URL cannot change. With `w=1` a spent code could be valid again after a failover; with reads from
 * secondaries a node could see the record from before the code was spent.
 */
const PROMISES = {
  readPreference: 'primary',
  // Reads see writes that no majority has confirmed yet: a code whose spending is not confirmed yet counts as spent.
  readConcern: new mongoose.mongo.ReadConcern('local'),
  writeConcern: { w: 'majority', journal: true },
} as const satisfies mongo.DbOptions

/** The server recognises a write that the driver repeats after a lost connection, and applies it once. */
const RETRIES = { retryWrites: true, retryReads: true } as const satisfies mongoose.ConnectOptions

/** The driver notices a missing server before a page gives up, and finds it again soon after it is back. */
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
 * Opens the connections; from then on the driver replaces connections that it loses. Throws MfaError
 * `storage-unavailable` with a message that says what to correct and holds nothing of the URL but its hosts.
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

/** Runs work that no page waits for. Every failure of the driver rejects with `storage-unavailable`. */
export async function atLeisure<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw isStorageFailure(error) ? storageUnavailable(refusalOf(error), error) : error
  }
}
