import { createHash } from 'node:crypto'
import type { Instant } from '../../domain/time.ts'
import { decode, encode } from './base64url.ts'
import { endOfMap } from './cbor.ts'
import type { Ceremony, PasskeyChallenge } from './state.ts'

/** The check that a response has failed. The person gets one answer for all of them. */
export type PasskeyRefusal =
  | 'no-challenge' // none is open: never made, spent, or of another interaction
  | 'expired' // the challenge is older than five minutes
  | 'ceremony' // a response of the other ceremony, or to a challenge of the other one
  | 'malformed' // client data, authenticator data or attestation do not parse
  | 'type' // the client data are of the other ceremony
  | 'challenge' // not the challenge of this page
  | 'origin' // made on a page of another origin
  | 'cross-origin' // made in a frame of another site
  | 'top-origin' // the same; the browser names the site
  | 'rp-id' // made for another domain
  | 'user-presence' // nobody has touched the device
  | 'user-verification' // the device had to verify its user and has not
  | 'backup-flags' // copied, and yet not able to be copied
  | 'backup-eligibility' // it was the other kind when it was registered
  | 'algorithm' // a key of an algorithm that was not offered
  | 'key' // type, curve or length do not fit the algorithm
  | 'id' // the id of the response is not that of the authenticator data
  | 'id-length' // longer than 1,023 bytes, or empty
  | 'registered' // the account has this id or this key
  | 'attestation' // the statement does not hold
  | 'maker' // not attested, or a model that is not allowed
  | 'not-allowed' // none of the person's passkeys
  | 'user-handle' // names another owner, or none where it has to
  | 'signature' // not made with the key of the passkey

/** The members of CollectedClientData that are checked (WebAuthn Level 3, 5.8.1). */
type ClientData = Readonly<Record<string, unknown>>

const TYPES: Readonly<Record<Ceremony, string>> = {
  create: 'webauthn.create',
  get: 'webauthn.get',
}

/** Checks the challenge itself. It is also sealed to the account, the interaction and the ceremony. */
export function challengeRefusal(
  challenge: PasskeyChallenge,
  ceremony: Ceremony,
  now: Instant,
): PasskeyRefusal | undefined {
  if (challenge.ceremony !== ceremony) return 'ceremony'
  return now < challenge.expiresAt ? undefined : 'expired'
}

/** Checks what the browser says (7.1, steps 5 to 11, and 7.2, steps 8 to 14). */
export function clientDataRefusal(
  clientDataJSON: string,
  challenge: PasskeyChallenge,
): PasskeyRefusal | undefined {
  const said = readClientData(clientDataJSON)
  if (said === undefined) return 'malformed'
  if (said.type !== TYPES[challenge.ceremony]) return 'type'
  if (said.challenge !== challenge.challenge) return 'challenge'
  if (!challenge.origins.includes(said.origin as string)) return 'origin'
  // The pages cannot be framed, so a response that was made in a frame of another site was made elsewhere.
  if (said.crossOrigin !== undefined && said.crossOrigin !== false) return 'cross-origin'
  return said.topOrigin === undefined ? undefined : 'top-origin'
}

function readClientData(text: string): ClientData | undefined {
  try {
    const read: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(decode(text)))
    return typeof read === 'object' && read !== null ? (read as ClientData) : undefined
  } catch {
    return undefined
  }
}

/** The beginning of authenticator data, which every response has (WebAuthn Level 3, 6.1). */
export interface AuthenticatorData {
  readonly rpIdHash: string
  readonly userPresent: boolean
  readonly userVerified: boolean
  readonly backupEligible: boolean
  readonly backedUp: boolean
  readonly counter: number
}

const SHORTEST_BYTES = 37
const FLAGS_AT = 32
const COUNTER_AT = 33
const MODEL_BYTES = 16
const FLAG = { credential: 0x40, extensions: 0x80 } as const

/** Undefined: cut off, or with bytes that belong to no part. */
export function readAuthenticatorData(bytes: Uint8Array): AuthenticatorData | undefined {
  const flags = bytes[FLAGS_AT]
  if (flags === undefined || endOfParts(bytes, flags) !== bytes.length) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return {
    rpIdHash: encode(bytes.subarray(0, FLAGS_AT)),
    userPresent: (flags & 0x01) !== 0,
    userVerified: (flags & 0x04) !== 0,
    backupEligible: (flags & 0x08) !== 0,
    backedUp: (flags & 0x10) !== 0,
    counter: view.getUint32(COUNTER_AT),
  }
}

/** Where the parts that the flags announce end: a new credential, and extensions, which are ignored. */
function endOfParts(bytes: Uint8Array, flags: number): number | undefined {
  const hasCredential = (flags & FLAG.credential) !== 0
  const end = hasCredential ? endOfCredential(bytes) : SHORTEST_BYTES
  const hasExtensions = (flags & FLAG.extensions) !== 0
  return hasExtensions && end !== undefined ? endOfMap(bytes, end) : end
}

/** Model, length of the id, id and key. */
function endOfCredential(bytes: Uint8Array): number | undefined {
  const [high, low] = bytes.subarray(SHORTEST_BYTES + MODEL_BYTES)
  if (high === undefined || low === undefined) return undefined
  return endOfMap(bytes, SHORTEST_BYTES + MODEL_BYTES + 2 + high * 0x100 + low)
}

/** Checks what the authenticator says (7.1, steps 14 to 17, and 7.2, steps 15 to 18). */
export function authenticatorRefusal(
  data: AuthenticatorData,
  { rpId, silent }: Pick<PasskeyChallenge, 'rpId' | 'silent'>,
  mustVerify: boolean,
): PasskeyRefusal | undefined {
  if (data.rpIdHash !== createHash('sha256').update(rpId).digest('base64url')) return 'rp-id'
  if (!data.userPresent && silent !== true) return 'user-presence'
  if (mustVerify && !data.userVerified) return 'user-verification'
  return data.backedUp && !data.backupEligible ? 'backup-flags' : undefined
}
