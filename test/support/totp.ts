import { execFileSync } from 'node:child_process'
import { createHmac } from 'node:crypto'
import { hasTool } from './requirements.ts'

/**
 * The data of an authenticator app. This module does not use the product's own code, because it would share its faults.
 */
export interface Authenticator {
  /** The secret in Base32. Spaces between groups are allowed. */
  readonly secret: string
  readonly algorithm?: 'SHA1' | 'SHA256' | 'SHA512'
  readonly digits?: number
  readonly periodSeconds?: number
}

let oathtool: boolean | undefined

/** The code at `at`, in seconds since the Unix epoch (default: now). oathtool computes it if it is installed. */
export function totpCode(authenticator: Authenticator, at = Math.floor(Date.now() / 1000)): string {
  oathtool ??= hasTool('oathtool')
  return oathtool ? oathtoolCode(authenticator, at) : ownCode(authenticator, at)
}

export function oathtoolCode(authenticator: Authenticator, at: number): string {
  const { secret, algorithm = 'SHA1', digits = 6, periodSeconds = 30 } = authenticator
  return execFileSync('oathtool', [
    `--totp=${algorithm.toLowerCase()}`,
    '--base32',
    `--digits=${digits}`,
    `--time-step-size=${periodSeconds}s`,
    `--now=@${at}`,
    secret.replaceAll(' ', ''),
  ])
    .toString()
    .trim()
}

/** The code after RFC 6238 and RFC 4226, computed without oathtool. */
export function ownCode(authenticator: Authenticator, at: number): string {
  const { secret, algorithm = 'SHA1', digits = 6, periodSeconds = 30 } = authenticator
  const counter = Buffer.alloc(8)
  counter.writeBigUInt64BE(BigInt(Math.floor(at / periodSeconds)))
  const hash = createHmac(algorithm.toLowerCase(), base32(secret)).update(counter).digest()
  const offset = (hash.at(-1) ?? 0) & 15
  const number = (hash.readUInt32BE(offset) & 0x7fffffff) % 10 ** digits
  return String(number).padStart(digits, '0')
}

function base32(text: string): Buffer {
  const bits = [...text.toUpperCase().replaceAll(/[\s=]/g, '')]
    .map((letter) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(letter))
    .map((value) => value.toString(2).padStart(5, '0'))
    .join('')
  return Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => parseInt(byte, 2)))
}
