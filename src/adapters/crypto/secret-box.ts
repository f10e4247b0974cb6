import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  hkdfSync,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto'
import { MfaError } from '../../domain/errors.ts'
import type { SealContext, SecretBox } from '../../ports/services.ts'

export interface SecretBoxOptions {
  /**
   * 32 bytes each, the newest first. The newest key seals and makes MACs; all keys open and check. To rotate, add a new
   * key in front, and remove an old one when no sealed value names it any more (`keyIdOf`, application/reseal.ts).
   *
   * Rotate before one key has sealed 2^32 values, the bound for random nonces (NIST SP 800-38D 8.3): after that a nonce
   * may occur twice, which would reveal plaintexts. With a hundred sign-ins a second this takes some months.
   */
  readonly keys: readonly Uint8Array[]
}

interface Key {
  readonly id: string
  readonly sealing: Uint8Array
  /**
   * The sub-key for the purpose of a MAC. It is derived once for each purpose, because there are few purposes and many
   * MACs.
   */
  macKey(purpose: string): Uint8Array
}

interface Envelope {
  readonly keyId: string
  readonly iv: Buffer
  readonly ciphertext: Buffer
  readonly tag: Buffer
}

const CIPHER = 'aes-256-gcm'
const KEY_BYTES = 32
const KEY_ID_BYTES = 6
const IV_BYTES = 12
const TAG_BYTES = 16

/** `v1.<key id>.<iv>.<ciphertext and tag>`, each in base64url. */
const ENVELOPE = /^v1\.([\w-]{8})\.([\w-]{16})\.([\w-]{22,})$/

/**
 * AES-256-GCM with account and purpose as associated data: a ciphertext copied into another account's record, or into
 * another place of the same one, does not open (R35). No key is used directly: sealing and each purpose of a MAC have a
 * sub-key of their own (HKDF-SHA-256), so that an output for one purpose does not help to attack another.
 *
 * Throws MfaError `options-invalid` for no key, a key of another length, or the same key twice.
 */
export function secretBox(options: SecretBoxOptions): SecretBox {
  const keys = readKeys(options.keys)
  const [newest, ...older] = keys

  return {
    keyIds: [newest.id, ...older.map(({ id }) => id)],

    seal(plaintext, context) {
      const iv = randomBytes(IV_BYTES)
      const cipher = createCipheriv(CIPHER, newest.sealing, iv)
      cipher.setAAD(associatedData(newest.id, context))
      const ciphertext = [cipher.update(plaintext, 'utf8'), cipher.final()]
      const sealed = Buffer.concat([...ciphertext, cipher.getAuthTag()])
      return ['v1', newest.id, encode(iv), encode(sealed)].join('.')
    },

    open(sealed, context) {
      const { keyId, iv, ciphertext, tag } = readEnvelope(sealed)
      const key = keys.find(({ id }) => id === keyId)
      if (key === undefined)
        throw new MfaError('key-missing', `No configured encryption key has the id ${keyId}`)
      const decipher = createDecipheriv(CIPHER, key.sealing, iv, { authTagLength: TAG_BYTES })
      decipher.setAAD(associatedData(keyId, context))
      decipher.setAuthTag(tag)
      try {
        return Buffer.concat([decipher.update(ciphertext), decipher.final()]).toString('utf8')
      } catch {
        throw broken()
      }
    },

    keyIdOf: (sealed) => readEnvelope(sealed).keyId,

    mac: (purpose, message) => macOf(newest, purpose, message),

    macs: (purpose, message) => [
      macOf(newest, purpose, message),
      ...older.map((key) => macOf(key, purpose, message)),
    ],

    verifyMac(purpose, message, mac) {
      // All keys are tried, also after a match, so that the time does not show which key matched.
      return keys.map((key) => equal(macOf(key, purpose, message), mac)).includes(true)
    },
  }
}

function readKeys(masters: readonly Uint8Array[]): readonly [Key, ...Key[]] {
  masters.forEach((master, at) => {
    if (!(master instanceof Uint8Array) || master.length !== KEY_BYTES)
      throw unusable(`encryption key ${at + 1} is not ${KEY_BYTES} bytes long`)
  })
  const [newest, ...older] = masters.map(deriveKey)
  if (newest === undefined) throw unusable('there is no encryption key')
  if (new Set([newest, ...older].map(({ id }) => id)).size < masters.length)
    throw unusable('the same encryption key is given twice')
  return [newest, ...older]
}

function unusable(fault: string): MfaError {
  return new MfaError('options-invalid', fault)
}

function deriveKey(master: Uint8Array): Key {
  const macKeys = new Map<string, Uint8Array>()
  return {
    id: encode(derive(master, 'key-id', KEY_ID_BYTES)),
    sealing: derive(master, 'seal', KEY_BYTES),
    macKey(purpose) {
      const known = macKeys.get(purpose)
      if (known !== undefined) return known
      const made = derive(master, `mac ${purpose}`, KEY_BYTES)
      macKeys.set(purpose, made)
      return made
    },
  }
}

function derive(master: Uint8Array, use: string, bytes: number): Buffer {
  return Buffer.from(hkdfSync('sha256', master, '', `oidc-provider-mfa ${use}`, bytes))
}

function macOf(key: Key, purpose: string, message: string): string {
  return createHmac('sha256', key.macKey(purpose)).update(message).digest('base64url')
}

/** Compares the texts: the same bytes have several spellings in base64url, and only the canonical one is accepted. */
function equal(expected: string, given: string): boolean {
  const [a, b] = [Buffer.from(expected), Buffer.from(given)]
  return a.length === b.length && timingSafeEqual(a, b)
}

/** JSON keeps the parts apart: plain concatenation would let `a` + `bc` pass for `ab` + `c`. */
function associatedData(keyId: string, { accountId, purpose }: SealContext): Buffer {
  return Buffer.from(JSON.stringify(['v1', keyId, accountId, purpose]))
}

function readEnvelope(sealed: string): Envelope {
  const [, keyId, iv, content] = ENVELOPE.exec(sealed) ?? []
  if (keyId === undefined || iv === undefined || content === undefined) throw broken()
  const bytes = Buffer.from(content, 'base64url')
  // Only the canonical spelling is accepted, so that a sealed value that was altered does not open.
  if (encode(bytes) !== content) throw broken()
  return {
    keyId,
    iv: Buffer.from(iv, 'base64url'),
    ciphertext: bytes.subarray(0, -TAG_BYTES),
    tag: bytes.subarray(-TAG_BYTES),
  }
}

function encode(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64url')
}

/** One error for every reason: an attacker who alters a value must not learn which part was wrong. */
function broken(): MfaError {
  return new MfaError('seal-broken', 'A sealed value does not open for this account and purpose')
}
