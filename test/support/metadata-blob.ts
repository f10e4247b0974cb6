import { sign, type KeyObject } from 'node:crypto'
import { makeCertificate, type Made } from './attestation-certificates.ts'

/** The name in the certificate of the FIDO Metadata Service. */
export const METADATA_SERVICE = 'mds.fidoalliance.org'

/** The root of the blobs that a test makes, and the certificate that signs them. */
export const METADATA_ROOT = makeCertificate({ name: 'Metadata Root', isCa: true })
export const METADATA_SIGNER = makeCertificate({ name: METADATA_SERVICE, issuer: METADATA_ROOT })

export interface Report {
  readonly status: string
  readonly effectiveDate?: string
}

/** An entry of a blob: reports by their status, the latest last, and the certificates of the maker. */
export function entryOf(
  aaguid: string,
  given: {
    readonly reports?: readonly (Report | string)[]
    readonly roots?: readonly Made[]
    readonly keyProtection?: readonly string[]
  } = {},
): object {
  const { reports = ['FIDO_CERTIFIED_L2'], roots = [], keyProtection = ['hardware'] } = given
  return {
    aaguid,
    timeOfLastStatusChange: '2026-01-01',
    statusReports: reports.map((each) => (typeof each === 'string' ? { status: each } : each)),
    metadataStatement: {
      description: 'Acme Key',
      attestationRootCertificates: roots.map(({ der }) => der.toString('base64')),
      keyProtection,
    },
  }
}

export interface Blob {
  readonly entries?: unknown
  readonly number?: unknown
  readonly nextUpdate?: unknown
  /** Members of the header in place of ours. */
  readonly header?: object
  readonly algorithm?: string
  readonly hash?: string
  readonly signer?: Made
  readonly key?: KeyObject
  /** The whole content. */
  readonly content?: unknown
}

/** Makes a blob as the FIDO Metadata Service publishes it: a JWT with the certificates of its signer. */
export function makeBlob(blob: Blob = {}): string {
  const { entries = [], number = 12, nextUpdate = '2040-12-01' } = blob
  const { signer = METADATA_SIGNER, algorithm = 'ES256', hash = 'sha256' } = blob
  const x5c = [signer.der.toString('base64')]
  const header = { alg: algorithm, typ: 'JWT', x5c, ...blob.header }
  const content = 'content' in blob ? blob.content : { no: number, nextUpdate, entries }
  const signed = `${part(header)}.${part(content)}`
  const key = { key: blob.key ?? signer.privateKey, dsaEncoding: 'ieee-p1363' } as const
  return `${signed}.${sign(hash, Buffer.from(signed), key).toString('base64url')}`
}

function part(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}
