import { MfaError } from '../../domain/errors.ts'

/** SQLite's primary result codes (sqlite.org/rescode.html). */
const BUSY = 5
const LOCKED = 6
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

/** The file is not an SQLite database, or was overwritten. */
export function isNoDatabase(error: unknown): boolean {
  return resultCode(error) === NOT_A_DATABASE
}

export function noDatabase(cause: unknown): MfaError {
  return storageUnavailable('The file is no SQLite database.', cause)
}

/** The only error that a caller sees if the storage is missing, read-only, full, locked or damaged (R32). */
export function storageUnavailable(message: string, cause?: unknown): MfaError {
  return new MfaError('storage-unavailable', message, { status: 503, cause })
}

function resultCode(error: unknown): number | undefined {
  return error instanceof Error && 'errcode' in error && typeof error.errcode === 'number'
    ? error.errcode & 0xff
    : undefined
}
