import { parseOptions, verify, type ParsedHashOptions } from '@node-rs/argon2'
import { randomPart } from './bytes.ts'
import type { HashScheme } from './scheme.ts'

const MOST_MEMORY_KIB = 256 * 1024
/** The highest memory (KiB) times passes; it takes about a second. */
const MOST_WORK_KIB = 1024 * 1024
const MOST_LANES = 16

/**
 * A hash without a version has version 16 (0x10), which the first releases of argon2 made. The parameters may be in any
 * order. A hash with a secret key is refused, because the key is not known here.
 */
const HASH = /^\$(argon2(?:id|i|d))(?:\$v=(16|19))?\$(?:[mtp]=\d{1,9},?){3}\$[^$]+\$[^$]+$/

/** Argon2 hashes with other variants or parameters than those that are made here. */
export const argon2: HashScheme = {
  read(hash) {
    if (!hash.startsWith('$argon2')) return undefined
    const [, variant, version = '16'] = HASH.exec(hash) ?? []
    const parameters = parse(hash)
    if (variant === undefined || parameters === undefined) return { fault: 'hash-malformed' }
    const { memoryCost: m, timeCost: t, parallelism: p } = parameters
    if (m > MOST_MEMORY_KIB || m * t > MOST_WORK_KIB || p > MOST_LANES)
      return { fault: 'hash-too-costly' }
    return { kind: `${variant} v=${version},m=${m},t=${t},p=${p}` }
  },

  unmatched(kind) {
    const [, variant, version, parameters] =
      /^(argon2(?:id|i|d)) (v=\d+),(m=\d+,t=\d+,p=\d+)$/.exec(kind) ?? []
    return variant === undefined
      ? undefined
      : `$${variant}$${version}$${parameters}$${randomPart(16)}$${randomPart(32)}`
  },

  verify: (hash, secret) => verify(hash, secret),
}

function parse(hash: string): ParsedHashOptions | undefined {
  try {
    return parseOptions(hash)
  } catch {
    return undefined
  }
}
