import type { Connection } from './connection.ts'
import { isLocked } from './failure.ts'

const PAUSE_MS = 10

/**
 * Puts the file in WAL mode, in which readers and a writer do not wait for each other. Blocks for `patienceMs` at
 * most: of two processes that open a new file at once, SQLite tells one that it is locked without waiting itself.
 */
export function enableWriteAheadLog(connection: Connection, patienceMs: number): void {
  const giveUpAt = performance.now() + patienceMs
  for (;;) {
    try {
      connection.exec('PRAGMA journal_mode = WAL')
      // The log's file is there once something was read through it.
      connection.exec('SELECT count(*) FROM sqlite_schema')
      return
    } catch (error) {
      if (!isLocked(error) || performance.now() >= giveUpAt) throw error
    }
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS)
  }
}
