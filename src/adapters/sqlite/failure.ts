import { MfaError } from '../../domain/errors.ts'
import { isPermanentFault } from '../../domain/permanent-fault.ts'

/** SQLite's primary result codes (sqlite.org/rescode.html). */
const BUSY = 5
const LOCKED = 6
const READ_ONLY = 8
const CORRUPT = 11
const FULL = 13
const NOT_A_DATABASE = 26

/** A failure of SQLite or of the file system, as against an error of this adapter's or of its caller. */
export function isStorageFailure(error: unknown): error is Error {
  if (!(error instanceof Error)) return false
  if ('syscall' in error) return true
  const code = 'code' in error ? error.code : undefined
  return code === 'ERR_SQLITE_ERROR' || code === 'ERR_INVALID_STATE'
}

/** Another connection holds the write lock: worth trying again. */
export function isLocked(error: unknown): boolean {
  const code = resultCode(error)
  return code === BUSY || code === LOCKED
}

/** Whether the connection can still be used after this failure; after any other failure it is opened again. */
export function leavesConnectionSound(error: unknown): boolean {
  return isLocked(error) || resultCode(error) === FULL
}

/**
 * The error that a caller sees in place of a failure: `storage-refused` if SQLite refuses the operation each time, and
 * `storage-unavailable` otherwise. Its message names the file, for the log and the command line; no page shows it.
 * SQLite's own errors do not name it.
 */
export function failed(failure: Error, path: string): MfaError {
  if (!isPermanentFault(failure)) return storageUnavailable(whyUnavailable(failure, path), failure)
  return new MfaError('storage-refused', whyRefused(failure, path), { cause: failure })
}

function whyRefused(failure: Error, path: string): string {
  switch (resultCode(failure)) {
    case NOT_A_DATABASE:
      return `The file ${path} is no SQLite database.`
    case CORRUPT:
      return `The database file ${path} is damaged: restore it from a backup.`
    default: {
      // Names of the schema only: other messages of SQLite could repeat values.
      const named = /(?:constraint failed|no such (?:table|column)): ([\w.]+)/.exec(failure.message)
      return `SQLite refuses an operation, and will refuse it each time${named === null ? '' : `: ${named[1]}`}`
    }
  }
}

function whyUnavailable(failure: Error, path: string): string {
  const { code } = failure as { readonly code?: unknown }
  if (isLocked(failure)) return `The database ${path} was locked by another process for too long.`
  if (resultCode(failure) === FULL || code === 'ENOSPC' || code === 'EDQUOT')
    return `The disk of the database ${path} is full.`
  if (resultCode(failure) === READ_ONLY || code === 'EROFS')
    return `The database ${path} cannot be written: the file or its disk is read-only.`
  if (code === 'EACCES' || code === 'EPERM')
    return `The database ${path} cannot be opened: the user of this process may not use ${refusedPath(failure, path)} (${code}).`
  if (code === 'ENOTDIR')
    return `The database ${path} cannot be opened: a part of this path is a file and no folder.`
  if (code === 'EISDIR') return `The database ${path} cannot be opened: this is a folder.`
  return `The database ${path} cannot be opened: ${rootOf(failure)}.`
}

/** The file or folder that the system refuses. */
function refusedPath(failure: Error, path: string): string {
  const { path: refused } = failure as { readonly path?: unknown }
  return typeof refused === 'string' ? refused : path
}

/** The code of the system with its call, or SQLite's own text for the result code, which quotes no value. */
function rootOf(failure: Error): string {
  const { code, syscall, errstr } = failure as {
    readonly code?: unknown
    readonly syscall?: unknown
    readonly errstr?: unknown
  }
  if (typeof syscall === 'string')
    return `${String(code)} at ${syscall} ${refusedPath(failure, '')}`.trimEnd()
  return typeof errstr === 'string' ? `SQLite says "${errstr}"` : failure.name
}

/** The error that a caller sees if the storage is missing, read-only, full or locked (R32). */
export function storageUnavailable(message: string, cause?: unknown): MfaError {
  return new MfaError('storage-unavailable', message, { status: 503, cause })
}

function resultCode(error: unknown): number | undefined {
  return error instanceof Error && 'errcode' in error && typeof error.errcode === 'number'
    ? error.errcode & 0xff
    : undefined
}
