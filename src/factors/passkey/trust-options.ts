import { X509Certificate } from 'node:crypto'
import type { Instant } from '../../domain/time.ts'
import { isLevel, readMetadata, remarkOn, type Metadata } from './metadata.ts'
import { NO_AAGUID, UUID } from './state.ts'

/** A fault of one option: `rpId` and `must be a domain ...`. */
export interface PasskeysFault {
  readonly option: string
  readonly problem: string
}

/** The options that decide which makers and models are trusted, not checked yet. */
export interface TrustOptions {
  readonly attestation?: unknown
  readonly allow?: unknown
  readonly trustRoots?: unknown
  readonly metadata?: unknown
  readonly metadataRoots?: unknown
}

const CERTIFICATES = 'must be a list of certificates, each as PEM text'
const NO_STATEMENT = 'needs attestation: direct, because there is no statement otherwise'

/** Every fault of these options but those of the content of the metadata: `metadataFaults` has them. */
export function trustFaults(options: TrustOptions): PasskeysFault[] {
  const { attestation, trustRoots = [] } = options
  const faults: PasskeysFault[] = []
  if (!isCertificates(trustRoots)) faults.push({ option: 'trustRoots', problem: CERTIFICATES })
  else if (trustRoots.length > 0 && attestation !== 'direct')
    faults.push({ option: 'trustRoots', problem: NO_STATEMENT })
  return [...faults, ...metadataFormFaults(options), ...allowFaults(options)]
}

function metadataFormFaults({
  attestation,
  metadata,
  metadataRoots = [],
}: TrustOptions): PasskeysFault[] {
  const faults: PasskeysFault[] = []
  const add = (option: string, problem: string): void => void faults.push({ option, problem })
  if (!isCertificates(metadataRoots)) add('metadataRoots', CERTIFICATES)
  else if (metadataRoots.length > 0 && metadata === undefined)
    add('metadataRoots', 'needs metadata, whose signature it verifies')
  else if (metadataRoots.length === 0 && metadata !== undefined)
    add('metadataRoots', 'must be there with metadata: anybody can sign some')
  if (metadata === undefined) return faults
  if (typeof metadata !== 'string' || metadata === '')
    add('metadata', 'must be the text of a file of the FIDO Metadata Service')
  else if (attestation !== 'direct') add('metadata', NO_STATEMENT)
  return faults
}

function allowFaults({ attestation, allow, trustRoots, metadata }: TrustOptions): PasskeysFault[] {
  if (allow === undefined) return []
  const add = (problem: string): PasskeysFault[] => [{ option: 'allow', problem }]
  const faults = isMakers(allow)
    ? []
    : add(
        'must be a list of one or more AAGUIDs (UUIDs in lower case, not of zeros) and levels such as FIDO_CERTIFIED_L2',
      )
  const hasRoots = (Array.isArray(trustRoots) && trustRoots.length > 0) || metadata !== undefined
  if (attestation !== 'direct' || !hasRoots)
    return [
      ...faults,
      ...add(
        'needs attestation: direct, and trustRoots or metadata, because an AAGUID without an attestation is anybody\u2019s word',
      ),
    ]
  const hasLevel = Array.isArray(allow) && allow.some(isLevel)
  if (hasLevel && metadata === undefined)
    faults.push(...add('has a level, which needs metadata: they name the level of each model'))
  return faults
}

function isMakers(value: unknown): boolean {
  if (!Array.isArray(value) || value.length === 0) return false
  return value.every(
    (one) => isLevel(one) || (typeof one === 'string' && UUID.test(one) && one !== NO_AAGUID),
  )
}

function isCertificates(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every(isCertificate)
}

function isCertificate(value: unknown): boolean {
  if (typeof value !== 'string') return false
  try {
    return new X509Certificate(value).raw.length > 0
  } catch {
    return false
  }
}

/** The metadata as an application gives them. */
export interface GivenMetadata {
  readonly metadata?: string | undefined
  readonly metadataRoots?: readonly string[] | undefined
}

/** The fault of metadata that are not signed, or cannot be read. */
export function metadataFaults({ metadata, metadataRoots = [] }: GivenMetadata): PasskeysFault[] {
  if (metadata === undefined) return []
  const read = readMetadata(metadata, metadataRoots)
  return 'fault' in read ? [{ option: 'metadata', problem: read.fault }] : []
}

/** The metadata, of which `metadataFaults` has found no fault. Undefined: none are given. */
export function metadataIn({ metadata, metadataRoots = [] }: GivenMetadata): Metadata | undefined {
  const read = metadata === undefined ? undefined : readMetadata(metadata, metadataRoots)
  return read === undefined || 'fault' in read ? undefined : read
}

/**
 * The advice to an operator whose metadata get old, in words: `are old: ...`. It also comes 14 days before the
 * certificates of the signer end. Undefined: they are new, or there are none. Old metadata still count. Those whose
 * signer's certificates are not valid at this time attest no passkey and prove no level.
 */
export function metadataRemark(given: GivenMetadata, now: Instant): string | undefined {
  const metadata = metadataIn(given)
  return metadata && remarkOn(metadata, now)
}
