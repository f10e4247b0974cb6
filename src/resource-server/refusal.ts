import type { AssuranceCode } from './assurance.ts'
import type { ParsedRequirement } from './requirement.ts'

/** Why a request was refused, for the log of the API. The answer tells less. */
export type Reason =
  | 'no-token' // no Authorization header, or one of another scheme than Bearer
  | TokenReason
  | AssuranceCode
  | 'provider-away' // the keys or the introspection could not be fetched: nobody knows whether the token is valid

/** Why a token is not valid here. */
export type TokenReason =
  | 'token-malformed' // no token by RFC 6750, or neither a JWT nor is an introspection configured
  | 'algorithm' // the signature is not of an asymmetric algorithm
  | 'key-unknown' // no key of the issuer fits, or several do
  | 'signature'
  | 'type' // a JWT whose `typ` is not `at+jwt`, such as an ID token
  | 'issuer'
  | 'audience' // it was issued for another API
  | 'expired' // `exp` is over, or is absent
  | 'not-yet-valid'
  | 'inactive' // the introspection says so
  | 'key-bound' // the token is bound to a key or certificate (`cnf`), and nobody has examined the proof

/** A refusal as the parts of a response. */
export interface Refusal {
  readonly ok: false
  readonly status: 401 | 503
  readonly headers: Readonly<Record<string, string>>
  readonly reason: Reason
  /** The fault behind `provider-away`. */
  readonly cause?: unknown
}

export const RETRY_AFTER_SECONDS = 5

/** No token: the challenge has no error code (RFC 6750, 3.1). */
export function noToken(realm: string | undefined): Refusal {
  return unauthorized('no-token', { realm })
}

/** A token that is not valid here. The text is one for every reason. */
export function invalidToken(reason: TokenReason, realm: string | undefined): Refusal {
  return unauthorized(reason, {
    realm,
    error: 'invalid_token',
    error_description:
      reason === 'key-bound'
        ? 'The access token is bound to a key, and this API takes no such token'
        : 'The access token is invalid or expired',
  })
}

/** Too little assurance: the challenge says what to ask the provider for (RFC 9470, 3). */
export function insufficient(
  reason: AssuranceCode,
  requirement: ParsedRequirement,
  realm: string | undefined,
): Refusal {
  const { acr, maxAgeSeconds } = requirement
  return unauthorized(reason, {
    realm,
    error: 'insufficient_user_authentication',
    error_description:
      reason === 'too-old'
        ? 'More recent authentication is required'
        : 'A different authentication level is required',
    acr_values: acr?.join(' '),
    max_age: maxAgeSeconds === undefined ? undefined : String(maxAgeSeconds),
  })
}

/** Nobody knows whether the token is valid: the request does not pass (R32). */
export function providerAway(cause: unknown): Refusal {
  return {
    ok: false,
    status: 503,
    headers: { 'Retry-After': String(RETRY_AFTER_SECONDS) },
    reason: 'provider-away',
    cause,
  }
}

function unauthorized(
  reason: Reason,
  parameters: Readonly<Record<string, string | undefined>>,
): Refusal {
  return {
    ok: false,
    status: 401,
    headers: { 'WWW-Authenticate': challenge(parameters) },
    reason,
  }
}

/** A challenge of the scheme Bearer with the parameters that have a value (RFC 9110, 11.6.1). */
function challenge(parameters: Readonly<Record<string, string | undefined>>): string {
  const given = Object.entries(parameters).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${quoted(value)}`],
  )
  return ['Bearer', given.join(', ')].filter((part) => part !== '').join(' ')
}

/** A quoted-string (RFC 9110, 5.6.4). The options allow no other characters than printable ASCII. */
function quoted(value: string): string {
  return `"${value.replaceAll(/["\\]/g, String.raw`\$&`)}"`
}
