import { MfaError } from '../domain/errors.ts'
import { suggestion } from '../domain/nearest-name.ts'
import { isObject } from './claims.ts'

/** The assurance that an API, or an app, requires. Every member is optional: `{}` requires a valid token alone. */
export interface Requirement {
  /** The `acr` that the token must have, or a list of which one is enough. The challenge names them in this order. */
  readonly acr?: string | readonly string[]
  /** The greatest age of the authentication, a whole number of seconds. With `factors`: of each of these factors. */
  readonly maxAgeSeconds?: number
  /** Values of `amr` (RFC 8176), such as `otp`. The person must have proved every one of them. */
  readonly factors?: readonly string[]
}

/** A requirement after its examination. */
export interface ParsedRequirement {
  /** Absent: any `acr`. Never empty. */
  readonly acr?: readonly string[]
  readonly maxAgeSeconds?: number
  /** Absent: any factor. Never empty. */
  readonly factors?: readonly string[]
}

const MEMBERS = ['acr', 'maxAgeSeconds', 'factors']

/** Visible ASCII. A space would make two values of one in `acr_values`, and a line break a second header. */
const VALUE = /^[\x21-\x7e]+$/

/**
 * Examines a requirement. Throws `options-invalid` with every fault: a requirement with a fault must not protect less
 * than its author meant.
 */
export function parseRequirement(given: unknown = {}): ParsedRequirement {
  if (!isObject(given))
    throw invalid(['a requirement is an object { acr, maxAgeSeconds, factors }'])
  const { acr, maxAgeSeconds, factors } = given
  const faults: string[] = []
  for (const name of Object.keys(given))
    if (!MEMBERS.includes(name))
      faults.push(`a requirement has no member "${name}"${suggestion(name, MEMBERS)}`)
  const levels = typeof acr === 'string' ? [acr] : acr
  if (acr !== undefined && !isListOfValues(levels))
    faults.push('acr is a string of visible ASCII characters, or a list of at least one')
  if (factors !== undefined && !isListOfValues(factors))
    faults.push('factors is a list of at least one value of amr, such as ["otp"]')
  if (maxAgeSeconds !== undefined && !isWholeNumber(maxAgeSeconds))
    faults.push('maxAgeSeconds is a whole number of at least 0')
  if (faults.length > 0) throw invalid(faults)
  return {
    ...(isListOfValues(levels) ? { acr: levels } : {}),
    ...(isWholeNumber(maxAgeSeconds) ? { maxAgeSeconds } : {}),
    ...(isListOfValues(factors) ? { factors } : {}),
  }
}

function isListOfValues(value: unknown): value is readonly string[] {
  return (
    Array.isArray(value) &&
    value.length > 0 &&
    value.every((each) => typeof each === 'string' && VALUE.test(each))
  )
}

function isWholeNumber(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

function invalid(faults: readonly string[]): MfaError {
  return new MfaError('options-invalid', `The requirement is invalid: ${faults.join('; ')}.`)
}
