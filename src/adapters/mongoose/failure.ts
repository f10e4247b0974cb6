import type { mongo } from 'mongoose'
import { MfaError } from '../../domain/errors.ts'

/** The server's code for a key that is there already. */
const DUPLICATE_KEY = 11_000
/** A driver wraps what it met, and a cycle must not hang the answer. */
const CAUSE_DEPTH = 8

/** A failure of the driver, of Mongoose or of the network, as against an error of this adapter's or of its caller. */
export function isStorageFailure(error: unknown): error is Error {
  let current = error
  for (let depth = 0; depth < CAUSE_DEPTH && current instanceof Error; depth += 1) {
    if (current instanceof MfaError) return false
    // By name: the application's driver is not the one that a check of classes would know.
    if (/^(Mongo|BSON)/.test(current.name) || isOfTheSystem(current)) return true
    current = current.cause
  }
  return false
}

/** An error of Node's: it names the system call, or, on a socket that the other side has closed, the code alone (EPIPE). */
function isOfTheSystem(error: Error): boolean {
  if ('syscall' in error) return true
  return 'code' in error && /^(E[A-Z]+|ERR_(STREAM|SOCKET)_\w+)$/.test(String(error.code))
}

/** A unique index refused the write: another document has this `_id`, or this value of the index. */
export function isDuplicateKey(error: unknown): error is mongo.MongoServerError {
  return error instanceof Error && 'code' in error && error.code === DUPLICATE_KEY
}

/** The one error that a caller sees when the database is away, or when what became of a write is not known (R32). */
export function storageUnavailable(message: string, cause?: unknown): MfaError {
  return new MfaError('storage-unavailable', message, { status: 503, cause })
}
