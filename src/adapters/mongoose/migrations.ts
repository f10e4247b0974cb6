import type { mongo } from 'mongoose'
import type { MigrationPhases, SchemaState } from '../../ports/server-storage.ts'
import {
  EMPTY,
  isApplied,
  migrationsToApply,
  noteAfter,
  noteOfVersion,
  requireExpanded,
  schemaRefusal,
  schemaStateOf,
  type NumberedMigration,
  type SchemaNote,
} from '../schema-rules.ts'
import { COLLECTIONS, is } from './collections.ts'
import { fillAuditKeys, makeAuditSearchable } from './audit-search.ts'
import { inWords, makeIndexes, missingIndexes } from './server-indexes.ts'

export interface Migration extends NumberedMigration {
  /** May run again after an interruption, and on two nodes at the same time, so it must be idempotent. */
  apply(db: mongo.Db): Promise<void>
}

/**
 * CONTRIBUTING.md says how to add one. Once a migration is released it is never edited: a later change is a migration of
 * its own.
 *
 * Version 1 had the same collections, with sessions and tokens in clear. No release had it, and it is refused. Version 3
 * has indexes for the sessions and grants of an account.
 */
export const MIGRATIONS: readonly Migration[] = [
  { version: 2, apply: makeIndexes },
  { version: 3, apply: makeIndexes },
  // The indexes of the outbox and of waiting events.
  { version: 4, apply: makeIndexes },
  // The index of the notes of nodes.
  { version: 5, apply: makeIndexes },
  { version: 6, apply: makeAuditSearchable },
  // The indexes of the chains of the trail.
  { version: 7, apply: makeIndexes },
]

interface SchemaDocument {
  readonly _id: 'schema'
  readonly version: number
  /** Absent in a database that no release with phases has migrated. */
  readonly readableFrom?: number
  readonly contracted?: number
}

/**
 * Applies the migrations that are missing: to an empty database always, to an older one those that `allowed` names; it
 * then also creates dropped indexes again. An operator who allows a contract has stopped the nodes of the former
 * release: the entries of the trail that they have written since the expansion become searchable. A migration is noted
 * when it has ended, so that an interrupted one runs again.
 *
 * Throws MfaError `schema-outdated` if a migration is needed and not allowed, and the errors of `readSchemaState`.
 */
export async function bringUpToDate(
  db: mongo.Db,
  allowed: MigrationPhases,
  migrations: readonly Migration[] = MIGRATIONS,
): Promise<void> {
  const note = await readNote(db)
  schemaStateOf(migrations, note)
  const left = migrationsToApply(migrations, note, allowed)
  if (note.current === 0) await fill(db, left)
  else for (const migration of left) await apply(db, migration)
  if (left.length === 0 && allowed !== false) await makeIndexes(db)
  if (allowed === true || allowed === 'contract') await fillAuditKeys(db)
  await requireUniqueIndexes(db)
}

/** The version is noted last: until then no other node begins to work with an empty database. */
async function fill(db: mongo.Db, migrations: readonly Migration[]): Promise<void> {
  for (const migration of migrations) await migration.apply(db)
  await writeNote(db, migrations.reduce(noteAfter, EMPTY))
}

async function apply(db: mongo.Db, migration: Migration): Promise<void> {
  const note = await readNote(db)
  // Another process has applied it meanwhile, and perhaps a contract after it.
  if (isApplied(note, migration)) return
  const after = noteAfter(note, migration)
  // Code that a contract locks out is locked out before the first change: an interrupted contract is half done.
  if (after.readableFrom > note.readableFrom)
    await writeNote(db, { ...note, readableFrom: after.readableFrom })
  await migration.apply(db)
  await writeNote(db, after)
}

/**
 * Without a unique index two accounts could get one name or one handle, so the server must not start. The other indexes
 * only save time: `doctor` names those that are missing.
 */
async function requireUniqueIndexes(db: mongo.Db): Promise<void> {
  const [unique] = (await missingIndexes(db)).filter((index) => index.options?.unique)
  if (unique !== undefined)
    throw schemaRefusal(
      'schema-outdated',
      `The database lacks the index ${inWords(unique)}, which keeps two accounts from having the same name or handle: run \`oidc-provider-mfa migrate\`.`,
    )
}

/**
 * Reads the state of the schema; `current` 0: the database has none yet. Throws MfaError `schema-too-old`,
 * `schema-newer`, and `schema-foreign` if the note is not ours.
 */
export async function readSchemaState(
  db: mongo.Db,
  migrations: readonly Migration[] = MIGRATIONS,
): Promise<SchemaState> {
  return schemaStateOf(migrations, await readNote(db))
}

/** The same for a schema that this code may work with. Throws `schema-outdated` as well. */
export async function requireUsableSchema(
  db: mongo.Db,
  migrations: readonly Migration[] = MIGRATIONS,
): Promise<SchemaState> {
  const note = await readNote(db)
  const state = schemaStateOf(migrations, note)
  requireExpanded(migrations, note)
  return state
}

async function readNote(db: mongo.Db): Promise<SchemaNote> {
  const noted = await db
    .collection<SchemaDocument>(COLLECTIONS.schema)
    .findOne({ _id: is('schema') })
  if (noted === null) return EMPTY
  const { version, readableFrom = version, contracted = readableFrom } = noted
  if (![version, readableFrom, contracted].every((each) => Number.isSafeInteger(each) && each > 0))
    throw schemaRefusal('schema-foreign', 'The database belongs to another application.')
  return { ...noteOfVersion(version), readableFrom, contracted }
}

/** Two nodes may migrate at the same time: no version is lowered. */
async function writeNote(
  db: mongo.Db,
  { current, readableFrom, contracted }: SchemaNote,
): Promise<void> {
  await db
    .collection<SchemaDocument>(COLLECTIONS.schema)
    .updateOne(
      { _id: is('schema') },
      { $max: { version: current, readableFrom, contracted } },
      { upsert: true },
    )
}
