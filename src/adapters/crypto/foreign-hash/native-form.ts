import { createHash, createHmac } from 'node:crypto'

/** A hash in the form in which a scheme reads it, and the text of which it was made. */
export interface StandardForm {
  readonly hash: string
  readonly secretOf: (secret: string) => string
}

/** How a product writes a hash whose scheme is one of ours. Undefined: the hash is not of this product. */
type NativeForm = (hash: string) => StandardForm | undefined

const asTyped = (secret: string): string => secret

/** Products keep a salt as text, and the standard forms in base64. */
function base64(text: string, encoding: BufferEncoding = 'utf8'): string {
  return Buffer.from(text, encoding).toString('base64').replace(/=+$/, '')
}

/** Django: `pbkdf2_sha256$600000$salt$tag`, `scrypt$16384$salt$8$1$tag`, `argon2$argon2id$...`, `bcrypt$$2b$...`. */
const django: NativeForm = (hash) => {
  const [, digest, iterations, salt = '', tag] =
    /^pbkdf2_(sha1|sha256)\$(\d+)\$([^$]+)\$([^$]+)$/.exec(hash) ?? []
  if (digest !== undefined)
    return { hash: `$pbkdf2-${digest}$${iterations}$${base64(salt)}$${tag}`, secretOf: asTyped }
  const [, n, scryptSalt = '', r, p, scryptTag] =
    /^scrypt\$(\d+)\$([^$]+)\$(\d+)\$(\d+)\$([^$]+)$/.exec(hash) ?? []
  if (n !== undefined)
    return {
      hash: `$scrypt$ln=${Math.log2(Number(n))},r=${r},p=${p}$${base64(scryptSalt)}$${scryptTag}`,
      secretOf: asTyped,
    }
  const [, name, rest] = /^(argon2|bcrypt|bcrypt_sha256)\$(\$2.*|argon2.*)$/.exec(hash) ?? []
  if (name === undefined || rest === undefined) return undefined
  // bcrypt alone would read the first 72 bytes of a password.
  const secretOf = name === 'bcrypt_sha256' ? sha256 : asTyped
  return { hash: name === 'argon2' ? `$${rest}` : rest, secretOf }
}

function sha256(secret: string): string {
  return createHash('sha256').update(secret).digest('hex')
}

/** WordPress since 6.8: bcrypt of an HMAC. */
const wordpress: NativeForm = (hash) =>
  hash.startsWith('$wp$2') ? { hash: hash.slice('$wp'.length), secretOf: wordpressText } : undefined

function wordpressText(secret: string): string {
  return createHmac('sha384', 'wp-sha384').update(secret).digest('base64')
}

const ASPNET_DIGESTS = ['sha1', 'sha256', 'sha512']
/** A version, and three numbers of four bytes: digest, iterations, length of the salt. */
const ASPNET_HEADER_BYTES = 13

/** ASP.NET Identity v3: base64 of a header, the salt and the tag. */
const aspNetIdentity: NativeForm = (hash) => {
  if (!/^AQAAAA[AEI][A-Za-z0-9+/]+={0,2}$/.test(hash)) return undefined
  const bytes = Buffer.from(hash, 'base64')
  if (bytes.length <= ASPNET_HEADER_BYTES) return undefined
  const digest = ASPNET_DIGESTS[bytes.readUInt32BE(1)]
  const tagAt = ASPNET_HEADER_BYTES + bytes.readUInt32BE(9)
  const salt = bytes.subarray(ASPNET_HEADER_BYTES, tagAt).toString('base64')
  const tag = bytes.subarray(tagAt).toString('base64')
  if (digest === undefined) return undefined
  return {
    hash: `$pbkdf2-${digest}$${bytes.readUInt32BE(5)}$${salt}$${tag}`,
    secretOf: asTyped,
  }
}

const NATIVE: readonly NativeForm[] = [django, wordpress, aspNetIdentity]

/** The hash as it is where it has a standard form already. Computes nothing slow. */
export function standardForm(hash: string): StandardForm {
  for (const native of NATIVE) {
    const found = native(hash)
    if (found !== undefined) return found
  }
  return { hash, secretOf: asTyped }
}

/** The form to store: the standard one where it was made of the password itself, as other checks expect it. */
export function storedForm(hash: string): string {
  const standard = standardForm(hash)
  return standard.secretOf === asTyped ? standard.hash : hash
}
