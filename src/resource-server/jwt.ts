import { decodeProtectedHeader, errors, jwtVerify } from 'jose'
import type { Reading } from './claims.ts'
import { SKEW_SECONDS } from './clock.ts'
import type { Keys } from './keys.ts'
import type { ParsedOptions } from './options.ts'
import type { TokenReason } from './refusal.ts'

/**
 * Signatures that only the issuer can make. With an algorithm of a shared key an attacker could sign with the public
 * key, which everybody knows (RFC 8725, 2.1).
 */
const ASYMMETRIC = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
  'ML-DSA-44',
  'ML-DSA-65',
  'ML-DSA-87',
]

/** Whether a token says of itself that it is a signed JWT, also one with `alg: none`. */
export function isJwt(token: string): boolean {
  if (!/^[\w-]+\.[\w-]+\.[\w-]*$/.test(token)) return false
  try {
    decodeProtectedHeader(token)
    return true
  } catch {
    return false
  }
}

/** Verifies a JWT access token (RFC 9068, 4) of the issuer for this API. */
export async function readJwt(
  token: string,
  keys: Keys,
  { issuer, audience, clock }: ParsedOptions,
): Promise<Reading<TokenReason>> {
  const now = clock.now()
  try {
    const { payload } = await jwtVerify(token, (header, input) => keys.find(header, input), {
      algorithms: ASYMMETRIC,
      issuer,
      audience,
      typ: 'at+jwt',
      requiredClaims: ['exp'],
      clockTolerance: SKEW_SECONDS,
      currentDate: new Date(now * 1000),
    })
    // The tolerance is for times that are still to come.
    if ((payload.exp ?? 0) <= now) return { kind: 'refused', reason: 'expired' }
    return { kind: 'accepted', claims: payload }
  } catch (error) {
    // Any other error is no statement about the token.
    if (!(error instanceof errors.JOSEError)) return { kind: 'away', cause: error }
    return { kind: 'refused', reason: reasonOf(error) }
  }
}

function reasonOf(error: errors.JOSEError): TokenReason {
  if (error instanceof errors.JWTExpired) return 'expired'
  if (error instanceof errors.JWTClaimValidationFailed)
    return REASON_OF_CLAIM[error.claim] ?? 'token-malformed'
  return REASON_OF_CODE[error.code] ?? 'token-malformed'
}

const REASON_OF_CLAIM: Readonly<Record<string, TokenReason>> = {
  aud: 'audience',
  exp: 'expired',
  iss: 'issuer',
  nbf: 'not-yet-valid',
  typ: 'type',
}

const REASON_OF_CODE: Readonly<Record<string, TokenReason>> = {
  ERR_JOSE_ALG_NOT_ALLOWED: 'algorithm',
  ERR_JWKS_MULTIPLE_MATCHING_KEYS: 'key-unknown',
  ERR_JWKS_NO_MATCHING_KEY: 'key-unknown',
  ERR_JWS_SIGNATURE_VERIFICATION_FAILED: 'signature',
}
