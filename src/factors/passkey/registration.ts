import type { Instant } from '../../domain/time.ts'
import type { Owned } from '../factor.ts'
import { anchorsOf, asksTheNetwork, newMakerRefusal } from './attestation.ts'
import { decode, encode } from './base64url.ts'
import { endOfMap } from './cbor.ts'
import { isChained, readChain } from './chain.ts'
import {
  authenticatorRefusal,
  challengeRefusal,
  clientDataRefusal,
  readAuthenticatorData,
  type PasskeyRefusal,
} from './checks.ts'
import { algorithmOf, fitsAlgorithm, type CoseKey } from './key.ts'
import { loadLibrary } from './library.ts'
import type { PasskeyAlgorithm, PasskeySettings } from './options.ts'
import type { PasskeyResponse, RegistrationResponse } from './response.ts'
import {
  LONGEST_ID_BYTES,
  type PasskeyChallenge,
  type PasskeyPending,
  type PasskeyState,
} from './state.ts'

/** A format for which the library can have root certificates. */
type RootIdentifier = Parameters<
  Awaited<ReturnType<typeof loadLibrary>>['SettingsService']['getRootCertificates']
>[0]['identifier']

export type Registered =
  { readonly refusal: PasskeyRefusal } | { readonly refusal?: never; readonly state: PasskeyState }

export interface RegistrationInput {
  readonly settings: Pick<
    PasskeySettings,
    'algorithms' | 'userVerification' | 'allow' | 'trustRoots' | 'metadata'
  >
  readonly pending: PasskeyPending
  readonly challenge: PasskeyChallenge | undefined
  readonly response: PasskeyResponse
  /** The account's passkeys. That no other account has the credential is checked by its handle, when it is saved. */
  readonly existing: readonly Owned<PasskeyState>[]
  readonly now: Instant
}

/** Verifies a new credential (WebAuthn Level 3, 7.1). Says by name which check it fails. */
export async function verifyRegistration(input: RegistrationInput): Promise<Registered> {
  const { challenge, response, settings, now } = input
  if (challenge === undefined) return { refusal: 'no-challenge' }
  if (response.ceremony !== 'create') return { refusal: 'ceremony' }
  const early =
    challengeRefusal(challenge, 'create', now) ??
    clientDataRefusal(response.clientDataJSON, challenge)
  if (early !== undefined) return { refusal: early }
  const attested = await readAttested(response)
  const data = attested && readAuthenticatorData(attested.authData)
  if (attested === undefined || data === undefined) return { refusal: 'malformed' }
  const refusal =
    authenticatorRefusal(data, challenge, settings.userVerification === 'required') ??
    credentialRefusal(attested, input) ??
    (await statementRefusal(response, attested, { ...input, challenge }))
  if (refusal !== undefined) return { refusal }
  const model = modelOf(attested, input)
  const notAllowed = newMakerRefusal(settings, model, now)
  if (notAllowed !== undefined) return { refusal: notAllowed }
  const { backupEligible, backedUp, userVerified, counter } = data
  return {
    state: {
      id: response.id,
      publicKey: encode(attested.publicKey),
      userHandle: input.pending.userHandle,
      transports: response.transports,
      counter,
      backupEligible,
      backedUp,
      ...model,
      // Nobody has asked the person: it is no first factor before it has verified its user beside a password.
      userVerified: userVerified && challenge.silent !== true,
      lastChallenge: challenge.challenge,
    },
  }
}

/** The parts of an attestation object (WebAuthn Level 3, 6.5). */
interface Attested {
  readonly authData: Uint8Array
  readonly id: Uint8Array
  readonly publicKey: Uint8Array
  readonly key: CoseKey
  readonly aaguid: string
  readonly format: unknown
  /** The certificates of the statement, the authenticator's first. Empty: it has none. */
  readonly x5c: readonly Uint8Array[]
  /** The algorithm of a self attestation: signed with the key itself, without certificates. */
  readonly selfAlgorithm?: unknown
}

/** Undefined: it does not parse, or it has no credential. */
async function readAttested(response: RegistrationResponse): Promise<Attested | undefined> {
  const library = await loadLibrary()
  const bytes = decode(response.attestationObject)
  // The library would ignore everything that follows the first item.
  if (endOfMap(bytes, 0) !== bytes.length) return undefined
  try {
    const object = library.decodeAttestationObject(bytes)
    const authData = object.get('authData')
    const statement = object.get('attStmt')
    const { credentialID, credentialPublicKey, aaguid } = library.parseAuthenticatorData(authData)
    if (credentialID === undefined || credentialPublicKey === undefined || aaguid === undefined)
      return undefined
    const format = object.get('fmt')
    const x5c = readChain(statement.get('x5c'))
    if (x5c === undefined) return undefined
    const isSelf = format === 'packed' && x5c.length === 0
    return {
      authData,
      id: credentialID,
      publicKey: credentialPublicKey,
      key: library.decodeCredentialPublicKey(credentialPublicKey) as unknown as CoseKey,
      aaguid: library.convertAAGUIDToString(aaguid),
      format,
      x5c,
      ...(isSelf ? { selfAlgorithm: statement.get('alg') } : {}),
    }
  } catch {
    return undefined
  }
}

/** Checks the credential (7.1, steps 20, 25 and 26). */
function credentialRefusal(
  { id, key, publicKey, selfAlgorithm }: Attested,
  { response, settings, existing }: RegistrationInput,
): PasskeyRefusal | undefined {
  if (id.length === 0 || id.length > LONGEST_ID_BYTES) return 'id-length'
  if (encode(id) !== response.id) return 'id'
  const algorithm = algorithmOf(key)
  const offered: readonly (number | undefined)[] = settings.algorithms
  if (!offered.includes(algorithm)) return 'algorithm'
  if (!fitsAlgorithm(key, algorithm as PasskeyAlgorithm)) return 'key'
  if (selfAlgorithm !== undefined && selfAlgorithm !== algorithm) return 'attestation'
  const isKnown = existing.some(
    ({ state }) => state.id === response.id || state.publicKey === encode(publicKey),
  )
  return isKnown ? 'registered' : undefined
}

/** The model of the authenticator, and whether its maker has attested it. The statement was verified before. */
function modelOf(
  { aaguid, x5c }: Attested,
  { settings, now }: RegistrationInput,
): Pick<PasskeyState, 'aaguid' | 'attested' | 'attestedByEntry'> {
  if (isChained(x5c, anchorsOf(settings.metadata, aaguid, now), now))
    return { aaguid, attested: true, attestedByEntry: true }
  return isChained(x5c, settings.trustRoots, now) ? { aaguid, attested: true } : { aaguid }
}

/** The library verifies the statement (7.1, steps 21 and 22), also one that nobody asked for, and checks the rest again. */
async function statementRefusal(
  { id, clientDataJSON, attestationObject }: RegistrationResponse,
  attested: Attested,
  { settings, challenge }: RegistrationInput & { readonly challenge: PasskeyChallenge },
): Promise<PasskeyRefusal | undefined> {
  const { verifyRegistrationResponse, SettingsService } = await loadLibrary()
  try {
    const identifier = attested.format as RootIdentifier
    const roots = SettingsService.getRootCertificates({ identifier })
    // A statement that cannot be verified here is refused: no sign-in may depend on another host, or tell it anything.
    if (asksTheNetwork(attested, roots)) return 'attestation'
    const { verified } = await verifyRegistrationResponse({
      response: {
        id,
        rawId: id,
        type: 'public-key',
        response: { clientDataJSON, attestationObject },
        clientExtensionResults: {},
      },
      expectedChallenge: challenge.challenge,
      expectedOrigin: [...challenge.origins],
      expectedRPID: challenge.rpId,
      requireUserPresence: challenge.silent !== true,
      requireUserVerification: settings.userVerification === 'required',
      supportedAlgorithmIDs: [...settings.algorithms],
    })
    return verified ? undefined : 'attestation'
  } catch {
    return 'attestation'
  }
}
