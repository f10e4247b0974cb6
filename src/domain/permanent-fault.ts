/** The most nested causes that are examined: a driver wraps its errors, and a cycle must not loop for ever. */
const CAUSE_DEPTH = 8

/**
 * MongoDB's error codes for an operation that it refuses each time, until somebody changes a setting, a right or the
 * code (github.com/mongodb/mongo, src/mongo/base/error_codes.yml). A code that is not listed may pass by itself.
 */
const MONGODB_REFUSES = new Set([
  2, // BadValue
  9, // FailedToParse
  13, // Unauthorized
  14, // TypeMismatch
  18, // AuthenticationFailed
  20, // IllegalOperation
  22, // InvalidBSON
  26, // NamespaceNotFound
  28, // PathNotViable
  40, // ConflictingUpdateOperators
  52, // DollarPrefixedFieldName
  55, // InvalidDBRef
  56, // EmptyFieldName
  57, // DottedFieldName
  59, // CommandNotFound
  61, // ShardKeyNotFound
  66, // ImmutableField
  67, // CannotCreateIndex
  68, // IndexAlreadyExists
  72, // InvalidOptions
  73, // InvalidNamespace
  79, // UnknownReplWriteConcern
  85, // IndexOptionsConflict
  86, // IndexKeySpecsConflict
  115, // CommandNotSupported
  121, // DocumentValidationFailure
  166, // CommandNotSupportedOnView
  197, // InvalidIndexSpecificationOption
  8000, // AtlasError
  10_334, // BSONObjectTooLarge
  17_280, // KeyTooLong
  17_419, // A document would be too large after an update.
  17_420,
])

/** Errors that the driver raises before it sends anything. */
const DRIVER_REFUSES =
  /^(BSON(|Version|Runtime)|Mongo(InvalidArgument|MissingCredentials|Compatibility|Parse))Error$/

/** SQLite's primary result codes for the same (sqlite.org/rescode.html). */
const SQLITE_REFUSES = new Set([
  11, // CORRUPT
  18, // TOOBIG
  19, // CONSTRAINT
  20, // MISMATCH
  26, // NOTADB
])

/**
 * Whether a storage's driver says that it refuses this operation each time, so that it is wrong to ask a person to try
 * again. A storage that is away, locked, full or read-only is no such case: it works again when its cause has gone.
 */
export function isPermanentFault(error: unknown): boolean {
  let current = error
  for (let depth = 0; depth < CAUSE_DEPTH && current instanceof Error; depth += 1) {
    if (isRefusal(current)) return true
    current = current.cause
  }
  return false
}

function isRefusal(error: Error): boolean {
  const { code, errcode, writeErrors = [] } = error as DriverError
  if (code === 'ERR_SQLITE_ERROR') return isSqliteRefusal(errcode, error.message)
  if (!/^(Mongo|BSON)/.test(error.name)) return false
  // A bulk has the code of its first error; another one of the same bulk may be the permanent one.
  const codes = [code, ...[writeErrors].flat().map((each) => (each as DriverError).code)]
  return DRIVER_REFUSES.test(error.name) || codes.some((each) => MONGODB_REFUSES.has(Number(each)))
}

function isSqliteRefusal(errcode: unknown, message: string): boolean {
  return SQLITE_REFUSES.has(Number(errcode) & 0xff) || /^no such (table|column): /.test(message)
}

interface DriverError {
  readonly code?: unknown
  readonly errcode?: unknown
  readonly writeErrors?: unknown
}
