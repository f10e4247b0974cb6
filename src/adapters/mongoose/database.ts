import type { Connection, mongo } from 'mongoose'
import { isStorageFailure, storageUnavailable } from './failure.ts'

/** What one deed may take, retries of the driver and the choice of a server included: less than anybody waits for it. */
const DEED_MS = 4_500

/**
 * How our collections are read and written, whatever the application's URL says.
 *
 * A write has reached a majority when it is answered, and the disk where there is one server alone: neither a failover
 * nor a power cut must bring back a spent code (R5). Reads go to
 * the primary, never to a member that lags behind. They are `local`, so that they see the newest write: a decision on
 * one that is rolled back later is saved after it in the same log, and goes with it.
 */
const OPTIONS: mongo.CollectionOptions = {
  writeConcern: { w: 'majority', journal: true },
  readPreference: 'primary',
  readConcern: { level: 'local' },
  // The driver of Mongoose 8 gives up at the server too, and that of Mongoose 9 ignores it: `inTime` holds for both.
  timeoutMS: DEED_MS,
  promoteValues: true,
  promoteLongs: true,
  useBigInt64: false,
  ignoreUndefined: true,
}

/** `_id` of all our collections: a key as its caller has it. */
export interface Keyed extends mongo.Document {
  readonly _id: string
}

/**
 * The database of a connection of Mongoose, past its models: neither hooks nor time stamps of the application run
 * on what is ours, and nothing is buffered until a connection comes.
 */
export class MongoDatabase {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /**
   * Carries out one deed on a collection. Throws MfaError `storage-unavailable` when the database is away or when
   * what became of a write is not known: never to be taken for "somebody else was faster".
   */
  on<Row extends mongo.Document, T>(
    collection: string,
    deed: (collection: mongo.Collection<Row>) => Promise<T>,
  ): Promise<T> {
    return this.withoutLimit<Row, T>(collection, (on) => inTime(deed(on), DEED_MS))
  }

  /** The same for a deed that nobody waits for and that takes long where there are many documents. */
  async withoutLimit<Row extends mongo.Document, T>(
    collection: string,
    deed: (collection: mongo.Collection<Row>) => Promise<T>,
  ): Promise<T> {
    try {
      const db = await this.#open()
      return await deed(db.collection<Row>(collection, OPTIONS))
    } catch (error) {
      if (!isStorageFailure(error)) throw error
      throw storageUnavailable('MongoDB did not carry out what it was asked.', error)
    }
  }

  async #open(): Promise<mongo.Db> {
    const { connecting } = this.#connection.base.STATES
    if (this.#connection.readyState === connecting)
      await inTime(this.#connection.asPromise(), DEED_MS)
    // One that was lost is still there: the driver looks for its server again, and finds it when it is back.
    const { db } = this.#connection
    if (db === undefined)
      throw storageUnavailable('The Mongoose connection is not open: call mongoose.connect first.')
    return db
  }
}

/**
 * Waits for an answer for that long at most. Whoever gets MfaError `storage-unavailable` does not know what became of a
 * write; it may still be carried out.
 */
export async function inTime<T>(answer: Promise<T>, limitMs: number): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(
    () => reject(storageUnavailable(`MongoDB did not answer within ${limitMs} ms.`)),
    limitMs,
  )
  try {
    return await Promise.race([answer, late])
  } finally {
    clearTimeout(timer)
  }
}
