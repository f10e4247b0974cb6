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
  const last = pipeline.at(-1) ?? {}
  for (const operator of WRITES)
    if (targetOf(last[operator]) === users)
      throw new MfaError(
        'fields-protected',
        `An aggregation of users does not write users: ${operator} would bring back what it has read`,
      )
  const found = pipeline.findIndex((stage) => !LEADING.includes(Object.keys(stage)[0] ?? ''))
  const at = found === -1 ? pipeline.length : found
  return [...pipeline.slice(0, at), { $unset: MFA_FIELD }, ...pipeline.slice(at)]
}

/** The collection that `$out` and `$merge` name, in each of their forms. */
function targetOf(given: unknown): unknown {
  const spec = asWritten(given)
  if (typeof spec !== 'object' || spec === null) return spec
  const { into = spec, coll = into } = spec as Record<string, unknown>
  return coll === into && into !== spec ? targetOf(into) : coll
}
