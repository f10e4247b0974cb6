import { closeSync, fsyncSync, openSync, rmSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { MfaError } from '../../domain/errors.ts'
import { isPermanentFault } from '../../domain/permanent-fault.ts'
import { Connection } from './connection.ts'
import { failed, isLocked, isStorageFailure } from './failure.ts'

/** How long the copy waits for another process that makes, migrates or recovers the database. */
const PATIENCE_MS = 10_000

/**
 * Writes one consistent copy of a database to a new file that only its owner may read, while other processes write to
 * the database, and examines the copy. Answers its size in bytes. The database may be of an older version: a backup is
 * made before a migration.
 *
 * Throws MfaError `storage-unavailable` and `storage-refused`, and the system's error for a file that cannot be made or
 * exists; no part of a copy stays then.
 */
export function backUpSqlite(source: string, target: string): number {
  const from = resolve(source)
  const to = resolve(target)
  // `wx` refuses a file that exists: it may be the only backup there is.
  closeSync(openSync(to, 'wx', 0o600))
  try {
    copy(from, to)
    examine(to)
    settle(to)
    return statSync(to).size
  } catch (error) {
    for (const ending of ['', '-journal', '-wal', '-shm']) rmSync(`${to}${ending}`, { force: true })
    throw error
  }
}

function copy(from: string, to: string): void {
  const connection = naming(from, () => new Connection(from, 'FULL', PATIENCE_MS))
  try {
    connection.run('VACUUM INTO ?', to)
  } catch (error) {
    if (!isStorageFailure(error)) throw error
    // A lock and a damage are those of the database; a full or failing disk is that of the copy.
    throw failed(error, isLocked(error) || isPermanentFault(error) ? from : to)
  } finally {
    connection.close()
  }
}

/** A disk may fail without a word: a backup that does not open is worth nothing. */
function examine(to: string): void {
  naming(to, () => {
    const connection = new Connection(to, 'NORMAL', PATIENCE_MS)
    try {
      const found = connection.all<{ integrity_check: string }>('PRAGMA integrity_check(1)')
      if (found[0]?.integrity_check !== 'ok')
        throw new MfaError('storage-refused', `The copy ${to} is damaged: check the disks.`)
    } finally {
      connection.close()
    }
  })
}

/** The file and its name in the folder are on the disk afterwards. */
function settle(to: string): void {
  for (const path of [to, dirname(to)]) {
    const file = openSync(path, 'r')
    fsyncSync(file)
    closeSync(file)
  }
}

function naming<T>(path: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw isStorageFailure(error) ? failed(error, path) : error
  }
}
