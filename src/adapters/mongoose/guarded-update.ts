import { MfaError } from '../../domain/errors.ts'
import type { Instant } from '../../domain/time.ts'
import { MFA_FIELD } from './field.ts'
import {
  asWritten,
  filterNamesRecord,
  overlap,
  pathsOf,
  withoutPositions,
  type Fields,
} from './update-paths.ts'

/** Stages of an update pipeline whose result has no field that they do not name. */
const DROPS_FIELDS = ['$project', '$replaceRoot', '$replaceWith']

/** The rule for each write of the application. */
export interface WriteRule {
  /** The paths of passwords or their hashes. Empty: the application reports their changes itself. */
  readonly passwordPaths: ReadonlySet<string>
  readonly now: () => Instant
}

/** Refuses a new document that contains a record. */
export function checkInsert(document: unknown): void {
  if ((asWritten(document) as Fields | undefined)?.[MFA_FIELD] !== undefined) refuse('an insert')
}

/**
 * Refuses an upsert by a filter that names the record: the new user would get the record from the filter. Throws
 * MfaError `fields-protected`.
 */
export function checkFilter(filter: unknown, upsert: unknown): void {
  if (Boolean(upsert) && filterNamesRecord(filter)) refuse('the filter of an upsert')
}

/**
 * Returns the permitted form of an update with operators or of a pipeline: if it writes the password, it notes that in
 * the record in the same atomic step. The given update is not changed. Throws MfaError `fields-protected` when it would
 * write, move or drop the record.
 */
export function guardedUpdate(update: unknown, rule: WriteRule): unknown {
  if (Array.isArray(update)) return guardedPipeline(update, rule)
  const operators = readable(update)
  for (const [operator, spec] of Object.entries(operators))
    if (pathsOf(operator, spec).some((path) => overlap(path, MFA_FIELD))) refuse(operator)
  return writesPassword(operators, rule)
    ? withPasswordChanged(operators, rule.now())
    : { ...operators }
}

/**
 * Returns a replacement as an update that replaces everything except the record, which keeps its value at the moment of
 * the write. If it were read before and written with the rest, a code that a sign-in spends in between would be valid
 * again. Throws MfaError `fields-protected`.
 */
export function guardedReplacement(replacement: unknown, rule: WriteRule): Fields[] {
  const user = asWritten(replacement)
  checkInsert(user)
  const kept = `$${MFA_FIELD}`
  const same = [...rule.passwordPaths].map(withoutPositions).map((path) => ({
    $eq: [{ $ifNull: [`$${path}`, null] }, { $literal: valueAt(user, path) ?? null }],
  }))
  const mfa =
    same.length === 0
      ? kept
      : { $cond: [{ $and: same }, kept, passwordChangedExpression(rule.now())] }
  const parts = [{ _id: '$_id' }, { $literal: user }, { [MFA_FIELD]: mfa }]
  return [{ $replaceWith: { $mergeObjects: parts } }]
}

function guardedPipeline(given: readonly unknown[], rule: WriteRule): unknown {
  const stages = given.map(readable)
  let password = false
  for (const stage of stages)
    for (const [operator, spec] of Object.entries(stage)) {
      if (DROPS_FIELDS.includes(operator)) refuse(`${operator} of an update pipeline`)
      const paths = pathsOf(operator, spec)
      if (paths.some((path) => overlap(path, MFA_FIELD))) refuse(operator)
      password ||= touchesPassword(paths, rule)
    }
  if (!password) return [...stages]
  return [...stages, { $set: { [MFA_FIELD]: passwordChangedExpression(rule.now()) } }]
}

function writesPassword(operators: Fields, rule: WriteRule): boolean {
  return Object.entries(operators).some(
    // `$setOnInsert` sets the password of a new user, so there is no older password.
    ([operator, spec]) =>
      operator !== '$setOnInsert' && touchesPassword(pathsOf(operator, spec), rule),
  )
}

function touchesPassword(paths: readonly string[], { passwordPaths }: WriteRule): boolean {
  return paths.some((path) => [...passwordPaths].some((password) => overlap(path, password)))
}

function withPasswordChanged(operators: Fields, now: Instant): Fields {
  const merged = (operator: string, fields: Fields): Fields => ({
    [operator]: { ...(operators[operator] as Fields | undefined), ...fields },
  })
  const changed = `${MFA_FIELD}.passwordChanged`
  return {
    ...operators,
    // The version is raised too, so that a sign-in that has loaded the record before loses its save.
    ...merged('$inc', { [`${MFA_FIELD}.version`]: 1, [`${changed}.times`]: 1 }),
    ...merged('$max', { [`${changed}.at`]: now }),
  }
}

/** The same as an expression, for pipelines. */
function passwordChangedExpression(now: Instant): Fields {
  const oneMore = (path: string): Fields => ({
    $add: [{ $ifNull: [`$${MFA_FIELD}.${path}`, 0] }, 1],
  })
  return {
    $mergeObjects: [
      `$${MFA_FIELD}`,
      {
        version: oneMore('version'),
        passwordChanged: {
          times: oneMore('passwordChanged.times'),
          at: { $max: [`$${MFA_FIELD}.passwordChanged.at`, now] },
        },
      },
    ],
  }
}

/** Operators or a stage with their values, as the driver will write them. */
function readable(given: unknown): Fields {
  const fields = asWritten(given) ?? {}
  return Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, asWritten(value)]))
}

/** The value that an aggregation expression finds at a path; for an array, the values in each of its documents. */
function valueAt(at: unknown, path: string): unknown {
  const value = asWritten(at)
  if (path === '') return value
  if (Array.isArray(value))
    return value.map((each) => valueAt(each, path)).filter((each) => each !== undefined)
  if (typeof value !== 'object' || value === null) return undefined
  const [key = '', ...rest] = path.split('.')
  return valueAt((value as Fields)[key], rest.join('.'))
}

function refuse(by: string): never {
  throw new MfaError(
    'fields-protected',
    `The field ${MFA_FIELD} of a user is written by the second factor alone, not by ${by}: keep it out of what requests send; mfa.accounts.reset(id) removes a second factor`,
  )
}
