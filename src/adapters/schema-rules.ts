import { MfaError } from '../domain/errors.ts'
import type { MigrationPhase, MigrationPhases, SchemaState } from '../ports/server-storage.ts'

/** The part of a migration that every storage has. */
export interface NumberedMigration {
  /** Counted without gaps, in the order in which an empty database gets them. */
  readonly version: number
  /**
   * `expand` (the default): it only adds, so that the former release reads and writes the result. `contract`: it
   * removes or tightens what the former release needs.
   */
  readonly phase?: MigrationPhase
}

/** A storage notes these versions of its schema. */
export interface SchemaNote {
  /** The newest migration that was applied. */
  readonly current: number
  /** The oldest version whose code may work with the schema. */
  readonly readableFrom: number
  /** The newest contract that was finished. A storage whose migrations are atomic has the same number twice. */
  readonly contracted: number
}

/** The note of a database to which no migration was applied. */
export const EMPTY: SchemaNote = { current: 0, readableFrom: 0, contracted: 0 }

/**
 * The note of a database in which only a version is noted: a release noted it that knew of no phases, and only the code
 * of that version may work with it.
 */
export function noteOfVersion(current: number): SchemaNote {
  return { current, readableFrom: current, contracted: current }
}

/** The note after a migration. Versions only rise, because two processes may migrate at the same time. */
export function noteAfter(note: SchemaNote, { version, phase }: NumberedMigration): SchemaNote {
  const current = Math.max(note.current, version)
  if (phase !== 'contract')
    return note.current === 0
      ? { current, readableFrom: version, contracted: version }
      : { ...note, current }
  return {
    current,
    readableFrom: Math.max(note.readableFrom, version),
    contracted: Math.max(note.contracted, version),
  }
}

/**
 * Which code may work with a noted schema. Throws MfaError `schema-newer` if it is not this code, and `schema-too-old`
 * for a database of before the first release.
 */
export function schemaStateOf(
  migrations: readonly NumberedMigration[],
  note: SchemaNote,
): SchemaState {
  const { current, readableFrom } = note
  const wanted = migrations.at(-1)?.version ?? 0
  if (readableFrom > wanted) throw newer(note, wanted)
  if (current > 0 && current < (migrations[0]?.version ?? 0)) throw tooOld(current)
  const contract = current === 0 ? undefined : migrationsLeft(migrations, note, 'contract').at(-1)
  return {
    current,
    wanted,
    readableFrom,
    ...(contract === undefined ? {} : { contractsTo: contract.version }),
  }
}

/**
 * Throws MfaError `schema-outdated` unless every migration that expands the schema was applied. One that contracts it
 * may be missing: the code of a release works with and without its contracts, because nodes of the former release may
 * still need what they remove.
 */
export function requireExpanded(migrations: readonly NumberedMigration[], note: SchemaNote): void {
  const needed = migrationsLeft(migrations, note, 'expand').at(-1)?.version
  if (needed !== undefined) throw outdated(note.current, needed)
}

/**
 * The migrations to apply to a database, in order: all to an empty one, otherwise those that `allowed` names. Throws
 * MfaError `schema-outdated` if one that expands the schema is missing and not allowed.
 */
export function migrationsToApply<T extends NumberedMigration>(
  migrations: readonly T[],
  note: SchemaNote,
  allowed: MigrationPhases,
): readonly T[] {
  if (note.current === 0) return migrations
  const expands = allowed === true || allowed === 'expand'
  const contracts = allowed === true || allowed === 'contract'
  if (!expands) requireExpanded(migrations, note)
  return [
    ...(expands ? migrationsLeft(migrations, note, 'expand') : []),
    ...(contracts ? migrationsLeft(migrations, note, 'contract') : []),
  ]
}

export function isApplied(note: SchemaNote, migration: NumberedMigration): boolean {
  return migrationsLeft([migration], note, migration.phase ?? 'expand').length === 0
}

function migrationsLeft<T extends NumberedMigration>(
  migrations: readonly T[],
  { current, contracted }: SchemaNote,
  wanted: MigrationPhase,
): readonly T[] {
  const done = wanted === 'contract' ? contracted : current
  return migrations.filter(({ version, phase = 'expand' }) => phase === wanted && version > done)
}

function outdated(current: number, needed: number): MfaError {
  return schemaRefusal(
    'schema-outdated',
    `The database has schema version ${current} and this oidc-provider-mfa needs ${needed}: run \`oidc-provider-mfa migrate\`, or \`migrate expand\` while nodes of the former version serve.`,
  )
}

function newer({ current, readableFrom }: SchemaNote, wanted: number): MfaError {
  return schemaRefusal(
    'schema-newer',
    `The database has schema version ${current}, made by a newer oidc-provider-mfa, and works with versions that know ${readableFrom}; this one knows versions up to ${wanted}.`,
  )
}

function tooOld(current: number): MfaError {
  return schemaRefusal(
    'schema-too-old',
    `The database has schema version ${current}, of before the first release, with sessions and tokens in clear. It is not migrated: begin with an empty database.`,
  )
}

export function schemaRefusal(
  code: 'schema-outdated' | 'schema-too-old' | 'schema-newer' | 'schema-foreign',
  message: string,
): MfaError {
  return new MfaError(code, message, { status: 503 })
}
