import type { Connection, mongo } from 'mongoose'
import { failed, isStorageFailure, storageUnavailable } from './failure.ts'

/**
 * The time limit of one operation, including retries of the driver and the selection of a server. It is shorter than
 * the time for which a caller waits.
 */
const DEED_MS = 4_500

/**
 * How our collections are read and written; options in the application's URL do not change this.
 *
 * A write is acknowledged after a majority has it, or, with a single server, after it is on the disk: neither a
 * failover nor a power failure may make a spent code valid again (R5). Reads go to the primary, never to a member that
 * lags behind. They are `local`, so that they see the newest write. If that write is rolled back later, a decision
 * based on it is rolled back too, because it was saved after it in the same log.
 */
const OPTIONS: mongo.CollectionOptions = {
  writeConcern: { w: 'majority', journal: true },
  readPreference: 'primary',
  readConcern: { level: 'local' },
  // The driver of Mongoose 8 also ends the operation on the server; that of Mongoose 9 ignores the option. `inTime`
  // limits both.
  timeoutMS: DEED_MS,
  promoteValues: true,
  promoteLongs: true,
  useBigInt64: false,
  ignoreUndefined: true,
}

/** The `_id` of all our collections: the caller's key, unchanged. */
export interface Keyed extends mongo.Document {
  readonly _id: string
}

/**
 * The database of a Mongoose connection, used without its models: neither hooks nor time stamps of the application
 * affect our documents, and no operation is buffered until a connection opens.
 */
export class MongoDatabase {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /**
   * Runs one operation on a collection. Throws MfaError `storage-unavailable` if the database is unavailable or the
   * outcome of a write is unknown, and `storage-refused` if the database refuses it each time. A caller must not take
   * either for a lost compare-and-swap.
   */
  on<Row extends mongo.Document, T>(
    collection: string,
    deed: (collection: mongo.Collection<Row>) => Promise<T>,
  ): Promise<T> {
    return this.withoutLimit<Row, T>(collection, (on) => inTime(deed(on), DEED_MS))
  }

  /** The same for an operation that nobody waits for and that takes long if there are many documents. */
  async withoutLimit<Row extends mongo.Document, T>(
    collection: string,
    deed: (collection: mongo.Collection<Row>) => Promise<T>,
  ): Promise<T> {
    try {
      const db = await this.#open()
      return await deed(db.collection<Row>(collection, OPTIONS))
    } catch (error) {
      if (!isStorageFailure(error)) throw error
      throw failed(collection, error)
    }
  }

  async #open(): Promise<mongo.Db> {
    const { connecting } = this.#connection.base.STATES
    if (this.#connection.readyState === connecting)
      await inTime(this.#connection.asPromise(), DEED_MS)
    // A lost connection still has its database: the driver looks for the server again and finds it when it is back.
    const { db } = this.#connection
    if (db === undefined)
      throw storageUnavailable('The Mongoose connection is not open: call mongoose.connect first.')
    return db
  }
}

/**
 * Waits for an answer for `limitMs` at most. After MfaError `storage-unavailable` the outcome of a write is unknown; it
 * may still be carried out.
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
