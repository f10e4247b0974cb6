import type { mongo } from 'mongoose'
import { MfaError } from '../../domain/errors.ts'
import type { SchemaState } from '../../ports/server-storage.ts'
import { COLLECTIONS, is } from './collections.ts'
import { inWords, makeIndexes, missingIndexes } from './server-indexes.ts'

export interface Migration {
  /** Counted without gaps. */
  readonly version: number
  /** May run again after an interruption, and on two nodes at the same time, so it must be idempotent. */
  apply(db: mongo.Db): Promise<void>
}

/**
 * Once a migration is released it is never edited: a later change is a migration of its own. Version 1 had the same
 * collections, with sessions and tokens in clear. No release had it, and it is refused. Version 3 has indexes for the
 * sessions and grants of an account.
 */
export const MIGRATIONS: readonly Migration[] = [
  { version: 2, apply: makeIndexes },
  { version: 3, apply: makeIndexes },
  // The indexes of the outbox and of waiting events.
  { version: 4, apply: makeIndexes },
  // The index of the notes of nodes.
  { version: 5, apply: makeIndexes },
]

interface SchemaDocument {
  readonly _id: 'schema'
  readonly version: number
}

/**
 * Applies the migrations that are missing: to an empty database always, to an older one if `migrate` says so; this also
 * creates dropped indexes again. The version is noted last, so that an interrupted migration runs again.
 *
 * Throws MfaError `schema-outdated` if a migration is needed and not allowed, and the errors of `readSchemaState`.
 */
export async function bringUpToDate(
  db: mongo.Db,
  migrate: boolean,
  migrations: readonly Migration[] = MIGRATIONS,
): Promise<void> {
  const { current, wanted } = await readSchemaState(db, migrations)
  if (current > 0 && current < wanted && !migrate)
    throw refusal(
      'schema-outdated',
      `The database has schema version ${current} and this oidc-provider-mfa needs ${wanted}: run \`oidc-provider-mfa migrate\`.`,
    )
  for (const { version, apply } of migrations) if (version > current) await apply(db)
  if (current < wanted)
    await db
      .collection<SchemaDocument>(COLLECTIONS.schema)
      .updateOne({ _id: is('schema') }, { $max: { version: wanted } }, { upsert: true })
  else if (migrate) await makeIndexes(db)

  // Without a unique index two accounts could get one name or one handle, so the server must not start. The other
  // indexes only save time: `doctor` names those that are missing.
  const [unique] = (await missingIndexes(db)).filter((index) => index.options?.unique)
  if (unique !== undefined)
    throw refusal(
      'schema-outdated',
      `The database lacks the index ${inWords(unique)}, which keeps two accounts from having the same name or handle: run \`oidc-provider-mfa migrate\`.`,
    )
}

/**
 * Reads the version of the schema; 0: the database has none yet. Throws MfaError `schema-too-old`, `schema-newer`, and
 * `schema-foreign` if the note is not ours.
 */
export async function readSchemaState(
  db: mongo.Db,
  migrations: readonly Migration[] = MIGRATIONS,
): Promise<SchemaState> {
  const wanted = migrations.at(-1)?.version ?? 0
  const noted = await db
    .collection<SchemaDocument>(COLLECTIONS.schema)
    .findOne({ _id: is('schema') })
  if (noted === null) return { current: 0, wanted }
  const current = noted.version
  if (!Number.isSafeInteger(current) || current < 1)
    throw refusal('schema-foreign', 'The database belongs to another application.')
  if (current > wanted)
    throw refusal(
      'schema-newer',
      `The database has schema version ${current}, made by a newer oidc-provider-mfa; this one knows versions up to ${wanted}.`,
    )
  if (current < (migrations[0]?.version ?? 0))
    throw refusal(
      'schema-too-old',
      `The database has schema version ${current}, of before the first release, with sessions and tokens in clear. It is not migrated: begin with an empty database.`,
    )
  return { current, wanted }
}

function refusal(
  code: 'schema-outdated' | 'schema-too-old' | 'schema-newer' | 'schema-foreign',
  message: string,
): MfaError {
  return new MfaError(code, message, { status: 503 })
}
