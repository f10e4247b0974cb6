import { MfaError } from '../../domain/errors.ts'
import type { Json } from '../../domain/json.ts'
import type { Instant } from '../../domain/time.ts'
import { isBase64url } from './base64url.ts'

/** A registered passkey: the credential record of WebAuthn Level 3, section 4. Bytes are in base64url. */
export type PasskeyState = {
  readonly id: string
  /** A COSE key (RFC 9052). */
  readonly publicKey: string
  /**
   * 1 to 64 random bytes. All passkeys that the account has set up here share them, except those of keys that were set up
   * once more (`beginPasskey`). Never the account id.
   */
  readonly userHandle: string
  /** How a browser can reach the authenticator, by its own word: `usb`, `internal`, `hybrid` ... */
  readonly transports: readonly string[]
  /** The signature counter of the last accepted response; 0 for an authenticator that has none. */
  readonly counter: number
  /** Whether the passkey may be copied to other devices (synced). It never changes. */
  readonly backupEligible: boolean
  /** Whether it was copied at the last response. */
  readonly backedUp: boolean
  /** The model of the authenticator, by its own word: a UUID, of zeros where it does not say. */
  readonly aaguid: string
  /** Whether it has verified its user in a response that was accepted beside another factor, or at its registration. */
  readonly userVerified: boolean
  /** The challenge whose response was accepted last. */
  readonly lastChallenge: string
  /** The maker has attested the model at the registration (`trustRoots`). Absent: it is the authenticator's own word. */
  readonly attested?: true
  /** The attestation led to a certificate of the model's own entry in the metadata. Absent: it did not. */
  readonly attestedByEntry?: true
}

/** The data of a set-up in progress. */
export type PasskeyPending = {
  readonly userHandle: string
}

export type Ceremony = 'create' | 'get'

/** A challenge, with everything that its response has to fit. */
export type PasskeyChallenge = {
  readonly ceremony: Ceremony
  /** 32 random bytes. */
  readonly challenge: string
  readonly rpId: string
  readonly origins: readonly string[]
  readonly expiresAt: Instant
  /** True: nobody has been named yet, so the response has to name its owner and to verify its user. */
  readonly alone: boolean
  /** True: the browser makes the passkey without asking, so nobody need be present. Absent: somebody has to be. */
  readonly silent?: true
}

/** The longest id of a credential, in bytes (WebAuthn Level 3, 7.1). */
export const LONGEST_ID_BYTES = 1023
export const LONGEST_HANDLE_BYTES = 64
const HIGHEST_COUNTER = 2 ** 32 - 1
/** An AAGUID as text. */
export const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
/** The AAGUID of an authenticator that does not say its model. */
export const NO_AAGUID = '00000000-0000-0000-0000-000000000000'
const TRANSPORT = /^[a-z][a-z-]{0,31}$/
const MOST_TRANSPORTS = 12

export function parseState(stored: Json): PasskeyState {
  const read = fieldsOf(stored)
  const { id, publicKey, userHandle, counter, backupEligible, backedUp, aaguid } = read
  const { userVerified, lastChallenge, attested, attestedByEntry } = read
  if (
    !isBase64url(id, 1, LONGEST_ID_BYTES) ||
    !isBase64url(publicKey, 1) ||
    !isBase64url(userHandle, 1, LONGEST_HANDLE_BYTES) ||
    !isCounter(counter) ||
    typeof backupEligible !== 'boolean' ||
    typeof backedUp !== 'boolean' ||
    typeof aaguid !== 'string' ||
    !isUuid(aaguid) ||
    typeof userVerified !== 'boolean' ||
    !isBase64url(lastChallenge, 1) ||
    !isTrueOrAbsent(attested) ||
    !isTrueOrAbsent(attestedByEntry)
  )
    throw unreadable()
  const transports = parseTransports(read.transports)
  const flags = { backupEligible, backedUp, userVerified }
  const model = {
    aaguid,
    ...(attested === undefined ? {} : { attested }),
    ...(attestedByEntry === undefined ? {} : { attestedByEntry }),
  }
  return { id, publicKey, userHandle, transports, counter, ...flags, ...model, lastChallenge }
}

export function parsePending(stored: Json): PasskeyPending {
  const { userHandle } = fieldsOf(stored)
  if (!isBase64url(userHandle, 1, LONGEST_HANDLE_BYTES)) throw unreadable()
  return { userHandle }
}

export function parseChallenge(stored: Json): PasskeyChallenge {
  const { ceremony, challenge, rpId, origins, expiresAt, alone, silent } = fieldsOf(stored)
  if (
    (ceremony !== 'create' && ceremony !== 'get') ||
    !isBase64url(challenge, 16) ||
    typeof rpId !== 'string' ||
    !isTexts(origins) ||
    !Number.isSafeInteger(expiresAt) ||
    typeof alone !== 'boolean' ||
    (silent !== undefined && (silent !== true || ceremony !== 'create'))
  )
    throw unreadable()
  const asked = {
    ceremony,
    challenge,
    rpId,
    origins,
    expiresAt: expiresAt as Instant,
    alone,
  } as const
  return silent === undefined ? asked : { ...asked, silent }
}

function parseTransports(stored: unknown): readonly string[] {
  if (!isTexts(stored)) throw unreadable()
  return stored
}

/** The transports that a browser names. One that is not a word is left out: nothing depends on them. */
export function readTransports(named: unknown): readonly string[] {
  if (!Array.isArray(named)) return []
  const words = named.filter((one) => typeof one === 'string' && TRANSPORT.test(one)) as string[]
  return [...new Set(words)].slice(0, MOST_TRANSPORTS)
}

/** Whether the text is a UUID in lower case. */
export function isUuid(text: string): boolean {
  return UUID.test(text)
}

function isTrueOrAbsent(value: unknown): value is true | undefined {
  return value === undefined || value === true
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((one) => typeof one === 'string')
}

export function isCounter(value: unknown): value is number {
  return (
    Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= HIGHEST_COUNTER
  )
}

/** The members of a value that was not read yet. A value without members has none. */
export function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return Object(value) as Readonly<Record<string, unknown>>
}

function unreadable(): MfaError {
  return new MfaError('record-unreadable', 'This is not what the passkey factor has stored')
}
