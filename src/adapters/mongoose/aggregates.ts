import { MfaError } from '../../domain/errors.ts'
import { MFA_FIELD } from './field.ts'
import { asWritten } from './update-paths.ts'

type Stage = Readonly<Record<string, unknown>>

/** Stages that pass documents on unchanged, and stages that must come first. */
const LEADING = [
  '$match',
  '$sort',
  '$limit',
  '$skip',
  '$sample',
  '$geoNear',
  '$search',
  '$vectorSearch',
  '$searchMeta',
  '$collStats',
  '$indexStats',
  '$planCacheStats',
  '$changeStream',
]
const WRITES = ['$out', '$merge']

/**
 * An aggregation of users without the record, which is removed after the first stages, so that these can still use
 * indexes. Refuses an aggregation that writes into the users: it would overwrite the record with an older one. Throws
 * MfaError `fields-protected`.
 */
export function guardedAggregate(given: readonly unknown[], users: string): Stage[] {
  const pipeline = given.map((stage) => asWritten(stage) as Stage)
  refuseWriting(pipeline.at(-1) ?? {}, users)
  const found = pipeline.findIndex((stage) => !LEADING.includes(Object.keys(stage)[0] ?? ''))
  const at = found === -1 ? pipeline.length : found
  return [...pipeline.slice(0, at), { $unset: MFA_FIELD }, ...pipeline.slice(at)]
}

interface StagedCursor {
  addStage(stage: unknown): unknown
  clone(): StagedCursor
}

/**
 * The cursor of such an aggregation. The driver lets a program add stages to it later (`cursor.out('users')`); a stage
 * that writes into the users is refused there too.
 */
export function guardedCursor<Cursor>(cursor: Cursor, users: string): Cursor {
  // Before the connection is open, Mongoose 8 returns nothing and Mongoose 9 a promise; both call the method again.
  if (!isStaged(cursor)) return cursor
  const add = cursor.addStage.bind(cursor)
  const clone = cursor.clone.bind(cursor)
  return Object.assign(cursor, {
    addStage(stage: unknown) {
      refuseWriting(asWritten(stage) as Stage, users)
      return add(stage)
    },
    clone: () => guardedCursor(clone(), users),
  })
}

function isStaged(cursor: unknown): cursor is StagedCursor {
  return typeof cursor === 'object' && cursor !== null && 'addStage' in cursor
}

function refuseWriting(stage: Stage, users: string): void {
  for (const operator of WRITES)
    if (targetOf(stage[operator]) === users)
      throw new MfaError(
        'fields-protected',
        `An aggregation of users does not write users: ${operator} would bring back what it has read`,
      )
}

/** The collection that `$out` and `$merge` name, in each of their forms. */
function targetOf(given: unknown): unknown {
  const spec = asWritten(given)
  if (typeof spec !== 'object' || spec === null) return spec
  const { into = spec, coll = into } = spec as Record<string, unknown>
  return coll === into && into !== spec ? targetOf(into) : coll
}
