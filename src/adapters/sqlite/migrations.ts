import type { MigrationPhases, SchemaState } from '../../ports/server-storage.ts'
import {
  EMPTY,
  migrationsToApply,
  noteAfter,
  noteOfVersion,
  requireExpanded,
  schemaRefusal,
  schemaStateOf,
  type NumberedMigration,
  type SchemaNote,
} from '../schema-rules.ts'
import type { Connection } from './connection.ts'
import {
  AUDIT_CHAINS,
  AUDIT_INDEXES,
  FIRST_SCHEMA,
  LEASES_SCHEMA,
  NODES_SCHEMA,
  OUTBOX_FAULTS,
  OUTBOX_SCHEMA,
  RECORDS_OF_ACCOUNTS,
} from './schema.ts'

export interface Migration extends NumberedMigration {
  readonly sql: string
}

/**
 * CONTRIBUTING.md says how to add one. `PRAGMA user_version` has the last one applied.
 *
 * Version 1 had the same tables, with sessions and tokens in clear. No release had it, and it is refused.
 */
export const MIGRATIONS: readonly Migration[] = [
  { version: 2, sql: FIRST_SCHEMA },
  { version: 3, sql: RECORDS_OF_ACCOUNTS },
  { version: 4, sql: OUTBOX_SCHEMA },
  { version: 5, sql: LEASES_SCHEMA },
  { version: 6, sql: NODES_SCHEMA },
  { version: 7, sql: OUTBOX_FAULTS },
  { version: 8, sql: AUDIT_INDEXES },
  { version: 9, sql: AUDIT_CHAINS },
]

/** `PRAGMA application_id`, "mfa1" in ASCII: tells this product's files from any other SQLite database. */
export const APPLICATION_ID = 0x6d666131

/** The row of `settings` with the oldest version whose code may work with the schema. */
const READABLE_FROM = 'schema-readable-from'

/**
 * Applies the migrations that are missing: to an empty database always, to an older one those that `allowed` names. All
 * of them run in one transaction that takes the write lock before it reads the version: of two processes that start at
 * the same time, the second finds the work done, and neither sees a part of it.
 *
 * Throws `schema-outdated` if a migration is needed and not allowed, and what `readSchemaState` throws.
 */
export function bringUpToDate(
  connection: Connection,
  allowed: MigrationPhases,
  migrations: readonly Migration[] = MIGRATIONS,
): void {
  connection.transaction(() => {
    const note = readNote(connection)
    schemaStateOf(migrations, note)
    const left = migrationsToApply(migrations, note, allowed)
    if (left.length === 0) return
    for (const { sql } of left) connection.exec(sql)
    writeNote(connection, left.reduce(noteAfter, note))
  })
}

/**
 * Reads the state of a schema that this code may work with. Throws `schema-outdated`, `schema-too-old`, `schema-newer`,
 * `schema-foreign` (another application's database). An empty database counts as outdated here.
 */
export function requireUsableSchema(
  connection: Connection,
  migrations: readonly Migration[] = MIGRATIONS,
): SchemaState {
  const note = readNote(connection)
  const state = schemaStateOf(migrations, note)
  requireExpanded(migrations, note)
  return state
}

/** Throws `schema-too-old`, `schema-newer` and `schema-foreign`. */
export function readSchemaState(
  connection: Connection,
  migrations: readonly Migration[] = MIGRATIONS,
): SchemaState {
  return schemaStateOf(migrations, readNote(connection))
}

/** Throws `schema-foreign`. */
function readNote(connection: Connection): SchemaNote {
  const current = connection.pragma('user_version')
  const tables = connection.get<{ n: number }>('SELECT count(*) AS n FROM sqlite_schema')?.n ?? 0
  if ((current > 0 || tables > 0) && connection.pragma('application_id') !== APPLICATION_ID)
    throw foreign()
  if (current === 0) return EMPTY
  const row = connection.get<{ value: string }>(
    'SELECT value FROM settings WHERE name = ?',
    READABLE_FROM,
  )
  if (row === undefined) return noteOfVersion(current)
  const { version: readableFrom } = JSON.parse(row.value) as { readonly version?: number }
  if (readableFrom === undefined || !Number.isSafeInteger(readableFrom)) throw foreign()
  return { current, readableFrom, contracted: readableFrom }
}

function writeNote(connection: Connection, { current, readableFrom }: SchemaNote): void {
  connection.exec(`PRAGMA user_version = ${current}`)
  connection.exec(`PRAGMA application_id = ${APPLICATION_ID}`)
  connection.run(
    'INSERT INTO settings (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value',
    READABLE_FROM,
    JSON.stringify({ version: readableFrom }),
  )
}

function foreign(): Error {
  return schemaRefusal('schema-foreign', 'The database file belongs to another application.')
}
