import { MFA_FIELD } from './field.ts'

export type Fields = Readonly<Record<string, unknown>>

/** `.0`, `.$`, `.$[]` and `.$[name]`: which one of an array. */
const ARRAY_POSITION = /\.(\d+|\$(\[[^\]]*\])?)(?=\.|$)/g

/** A path as the schema has it: a password in a document of an array is one, whichever document it is in. */
export function withoutPositions(path: string): string {
  return path.replace(ARRAY_POSITION, '')
}

/** Whether writing one path writes the other, or some of it, in whatever place of an array. */
export function overlap(one: string, other: string): boolean {
  const [a, b] = [withoutPositions(one), withoutPositions(other)]
  return a === b || a.startsWith(`${b}.`) || b.startsWith(`${a}.`)
}

/** The paths that one operator or stage writes. */
export function pathsOf(operator: string, spec: unknown): string[] {
  if (!operator.startsWith('$')) return [operator]
  if (typeof spec === 'string') return [spec]
  if (Array.isArray(spec)) return spec.map(String)
  if (typeof spec !== 'object' || spec === null) return []
  const paths = Object.keys(spec)
  return operator === '$rename' ? [...paths, ...Object.values(spec).map(String)] : paths
}

/**
 * A value with the keys that the driver will write: it takes what `toBSON` answers, and the entries of a Map, whose
 * own keys would show nothing. Whatever is looked at is made this first, and is what is written then.
 */
export function asWritten(given: unknown): unknown {
  if (typeof given !== 'object' || given === null) return given
  const { toBSON } = given as { toBSON?: unknown }
  if (typeof toBSON === 'function') {
    const answer: unknown = toBSON.call(given)
    return answer === given ? given : asWritten(answer)
  }
  return isMap(given) ? Object.fromEntries(given) : given
}

/** As the driver sees one: of another realm too. */
function isMap(value: object): value is Map<string, unknown> {
  return (
    value instanceof Map ||
    (value as { [Symbol.toStringTag]?: unknown })[Symbol.toStringTag] === 'Map'
  )
}

/** Whether a filter names the record: an upsert would write what it compares with into the new user. */
export function filterNamesRecord(filter: unknown): boolean {
  const written = asWritten(filter)
  if (Array.isArray(written)) return written.some(filterNamesRecord)
  if (typeof written !== 'object' || written === null) return false
  return Object.entries(written).some(([key, condition]) =>
    key.startsWith('$') ? filterNamesRecord(condition) : overlap(key, MFA_FIELD),
  )
}
