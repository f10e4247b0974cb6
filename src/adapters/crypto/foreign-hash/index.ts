import { argon2 } from './argon2.ts'
import { bcrypt } from './bcrypt.ts'
import { firebaseScrypt } from './firebase-scrypt.ts'
import { pbkdf2Scheme } from './pbkdf2.ts'
import { phpass } from './phpass.ts'
import type { HashKind, HashReading, HashScheme } from './scheme.ts'
import { standardForm } from './native-form.ts'
import { scryptScheme } from './scrypt.ts'

export { hashOfCredential } from './credential.ts'
export { firebaseForm, type FirebaseParameters } from './firebase-scrypt.ts'
export { storedForm } from './native-form.ts'
export type { HashFault, HashKind, HashReading } from './scheme.ts'

const SCHEMES: readonly HashScheme[] = [
  bcrypt,
  pbkdf2Scheme,
  scryptScheme,
  argon2,
  phpass,
  firebaseScrypt,
]

/**
 * The kind of a password hash that another product made, or why it is refused: it is of an unknown scheme, a part of it
 * is malformed, or checking it would take more than a second. Computes no hash, so a refused hash is never computed.
 */
export function readForeignHash(hash: string): HashReading {
  const standard = standardForm(hash).hash
  for (const scheme of SCHEMES) {
    const reading = scheme.read(standard)
    if (reading !== undefined) return reading
  }
  return { fault: 'hash-unknown' }
}

/** A hash of this kind that no password matches; undefined for a kind that this version does not know. */
export function unmatchedForeignHash(kind: HashKind): string | undefined {
  for (const scheme of SCHEMES) {
    const hash = scheme.unmatched(kind)
    if (hash !== undefined) return hash
  }
  return undefined
}

/** False also for a hash that `readForeignHash` refuses. */
export async function verifyForeignHash(hash: string, secret: string): Promise<boolean> {
  const { hash: standard, secretOf } = standardForm(hash)
  const scheme = SCHEMES.find((candidate) => 'kind' in (candidate.read(standard) ?? {}))
  return scheme !== undefined && scheme.verify(standard, secretOf(secret))
}
