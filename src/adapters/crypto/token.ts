import { createHash } from 'node:crypto'
import type { Random } from '../../ports/services.ts'

const TOKEN_BYTES = 32
/** R4. */
const FEWEST_BYTES = 16

/** An unguessable token in base64url, of 32 bytes by default. Throws a RangeError for fewer than 16. */
export function randomToken(random: Random, bytes: number = TOKEN_BYTES): string {
  if (bytes < FEWEST_BYTES) throw new RangeError(`A token has at least ${FEWEST_BYTES} bytes`)
  return Buffer.from(random.bytes(bytes)).toString('base64url')
}

/**
 * The form in which a token is stored and looked up: SHA-256, base64url. A fast hash is enough for 128 random bits or
 * more, but not for a secret that a person chose.
 */
export function hashToken(token: string): string {
  return createHash('sha256').update(token).digest('base64url')
}
