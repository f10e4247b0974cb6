import { closeSync, existsSync, mkdirSync, openSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { MigrationPhases, SchemaState } from '../../ports/server-storage.ts'
import { Connection, LOCK_WAIT_MS } from './connection.ts'
import {
  failed,
  isLocked,
  isStorageFailure,
  leavesConnectionSound,
  storageUnavailable,
} from './failure.ts'
import { enableWriteAheadLog } from './write-ahead-log.ts'
import { bringUpToDate, MIGRATIONS, requireUsableSchema } from './migrations.ts'
import type { Migration } from './migrations.ts'
import { convertToIncrementalVacuum, prepareVacuum } from './vacuum.ts'

/** How long an operation is tried again while another process holds the write lock. */
const LOCK_PATIENCE_MS = 2000

/** How long the first opening waits, and blocks the process: another process may be migrating the file. */
const START_PATIENCE_MS = 10_000

export interface SqliteDatabaseOptions {
  readonly path: string
  /**
   * Which migrations an older file gets; with true it is also converted so that it gives free pages back. A new file
   * gets all.
   */
  readonly migrate: MigrationPhases
  /** For tests of future migrations. */
  readonly migrations?: readonly Migration[]
}

interface OpenFile {
  readonly durable: Connection
  readonly relaxed: Connection
  /** Identifies the files on the disk to which the connections write. */
  readonly identity: string
}

/**
 * One database file, and the two connections to it: `durable` for data that a power failure must not undo, and
 * `relaxed` for the host's own records.
 *
 * Each piece of work is synchronous and runs on one connection. Every failure comes out as `storage-unavailable` or
 * `storage-refused`, and the next piece of work opens the file again if necessary, so that the storage recovers by
 * itself.
 */
export class SqliteDatabase {
  readonly #path: string
  readonly #migrations: readonly Migration[]
  #file: OpenFile | undefined
  #isClosed = false

  /** Opens, or makes, the database. Throws `storage-unavailable`, `storage-refused` and what `migrations.ts` throws. */
  constructor(options: SqliteDatabaseOptions) {
    this.#path = resolve(options.path)
    this.#migrations = options.migrations ?? MIGRATIONS
    try {
      createIfMissing(this.#path)
      this.#file = openFile(this.#path, START_PATIENCE_MS, (connection) => {
        bringUpToDate(connection, options.migrate, this.#migrations)
        if (options.migrate === true) convertToIncrementalVacuum(connection)
      })
    } catch (error) {
      throw isStorageFailure(error) ? failed(error, this.#path) : error
    }
  }

  /** Runs work whose commits are on the disk when it is done. */
  durable<T>(work: (connection: Connection) => T): Promise<T> {
    return this.#perform('durable', work)
  }

  /** Runs work whose commits a power failure may undo. */
  relaxed<T>(work: (connection: Connection) => T): Promise<T> {
    return this.#perform('relaxed', work)
  }

  /** Throws what `requireUsableSchema` throws. */
  schema(): Promise<SchemaState> {
    return this.relaxed((connection) => requireUsableSchema(connection, this.#migrations))
  }

  close(): void {
    this.#isClosed = true
    this.#drop()
  }

  async #perform<T>(kind: 'durable' | 'relaxed', work: (connection: Connection) => T): Promise<T> {
    let giveUpAt: number | undefined
    for (;;) {
      try {
        return this.#attempt(kind, work)
      } catch (error) {
        if (!isStorageFailure(error)) throw error
        if (!leavesConnectionSound(error)) this.#drop()
        const now = performance.now()
        giveUpAt ??= now + LOCK_PATIENCE_MS
        if (!isLocked(error) || now >= giveUpAt) throw failed(error, this.#path)
      }
      // Jitter: of several processes that wait for one lock, each gets its turn.
      await sleep(1 + Math.random() * 20)
    }
  }

  #attempt<T>(kind: 'durable' | 'relaxed', work: (connection: Connection) => T): T {
    if (this.#isClosed) throw storageUnavailable('The storage is closed.')
    // A missing file is not created again while the server runs: it would have no accounts, factors or spent codes.
    // Each call fails until the file is back.
    this.#file ??= openFile(this.#path, LOCK_WAIT_MS, (connection) =>
      requireUsableSchema(connection, this.#migrations),
    )
    const file = this.#file
    const outcome = work(file[kind])
    // A file that was deleted or replaced still takes writes, which are lost when the process ends: a code that was
    // spent in it would be valid again. So a file that no longer has the database's name is never used.
    if (identityOf(this.#path) !== file.identity) {
      this.#drop()
      throw storageUnavailable(
        `The database file ${this.#path} was moved, deleted, replaced or given another mode.`,
      )
    }
    return outcome
  }

  #drop(): void {
    const file = this.#file
    this.#file = undefined
    for (const connection of [file?.relaxed, file?.durable]) {
      try {
        connection?.close()
      } catch {
        // The connection has failed before, and that failure is reported.
      }
    }
  }
}

function openFile(
  path: string,
  patienceMs: number,
  prepare: (connection: Connection) => void,
): OpenFile {
  const durable = new Connection(path, 'FULL', patienceMs)
  try {
    prepareVacuum(durable)
    enableWriteAheadLog(durable, patienceMs)
    prepare(durable)
    const relaxed = new Connection(path, 'NORMAL', patienceMs)
    for (const connection of [durable, relaxed]) connection.waitForLocks(LOCK_WAIT_MS)
    return { durable, relaxed, identity: identityOf(path) }
  } catch (error) {
    durable.close()
    throw error
  }
}

/**
 * The database and its write-ahead log: a commit is in the log until it is copied to the database. The file mode is
 * included because a process that has the file open can still write to it after it was made read-only.
 */
function identityOf(path: string): string {
  const file = statSync(path, { throwIfNoEntry: false })
  const log = statSync(`${path}-wal`, { throwIfNoEntry: false })
  return `${file?.dev}:${file?.ino}:${file?.mode}:${log?.ino}`
}

/**
 * Creates the file if it is missing. Only the owner may read it: it holds password hashes and sealed secrets; the log
 * inherits its mode. Throws MfaError `storage-unavailable` if the log exists without the file: the file was moved, or
 * its disk is not mounted, and SQLite would delete the log beside a new file, with all commits that were not copied
 * into the old file yet.
 */
function createIfMissing(path: string): void {
  const log = ['-wal', '-shm'].map((ending) => `${path}${ending}`).find((file) => existsSync(file))
  if (log !== undefined && !existsSync(path))
    throw storageUnavailable(
      `The database file ${path} is missing, and ${log} of it is there: put the file back, or move the rest away as well.`,
    )
  makeFolder(dirname(path))
  try {
    closeSync(openSync(path, 'wx', 0o600))
  } catch (error) {
    // `wx` does not open a file that exists: closing it would drop the locks that this process holds on it.
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
  }
}

/**
 * Makes a folder and those above it. The `recursive` of Node does not end where the system lets nobody make a folder and
 * answers that there is none, as in `/proc`.
 */
function makeFolder(path: string): void {
  if (existsSync(path)) return
  makeFolder(dirname(path))
  try {
    mkdirSync(path, { mode: 0o700 })
  } catch (error) {
    // Another process has made it.
    if (!existsSync(path)) throw error
  }
}
