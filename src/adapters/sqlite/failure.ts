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
 * `storage-unavailable` otherwise.
 */
export function failed(failure: Error): MfaError {
  if (!isPermanentFault(failure)) return storageUnavailable(whyUnavailable(failure), failure)
  return new MfaError('storage-refused', whyRefused(failure), { cause: failure })
}

function whyRefused(failure: Error): string {
  switch (resultCode(failure)) {
    case NOT_A_DATABASE:
      return 'The file is no SQLite database.'
    case CORRUPT:
      return 'The database file is damaged: restore it from a backup.'
    default: {
      // Names of the schema only: other messages of SQLite could repeat values.
      const named = /(?:constraint failed|no such (?:table|column)): ([\w.]+)/.exec(failure.message)
      return `SQLite refuses an operation, and will refuse it each time${named === null ? '' : `: ${named[1]}`}`
    }
  }
}

function whyUnavailable(failure: Error): string {
  if (isLocked(failure)) return 'The database was locked by another process for too long.'
  const code = 'code' in failure ? failure.code : undefined
  if (resultCode(failure) === FULL || code === 'ENOSPC' || code === 'EDQUOT')
    return 'The disk of the database is full.'
  if (resultCode(failure) === READ_ONLY || code === 'EACCES' || code === 'EROFS')
    return 'The database file cannot be written: it is read-only, or belongs to another user.'
  return 'The database cannot be used.'
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
