import { accessSync, constants, statSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { DatabaseSync } from 'node:sqlite'
import type { SQLInputValue, StatementSync } from 'node:sqlite'

/**
 * How long SQLite itself waits for another process's write; it blocks the event loop meanwhile. A commit takes about a
 * millisecond; for longer waits `SqliteDatabase` returns to the event loop in between.
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
   * Never creates the file: a missing database must not be replaced by an empty one. Never opens a read-only file:
   * SQLite would make a read-only log beside it, and the database could not be written even after its file is writable
   * again.
   *
   * `patienceMs`: how long the opening waits for another process that makes or recovers the file, and locks all of it.
   */
  constructor(path: string, durability: Durability, patienceMs: number) {
    accessSync(path, constants.R_OK | constants.W_OK)
    if (statSync(path).isDirectory())
      throw Object.assign(new Error('is a folder'), { code: 'EISDIR', syscall: 'open', path })
    const url = pathToFileURL(path)
    url.searchParams.set('mode', 'rw')
    this.#database = new DatabaseSync(url)
    try {
      this.waitForLocks(patienceMs)
      this.exec(`PRAGMA synchronous = ${durability}; PRAGMA trusted_schema = OFF`)
    } catch (error) {
      this.close()
      throw error
    }
  }

  /** Sets how long SQLite waits for another connection's lock before it gives up; the process is blocked meanwhile. */
  waitForLocks(milliseconds: number): void {
    this.#database.exec(`PRAGMA busy_timeout = ${milliseconds}`)
  }

  /** Returns the first row. */
  get<Row>(sql: string, ...values: SQLInputValue[]): Row | undefined {
    return this.#prepared(sql).get(...values) as Row | undefined
  }

  all<Row>(sql: string, ...values: SQLInputValue[]): Row[] {
    return this.#prepared(sql).all(...values) as Row[]
  }

  /** Returns the number of changed rows. */
  run(sql: string, ...values: SQLInputValue[]): number {
    return Number(this.#prepared(sql).run(...values).changes)
  }

  /** The number that a pragma answers. */
  pragma(
    name: 'user_version' | 'application_id' | 'auto_vacuum' | 'freelist_count' | 'page_count',
  ): number {
    return this.get<Record<string, number>>(`PRAGMA ${name}`)?.[name] ?? 0
  }

  /** For statements that run once: the schema, pragmas. */
  exec(sql: string): void {
    this.#database.exec(sql)
  }

  /**
   * Takes the write lock first, so that data that `work` reads is unchanged when it writes. No other process writes in
   * between, and no other code of this process either, because `work` is synchronous.
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
