import { objectIn } from '../../../domain/json.ts'

/** A password as an object, with the names that a product gives to its parts. */
type Credential = Readonly<Record<string, unknown>>

/**
 * The hash in a credential of Keycloak (`secretData` and `credentialData`, or the members of releases before 8) or of
 * FusionAuth (`encryptionScheme`, `factor`, `salt`, `password`), in the form that `readForeignHash` reads. For another
 * object, or a scheme that is not supported, the result is a text that `readForeignHash` refuses as `hash-unknown`.
 */
export function hashOfCredential(credential: Credential): string {
  if (credential['encryptionScheme'] !== undefined) return ofFusionAuth(credential)
  // Keycloak writes both as JSON text, and other exports as objects.
  const secret = objectIn(credential['secretData'])
  const about = objectIn(credential['credentialData'])
  if (secret !== undefined && about !== undefined) return ofKeycloak({ ...secret, ...about })
  const value = credential['hashedSaltedValue']
  return value === undefined ? UNKNOWN : ofKeycloak({ ...credential, value })
}

const UNKNOWN = 'unknown'

function ofKeycloak({
  algorithm,
  hashIterations,
  salt,
  value,
  additionalParameters,
}: Credential): string {
  const [name, tag, ownSalt] = [algorithm, value, salt].map(textOf)
  const iterations = textOf(hashIterations)
  if (name === 'argon2') {
    const parameter = (key: string): string => firstOf(objectIn(additionalParameters)?.[key])
    const variant = `argon2${parameter('type')}`
    const version = parameter('version') === '1.0' ? 16 : 19
    const cost = `m=${parameter('memory')},t=${iterations},p=${parameter('parallelism')}`
    return `$${variant}$v=${version}$${cost}$${plain(ownSalt)}$${plain(tag)}`
  }
  const [matched, digest = 'sha1'] = /^pbkdf2(?:-(sha256|sha512))?$/.exec(name ?? '') ?? []
  return matched === undefined ? UNKNOWN : pbkdf2({ digest, iterations, salt: ownSalt, tag })
}

function ofFusionAuth({ encryptionScheme, factor, salt, password }: Credential): string {
  const [scheme = '', ownSalt = '', tag = ''] = [encryptionScheme, salt, password].map(textOf)
  const cost = textOf(factor) ?? ''
  const [, digest] = /^salted-pbkdf2-hmac-(sha256|sha512)(?:-512)?$/.exec(scheme) ?? []
  if (digest !== undefined) return pbkdf2({ digest, iterations: cost, salt: ownSalt, tag })
  if (scheme === 'bcrypt') return `$2a$${cost.padStart(2, '0')}$${ownSalt}${tag}`
  return scheme === 'phpass-md5' ? portable(Number(cost), ownSalt, tag) : UNKNOWN
}

interface Pbkdf2 {
  readonly digest: string
  readonly iterations: string | undefined
  readonly salt: string | undefined
  readonly tag: string | undefined
}

const DIGEST_BYTES: Readonly<Record<string, number>> = { sha1: 20, sha256: 32, sha512: 64 }

/**
 * Both products derive more bytes than the digest has. Each block of them is computed by itself, so that the first one
 * alone proves the password, in half of the time.
 */
function pbkdf2({ digest, iterations, salt, tag }: Pbkdf2): string {
  const isBase64 = /^[A-Za-z0-9+/]+={0,2}$/.test(tag ?? '')
  const block = Buffer.from(tag ?? '', 'base64').subarray(0, DIGEST_BYTES[digest])
  const kept = isBase64 ? block.toString('base64') : tag
  return `$pbkdf2-${digest}$${iterations}$${plain(salt)}$${plain(kept)}`
}

const PORTABLE = './0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

/** FusionAuth takes any number of rounds, and the form of phpass takes powers of two. */
function portable(rounds: number, salt: string, tag: string): string {
  const symbol = PORTABLE[Math.log2(rounds)]
  return symbol === undefined || salt.length !== 8 ? UNKNOWN : `$P$${symbol}${salt}${tag}`
}

/** A number or a text; Keycloak's lists have one element. */
function textOf(value: unknown): string | undefined {
  if (typeof value === 'number') return String(value)
  return typeof value === 'string' ? value.trim() : undefined
}

function firstOf(value: unknown): string {
  return textOf(Array.isArray(value) ? value[0] : value) ?? ''
}

function plain(base64: string | undefined): string {
  return (base64 ?? '').replace(/=+$/, '')
}
