import { MFA_FIELD } from './field.ts'

export type Fields = Readonly<Record<string, unknown>>

/** `.0`, `.$`, `.$[]` and `.$[name]`: the position in an array. */
const ARRAY_POSITION = /\.(\d+|\$(\[[^\]]*\])?)(?=\.|$)/g

/**
 * The path without positions in arrays, as the schema has it, so that a password in any document of an array is
 * recognised.
 */
export function withoutPositions(path: string): string {
  return path.replace(ARRAY_POSITION, '')
}

/** Whether a write to one path also writes the other, or a part of it, at any position of an array. */
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
 * A value with the keys that the driver will write: it uses the result of `toBSON`, and the entries of a Map, which are
 * not its own keys. Every value is converted first, checked in this form, and written in this form.
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

/** Whether the driver treats the value as a Map, also one of another realm. */
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
