import { MfaError } from '../domain/errors.ts'
import { suggestion } from '../domain/nearest-name.ts'
import { isObject } from './claims.ts'
import { systemClock, type Clock } from './clock.ts'

export interface ResourceServerOptions {
  /** The issuer exactly as its discovery document names it: an https URL, or http on a loopback address. */
  readonly issuer: string
  /** The name of this API. The `aud` of a token has to contain it. */
  readonly audience: string
  /** For tokens that are no JWT (RFC 7662). Default: such a token is invalid. */
  readonly introspection?: IntrospectionOptions
  /** The `realm` of a challenge, printable ASCII. Default: none. */
  readonly realm?: string
  /** The time after which a request to the provider counts as failed, in milliseconds. Default: 5000. */
  readonly timeoutMs?: number
  /** Default: the time of this machine. */
  readonly clock?: Clock
}

export interface IntrospectionOptions {
  /** An https URL, or http on a loopback address. */
  readonly endpoint: string
  /** The client as which this API asks, by `client_secret_basic`. */
  readonly clientId: string
  readonly clientSecret: string
}

/** Options after their examination. */
export interface ParsedOptions {
  readonly issuer: string
  readonly audience: string
  readonly introspection: IntrospectionOptions | undefined
  readonly realm: string | undefined
  readonly timeoutMs: number
  readonly clock: Clock
}

const MEMBERS = ['issuer', 'audience', 'introspection', 'realm', 'timeoutMs', 'clock']
const OF_INTROSPECTION = ['endpoint', 'clientId', 'clientSecret']
const DEFAULT_TIMEOUT_MS = 5000
const LONGEST_TIMEOUT_MS = 60_000

/** Throws `options-invalid` with every fault. No message contains a secret. */
export function parseOptions(given: ResourceServerOptions): ParsedOptions {
  const faults = isObject(given) ? faultsOf(given) : ['the options are an object']
  if (faults.length > 0)
    throw new MfaError('options-invalid', `resourceServer: ${faults.join('; ')}.`)
  return {
    issuer: given.issuer,
    audience: given.audience,
    introspection: given.introspection,
    realm: given.realm,
    timeoutMs: given.timeoutMs ?? DEFAULT_TIMEOUT_MS,
    clock: given.clock ?? systemClock,
  }
}

function faultsOf(given: Readonly<Record<string, unknown>>): string[] {
  const { issuer, audience, introspection, realm, timeoutMs, clock } = given
  const faults = [...unknownIn(given, MEMBERS)]
  if (!isSafeUrl(issuer) || /[?#]/.test(issuer))
    faults.push('issuer is an https URL without query and fragment, or http on a loopback address')
  if (!isText(audience)) faults.push('audience is a string')
  if (realm !== undefined && !(typeof realm === 'string' && /^[\x20-\x7e]+$/.test(realm)))
    faults.push('realm is a string of printable ASCII characters')
  if (timeoutMs !== undefined && !isTimeout(timeoutMs))
    faults.push(`timeoutMs is a whole number from 1 to ${LONGEST_TIMEOUT_MS}`)
  if (clock !== undefined && !(isObject(clock) && typeof clock['now'] === 'function'))
    faults.push('clock has a function now')
  if (introspection !== undefined) faults.push(...faultsOfIntrospection(introspection))
  return faults
}

function faultsOfIntrospection(given: unknown): string[] {
  if (!isObject(given)) return ['introspection is { endpoint, clientId, clientSecret }']
  const faults = [...unknownIn(given, OF_INTROSPECTION)]
  if (!isSafeUrl(given['endpoint']))
    faults.push('introspection.endpoint is an https URL, or http on a loopback address')
  for (const name of ['clientId', 'clientSecret'])
    if (!isText(given[name])) faults.push(`introspection.${name} is a string`)
  return faults
}

function unknownIn(given: object, members: readonly string[]): string[] {
  return Object.keys(given)
    .filter((name) => !members.includes(name))
    .map((name) => `there is no option "${name}"${suggestion(name, members)}`)
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}

function isTimeout(value: unknown): boolean {
  return Number.isSafeInteger(value) && Number(value) >= 1 && Number(value) <= LONGEST_TIMEOUT_MS
}

/**
 * Whether nobody on the way can read or change what is sent to this URL: https, or http that does not leave this
 * machine. A user name and password in it would get into logs.
 */
export function isSafeUrl(value: unknown): value is string {
  if (typeof value !== 'string' || !URL.canParse(value)) return false
  const { protocol, hostname, username, password } = new URL(value)
  if (username !== '' || password !== '') return false
  return protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname))
}

function isLoopback(hostname: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(hostname)
}
