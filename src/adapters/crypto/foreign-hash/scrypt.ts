import { scrypt, timingSafeEqual, type ScryptOptions } from 'node:crypto'
import { randomPart, readBytes } from './bytes.ts'
import type { HashFault, HashScheme } from './scheme.ts'

/** 128 MiB, the memory of OWASP's strongest parameters. The queue limits how many checks run at the same time. */
const MOST_MEMORY_BYTES = 128 * 1024 * 1024
/** The highest N x r x p; it takes about a second. */
const MOST_WORK = 2 ** 21

/** `$scrypt$ln=17,r=8,p=1$salt$tag` (PHC, passlib); N is 2^ln. */
const HASH = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,3}),p=(\d{1,3})\$([^$]+)\$([^$]+)$/

export interface ScryptCost {
  /** The logarithm of N. */
  readonly logN: number
  readonly r: number
  readonly p: number
}

interface Parts extends ScryptCost {
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
    const { salt, tag } = parts
    return timingSafeEqual(await deriveScrypt(secret, salt, tag.length, parts), tag)
  },
}

function partsOf(hash: string): Parts | HashFault {
  const [, ...fields] = HASH.exec(hash) ?? []
  const [logN = 0, r = 0, p = 0] = fields.slice(0, 3).map(Number)
  const [salt, tag] = fields.slice(3).map(readBytes)
  if (salt === undefined || tag === undefined) return 'hash-malformed'
  return scryptFault({ logN, r, p }) ?? { logN, r, p, salt, tag }
}

/** Why parameters are refused; undefined: they are not. */
export function scryptFault({ logN, r, p }: ScryptCost): HashFault | undefined {
  if (logN < 1 || r < 1 || p < 1) return 'hash-malformed'
  // RFC 7914 6: N is less than 2^(16 r).
  if (logN >= 16 * r) return 'hash-malformed'
  const work = 2 ** logN * r
  return 128 * work > MOST_MEMORY_BYTES || work * p > MOST_WORK ? 'hash-too-costly' : undefined
}

/** `length`: of the derived key, in bytes. The parameters are some that `scryptFault` accepts. */
export function deriveScrypt(
  secret: string,
  salt: Buffer,
  length: number,
  { logN, r, p }: ScryptCost,
): Promise<Buffer> {
  // Node counts somewhat more than 128 x N x r against the bound.
  const options: ScryptOptions = { N: 2 ** logN, r, p, maxmem: 2 * MOST_MEMORY_BYTES }
  return new Promise((resolve, reject) => {
    scrypt(secret, salt, length, options, (error, key) =>
      error === null ? resolve(key) : reject(error),
    )
  })
}
