import { scrypt, timingSafeEqual, type ScryptOptions } from 'node:crypto'
import { randomPart, readBytes } from './bytes.ts'
import type { HashFault, HashScheme } from './scheme.ts'

/** 128 MiB, the memory of OWASP's strongest parameters. The queue limits how many checks run at the same time. */
const MOST_MEMORY_BYTES = 128 * 1024 * 1024
/** The highest N x r x p; it takes about a second. */
const MOST_WORK = 2 ** 21

/** `$scrypt$ln=17,r=8,p=1$salt$tag` (PHC, passlib); N is 2^ln. */
const HASH = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,3}),p=(\d{1,3})\$([^$]+)\$([^$]+)$/

interface Parts {
  readonly logN: number
  readonly r: number
  readonly p: number
  readonly salt: Buffer
  readonly tag: Buffer
}

export const scryptScheme: HashScheme = {
  read(hash) {
    if (!hash.startsWith('$scrypt')) return undefined
    const parts = partsOf(hash)
    if (typeof parts === 'string') return { fault: parts }
    return { kind: `scrypt ln=${parts.logN},r=${parts.r},p=${parts.p}` }
  },

  unmatched(kind) {
    const [, parameters] = /^scrypt (ln=\d+,r=\d+,p=\d+)$/.exec(kind) ?? []
    return parameters === undefined
      ? undefined
      : `$scrypt$${parameters}$${randomPart(16)}$${randomPart(32)}`
  },

  async verify(hash, secret) {
    const parts = partsOf(hash)
    if (typeof parts === 'string') return false
    const { logN, r, p, salt, tag } = parts
    // Node counts somewhat more than 128 x N x r against the bound.
    const options = { N: 2 ** logN, r, p, maxmem: 2 * MOST_MEMORY_BYTES }
    return timingSafeEqual(await derive(secret, salt, tag.length, options), tag)
  },
}

function partsOf(hash: string): Parts | HashFault {
  const [, ...fields] = HASH.exec(hash) ?? []
  const [logN = 0, r = 0, p = 0] = fields.slice(0, 3).map(Number)
  const [salt, tag] = fields.slice(3).map(readBytes)
  if (logN < 1 || r < 1 || p < 1 || salt === undefined || tag === undefined) return 'hash-malformed'
  // RFC 7914 6: N is less than 2^(16 r).
  if (logN >= 16 * r) return 'hash-malformed'
  const work = 2 ** logN * r
  if (128 * work > MOST_MEMORY_BYTES || work * p > MOST_WORK) return 'hash-too-costly'
  return { logN, r, p, salt, tag }
}

function derive(
  secret: string,
  salt: Buffer,
  length: number,
  options: ScryptOptions,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(secret, salt, length, options, (error, key) =>
      error === null ? resolve(key) : reject(error),
    )
  })
}
