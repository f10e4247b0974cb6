/**
 * The cryptography of `sealed-host-records.ts`: names and keys that are derived from the values that clients and
 * browsers hold.
 *
 * Each value has at least 128 random bits, so one SHA-256 is enough: nobody who reads a name can find its value by
 * trying. Names and keys are different functions of the value, so a name does not help to compute a key.
 */
import { createCipheriv, createDecipheriv, hash, randomBytes } from 'node:crypto'
import { MfaError } from '../domain/errors.ts'

/** The kinds of values by which a record is found. */
export type Handle = 'id' | 'uid' | 'user code' | 'grant' | 'account'

/** The form in which the database stores a value and finds it: SHA-256, base64url. */
export function nameOf(model: string, handle: Handle, value: string): string {
  return derive('name', model, handle, value).toString('base64url')
}

const CIPHER = 'aes-256-gcm'
const IV_BYTES = 12
const TAG_BYTES = 16

/**
 * Seals a text under a key that only the value yields. The nonce is random: one value seals less than 2^32 texts (NIST
 * SP 800-38D 8.3), because each save of a record seals one.
 */
export function sealUnder(model: string, handle: Handle, value: string, text: string): string {
  const iv = randomBytes(IV_BYTES)
  const cipher = createCipheriv(CIPHER, derive('key', model, handle, value), iv)
  const sealed = [iv, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]
  return Buffer.concat(sealed).toString('base64url')
}

/** Opens what `sealUnder` sealed under the same value. Throws MfaError `seal-broken`. */
export function openUnder(model: string, handle: Handle, value: string, sealed: string): string {
  const bytes = Buffer.from(sealed, 'base64url')
  try {
    const decipher = createDecipheriv(
      CIPHER,
      derive('key', model, handle, value),
      bytes.subarray(0, IV_BYTES),
      { authTagLength: TAG_BYTES },
    )
    decipher.setAuthTag(bytes.subarray(-TAG_BYTES))
    const text = decipher.update(bytes.subarray(IV_BYTES, -TAG_BYTES))
    return Buffer.concat([text, decipher.final()]).toString('utf8')
  } catch {
    throw new MfaError(
      'seal-broken',
      `A stored ${model} was changed, or belongs to another value than the one that finds it`,
    )
  }
}

/** JSON keeps the parts apart: plain concatenation would let `a` + `bc` pass for `ab` + `c`. */
function derive(use: 'name' | 'key', model: string, handle: Handle, value: string): Buffer {
  const parts = ['oidc-provider-mfa host record', use, model, handle, value]
  return hash('sha256', JSON.stringify(parts), 'buffer')
}
