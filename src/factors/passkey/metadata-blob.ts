import { verify, X509Certificate, type KeyObject } from 'node:crypto'
import { decode, isBase64url } from './base64url.ts'
import { isChained } from './chain.ts'

/** The content of a blob whose signature holds, not parsed further, and the signer's certificates, its own first. */
export interface SignedBlob {
  readonly content: unknown
  readonly signer: readonly Uint8Array[]
}

/** The end of a sentence about the option: `has no certificates ...`. */
export interface BlobFault {
  readonly fault: string
}

interface Signing {
  readonly hash: string
  readonly fits: (key: KeyObject) => boolean
}

const SHORTEST_RSA_BITS = 2048
/** The name in the certificate of the service. Its root signs for many other names, whose owners must not sign a blob. */
const SERVICE = 'mds.fidoalliance.org'

/** Signatures with a certificate (RFC 7518, 3.1). `none` and those with a shared secret are not among them. */
const SIGNINGS: ReadonlyMap<unknown, Signing> = new Map([
  ['ES256', { hash: 'sha256', fits: isOnCurve('prime256v1') }],
  ['ES384', { hash: 'sha384', fits: isOnCurve('secp384r1') }],
  ['RS256', { hash: 'sha256', fits: isRsa }],
])

/**
 * Opens a blob of the FIDO Metadata Service, a JWT (version 3.1, 3.1.7). The chain has to lead to one of the roots,
 * whatever the time; `isChained` says whether it is valid at a time. Nothing is fetched: `x5u` is not read.
 */
export function openBlob(text: string, roots: readonly string[]): SignedBlob | BlobFault {
  const [header = '', body = '', signature = '', ...more] = text.trim().split('.')
  const said = jsonIn(header)
  if (
    said === undefined ||
    more.length > 0 ||
    ![body, signature].every((part) => isBase64url(part, 1))
  )
    return { fault: 'is no signed JWT: give the text of the file as it was downloaded' }
  const { alg, crit, x5c } = said
  const signing = SIGNINGS.get(alg)
  if (signing === undefined)
    return { fault: `is not signed with one of ${[...SIGNINGS.keys()].join(', ')}` }
  if (crit !== undefined) return { fault: 'has a critical header (crit), and none is known' }
  const signer = certificatesIn(x5c)
  if (signer === undefined) return { fault: 'has no certificates of its signer (x5c)' }
  if (!isChained(signer, roots, undefined))
    return { fault: 'has certificates that lead to none of metadataRoots' }
  if (!isOfTheService(signer))
    return { fault: `is signed with a certificate that is not that of ${SERVICE}` }
  if (!holds({ signing, signer, signed: `${header}.${body}`, signature }))
    return { fault: 'has a signature that does not hold: download the file again' }
  const content = jsonIn(body)
  return content === undefined
    ? { fault: 'has a content that is no JSON object' }
    : { content, signer }
}

/** Undefined: it is no JSON object. */
function jsonIn(part: string): Readonly<Record<string, unknown>> | undefined {
  if (!isBase64url(part, 1)) return undefined
  try {
    const read: unknown = JSON.parse(Buffer.from(part, 'base64url').toString())
    return typeof read === 'object' && read !== null ? (read as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}

function certificatesIn(x5c: unknown): readonly Uint8Array[] | undefined {
  if (!Array.isArray(x5c) || x5c.length === 0) return undefined
  if (!x5c.every((one) => typeof one === 'string')) return undefined
  return x5c.map((one) => Buffer.from(one, 'base64'))
}

/** The chain was read before, so its certificates can be read. */
function isOfTheService([first]: readonly Uint8Array[]): boolean {
  return new X509Certificate(first as Uint8Array).checkHost(SERVICE) !== undefined
}

function holds({
  signing,
  signer: [first],
  signed,
  signature,
}: {
  readonly signing: Signing
  readonly signer: readonly Uint8Array[]
  readonly signed: string
  readonly signature: string
}): boolean {
  const key = new X509Certificate(first as Uint8Array).publicKey
  if (!signing.fits(key)) return false
  const given = { key, dsaEncoding: 'ieee-p1363' } as const
  return verify(signing.hash, Buffer.from(signed), given, decode(signature))
}

function isOnCurve(curve: string): (key: KeyObject) => boolean {
  return ({ asymmetricKeyDetails }) => asymmetricKeyDetails?.namedCurve === curve
}

function isRsa({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): boolean {
  return (
    asymmetricKeyType === 'rsa' && Number(asymmetricKeyDetails?.modulusLength) >= SHORTEST_RSA_BITS
  )
}
