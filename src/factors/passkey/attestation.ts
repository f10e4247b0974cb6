import { X509Certificate } from 'node:crypto'
import type { Instant } from '../../domain/time.ts'
import type { PasskeyRefusal } from './checks.ts'
import { isInForce, isOfLevel, type Metadata, type Model } from './metadata.ts'
import type { PasskeySettings } from './options.ts'
import type { PasskeyState } from './state.ts'

/** The extension cRLDistributionPoints (RFC 5280, 4.2.1.13): its object identifier in DER. */
const REVOCATION_LISTS = Buffer.from('0603551d1f', 'hex')

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
export type AllowedMakers = Pick<PasskeySettings, 'allow' | 'metadata'>

type Passkey = Pick<PasskeyState, 'attested' | 'aaguid'>

/**
 * Refuses a passkey of a maker that is not allowed, or of a model that is not trusted any more. Without an attestation the
 * AAGUID is anybody's word.
 */
export function makerRefusal(
  { allow, metadata }: AllowedMakers,
  passkey: Passkey,
  now: Instant,
): PasskeyRefusal | undefined {
  if (allow === undefined) return undefined
  const { attested, aaguid } = passkey
  if (attested !== true || isUndesired(metadata, aaguid)) return 'maker'
  return allow.includes(aaguid) || isOfAnyLevel(allow, metadata, { aaguid, now })
    ? undefined
    : 'maker'
}

/**
 * The same for a new passkey. Nobody gets one of a model that is not trusted any more, also where every maker is allowed
 * and without an attestation: the owner of a broken key is told before anything depends on it.
 */
export function newMakerRefusal(
  settings: AllowedMakers,
  passkey: Passkey,
  now: Instant,
): PasskeyRefusal | undefined {
  return isUndesired(settings.metadata, passkey.aaguid)
    ? 'maker'
    : makerRefusal(settings, passkey, now)
}

function isUndesired(metadata: Metadata | undefined, aaguid: string): boolean {
  return metadata?.models.get(aaguid)?.isUndesired === true
}

function isOfAnyLevel(
  allow: readonly string[],
  metadata: Metadata | undefined,
  { aaguid, now }: { readonly aaguid: string; readonly now: Instant },
): boolean {
  const model = modelInForce(metadata, aaguid, now)
  return model !== undefined && allow.some((each) => isOfLevel(model, each))
}

/** The certificates that can attest this model by the metadata, and no other model. */
export function anchorsOf(
  metadata: Metadata | undefined,
  aaguid: string,
  now: Instant,
): readonly Uint8Array[] {
  return modelInForce(metadata, aaguid, now)?.anchors ?? []
}

/**
 * Whether hardware protects the key, by the metadata of this time. Roots of the options do not say so: each can attest any
 * model. A key that can be copied is in no hardware alone.
 */
export function isInHardware(
  metadata: Metadata | undefined,
  { aaguid, attestedByEntry, backupEligible }: PasskeyState,
  now: Instant,
): boolean {
  if (attestedByEntry !== true || backupEligible) return false
  const model = modelInForce(metadata, aaguid, now)
  return model !== undefined && model.isHardware && model.level > 0 && !model.isUndesired
}

/**
 * Whether hardware protects the key now, or may have done so by the metadata of an earlier time: before the certificates of
 * their signer ended, the certification of its model was withdrawn, or another report came. A model that the metadata do
 * not name any more counts, because nothing else says what its entry was.
 */
export function wasInHardware(
  metadata: Metadata | undefined,
  { aaguid, attestedByEntry, backupEligible }: PasskeyState,
): boolean {
  if (attestedByEntry !== true || backupEligible) return false
  const model = metadata?.models.get(aaguid)
  return model === undefined || (model.isHardware && model.wasCertified)
}

function modelInForce(
  metadata: Metadata | undefined,
  aaguid: string,
  now: Instant,
): Model | undefined {
  const model = metadata?.models.get(aaguid)
  if (metadata === undefined || model === undefined) return undefined
  return isInForce(metadata, now) ? model : undefined
}
