import type { JsonObject } from '../../domain/json.ts'
import type { ChallengeInput, EnrolmentAbout, EnrolmentInput, Owned } from '../factor.ts'
import { encode } from './base64url.ts'
import { siteOf, type PasskeySettings } from './options.ts'
import type { Ceremony, PasskeyChallenge, PasskeyPending, PasskeyState } from './state.ts'

/** How long a challenge is open, in seconds. The browser closes its window after the same time. */
export const PASSKEY_CHALLENGE_SECONDS = 300
const CHALLENGE_BYTES = 32
const USER_HANDLE_BYTES = 32

export function makeChallenge(
  ceremony: Ceremony,
  settings: PasskeySettings,
  { accountId, random, now, issuer, silent }: ChallengeInput,
): PasskeyChallenge {
  return {
    ceremony,
    challenge: encode(random.bytes(CHALLENGE_BYTES)),
    ...siteOf(settings, issuer),
    expiresAt: now + PASSKEY_CHALLENGE_SECONDS,
    alone: accountId === undefined,
    ...(silent === true && ceremony === 'create' ? { silent } : {}),
  }
}

/**
 * One handle for all passkeys of an account: with another one, a device would show two accounts of one name. A set-up
 * takes over the handle of one that is in progress too, since either may be confirmed first.
 *
 * Where only hardware can be set up, a key that can be raised may be set up once more, under a new handle: with the same
 * one the key would forget its passkey, also if the server then refuses the new one.
 */
export function beginPasskey({
  existing,
  underway = [],
  needsHardware,
  random,
}: Pick<
  EnrolmentInput<PasskeyState, PasskeyPending>,
  'existing' | 'underway' | 'needsHardware' | 'random'
>): PasskeyPending {
  const isAgain = needsHardware === true && existing.some(({ state }) => canBeRaised(state))
  if (isAgain) return { userHandle: newHandle(random) }
  const known = [...existing.map(({ state }) => state), ...underway]
  return { userHandle: known[0]?.userHandle ?? newHandle(random) }
}

function newHandle(random: EnrolmentInput['random']): string {
  return encode(random.bytes(USER_HANDLE_BYTES))
}

/**
 * Whether the same key could prove hardware if it were set up again: its entry in the metadata has not attested it, because
 * there were none, or the browser was not asked. One that can be copied never proves it.
 */
function canBeRaised({ attestedByEntry, backupEligible }: PasskeyState): boolean {
  return attestedByEntry !== true && !backupEligible
}

/**
 * PublicKeyCredentialCreationOptionsJSON (WebAuthn Level 3, 5.1). `existing`: the person's own passkeys, which an
 * authenticator must not hold a second time. Where only hardware can be set up, those that can be raised are left out.
 */
export function creationOptions(
  settings: PasskeySettings,
  { userHandle }: PasskeyPending,
  { issuerName, label, needsHardware }: EnrolmentAbout,
  { rpId, challenge, silent }: PasskeyChallenge,
  existing: readonly Owned<PasskeyState>[],
): JsonObject {
  const isSilent = silent === true
  // One of the same handle is never left out: the authenticator would replace it.
  const excluded = existing.filter(
    ({ state }) => needsHardware !== true || state.userHandle === userHandle || !canBeRaised(state),
  )
  return {
    rp: { id: rpId, name: settings.rpName ?? issuerName },
    user: { id: userHandle, name: label, displayName: label },
    challenge,
    pubKeyCredParams: settings.algorithms.map((alg) => ({ type: 'public-key', alg })),
    timeout: PASSKEY_CHALLENGE_SECONDS * 1000,
    excludeCredentials: excluded.map(credential),
    authenticatorSelection: {
      // A person who was not asked has to find the passkey again without the page naming it.
      residentKey: isSilent ? 'required' : 'preferred',
      requireResidentKey: isSilent,
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
    allowCredentials: alone ? [] : states.map(credential),
    userVerification: alone ? 'required' : settings.userVerification,
  }
}

function credential({ state: { id, transports } }: Owned<PasskeyState>): JsonObject {
  return { type: 'public-key', id, ...(transports.length === 0 ? {} : { transports }) }
}
