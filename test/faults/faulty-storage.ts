import { existsSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Connection } from '../../src/adapters/sqlite/connection.ts'
import { SqliteDatabase } from '../../src/adapters/sqlite/database.ts'
import { sqliteStorageOn } from '../../src/adapters/sqlite/index.ts'
import { lockFromAnotherProcess } from '../adapters/sqlite/other-process.ts'
import type { Clock } from '../../src/ports/services.ts'
import type { ServerStorage } from '../../src/ports/server-storage.ts'
import { SessionJournal } from '../support/session-journal.ts'

/** A SQLite database that runs a PRAGMA on the connection before each piece of work, to simulate a fault. */
class ToldDatabase extends SqliteDatabase {
  pragma: string | undefined

  override durable<T>(work: (connection: Connection) => T): Promise<T> {
    return super.durable((connection) => this.#tell(connection, work))
  }

  override relaxed<T>(work: (connection: Connection) => T): Promise<T> {
    return super.relaxed((connection) => this.#tell(connection, work))
  }

  #tell<T>(connection: Connection, work: (connection: Connection) => T): T {
    if (this.pragma !== undefined) connection.exec(`PRAGMA ${this.pragma}`)
    return work(connection)
  }
}

export type Fault = 'gone' | 'read-only' | 'full' | 'locked' | 'slow'

export interface FaultyStorage {
  readonly open: (clock: Clock) => ServerStorage
  begin(fault: Fault): Promise<void>
  end(): Promise<void>
  /** The number of stored sessions that sign somebody in. */
  signedInSessions(): Promise<number>
  remove(): void
}

export function faultyStorage(): FaultyStorage {
  const folder = mkdtempSync(join(tmpdir(), 'mfa-faults-'))
  const path = join(folder, 'data', 'mfa.db')
  const away = join(folder, 'away')
  const journal = new SessionJournal(join(folder, 'sessions'))
  let database: ToldDatabase
  let storage: ServerStorage
  let lock: { release(): Promise<void> } | undefined
  let waiting: PromiseWithResolvers<void> | undefined

  return {
    open(clock) {
      database = new ToldDatabase({ path, migrate: true })
      storage = journal.noting(sqliteStorageOn(database, clock))
      const { load, save, findByHandle } = storage.records
      return {
        ...storage,
        records: {
          async load(accountId) {
            await waiting?.promise
            return load(accountId)
          },
          async save(accountId, record, version) {
            await waiting?.promise
            return save(accountId, record, version)
          },
          async findByHandle(handle) {
            await waiting?.promise
            return findByHandle(handle)
          },
        },
      }
    },

    async begin(fault) {
      switch (fault) {
        case 'gone':
          renameSync(join(folder, 'data'), away)
          break
        // Root can write to every file, so a PRAGMA makes SQLite itself refuse writes. Its error is the same.
        case 'read-only':
          database.pragma = 'query_only = 1'
          break
        // This limit allows no further page. Data that fits into the existing pages is still stored.
        case 'full':
          database.pragma = 'max_page_count = 1'
          break
        case 'locked':
          lock = await lockFromAnotherProcess(path)
          break
        case 'slow':
          waiting = Promise.withResolvers()
          break
      }
    },

    async end() {
      if (existsSync(away)) renameSync(away, join(folder, 'data'))
      // A connection keeps its PRAGMA settings, so they must be set back.
      database.pragma = 'query_only = 0; PRAGMA max_page_count = 1073741823'
      await lock?.release()
      lock = undefined
      waiting?.resolve()
      waiting = undefined
    },

    signedInSessions: () => journal.signedInSessions(storage),

    remove() {
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
