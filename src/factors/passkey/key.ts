import type { PasskeyAlgorithm } from './options.ts'

/** A decoded COSE key: labels and values as RFC 9053 and RFC 8230 number them. */
export type CoseKey = { readonly size: number; get(label: number): unknown }

const LABEL = { kty: 1, alg: 3, curve: -1, x: -2, y: -3, modulus: -1, exponent: -2 } as const
const KTY = { okp: 1, ec2: 2, rsa: 3 } as const
const CURVE = { p256: 1, ed25519: 6 } as const
const COORDINATE_BYTES = 32
/** The members of a key: a type, an algorithm and its numbers. WebAuthn forbids every other one (6.5.1). */
const MEMBERS: Readonly<Record<PasskeyAlgorithm, number>> = { [-8]: 4, [-7]: 5, [-257]: 4 }
/** Shorter ones are weak (NIST SP 800-131A); longer ones only make the server work. */
const RSA_BITS = { fewest: 2048, most: 8192 }

/** The algorithm that a key names. Undefined: none, or no number. */
export function algorithmOf(key: CoseKey): number | undefined {
  const algorithm = key.get(LABEL.alg)
  return typeof algorithm === 'number' ? algorithm : undefined
}

/**
 * Whether members, type, curve and length of a key are those of its algorithm. The library looks at the type alone when it
 * verifies, so an Ed25519 key that names RS256 would pass as one.
 */
export function fitsAlgorithm(key: CoseKey, algorithm: PasskeyAlgorithm): boolean {
  const kty = key.get(LABEL.kty)
  const curve = key.get(LABEL.curve)
  const x = key.get(LABEL.x)
  if (key.size !== MEMBERS[algorithm]) return false
  switch (algorithm) {
    case -8:
      return kty === KTY.okp && curve === CURVE.ed25519 && isCoordinate(x)
    case -7:
      return (
        kty === KTY.ec2 && curve === CURVE.p256 && isCoordinate(x) && isCoordinate(key.get(LABEL.y))
      )
    case -257:
      return kty === KTY.rsa && isModulus(key.get(LABEL.modulus)) && isExponent(x)
  }
}

function isCoordinate(value: unknown): boolean {
  return value instanceof Uint8Array && value.length === COORDINATE_BYTES
}

function isModulus(value: unknown): boolean {
  const bits = numberOf(value).toString(2).length
  return bits >= RSA_BITS.fewest && bits <= RSA_BITS.most
}

/** An odd number above 1, of 32 bits at most. */
function isExponent(value: unknown): boolean {
  const exponent = numberOf(value)
  return exponent > 1n && exponent < 2n ** 32n && exponent % 2n === 1n
}

/** The number that the bytes are; zero where the value is none. */
function numberOf(value: unknown): bigint {
  return value instanceof Uint8Array ? BigInt(`0x0${Buffer.from(value).toString('hex')}`) : 0n
}
