import { MfaError } from '../../domain/errors.ts'
import type { SchemaState } from '../../ports/server-storage.ts'
import type { Connection } from './connection.ts'
import {
  FIRST_SCHEMA,
  LEASES_SCHEMA,
  NODES_SCHEMA,
  OUTBOX_SCHEMA,
  RECORDS_OF_ACCOUNTS,
} from './schema.ts'

export interface Migration {
  /** Counted without gaps; `PRAGMA user_version` holds the last one applied. */
  readonly version: number
  readonly sql: string
}

/** Version 1 had the same tables, with sessions and tokens in clear. No release had it, and it is refused. */
export const MIGRATIONS: readonly Migration[] = [
  { version: 2, sql: FIRST_SCHEMA },
  { version: 3, sql: RECORDS_OF_ACCOUNTS },
  { version: 4, sql: OUTBOX_SCHEMA },
  { version: 5, sql: LEASES_SCHEMA },
  { version: 6, sql: NODES_SCHEMA },
]

/** `PRAGMA application_id`, "mfa1" in ASCII: tells this product's files from any other SQLite database. */
const APPLICATION_ID = 0x6d666131

/**
 * Applies the migrations that are missing: to an empty database always, to an older one if `migrate` says so. All of
 * them run in one transaction that takes the write lock before it reads the version: of two processes that start at the
 * same time, the second finds the work done, and neither sees a part of it.
 *
 * Throws `schema-outdated` if a migration is needed and not allowed, and what `requireCurrentSchema` throws.
 */
export function bringUpToDate(
  connection: Connection,
  migrate: boolean,
  migrations: readonly Migration[] = MIGRATIONS,
): void {
  connection.transaction(() => {
    const state = readSchemaState(connection, migrations)
    if (state.current === state.wanted) return
    if (state.current > 0 && !migrate) throw outdated(state)
    for (const migration of migrations) {
      if (migration.version > state.current) connection.exec(migration.sql)
    }
    connection.exec(`PRAGMA user_version = ${state.wanted}`)
    connection.exec(`PRAGMA application_id = ${APPLICATION_ID}`)
  })
}

/**
 * Throws unless the schema is the one this version works with: `schema-outdated`, `schema-too-old`, `schema-newer`,
 * `schema-foreign` (another application's database). An empty database counts as outdated here.
 */
export function requireCurrentSchema(
  connection: Connection,
  migrations: readonly Migration[] = MIGRATIONS,
): void {
  const state = readSchemaState(connection, migrations)
  if (state.current < state.wanted) throw outdated(state)
}

/** Throws `schema-too-old`, `schema-newer` and `schema-foreign`. */
export function readSchemaState(
  connection: Connection,
  migrations: readonly Migration[] = MIGRATIONS,
): SchemaState {
  const current = connection.pragma('user_version')
  const wanted = migrations.at(-1)?.version ?? 0
  const tables = connection.get<{ n: number }>('SELECT count(*) AS n FROM sqlite_schema')?.n ?? 0
  if ((current > 0 || tables > 0) && connection.pragma('application_id') !== APPLICATION_ID) {
    throw refusal('schema-foreign', 'The database file belongs to another application.')
  }
  if (current > wanted) {
    throw refusal(
      'schema-newer',
      `The database has schema version ${current}, made by a newer oidc-provider-mfa; this one knows versions up to ${wanted}.`,
    )
  }
  if (current > 0 && current < (migrations[0]?.version ?? 0)) throw tooOld(current)
  return { current, wanted }
}

function tooOld(current: number): MfaError {
  return refusal(
    'schema-too-old',
    `The database has schema version ${current}, of before the first release, with sessions and tokens in clear. It is not migrated: begin with an empty database.`,
  )
}

function outdated({ current, wanted }: SchemaState): MfaError {
  return refusal(
    'schema-outdated',
    `The database has schema version ${current} and this oidc-provider-mfa needs ${wanted}: run \`oidc-provider-mfa migrate\`.`,
  )
}

function refusal(
  code: 'schema-outdated' | 'schema-too-old' | 'schema-newer' | 'schema-foreign',
  message: string,
): MfaError {
  return new MfaError(code, message, { status: 503 })
}
