import { X509Certificate } from 'node:crypto'
import type { Instant } from '../../domain/time.ts'
import type { PasskeyRefusal } from './checks.ts'
import type { PasskeySettings } from './options.ts'
import type { PasskeyState } from './state.ts'

/** Real chains have up to four certificates. */
const LONGEST_CHAIN = 8
/** The extension cRLDistributionPoints (RFC 5280, 4.2.1.13): its object identifier in DER. */
const REVOCATION_LISTS = Buffer.from('0603551d1f', 'hex')

/** Reads the certificates of a statement: none where it has no list. Undefined: the list is no chain of certificates. */
export function readChain(x5c: unknown): readonly Uint8Array[] | undefined {
  if (x5c === undefined) return []
  if (!Array.isArray(x5c) || x5c.length === 0 || x5c.length > LONGEST_CHAIN) return undefined
  return x5c.every((one) => one instanceof Uint8Array) ? x5c : undefined
}

/** Whether the certificates of a statement, the authenticator's first, lead to one of these roots at this time. */
export function isChained(
  x5c: readonly Uint8Array[],
  roots: readonly string[],
  now: Instant,
): boolean {
  if (roots.length === 0) return false
  try {
    return leadsTo(x5c, roots, now)
  } catch {
    // A certificate that cannot be read, or a key of a kind that is not known.
    return false
  }
}

function leadsTo(x5c: readonly Uint8Array[], roots: readonly string[], now: Instant): boolean {
  const anchors = roots.map((pem) => new X509Certificate(pem)).filter((one) => isValid(one, now))
  const chain = x5c.map((bytes) => new X509Certificate(bytes))
  for (const [place, certificate] of chain.entries()) {
    if (!isValid(certificate, now)) return false
    if (anchors.some((anchor) => isSame(certificate, anchor) || isIssuedBy(certificate, anchor)))
      return true
    const next = chain[place + 1]
    if (next === undefined || !next.ca || !isIssuedBy(certificate, next)) return false
  }
  return false
}

function isValid({ validFrom, validTo }: X509Certificate, now: Instant): boolean {
  return Date.parse(validFrom) <= now * 1000 && now * 1000 <= Date.parse(validTo)
}

function isSame(one: X509Certificate, other: X509Certificate): boolean {
  return one.raw.equals(other.raw)
}

function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey)
}

/**
 * Whether the library would ask for a list of revoked certificates over the network. It does so for a format for which
 * it has roots, where a certificate names such a list. SafetyNet, which has ended, keeps its certificates elsewhere.
 */
export function asksTheNetwork(
  { format, x5c }: { readonly format: unknown; readonly x5c: readonly Uint8Array[] },
  roots: readonly string[],
): boolean {
  if (format === 'android-safetynet') return true
  if (roots.length === 0) return false
  // A statement of Android brings its root along: the other roots of the library take no part.
  const taking = format === 'android-key' ? [] : roots.map((pem) => new X509Certificate(pem).raw)
  return [...x5c, ...taking].some((bytes) => Buffer.from(bytes).includes(REVOCATION_LISTS))
}

/** The options that say which makers are allowed. */
export type AllowedMakers = Pick<PasskeySettings, 'allow'>

/** Refuses a passkey of a maker that is not allowed. Without an attestation the AAGUID is anybody's word. */
export function makerRefusal(
  { allow }: AllowedMakers,
  { attested, aaguid }: Pick<PasskeyState, 'attested' | 'aaguid'>,
): PasskeyRefusal | undefined {
  if (allow === undefined) return undefined
  return attested === true && allow.includes(aaguid) ? undefined : 'maker'
}
