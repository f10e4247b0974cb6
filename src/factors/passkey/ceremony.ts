import type { JsonObject } from '../../domain/json.ts'
import type { AccountLabel, ChallengeInput, Owned } from '../factor.ts'
import { encode } from './base64url.ts'
import { siteOf, type PasskeySettings } from './options.ts'
import type {
  Ceremony,
  Descriptor,
  PasskeyChallenge,
  PasskeyPending,
  PasskeyState,
} from './state.ts'

/** How long a challenge is open, in seconds. The browser closes its window after the same time. */
export const PASSKEY_CHALLENGE_SECONDS = 300
const CHALLENGE_BYTES = 32
const USER_HANDLE_BYTES = 32

export function makeChallenge(
  ceremony: Ceremony,
  settings: PasskeySettings,
  { accountId, random, now, issuer }: ChallengeInput,
): PasskeyChallenge {
  return {
    ceremony,
    challenge: encode(random.bytes(CHALLENGE_BYTES)),
    ...siteOf(settings, issuer),
    expiresAt: now + PASSKEY_CHALLENGE_SECONDS,
    alone: accountId === undefined,
  }
}

/** One handle for all passkeys of an account: with another one, a device would show two accounts of one name. */
export function beginPasskey(
  existing: readonly Owned<PasskeyState>[],
  { random }: Pick<ChallengeInput, 'random'>,
): PasskeyPending {
  const userHandle = existing[0]?.state.userHandle ?? encode(random.bytes(USER_HANDLE_BYTES))
  return { userHandle, exclude: existing.map(({ state }) => descriptorOf(state)) }
}

function descriptorOf({ id, transports }: PasskeyState): Descriptor {
  return { id, transports }
}

/** PublicKeyCredentialCreationOptionsJSON (WebAuthn Level 3, 5.1). */
export function creationOptions(
  settings: PasskeySettings,
  pending: PasskeyPending,
  { issuerName, label }: AccountLabel,
  { rpId, challenge }: PasskeyChallenge,
): JsonObject {
  return {
    rp: { id: rpId, name: settings.rpName ?? issuerName },
    user: { id: pending.userHandle, name: label, displayName: label },
    challenge,
    pubKeyCredParams: settings.algorithms.map((alg) => ({ type: 'public-key', alg })),
    timeout: PASSKEY_CHALLENGE_SECONDS * 1000,
    excludeCredentials: pending.exclude.map(credential),
    authenticatorSelection: {
      residentKey: 'preferred',
      requireResidentKey: false,
      userVerification: settings.userVerification,
    },
    attestation: settings.attestation,
    extensions: { credProps: true },
  }
}

/**
 * PublicKeyCredentialRequestOptionsJSON (WebAuthn Level 3, 5.1). No credential is listed where nobody has been named:
 * the browser then offers those that name their owner.
 */
export function requestOptions(
  settings: PasskeySettings,
  states: readonly Owned<PasskeyState>[],
  { rpId, challenge, alone }: PasskeyChallenge,
): JsonObject {
  return {
    challenge,
    rpId,
    timeout: PASSKEY_CHALLENGE_SECONDS * 1000,
    allowCredentials: alone ? [] : states.map(({ state }) => credential(descriptorOf(state))),
    userVerification: alone ? 'required' : settings.userVerification,
  }
}

function credential({ id, transports }: Descriptor): JsonObject {
  return { type: 'public-key', id, ...(transports.length === 0 ? {} : { transports }) }
}
