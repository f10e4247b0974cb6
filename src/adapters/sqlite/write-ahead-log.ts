import type { Connection } from './connection.ts'
import { isLocked } from './failure.ts'

const PAUSE_MS = 10

/**
 * Puts the file in WAL mode, in which readers and a writer do not wait for each other. Blocks for `patienceMs` at most:
 * if two processes open a new file at the same time, SQLite reports to one of them that it is locked, without waiting.
 */
export function enableWriteAheadLog(connection: Connection, patienceMs: number): void {
  const giveUpAt = performance.now() + patienceMs
  for (;;) {
    try {
      connection.exec('PRAGMA journal_mode = WAL')
      // The file of the log exists after the first read.
      connection.exec('SELECT count(*) FROM sqlite_schema')
      return
    } catch (error) {
      if (!isLocked(error) || performance.now() >= giveUpAt) throw error
    }
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS)
  }
}
