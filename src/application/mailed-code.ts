import { createHash, timingSafeEqual } from 'node:crypto'
import { normaliseTyped } from '../factors/normalise.ts'
import type { Dependencies } from './dependencies.ts'
import type { Place } from './place.ts'

const DIGITS = 8
const CODE = /^[0-9]{8}$/

/** A code that is mailed to prove that a person reads mail at an address. */
export function drawCode({ random }: Pick<Dependencies, 'random'>): string {
  const number = Buffer.from(random.bytes(8)).readBigUInt64BE() % 10n ** BigInt(DIGITS)
  return number.toString().padStart(DIGITS, '0')
}

/** The code as it was typed; undefined: it cannot be one. */
export function readCode(typed: string | undefined): string | undefined {
  const code = normaliseTyped(typed)
  return code !== undefined && CODE.test(code) ? code : undefined
}

/**
 * The hash is also sealed. The code is hashed so that even an opened record does not show a code that is still valid.
 */
export function hashCode(place: Pick<Place, 'accountId' | 'interaction'>, code: string): string {
  return createHash('sha256')
    .update(JSON.stringify([place.accountId, place.interaction, code]))
    .digest('base64url')
}

export function isSameHash(one: string, other: string): boolean {
  return timingSafeEqual(Buffer.from(one), Buffer.from(other))
}
