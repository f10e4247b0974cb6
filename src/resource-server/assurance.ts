import { isObject } from './claims.ts'
import { SKEW_SECONDS, systemClock } from './clock.ts'
import { parseRequirement, type ParsedRequirement, type Requirement } from './requirement.ts'

export type AssuranceCode =
  | 'acr-too-low' // `acr` is absent, or is none of those that are required
  | 'too-old' // the authentication, or a required factor, is older than allowed, or the token does not tell its age
  | 'factor-missing' // the token does not say that a required factor was proved
  | 'claims-malformed' // a claim that counts has the wrong type, or a time that is still to come

/** The claims are valid but do not show the assurance that is required. */
export class AssuranceError extends Error {
  readonly code: AssuranceCode

  constructor(code: AssuranceCode, message: string) {
    super(message)
    this.name = 'AssuranceError'
    this.code = code
  }
}

/**
 * Throws an `AssuranceError` unless the claims show the required assurance. The claims are those of an ID token, a JWT
 * access token or an introspection, and somebody has verified them before: this function examines no signature.
 *
 * The age is that of `auth_time`. With `factors`, it is the age of each of these factors in the claim `authn_factors`
 * instead: a code of a minute ago beside a password of this morning. An entry with `trusted_browser` is no factor. A
 * token without `authn_factors` does not tell how old a factor is: then `amr` is enough only where no age is required.
 *
 * `now` is in seconds since the Unix epoch; default: the time of this machine. Throws `options-invalid` for a
 * requirement with a fault.
 */
export function assertAssurance(
  claims: unknown,
  requirement: Requirement,
  { now = systemClock.now() }: { readonly now?: number } = {},
): void {
  assertParsed(claims, parseRequirement(requirement), now)
}

/** The same for a requirement that was examined before. */
export function assertParsed(claims: unknown, requirement: ParsedRequirement, now: number): void {
  if (!isObject(claims)) throw malformed('The claims are no object')
  const { acr, maxAgeSeconds, factors } = requirement
  if (acr !== undefined) assertAcr(claims['acr'], acr)
  if (factors !== undefined) assertFactors(claims, factors, maxAgeSeconds, now)
  else if (maxAgeSeconds !== undefined) assertAge(claims['auth_time'], maxAgeSeconds, now)
}

function assertAcr(acr: unknown, required: readonly string[]): void {
  if (acr !== undefined && typeof acr !== 'string') throw malformed('acr is no string')
  if (acr === undefined || !required.includes(acr))
    throw new AssuranceError('acr-too-low', 'The acr of the token is none of those required')
}

function assertAge(authTime: unknown, maxAgeSeconds: number, now: number): void {
  if (authTime === undefined)
    throw new AssuranceError('too-old', 'The token does not tell when the person authenticated')
  if (now - timeOf(authTime, 'auth_time', now) > maxAgeSeconds)
    throw new AssuranceError('too-old', 'The authentication is too old')
}

function assertFactors(
  claims: Readonly<Record<string, unknown>>,
  factors: readonly string[],
  maxAgeSeconds: number | undefined,
  now: number,
): void {
  const proved = provedIn(claims, now)
  for (const factor of factors) {
    const times = proved.filter(({ amr }) => amr.includes(factor)).map(({ time }) => time)
    if (times.length === 0)
      throw new AssuranceError('factor-missing', `The token does not say that "${factor}" was used`)
    if (maxAgeSeconds === undefined) continue
    if (!times.some((time) => time !== undefined && now - time <= maxAgeSeconds))
      throw new AssuranceError(
        'too-old',
        `The factor "${factor}" is too old, or its age is unknown`,
      )
  }
}

interface Proved {
  readonly amr: readonly string[]
  /** Undefined: the token does not tell. */
  readonly time?: number
}

/** The factors that the token names: those of `authn_factors` or, if it has no such claim, those of `amr`. */
function provedIn(claims: Readonly<Record<string, unknown>>, now: number): Proved[] {
  const { authn_factors: entries, amr = [] } = claims
  if (entries === undefined) return [{ amr: listOf(amr, 'amr') }]
  if (!Array.isArray(entries)) throw malformed('authn_factors is no list')
  return entries.flatMap((entry: unknown): Proved[] => {
    if (!isObject(entry)) throw malformed('An entry of authn_factors is no object')
    const { amr: methods, time, trusted_browser: trusted = false } = entry
    if (typeof trusted !== 'boolean') throw malformed('trusted_browser is neither true nor false')
    if (trusted) return []
    const name = 'an entry of authn_factors'
    return [{ amr: listOf(methods, `amr of ${name}`), time: timeOf(time, `time of ${name}`, now) }]
  })
}

function listOf(value: unknown, name: string): readonly string[] {
  if (!Array.isArray(value) || !value.every((each) => typeof each === 'string'))
    throw malformed(`${name} is no list of strings`)
  return value
}

/** A NumericDate (RFC 7519, 2). One that is still to come was not made by a clock that fits ours. */
function timeOf(value: unknown, name: string, now: number): number {
  if (typeof value !== 'number' || !Number.isFinite(value) || value < 0)
    throw malformed(`${name} is no time in seconds`)
  if (value > now + SKEW_SECONDS) throw malformed(`${name} is in the future`)
  return value
}

function malformed(message: string): AssuranceError {
  return new AssuranceError('claims-malformed', message)
}
