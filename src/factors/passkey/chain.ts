import { X509Certificate } from 'node:crypto'
import type { Instant } from '../../domain/time.ts'

/** Real chains have up to four certificates. */
const LONGEST_CHAIN = 8

/** A certificate that is trusted by itself: PEM text, or DER. */
export type Anchor = string | Uint8Array

/** Reads the certificates of a statement: none where it has no list. Undefined: the list is no chain of certificates. */
export function readChain(x5c: unknown): readonly Uint8Array[] | undefined {
  if (x5c === undefined) return []
  if (!Array.isArray(x5c) || x5c.length === 0 || x5c.length > LONGEST_CHAIN) return undefined
  return x5c.every((one) => one instanceof Uint8Array) ? x5c : undefined
}

/**
 * Whether a chain of certificates, the signer's first, leads to one of these anchors. `now`: each of them has to be valid
 * at this time; `undefined`: their times are not asked for. An anchor that cannot be read is none.
 */
export function isChained(
  x5c: readonly Uint8Array[],
  anchors: readonly Anchor[],
  now: Instant | undefined,
): boolean {
  if (anchors.length === 0) return false
  try {
    return leadsTo(
      x5c.slice(0, LONGEST_CHAIN).map((der) => new X509Certificate(der)),
      anchors.flatMap(readable),
      now,
    )
  } catch {
    // A certificate that cannot be read, or a key of a kind that is not known.
    return false
  }
}

function leadsTo(
  chain: readonly X509Certificate[],
  anchors: readonly X509Certificate[],
  now: Instant | undefined,
): boolean {
  const valid = anchors.filter((anchor) => isValid(anchor, now))
  for (const [place, certificate] of chain.entries()) {
    if (!isValid(certificate, now)) return false
    if (valid.some((anchor) => isSame(certificate, anchor) || isOf(certificate, anchor)))
      return true
    const next = chain[place + 1]
    if (next === undefined || !next.ca || !isIssuedBy(certificate, next)) return false
  }
  return false
}

function readable(anchor: Anchor): X509Certificate[] {
  try {
    return [new X509Certificate(anchor)]
  } catch {
    return []
  }
}

function isValid({ validFrom, validTo }: X509Certificate, now: Instant | undefined): boolean {
  if (now === undefined) return true
  return Date.parse(validFrom) <= now * 1000 && now * 1000 <= Date.parse(validTo)
}

function isSame(one: X509Certificate, other: X509Certificate): boolean {
  return one.raw.equals(other.raw)
}

/** An anchor may be the certificate of one authenticator, whose key must not vouch for others. Old roots name no CA. */
function isOf(certificate: X509Certificate, anchor: X509Certificate): boolean {
  return (anchor.ca || anchor.checkIssued(anchor)) && isIssuedBy(certificate, anchor)
}

function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey)
}
