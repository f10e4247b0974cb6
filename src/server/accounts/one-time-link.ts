import { createHash } from 'node:crypto'
import type { Account } from '../../ports/accounts.ts'
import type { Random } from '../../ports/services.ts'

/** The secret in the address of a one-time link: 256 bits in base64url. */
export function newToken(random: Random): string {
  return Buffer.from(random.bytes(32)).toString('base64url')
}

/** Whether a text can be a token. Other texts are not looked up. */
export function isToken(text: string): boolean {
  return /^[A-Za-z0-9_-]{43}$/.test(text)
}

/** The key in the storage, which holds only a hash: a thief who reads the storage cannot use the link (R39). */
export function keyOfToken(kind: string, token: string): string {
  return `${kind}:${createHash('sha256').update(token).digest('base64url')}`
}

/**
 * A value that changes with the password and with a reset by an administrator. The reset is included because an account
 * without a password has none after it either. A link that carries another value is void.
 */
export function stampOf(account: Account): string {
  return createHash('sha256')
    .update(`${account.setUpSerial ?? 0} ${account.passwordHash ?? ''}`)
    .digest('base64url')
    .slice(0, 22)
}
