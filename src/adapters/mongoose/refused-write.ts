/** The member of the driver's errors that says why a document does not pass validation (since MongoDB 5.0). */
interface Refusing {
  readonly errInfo?: unknown
  readonly writeErrors?: unknown
  readonly err?: unknown
  readonly cause?: unknown
}

type Details = Readonly<Record<string, unknown>>

/** The most levels that are read: the rules of a validator may be nested, and a cycle of causes must not loop for ever. */
const DEPTH = 12

/**
 * The paths of the fields that a validator of a collection refuses, as far as the driver's error names them: a field
 * that the schema does not allow, one that it requires, or one of another type. Names only, never values (R31).
 */
export function refusedFields(error: unknown): string[] {
  return [...new Set(errInfosOf(error, DEPTH).flatMap((info) => fieldsIn(info, '', DEPTH)))]
}

function errInfosOf(error: unknown, depth: number): unknown[] {
  if (depth === 0 || typeof error !== 'object' || error === null) return []
  const { errInfo, writeErrors = [], err, cause } = error as Refusing
  const others = [writeErrors, err, cause].flat()
  return [errInfo, ...others.flatMap((each) => errInfosOf(each, depth - 1))]
}

function fieldsIn(details: unknown, above: string, depth: number): string[] {
  if (depth === 0 || typeof details !== 'object' || details === null) return []
  if (Array.isArray(details)) return details.flatMap((each) => fieldsIn(each, above, depth - 1))
  const { propertyName, additionalProperties, missingProperties, ...rest } = details as Details
  const path = typeof propertyName === 'string' ? `${above}${propertyName}` : undefined
  const below = path === undefined ? above : `${path}.`
  const named = [additionalProperties, missingProperties]
    .flat()
    .filter((name) => typeof name === 'string')
    .map((name) => `${below}${name}`)
  const { specifiedAs: _, consideredValue: __, ...nested } = rest
  const deeper = Object.values(nested).flatMap((each) => fieldsIn(each, below, depth - 1))
  const found = [...named, ...deeper]
  return found.length === 0 && path !== undefined ? [path] : found
}
