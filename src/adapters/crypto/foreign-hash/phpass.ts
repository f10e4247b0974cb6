import { hash as digest, randomBytes, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import type { HashFault, HashScheme } from './scheme.ts'

const turn = promisify(setImmediate)

const ALPHABET = './0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const LEAST_LOG_ROUNDS = 7
/** 2^18 rounds of MD5 take less than half a second. WordPress has 2^13. */
const MOST_LOG_ROUNDS = 18
/** Rounds that are computed before other requests are served: about 3 ms. */
const ROUNDS_AT_ONCE = 2 ** 11
const TAG_BYTES = 16
const SALT_SYMBOLS = 8
const TAG_SYMBOLS = 22

/** `$P$` or phpBB's `$H$`, the logarithm of the rounds as a symbol, 8 symbols of salt and 22 of tag. */
const HASH = /^\$[PH]\$([./0-9A-Za-z])([./0-9A-Za-z]{8})([./0-9A-Za-z]{21}[./01])$/

interface Parts {
  readonly logRounds: number
  readonly salt: string
  readonly tag: Buffer
}

/** The portable hashes of phpass: MD5 in rounds. WordPress before 6.8, phpBB and Drupal 7 made them. */
export const phpass: HashScheme = {
  read(hash) {
    if (!/^\$[PH]\$/.test(hash)) return undefined
    const parts = partsOf(hash)
    return typeof parts === 'string' ? { fault: parts } : { kind: `phpass ${parts.logRounds}` }
  },

  unmatched(kind) {
    const [, logRounds] = /^phpass (\d+)$/.exec(kind) ?? []
    return logRounds === undefined
      ? undefined
      : `$P$${ALPHABET.charAt(Number(logRounds))}${symbols(SALT_SYMBOLS)}${symbols(TAG_SYMBOLS - 1)}.`
  },

  async verify(hash, secret) {
    const parts = partsOf(hash)
    if (typeof parts === 'string') return false
    const password = Buffer.from(secret)
    let state = md5(Buffer.concat([Buffer.from(parts.salt), password]))
    for (let round = 0; round < 2 ** parts.logRounds; round += 1) {
      if (round % ROUNDS_AT_ONCE === ROUNDS_AT_ONCE - 1) await turn()
      state = md5(Buffer.concat([state, password]))
    }
    return timingSafeEqual(state, parts.tag)
  },
}

function partsOf(hash: string): Parts | HashFault {
  const [, symbol = '', salt = '', tag = ''] = HASH.exec(hash) ?? []
  const logRounds = symbol === '' ? -1 : ALPHABET.indexOf(symbol)
  if (logRounds < LEAST_LOG_ROUNDS) return 'hash-malformed'
  if (logRounds > MOST_LOG_ROUNDS) return 'hash-too-costly'
  return { logRounds, salt, tag: bytesOf(tag) }
}

function md5(bytes: Buffer): Buffer {
  return digest('md5', bytes, 'buffer')
}

/** Symbols of six bits, the lowest ones first. */
function bytesOf(text: string): Buffer {
  const bits = Array.from(text, (symbol, at) => BigInt(ALPHABET.indexOf(symbol)) << BigInt(6 * at))
  const number = bits.reduce((sum, each) => sum | each, 0n)
  return Buffer.from(
    Array.from({ length: TAG_BYTES }, (_, at) => Number((number >> BigInt(8 * at)) & 0xffn)),
  )
}

function symbols(count: number): string {
  return Array.from(randomBytes(count), (byte) => ALPHABET.charAt(byte % ALPHABET.length)).join('')
}
