import { verify } from '@node-rs/bcrypt'
import { randomBytes } from 'node:crypto'
import type { HashScheme } from './scheme.ts'

/**
 * The highest cost. A check takes a third of a second at 12 and twice the time with each step; a higher cost would
 * delay every sign-in for seconds.
 */
const MOST_COST = 14
const LEAST_COST = 4

/** 16 bytes of salt and 23 of tag, each with a last symbol whose spare bits are zero. */
const HASH = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{21}[.Oeu][./A-Za-z0-9]{30}[.CGKOSWaeimquy26]$/
const SALT_SYMBOLS = 21
const TAG_SYMBOLS = 30
const ALPHABET = './ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'

/** `$2x$` is refused: it marks hashes of an implementation whose fault differs from password to password. */
export const bcrypt: HashScheme = {
  read(hash) {
    if (!hash.startsWith('$2')) return undefined
    const [, digits] = HASH.exec(hash) ?? []
    const cost = Number(digits)
    if (digits === undefined || cost < LEAST_COST) return { fault: 'hash-malformed' }
    return cost > MOST_COST ? { fault: 'hash-too-costly' } : { kind: `bcrypt ${cost}` }
  },

  unmatched(kind) {
    const [, cost] = /^bcrypt (\d+)$/.exec(kind) ?? []
    return cost === undefined
      ? undefined
      : `$2b$${cost.padStart(2, '0')}$${symbols(SALT_SYMBOLS)}.${symbols(TAG_SYMBOLS)}.`
  },

  /** bcrypt ignores everything after 72 bytes, so after a sign-in with a longer password no new hash is made of it. */
  verify: (hash, secret) => verify(secret, hash),
}

function symbols(count: number): string {
  return Array.from(randomBytes(count), (byte) => ALPHABET[byte % ALPHABET.length]).join('')
}
