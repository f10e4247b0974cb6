import { pbkdf2, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import { randomPart, readBytes } from './bytes.ts'
import type { HashFault, HashScheme } from './scheme.ts'

const derive = promisify(pbkdf2)

const DIGEST_BYTES: Readonly<Record<string, number>> = { sha1: 20, sha256: 32, sha512: 64 }
/**
 * The highest number of blocks times iterations; it takes about a second. OWASP recommends 1,300,000 iterations for
 * SHA-1.
 */
const MOST_ROUNDS = 2_000_000

/** `$pbkdf2-sha256$i=210000,l=32$salt$tag` (PHC), and passlib's `$pbkdf2-sha256$29000$salt$tag`, `$pbkdf2$` for SHA-1. */
const HASH =
  /^\$pbkdf2(?:-(sha1|sha256|sha512))?\$(?:i=)?([1-9]\d{0,8})(?:,l=(\d{1,3}))?\$([^$]+)\$([^$]+)$/

interface Parts {
  readonly digest: string
  readonly iterations: number
  readonly salt: Buffer
  readonly tag: Buffer
  /** The number of blocks of the tag; each block computes all iterations. */
  readonly blocks: number
}

export const pbkdf2Scheme: HashScheme = {
  read(hash) {
    if (!hash.startsWith('$pbkdf2')) return undefined
    const parts = partsOf(hash)
    if (typeof parts === 'string') return { fault: parts }
    const { digest, iterations, blocks } = parts
    return { kind: `pbkdf2-${digest} ${iterations}${blocks === 1 ? '' : ` x${blocks}`}` }
  },

  unmatched(kind) {
    const [, digest = '', iterations, blocks = '1'] =
      /^pbkdf2-(sha1|sha256|sha512) (\d+)(?: x(\d+))?$/.exec(kind) ?? []
    const bytes = DIGEST_BYTES[digest]
    if (bytes === undefined) return undefined
    const length = Math.min(64, bytes * Number(blocks))
    return `$pbkdf2-${digest}$i=${iterations},l=${length}$${randomPart(16)}$${randomPart(length)}`
  },

  async verify(hash, secret) {
    const parts = partsOf(hash)
    if (typeof parts === 'string') return false
    const { digest, iterations, salt, tag } = parts
    return timingSafeEqual(await derive(secret, salt, iterations, tag.length, digest), tag)
  },
}

function partsOf(hash: string): Parts | HashFault {
  const [, digest = 'sha1', count, length, first = '', second = ''] = HASH.exec(hash) ?? []
  const [salt, tag] = [readBytes(first), readBytes(second)]
  if (count === undefined || salt === undefined || tag === undefined) return 'hash-malformed'
  if (length !== undefined && Number(length) !== tag.length) return 'hash-malformed'
  const iterations = Number(count)
  const blocks = Math.ceil(tag.length / (DIGEST_BYTES[digest] ?? 1))
  if (iterations * blocks > MOST_ROUNDS) return 'hash-too-costly'
  return { digest, iterations, salt, tag, blocks }
}
