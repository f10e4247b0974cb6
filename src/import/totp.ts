import { ScureBase32Plugin } from 'otplib'
import { accountsInMigration, type MigratedAccount } from './otpauth-migration.ts'
import { isWord, textOf } from './words.ts'
import { objectIn } from '../domain/json.ts'
import type { Instant } from '../domain/time.ts'
import type { TotpState } from '../factors/totp/index.ts'
import {
  ALGORITHMS,
  isPeriod,
  LENGTHS,
  LONGEST_SECRET_BYTES,
  SHORTEST_SECRET_BYTES,
  type TotpAlgorithm,
  type TotpParameters,
} from '../factors/totp/parameters.ts'

/** The encodings in which products store a secret; speakeasy and otplib use all three. */
export type SecretEncoding = 'base32' | 'hex' | 'ascii'
export const SECRET_ENCODINGS = ['base32', 'hex', 'ascii'] as const

/** The part of an authenticator that cannot be imported. Holds nothing of the secret (R31). */
export type ForeignTotpFault =
  | 'secret-missing'
  | 'secret-unusable' // not in the encoding that was named, or of a length that is not supported
  | 'otpauth-unreadable' // a URI that cannot be read
  | 'counter-based' // HOTP: its codes do not come from the clock
  | 'algorithm-unknown'
  | 'digits-unfit'
  | 'period-unfit'

export interface ForeignTotp {
  readonly parameters: TotpParameters
  readonly secretBits: number
  /** The account in the URI's label, or the name that was given beside the secret. */
  readonly name?: string
}

const LONGEST_TEXT = 2048
/** An export of Google Authenticator has up to ten accounts. */
const LONGEST_MIGRATION = 8 * 1024

/**
 * The authenticators of a value: those of an `otpauth-migration://` URI, which Google Authenticator exports, or the one
 * that `readForeignTotp` reads.
 */
export function readForeignTotps(
  given: unknown,
  encoding?: SecretEncoding,
): readonly (ForeignTotp | { readonly fault: ForeignTotpFault })[] {
  const isMigration = typeof given === 'string' && /^\s*otpauth-migration:/.test(given)
  if (!isMigration) return [readForeignTotp(given, encoding)]
  const accounts = given.length > LONGEST_MIGRATION ? undefined : accountsInMigration(given.trim())
  return accounts?.map(ofMigration) ?? [{ fault: 'otpauth-unreadable' }]
}

/**
 * The authenticator that another product kept: a secret by itself, an `otpauth://totp/` URI, or an object of either
 * (speakeasy's `{ ascii, hex, base32, otpauth_url }`; `{ secret, encoding, algorithm, digits, period, name }`; a
 * credential of Keycloak with `secretData` and `credentialData`), also as JSON text. `encoding` is that of a secret
 * which does not name its own.
 */
export function readForeignTotp(
  given: unknown,
  encoding: SecretEncoding = 'base32',
): ForeignTotp | { readonly fault: ForeignTotpFault } {
  if (typeof given === 'string') return readText(given.trim(), encoding)
  if (typeof given !== 'object' || given === null) return { fault: 'secret-missing' }
  const fields = given as Readonly<Record<string, unknown>>
  if (fields['secretData'] !== undefined) return readKeycloak(fields)
  const uri = text(fields['otpauth_url']) ?? text(fields['uri'])
  const written = secretIn(fields, encoding)
  if (written === undefined)
    return uri === undefined ? { fault: 'secret-missing' } : readText(uri, encoding)
  if (written.secret.startsWith('otpauth:')) return readText(written.secret, encoding)
  // speakeasy keeps a secret and its URI together; the other parameters are only in the URI.
  const beside = uri === undefined ? {} : (uriFields(uri) ?? {})
  return assemble(written, { ...beside, ...fields })
}

/** The state to keep. The time step of the import is spent: a code just used in the other product is not accepted again. */
export function adoptTotp(parameters: TotpParameters, now: Instant): TotpState {
  return { ...parameters, lastTimeStep: Math.floor(now / parameters.periodSeconds) }
}

function ofMigration({
  secret,
  name,
  algorithm,
  digits,
  isTimeBased,
}: MigratedAccount): ForeignTotp | { readonly fault: ForeignTotpFault } {
  if (!isTimeBased) return { fault: 'counter-based' }
  const hex = Buffer.from(secret).toString('hex')
  return assemble(
    { secret: hex, encoding: 'hex' },
    { name, algorithm: algorithm ?? '?', digits: digits ?? 0 },
  )
}

/** Keycloak takes the letters of a secret as its bytes, unless the credential says that they are base32. */
function readKeycloak(
  credential: Readonly<Record<string, unknown>>,
): ForeignTotp | { readonly fault: ForeignTotpFault } {
  const about = objectIn(credential['credentialData']) ?? {}
  const secret = text(objectIn(credential['secretData'])?.['value'])
  if (secret === undefined) return { fault: 'secret-missing' }
  if (about['subType'] !== undefined && about['subType'] !== 'totp')
    return { fault: 'counter-based' }
  const encoding = text(about['secretEncoding'])?.toLowerCase() ?? 'ascii'
  if (encoding !== 'ascii' && encoding !== 'base32') return { fault: 'secret-unusable' }
  return assemble({ secret, encoding }, { ...about, name: credential['userLabel'] })
}

interface Written {
  readonly secret: string
  readonly encoding: SecretEncoding
}

function readText(
  given: string,
  encoding: SecretEncoding,
): ForeignTotp | { readonly fault: ForeignTotpFault } {
  if (given === '') return { fault: 'secret-missing' }
  if (given.startsWith('{')) {
    const object = objectIn(given)
    return object === undefined ? { fault: 'secret-unusable' } : readForeignTotp(object, encoding)
  }
  if (!given.startsWith('otpauth:')) return assemble({ secret: given, encoding }, {})
  if (/^otpauth:\/\/hotp\//i.test(given)) return { fault: 'counter-based' }
  const fields = uriFields(given)
  const secret = text(fields?.['secret'])
  if (fields === undefined || secret === undefined) return { fault: 'otpauth-unreadable' }
  return assemble({ secret, encoding: 'base32' }, fields)
}

function secretIn(
  fields: Readonly<Record<string, unknown>>,
  encoding: SecretEncoding,
): Written | undefined {
  const secret = text(fields['secret'])
  if (secret !== undefined) {
    const said = SECRET_ENCODINGS.find((one) => one === fields['encoding'])
    return { secret, encoding: said ?? encoding }
  }
  for (const one of SECRET_ENCODINGS) {
    const written = text(fields[one])
    if (written !== undefined) return { secret: written, encoding: one }
  }
  return undefined
}

function assemble(
  { secret, encoding }: Written,
  about: Readonly<Record<string, unknown>>,
): ForeignTotp | { readonly fault: ForeignTotpFault } {
  const bytes = isWord(secret) ? undefined : decode(secret, encoding)
  if (
    bytes === undefined ||
    bytes.length < SHORTEST_SECRET_BYTES ||
    bytes.length > LONGEST_SECRET_BYTES
  )
    return { fault: 'secret-unusable' }
  const algorithm = algorithmOf(about['algorithm'])
  if (algorithm === undefined) return { fault: 'algorithm-unknown' }
  const digits = numberOf(about['digits'], 6)
  if (!LENGTHS.includes(digits)) return { fault: 'digits-unfit' }
  const periodSeconds = numberOf(about['period'] ?? about['periodSeconds'] ?? about['step'], 30)
  if (!isPeriod(periodSeconds)) return { fault: 'period-unfit' }
  const name = text(about['name']) ?? text(about['label'])
  return {
    parameters: {
      secret: new ScureBase32Plugin().encode(bytes),
      algorithm,
      digits: digits as 6 | 8,
      periodSeconds,
    },
    secretBits: bytes.length * 8,
    ...(name === undefined ? {} : { name }),
  }
}

/** The query of an `otpauth://totp/Issuer:account?secret=...` URI, with its label. */
function uriFields(uri: string): Readonly<Record<string, unknown>> | undefined {
  const url = URL.parse(uri)
  // Parsers differ on whether `totp` is the host of a scheme they do not know.
  const [, type, label = ''] = /^otpauth:\/\/([^/?]*)\/?([^?]*)/.exec(uri) ?? []
  if (url === null || type !== 'totp') return undefined
  return { ...Object.fromEntries(url.searchParams), label: decodeLabel(label) }
}

/** `Acme:ada@example.com`, percent-encoded: the account becomes the name of the authenticator. */
function decodeLabel(label: string): string {
  try {
    return decodeURIComponent(label)
      .replace(/^[^:]*:/, '')
      .trim()
  } catch {
    return ''
  }
}

function decode(secret: string, encoding: SecretEncoding): Uint8Array | undefined {
  if (secret.length > LONGEST_TEXT) return undefined
  switch (encoding) {
    case 'ascii':
      return new TextEncoder().encode(secret)
    case 'hex': {
      const hex = secret.replaceAll(/[\s:-]/g, '')
      return /^(?:[0-9a-f]{2})+$/i.test(hex) ? Buffer.from(hex, 'hex') : undefined
    }
    case 'base32': {
      const base32 = secret.replaceAll(/[\s-]/g, '').replace(/=+$/, '')
      // Base32 is written in one case: a text in both is a ciphertext or another encoding that looks like base32.
      const isOneCase = base32 === base32.toUpperCase() || base32 === base32.toLowerCase()
      return isOneCase && /^[A-Z2-7]+$/i.test(base32) ? fromBase32(base32) : undefined
    }
  }
}

const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

/**
 * Decodes to whole bytes; remaining bits of the last symbol are dropped. RFC 4648 6 allows only some lengths, with
 * zeros in those bits. Many generators draw letters at random, and authenticator apps read them in this way.
 */
function fromBase32(base32: string): Uint8Array {
  const bits = Array.from(base32.toUpperCase(), (symbol) =>
    BASE32.indexOf(symbol).toString(2).padStart(5, '0'),
  ).join('')
  return Uint8Array.from(bits.match(/.{8}/g) ?? [], (byte) => parseInt(byte, 2))
}

function algorithmOf(value: unknown): TotpAlgorithm | undefined {
  if (value === undefined || value === null || value === '') return 'SHA1'
  if (typeof value !== 'string') return undefined
  const name = value
    .toUpperCase()
    .replaceAll(/[^A-Z0-9]/g, '')
    .replace(/^HMAC/, '')
  return ALGORITHMS.includes(name) ? (name as TotpAlgorithm) : undefined
}

function numberOf(value: unknown, otherwise: number): number {
  if (value === undefined || value === null || value === '') return otherwise
  return Number(typeof value === 'object' ? textOf(value) : value)
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value.trim() !== '' ? value.trim() : undefined
}
