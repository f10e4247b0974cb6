import type { Assurance } from '../../domain/assurance.ts'
import type { Instant } from '../../domain/time.ts'
import type { Owned } from '../factor.ts'
import { isInHardware, makerRefusal } from './attestation.ts'
import { decode } from './base64url.ts'
import {
  authenticatorRefusal,
  challengeRefusal,
  clientDataRefusal,
  readAuthenticatorData,
  type AuthenticatorData,
  type PasskeyRefusal,
} from './checks.ts'
import { loadLibrary } from './library.ts'
import type { PasskeySettings } from './options.ts'
import type { AssertionResponse, PasskeyResponse } from './response.ts'
import type { PasskeyChallenge, PasskeyState } from './state.ts'

/** The content of a verified response. */
export interface PasskeyProof {
  readonly challenge: string
  readonly counter: number
  readonly backupEligible: boolean
  readonly backedUp: boolean
  /** The device has verified its user in this response. */
  readonly userVerified: boolean
  /** It had done so before: only then the verification counts as a kind of factor (7.2, `uvInitialized`). */
  readonly counts: boolean
  /** Hardware protects the key, by the metadata of the time of the response. Absent: that is not known. */
  readonly hardware?: true
}

export type Asserted =
  | { readonly refusal: PasskeyRefusal }
  | {
      readonly refusal?: never
      readonly authenticatorId: string
      readonly proof: PasskeyProof
    }

export interface AssertionInput {
  readonly settings: Pick<PasskeySettings, 'userVerification' | 'allow' | 'metadata'>
  readonly states: readonly Owned<PasskeyState>[]
  readonly challenge: PasskeyChallenge | undefined
  readonly response: PasskeyResponse
  readonly now: Instant
}

/**
 * Verifies a response to a sign-in (WebAuthn Level 3, 7.2). Says by name which check it fails. The counter is not among
 * them: `spend` decides on it, on the state that is saved.
 */
export async function verifyAssertion(input: AssertionInput): Promise<Asserted> {
  const { challenge, response, states, settings, now } = input
  if (challenge === undefined) return { refusal: 'no-challenge' }
  if (response.ceremony !== 'get') return { refusal: 'ceremony' }
  const data = readAuthenticatorData(decode(response.authenticatorData))
  const owned = states.find(({ state }) => state.id === response.id)
  const early =
    challengeRefusal(challenge, 'get', now) ?? clientDataRefusal(response.clientDataJSON, challenge)
  if (early !== undefined) return { refusal: early }
  if (data === undefined) return { refusal: 'malformed' }
  if (owned === undefined) return { refusal: 'not-allowed' }
  const { authenticatorId, state } = owned
  const mustVerify = challenge.alone || settings.userVerification === 'required'
  const refusal =
    ownerRefusal(response, state, challenge) ??
    authenticatorRefusal(data, challenge, mustVerify) ??
    stateRefusal(data, state, challenge) ??
    makerRefusal(settings, state, now) ??
    (await signatureRefusal(response, state, challenge))
  if (refusal !== undefined) return { refusal }
  const { counter, backupEligible, backedUp, userVerified } = data
  const counts = userVerified && state.userVerified
  const flags = { backupEligible, backedUp, userVerified, counts }
  const hardware = isInHardware(settings.metadata, state, now) ? { hardware: true as const } : {}
  const proof = { challenge: challenge.challenge, counter, ...flags, ...hardware }
  return { authenticatorId, proof }
}

/** The owner that the credential names is the account (7.2, step 6). Without a first factor it has to name one. */
function ownerRefusal(
  { userHandle }: AssertionResponse,
  state: PasskeyState,
  { alone }: PasskeyChallenge,
): PasskeyRefusal | undefined {
  if (userHandle === undefined) return alone ? 'user-handle' : undefined
  return userHandle === state.userHandle ? undefined : 'user-handle'
}

function stateRefusal(
  { backupEligible }: AuthenticatorData,
  state: PasskeyState,
  { alone }: PasskeyChallenge,
): PasskeyRefusal | undefined {
  if (backupEligible !== state.backupEligible) return 'backup-eligibility'
  // Verification that was never seen beside another factor may be a PIN that a thief of the key has set.
  return alone && !state.userVerified ? 'user-verification' : undefined
}

/** The library verifies the signature (7.2, steps 20 and 21) and checks the rest again, except for the counter. */
async function signatureRefusal(
  { id, clientDataJSON, authenticatorData, signature }: AssertionResponse,
  { publicKey }: PasskeyState,
  { challenge, origins, rpId }: PasskeyChallenge,
): Promise<PasskeyRefusal | undefined> {
  const { verifyAuthenticationResponse } = await loadLibrary()
  try {
    const { verified } = await verifyAuthenticationResponse({
      response: {
        id,
        rawId: id,
        type: 'public-key',
        response: { clientDataJSON, authenticatorData, signature },
        clientExtensionResults: {},
      },
      expectedChallenge: challenge,
      expectedOrigin: [...origins],
      expectedRPID: rpId,
      credential: { id, publicKey: decode(publicKey), counter: 0 },
      requireUserVerification: false,
    })
    return verified ? undefined : 'signature'
  } catch {
    return 'signature'
  }
}

/**
 * The state after the proof. Undefined: the counter has not grown, so that a copy of the key may exist (7.2, step 22,
 * R29), or the challenge was answered before. Only a counter that has always been zero need not grow.
 */
export function spend(state: PasskeyState, proof: PasskeyProof): PasskeyState | undefined {
  if (proof.challenge === state.lastChallenge || isBehind(state, proof)) return undefined
  const { counter, backedUp, challenge } = proof
  const userVerified = state.userVerified || proof.userVerified
  return { ...state, counter, backedUp, userVerified, lastChallenge: challenge }
}

/** Whether the counter says that the key was copied. A second response to one challenge says nothing of it. */
export function isCloned(state: PasskeyState, proof: PasskeyProof): boolean {
  return proof.challenge !== state.lastChallenge && isBehind(state, proof)
}

function isBehind(state: PasskeyState, proof: PasskeyProof): boolean {
  const hasNone = state.counter === 0 && proof.counter === 0
  return !hasNone && proof.counter <= state.counter
}

/**
 * The assurance of a response. `hwk`: bound to its device, by its own word; `swk`: copied to others, or able to be;
 * `user`: somebody was there. Whether a PIN, a finger or a face has verified the person is not known. The second kind is
 * therefore said to be knowledge, like a password, so that a password and a passkey never count as three kinds.
 */
export function assuranceOf({
  backupEligible,
  counts,
  hardware,
}: Pick<PasskeyProof, 'backupEligible' | 'counts' | 'hardware'>): Assurance {
  return {
    amr: [backupEligible ? 'swk' : 'hwk', 'user'],
    kinds: counts ? ['possession', 'knowledge'] : ['possession'],
    phishingResistant: true,
    ...(hardware === true ? { hardware } : {}),
  }
}
