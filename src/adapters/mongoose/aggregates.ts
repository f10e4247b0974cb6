import { MfaError } from '../../domain/errors.ts'
import { MFA_FIELD } from './field.ts'

type Stage = Readonly<Record<string, unknown>>

/** Stages that hand documents on as they are stored, and some that have to come first. */
const LEADING = [
  ...['$match', '$sort', '$limit', '$skip', '$sample', '$geoNear', '$search', '$vectorSearch'],
  ...['$searchMeta', '$collStats', '$indexStats', '$planCacheStats', '$changeStream'],
]
const WRITES = ['$out', '$merge']

/**
 * Takes the record out of an aggregation of users behind its first stages, so that they go on using indexes. Refuses
 * one that writes back into the users: it would bring back what was read. Throws MfaError `fields-protected`.
 */
export function keepOutOfAggregate(
  pipeline: Stage[],
  model: { readonly collection: { readonly name: string } },
): void {
  const last = pipeline.at(-1) ?? {}
  for (const operator of WRITES)
    if (targetOf(last[operator]) === model.collection.name)
      throw new MfaError(
        'fields-protected',
        `An aggregation of users does not write users: ${operator} would bring back what it has read`,
      )
  // An empty one is a fault that Mongoose names.
  if (pipeline.length === 0) return
  const at = pipeline.findIndex((stage) => !LEADING.includes(Object.keys(stage)[0] ?? ''))
  pipeline.splice(at === -1 ? pipeline.length : at, 0, { $unset: MFA_FIELD })
}

/** The collection that `$out` and `$merge` name, in each of their forms. */
function targetOf(spec: unknown): unknown {
  if (typeof spec !== 'object' || spec === null) return spec
  const { into = spec, coll = into } = spec as Record<string, unknown>
  return coll === into && into !== spec ? targetOf(into) : coll
}
