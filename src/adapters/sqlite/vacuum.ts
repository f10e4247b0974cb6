import type { Connection } from './connection.ts'

/** The value of `PRAGMA auto_vacuum` with which free pages are given back when the sweep asks for it. */
const INCREMENTAL = 2

/**
 * Makes a new file one that can give its free pages back. To be called before anything is written; on a file that has
 * content it changes nothing.
 */
export function prepareVacuum(connection: Connection): void {
  connection.exec('PRAGMA auto_vacuum = INCREMENTAL')
}

/** Whether free pages of the file can be given back. A file that was made by an earlier build cannot do so. */
export function hasIncrementalVacuum(connection: Connection): boolean {
  return connection.pragma('auto_vacuum') === INCREMENTAL
}

/**
 * Rewrites a file that cannot give free pages back. It needs free disk of twice the size of the file, and other writers
 * are refused meanwhile. If it fails or the process dies, the file is as it was.
 */
export function convertToIncrementalVacuum(connection: Connection): void {
  if (hasIncrementalVacuum(connection)) return
  prepareVacuum(connection)
  connection.exec('VACUUM')
}
