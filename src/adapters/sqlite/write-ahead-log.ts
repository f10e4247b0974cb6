import type { Connection } from './connection.ts'
import { isLocked } from './failure.ts'

const PATIENCE_MS = 5000
const PAUSE_MS = 10

/**
 * Puts the file in WAL mode, in which readers and a writer do not wait for each other.
 *
 * Of two processes that open a new file at once, one is told that it is locked without SQLite waiting for it: it
 * waits here. Only while opening, so a blocking wait holds nobody up.
 */
export function enableWriteAheadLog(connection: Connection): void {
  const giveUpAt = performance.now() + PATIENCE_MS
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
