import { createCipheriv, timingSafeEqual } from 'node:crypto'
import { randomPart, readBytes } from './bytes.ts'
import type { HashFault, HashScheme } from './scheme.ts'
import { deriveScrypt, scryptFault } from './scrypt.ts'

const AES_KEY_BYTES = 32
const AES_BLOCK_BYTES = 16
const DERIVED_BYTES = 64

/**
 * Firebase encrypts the project's signer key with a key that scrypt derives from the password (AES-256-CTR), and keeps
 * the ciphertext. This form has the ciphertext XOR the signer key, which is the key stream: a check of a
 * password then needs no signer key. The salt is the person's, with the project's separator behind it.
 */
const HASH = /^\$firebase-scrypt\$ln=(\d{1,2}),r=(\d{1,3})\$([^$]+)\$([^$]+)$/

/** The parameters that the Firebase console shows for a project. */
export interface FirebaseParameters {
  readonly signerKey: Buffer
  readonly saltSeparator: Buffer
  /** The block size of scrypt. */
  readonly rounds: number
  /** The logarithm of scrypt's N. */
  readonly memCost: number
}

/** The hash of a Firebase export in the form that is kept here. Undefined: salt or hash are no base64. */
export function firebaseForm(
  { passwordHash, salt }: { readonly passwordHash: string; readonly salt: string },
  { signerKey, saltSeparator, rounds, memCost }: FirebaseParameters,
): string | undefined {
  const [ciphertext, ownSalt] = [passwordHash, salt].map(readAnyBase64)
  if (ciphertext?.length !== signerKey.length || ownSalt === undefined) return undefined
  const stream = ciphertext.map((byte, at) => byte ^ (signerKey[at] ?? 0))
  const whole = Buffer.concat([ownSalt, saltSeparator])
  return `$firebase-scrypt$ln=${memCost},r=${rounds}$${inHash(whole)}$${inHash(stream)}`
}

interface Parts {
  readonly logN: number
  readonly r: number
  readonly salt: Buffer
  readonly tag: Buffer
}

export const firebaseScrypt: HashScheme = {
  read(hash) {
    if (!hash.startsWith('$firebase-scrypt$')) return undefined
    const parts = partsOf(hash)
    if (typeof parts === 'string') return { fault: parts }
    return { kind: `firebase-scrypt ln=${parts.logN},r=${parts.r}` }
  },

  unmatched(kind) {
    const [, parameters] = /^firebase-scrypt (ln=\d+,r=\d+)$/.exec(kind) ?? []
    return parameters === undefined
      ? undefined
      : `$firebase-scrypt$${parameters}$${randomPart(12)}$${randomPart(64)}`
  },

  async verify(hash, secret) {
    const parts = partsOf(hash)
    if (typeof parts === 'string') return false
    const { logN, r, salt, tag } = parts
    const key = await deriveScrypt(secret, salt, DERIVED_BYTES, { logN, r, p: 1 })
    const cipher = createCipheriv(
      'aes-256-ctr',
      key.subarray(0, AES_KEY_BYTES),
      Buffer.alloc(AES_BLOCK_BYTES),
    )
    return timingSafeEqual(cipher.update(Buffer.alloc(tag.length)), tag)
  },
}

function partsOf(hash: string): Parts | HashFault {
  const [, log, size, first = '', second = ''] = HASH.exec(hash) ?? []
  const [salt, tag] = [readBytes(first), readBytes(second)]
  if (salt === undefined || tag === undefined || tag.length < AES_BLOCK_BYTES)
    return 'hash-malformed'
  const [logN, r] = [Number(log), Number(size)]
  return scryptFault({ logN, r, p: 1 }) ?? { logN, r, salt, tag }
}

function inHash(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64').replace(/=+$/, '')
}

/** The administration interface writes base64url where the command line writes base64. */
function readAnyBase64(text: string): Buffer | undefined {
  return /^[A-Za-z0-9+/_-]+={0,2}$/.test(text) ? Buffer.from(text, 'base64') : undefined
}
