import { accessSync, constants } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { DatabaseSync } from 'node:sqlite'
import type { SQLInputValue, StatementSync } from 'node:sqlite'

/**
 * How long SQLite itself waits for another process's write, which keeps this process's event loop waiting too.
 * A commit takes about a millisecond; for longer waits `SqliteDatabase` goes back to the event loop in between.
 */
export const LOCK_WAIT_MS = 25

/**
 * `FULL`: a commit is on the disk when it returns. `NORMAL`: the newest commits may be lost in a power cut,
 * never in a crash of the process.
 */
export type Durability = 'FULL' | 'NORMAL'

/**
 * One connection to a database that exists, with its prepared statements. A statement names its values by `?`, in order:
 * Node 22 cannot bind numbered parameters (`?1`).
 */
export class Connection {
  readonly #database: DatabaseSync
  readonly #statements = new Map<string, StatementSync>()

  /**
   * Never creates the file: a missing database must not come back empty. Never opens a read-only file: SQLite would make
   * a read-only log beside it, and the database could not be written even after its file is writable again.
   */
  constructor(path: string, durability: Durability) {
    accessSync(path, constants.R_OK | constants.W_OK)
    const url = pathToFileURL(path)
    url.searchParams.set('mode', 'rw')
    this.#database = new DatabaseSync(url)
    try {
      this.waitForLocks(LOCK_WAIT_MS)
      this.exec(`PRAGMA synchronous = ${durability}; PRAGMA trusted_schema = OFF`)
    } catch (error) {
      this.close()
      throw error
    }
  }

  /** How long SQLite waits for another connection's lock before it gives up, and this process with it. */
  waitForLocks(milliseconds: number): void {
    this.#database.exec(`PRAGMA busy_timeout = ${milliseconds}`)
  }

  /** The first row. */
  get<Row>(sql: string, ...values: SQLInputValue[]): Row | undefined {
    return this.#prepared(sql).get(...values) as Row | undefined
  }

  all<Row>(sql: string, ...values: SQLInputValue[]): Row[] {
    return this.#prepared(sql).all(...values) as Row[]
  }

  /** How many rows were changed. */
  run(sql: string, ...values: SQLInputValue[]): number {
    return Number(this.#prepared(sql).run(...values).changes)
  }

  /** For statements that run once: the schema, pragmas. */
  exec(sql: string): void {
    this.#database.exec(sql)
  }

  /**
   * Takes the write lock first, so that what `work` reads is still true when it writes. No other process writes in
   * between, and `work` is synchronous, so nothing in this one does.
   */
  transaction<T>(work: () => T): T {
    this.run('BEGIN IMMEDIATE')
    try {
      const outcome = work()
      this.run('COMMIT')
      return outcome
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK')
      throw error
    }
  }

  close(): void {
    this.#statements.clear()
    if (this.#database.isOpen) this.#database.close()
  }

  #prepared(sql: string): StatementSync {
    let statement = this.#statements.get(sql)
    if (!statement) {
      statement = this.#database.prepare(sql)
      this.#statements.set(sql, statement)
    }
    return statement
  }
}
