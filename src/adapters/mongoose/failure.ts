import type { mongo } from 'mongoose'
import { MfaError } from '../../domain/errors.ts'
import { isPermanentFault } from '../../domain/permanent-fault.ts'
import { refusedFields } from './refused-write.ts'

/** MongoDB's error code for a duplicate key. */
const DUPLICATE_KEY = 11_000
/** The most nested causes that are examined: a driver wraps its errors, and a cycle must not loop for ever. */
const CAUSE_DEPTH = 8

/**
 * Whether it is a failure of the driver, of Mongoose or of the network, and not an error of this adapter or its caller.
 */
export function isStorageFailure(error: unknown): error is Error {
  let current = error
  for (let depth = 0; depth < CAUSE_DEPTH && current instanceof Error; depth += 1) {
    if (current instanceof MfaError) return false
    // Checked by name, because the application's driver may have other classes than ours.
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

/**
 * The error that a caller sees in place of a failure: `storage-refused` if the database refuses the operation each
 * time, and `storage-unavailable` otherwise. `on`: the collection.
 */
export function failed(on: string, failure: Error): MfaError {
  if (!isPermanentFault(failure))
    return storageUnavailable('MongoDB did not carry out what it was asked.', failure)
  const fields = refusedFields(failure)
  const why =
    fields.length > 0
      ? `the validator of this collection does not allow ${fields.join(', ')}`
      : `${codeNameOf(failure)}; see the cause`
  return new MfaError(
    'storage-refused',
    `MongoDB refuses an operation on the collection ${on}, and will refuse it each time: ${why}`,
    { cause: failure },
  )
}

/** The server's name of the error, such as `Unauthorized`, or the name of the driver's class. */
function codeNameOf(failure: Error): string {
  const { codeName, name } = failure as { codeName?: unknown; name: string }
  return typeof codeName === 'string' && /^\w+$/.test(codeName) ? codeName : name
}

/** The only error that a caller sees if the database is unavailable or the outcome of a write is unknown (R32). */
export function storageUnavailable(message: string, cause?: unknown): MfaError {
  return new MfaError('storage-unavailable', message, { status: 503, cause })
}
