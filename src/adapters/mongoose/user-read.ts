import { AsyncLocalStorage } from 'node:async_hooks'
import type { mongo } from 'mongoose'
import { MFA_FIELD } from './field.ts'
import { withCallback } from './kept-calls.ts'

type Row = Record<string, unknown>
type FindOne = (filter: unknown, options?: Row) => Promise<Row | null>

/** A stored user that a query has found. `mfa` is absent where the user has no record. */
export interface UserRow {
  readonly _id?: unknown
  readonly mfa?: unknown
}

/**
 * As the storage reads its records (database.ts), whatever the query or its hooks say: a document of a secondary could
 * show a record from before a code was spent.
 */
const FROM_PRIMARY = {
  readPreference: 'primary',
  readConcern: { level: 'local' },
  promoteValues: true,
  promoteLongs: true,
  useBigInt64: false,
} as const satisfies mongo.FindOptions

const reading = new AsyncLocalStorage<UserRow[]>()
const guarded = new WeakSet()

/**
 * Runs a query of the application for a user. Answers what the query answers, and all stored users that it or its hooks
 * have read by `findOne`, each with its record.
 */
export async function withRows<T>(
  query: () => PromiseLike<T>,
): Promise<{ readonly found: T; readonly rows: readonly UserRow[] }> {
  const rows: UserRow[] = []
  const found = await reading.run(rows, async () => await query())
  return { found, rows }
}

/**
 * Wraps the `findOne` between Mongoose and the driver. All hooks of the application have run before, so the projection
 * is the final one. The record is added to it and taken out of what was found: neither a document nor a lean object of
 * the application ever has it.
 */
export function guardReads(collection: object): void {
  if (guarded.has(collection)) return
  guarded.add(collection)
  const native = (collection as { findOne: FindOne }).findOne.bind(collection)
  async function findOne(filter: unknown, options: Row = {}): Promise<Row | null> {
    const rows = reading.getStore()
    // A transaction reads the state at its beginning, which is older than the record may be.
    if (rows === undefined || Boolean(options['session'])) return native(filter, options)
    const row = await native(filter, withField(options))
    if (row === null) return null
    rows.push({ _id: row['_id'], mfa: row[MFA_FIELD] })
    delete row[MFA_FIELD]
    return row
  }
  Object.assign(collection, withCallback({ findOne }))
}

function withField(options: Row): Row {
  const fields = Object.entries((options['projection'] ?? {}) as Row)
  const others = fields.filter(([path]) => path !== MFA_FIELD && !path.startsWith(`${MFA_FIELD}.`))
  const projection = Object.fromEntries(
    namesWhatItAnswers(fields) ? [...others, [MFA_FIELD, 1]] : others,
  )
  return { ...options, ...FROM_PRIMARY, projection }
}

/**
 * Whether the fields that a projection does not name are left out. `_id` alone of all fields can be left out beside
 * fields that are named; `$slice` and `$meta` leave the others as they are.
 */
function namesWhatItAnswers(projection: readonly (readonly [string, unknown])[]): boolean {
  const decisive = projection.filter(([, value]) => !isNeutral(value))
  const others = decisive.filter(([path]) => path !== '_id')
  return (others.length === 0 ? decisive : others).some(([, value]) => Boolean(value))
}

function isNeutral(value: unknown): boolean {
  return typeof value === 'object' && value !== null && ('$slice' in value || '$meta' in value)
}
