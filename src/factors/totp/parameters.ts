import { ScureBase32Plugin } from 'otplib'
import { MfaError } from '../../domain/errors.ts'
import type { Json } from '../../domain/json.ts'

export type TotpAlgorithm = 'SHA1' | 'SHA256' | 'SHA512'

/**
 * The parameters that app and server agreed on at set-up. They belong to the authenticator and not to the deployment:
 * when the options change, existing authenticators keep working.
 */
export type TotpParameters = {
  /** Base32 without padding (RFC 4648 6), as the app takes it. */
  readonly secret: string
  readonly algorithm: TotpAlgorithm
  readonly digits: 6 | 8
  readonly periodSeconds: number
}

export interface TotpOptions {
  /** Length of a code. Default 6: some apps show no other. */
  readonly digits?: 6 | 8
  /** Seconds, 15 to 150. Default 30: some apps know no other. */
  readonly periodSeconds?: number
  /** Default SHA1, which is what every app understands; HMAC does not suffer from SHA-1's collisions. */
  readonly algorithm?: TotpAlgorithm
  /**
   * Steps accepted on each side of the present one, for clocks that differ. Default 1. Refused when
   * (2 x window + 1) x periodSeconds is above 150: a code would live for too long (R6).
   */
  readonly window?: number
}

export type TotpSettings = Required<TotpOptions>

export const ALGORITHMS: readonly unknown[] = ['SHA1', 'SHA256', 'SHA512'] satisfies TotpAlgorithm[]
export const LENGTHS: readonly unknown[] = [6, 8]
const SHORTEST_PERIOD_SECONDS = 15
/** R6: how much time all codes that are accepted at one moment may cover. */
const LONGEST_REACH_SECONDS = 150
/** RFC 4226 4 asks for this at least. */
export const STRONG_SECRET_BYTES = 16
/** Secrets of other products may be shorter; they are accepted until the end that the record sets. */
export const SHORTEST_SECRET_BYTES = 5
/** The longest secret that the computation accepts. */
export const LONGEST_SECRET_BYTES = 64

const DEFAULTS: TotpSettings = { digits: 6, periodSeconds: 30, algorithm: 'SHA1', window: 1 }

/** Throws MfaError `options-invalid` that lists every fault. */
export function readTotpOptions(options: TotpOptions): TotpSettings {
  const settings = { ...DEFAULTS, ...options }
  const { digits, periodSeconds, algorithm, window } = settings
  const faults = Object.keys(options)
    .filter((name) => !Object.hasOwn(DEFAULTS, name))
    .map((name) => `there is no option ${name}`)
  if (!LENGTHS.includes(digits)) faults.push('digits must be 6 or 8')
  if (!isPeriod(periodSeconds))
    faults.push(
      `periodSeconds must be a whole number from ${SHORTEST_PERIOD_SECONDS} to ${LONGEST_REACH_SECONDS}`,
    )
  if (!ALGORITHMS.includes(algorithm)) faults.push('algorithm must be SHA1, SHA256 or SHA512')
  if (!Number.isSafeInteger(window) || window < 0)
    faults.push('window must be a whole number of steps, 0 or more')
  if (window > widestWindow(periodSeconds))
    faults.push(
      `(2 x window + 1) x periodSeconds must be at most ${LONGEST_REACH_SECONDS} seconds (R6)`,
    )
  if (faults.length > 0) throw new MfaError('options-invalid', `totp: ${faults.join('; ')}`)
  return settings
}

/** The number of steps on each side that R6 allows with this period. */
export function widestWindow(periodSeconds: number): number {
  return Math.floor((LONGEST_REACH_SECONDS / periodSeconds - 1) / 2)
}

/** Throws MfaError `record-unreadable`; the message holds nothing of what was stored. */
export function parseParameters(stored: Json): TotpParameters {
  const { secret, algorithm, digits, periodSeconds } = fieldsOf(stored)
  if (
    typeof secret !== 'string' ||
    !isSecret(secret) ||
    !ALGORITHMS.includes(algorithm) ||
    !LENGTHS.includes(digits) ||
    !isPeriod(periodSeconds)
  )
    throw unreadable()
  return {
    secret,
    algorithm: algorithm as TotpAlgorithm,
    digits: digits as 6 | 8,
    periodSeconds,
  }
}

export function fieldsOf(stored: Json): Readonly<Record<string, unknown>> {
  return Object(stored) as Readonly<Record<string, unknown>>
}

export function unreadable(): MfaError {
  return new MfaError('record-unreadable', 'This is not the state of a TOTP authenticator')
}

export function isPeriod(value: unknown): value is number {
  return (
    Number.isSafeInteger(value) &&
    (value as number) >= SHORTEST_PERIOD_SECONDS &&
    (value as number) <= LONGEST_REACH_SECONDS
  )
}

/**
 * The secret's bytes in hexadecimal. HMAC fills a key with zeros (RFC 2104 2), so zeros at the end do not change it.
 * They are removed: otherwise an attacker could bind one key twice.
 */
export function keyOf({ secret }: Pick<TotpParameters, 'secret'>): string {
  const bytes = new ScureBase32Plugin().decode(secret)
  return Buffer.from(bytes)
    .toString('hex')
    .replace(/(?:00)+$/, '')
}

function isSecret(secret: string): boolean {
  try {
    const { length } = new ScureBase32Plugin().decode(secret)
    return length >= SHORTEST_SECRET_BYTES && length <= LONGEST_SECRET_BYTES
  } catch {
    return false
  }
}
