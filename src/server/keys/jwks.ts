import { createPrivateKey, generateKeyPair } from 'node:crypto'
import { promisify } from 'node:util'
import { calculateJwkThumbprint, type JWK } from 'jose'
import { z } from 'zod'

/** Private keys that sign tokens. The first key of each kind signs; the others are still published. */
export interface SigningKeys {
  readonly keys: readonly JWK[]
}

export type SigningKey = JWK & { readonly kid: string }

/** A fault of the keys and how to mend it, for the one message with which a start is refused. */
export class KeyFault extends Error {
  readonly setting: 'ENCRYPTION_KEYS' | 'JWKS_FILE'

  constructor(setting: KeyFault['setting'], problem: string) {
    super(`${setting} ${problem}`)
    this.name = 'KeyFault'
    this.setting = setting
  }
}

export const SIGNING_ALGORITHMS = ['RS256', 'ES256', 'EdDSA'] as const
export type SigningAlgorithm = (typeof SIGNING_ALGORITHMS)[number]

const makePair = promisify(generateKeyPair)

const jwks = z.object({
  keys: z.array(z.record(z.string(), z.unknown())).min(1, 'holds no key'),
})

/** Checks the value of JWKS_FILE. Throws KeyFault, whose message never contains a part of a key. */
export function parseSigningKeys(value: unknown): SigningKeys {
  const parsed = jwks.safeParse(value)
  if (!parsed.success)
    throw new KeyFault('JWKS_FILE', 'must hold a JSON Web Key Set: { "keys": [ ... ] }')
  const keys = parsed.data.keys as JWK[]
  for (const [index, key] of keys.entries()) {
    try {
      createPrivateKey({ key, format: 'jwk' })
    } catch {
      throw new KeyFault('JWKS_FILE', `key ${index + 1} is not a private key`)
    }
  }
  // OpenID Connect Core 15.1: every relying party may rely on RS256.
  if (!keys.some((key) => key.kty === 'RSA' && [undefined, 'RS256'].includes(key.alg)))
    throw new KeyFault('JWKS_FILE', 'must hold an RSA key, which signs by RS256')
  return { keys }
}

/** A new private key. `kid` is its thumbprint (RFC 7638). */
export async function makeSigningKey(algorithm: SigningAlgorithm): Promise<SigningKey> {
  const { privateKey } = await (algorithm === 'RS256'
    ? makePair('rsa', { modulusLength: 2048 })
    : algorithm === 'ES256'
      ? makePair('ec', { namedCurve: 'P-256' })
      : makePair('ed25519'))
  const jwk = privateKey.export({ format: 'jwk' })
  const kid = await calculateJwkThumbprint(jwk)
  // An Ed25519 key signs under two names, `EdDSA` and the newer `Ed25519` (RFC 9864): it is bound to neither.
  return { ...jwk, kid, use: 'sig', ...(algorithm === 'EdDSA' ? {} : { alg: algorithm }) }
}
