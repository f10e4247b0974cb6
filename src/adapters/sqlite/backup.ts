import { randomBytes } from 'node:crypto'
import {
  closeSync,
  fstatSync,
  fsyncSync,
  linkSync,
  lstatSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { MfaError } from '../../domain/errors.ts'
import { isPermanentFault } from '../../domain/permanent-fault.ts'
import { Connection } from './connection.ts'
import { failed, isLocked, isStorageFailure } from './failure.ts'
import { APPLICATION_ID } from './migrations.ts'

/** How long the copy waits for another process that makes, migrates or recovers the database. */
const PATIENCE_MS = 10_000

/**
 * Writes one consistent copy of a database to a new file that only its owner may read, while other processes write to
 * the database, and examines the copy. Answers its size in bytes. The database may be of an older version: a backup is
 * made before a migration.
 *
 * The copy has a draft name, `TARGET.draft-` and 12 hexadecimal digits, until it is complete and examined. A process
 * that is killed leaves at most this draft, which `draftsBeside` finds.
 *
 * Throws MfaError `storage-unavailable` and `storage-refused`, and the system's error for a file that cannot be made or
 * exists; no part of a copy stays then.
 */
export function backUpSqlite(source: string, target: string, { link = linkSync } = {}): number {
  const from = resolve(source)
  const to = resolve(target)
  refuseExisting(to)
  const draft = `${to}.draft-${randomBytes(6).toString('hex')}`
  closeSync(openSync(draft, 'wx', 0o600))
  try {
    copy(from, draft, to)
    if (!isSound(draft, to)) throw damaged(from, to)
    settle(draft)
    giveName(draft, to, link)
  } finally {
    for (const ending of ['', '-journal', '-wal', '-shm'])
      rmSync(`${draft}${ending}`, { force: true })
  }
  settle(dirname(to))
  return statSync(to).size
}

const DRAFT = /\.draft-[0-9a-f]{12}$/

/**
 * The drafts in the folder of a backup, as paths: each belongs to a backup that is running or was killed. None for a
 * folder that cannot be read.
 */
export function draftsBeside(target: string): readonly string[] {
  const folder = dirname(resolve(target))
  try {
    const drafts = readdirSync(folder).filter((name) => DRAFT.test(name))
    return drafts.toSorted().map((name) => join(folder, name))
  } catch {
    return []
  }
}

/** The errors of `link` on file systems without hard links: exFAT, some network shares, some mounts of containers. */
const WITHOUT_LINKS: ReadonlySet<unknown> = new Set([
  'EPERM',
  'ENOTSUP',
  'EOPNOTSUPP',
  'ENOSYS',
  'EXDEV',
])

/** Throws `EEXIST` if the name is taken meanwhile: that file may be the only backup there is. */
function giveName(draft: string, to: string, link: typeof linkSync): void {
  try {
    link(draft, to)
  } catch (error) {
    if (!WITHOUT_LINKS.has((error as NodeJS.ErrnoException).code)) throw error
    renameToNew(draft, to)
  }
}

/** Takes the name with an empty file first, because `rename` replaces any file. A process that is killed here leaves it. */
function renameToNew(draft: string, to: string): void {
  const reserved = openSync(to, 'wx', 0o600)
  const { ino } = fstatSync(reserved)
  closeSync(reserved)
  try {
    renameSync(draft, to)
  } catch (error) {
    const present = lstatSync(to, { throwIfNoEntry: false })
    if (present?.ino === ino && present.size === 0) rmSync(to, { force: true })
    throw error
  }
}

/** A long copy would be for nothing. */
function refuseExisting(path: string): void {
  if (lstatSync(path, { throwIfNoEntry: false }) !== undefined)
    throw Object.assign(new Error('exists'), { code: 'EEXIST', syscall: 'link', path })
}

/** Messages name the file by its later name `to`. */
function copy(from: string, draft: string, to: string): void {
  const connection = naming(from, () => new Connection(from, 'FULL', PATIENCE_MS))
  try {
    if (connection.pragma('application_id') !== APPLICATION_ID)
      throw new MfaError(
        'storage-refused',
        `The file ${from} is empty or belongs to another application: there is nothing to copy.`,
      )
    connection.run('VACUUM INTO ?', draft)
  } catch (error) {
    if (!isStorageFailure(error)) throw error
    // A lock and a damage are those of the database; a full or failing disk is that of the copy.
    throw failed(error, isLocked(error) || isPermanentFault(error) ? from : to)
  } finally {
    connection.close()
  }
}

/** A disk may fail without a word: a backup that does not open is worth nothing. */
function isSound(path: string, name = path): boolean {
  return naming(name, () => {
    const connection = new Connection(path, 'NORMAL', PATIENCE_MS)
    try {
      const found = connection.all<{ integrity_check: string }>('PRAGMA integrity_check(1)')
      return found[0]?.integrity_check === 'ok'
    } finally {
      connection.close()
    }
  })
}

/** SQLite copies some damages of a database without an error. */
function damaged(from: string, to: string): MfaError {
  return new MfaError(
    'storage-refused',
    isSound(from)
      ? `The copy ${to} is damaged: check the disks.`
      : `The database file ${from} is damaged: restore it from a backup.`,
  )
}

/** Waits until the content of a file or a folder is on the disk. */
function settle(path: string): void {
  const file = openSync(path, 'r')
  fsyncSync(file)
  closeSync(file)
}

function naming<T>(path: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw isStorageFailure(error) ? failed(error, path) : error
  }
}
