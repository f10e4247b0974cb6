import { verifyAssertion, type Asserted } from '../../../src/factors/passkey/assertion.ts'
import {
  beginPasskey,
  creationOptions,
  makeChallenge,
  requestOptions,
} from '../../../src/factors/passkey/ceremony.ts'
import { readPasskeysOptions, type PasskeysOptions } from '../../../src/factors/passkey/options.ts'
import { verifyRegistration, type Registered } from '../../../src/factors/passkey/registration.ts'
import { parseResponse } from '../../../src/factors/passkey/response.ts'
import type { PasskeyChallenge, PasskeyState } from '../../../src/factors/passkey/state.ts'
import type { Owned } from '../../../src/factors/factor.ts'
import { type SoftAuthenticator, type Lies } from '../../support/authenticator.ts'
import { seededRandom } from '../seeded-random.ts'

export const NOW = 1_800_000_000
export const ISSUER = 'https://id.example.com/op'

const random = seededRandom('passkeys')

interface Registering {
  readonly options?: PasskeysOptions
  readonly existing?: readonly Owned<PasskeyState>[]
  readonly later?: number
  readonly lies?: Lies
  /** Makes the answer. Default: `create` of the authenticator. */
  readonly answer?: (options: string, authenticator: SoftAuthenticator) => string
  readonly challenge?: PasskeyChallenge | undefined
  /** The browser makes it without asking. */
  readonly silent?: boolean
}

/** The creation options of a page, and the challenge that is kept for it. */
export function creation(
  options: PasskeysOptions = {},
  existing: readonly Owned<PasskeyState>[] = [],
  silent = false,
) {
  const settings = readPasskeysOptions(options)
  const pending = beginPasskey({ existing, random })
  const asked = { ...input('mira'), ...(silent ? { silent } : {}) }
  const challenge = makeChallenge('create', settings, asked)
  const about = { issuerName: 'Acme', label: 'mira@example.com' }
  const text = JSON.stringify(creationOptions(settings, pending, about, challenge, existing))
  return { settings, pending, challenge, text }
}

/** Registers the authenticator, with the lies that it tells. */
export async function register(
  authenticator: SoftAuthenticator,
  given: Registering = {},
): Promise<Registered> {
  const { settings, pending, challenge, text } = creation(
    given.options,
    given.existing,
    given.silent,
  )
  const credential = given.answer?.(text, authenticator) ?? authenticator.create(text, given.lies)
  const response = parseResponse({ credential })
  if (response === undefined) throw new Error('This is no response')
  return verifyRegistration({
    settings,
    pending,
    challenge: 'challenge' in given ? given.challenge : challenge,
    response,
    existing: given.existing ?? [],
    now: NOW + (given.later ?? 0),
  })
}

/** The passkey of a person, as it is kept. */
export async function registered(
  authenticator: SoftAuthenticator,
  given: Registering = {},
): Promise<PasskeyState> {
  const { state, refusal } = (await register(authenticator, given)) as {
    state?: PasskeyState
    refusal?: string
  }
  if (state === undefined) throw new Error(`It was refused: ${refusal}`)
  return state
}

/** A passkey as another application exports it, under the names of an import. */
export function exported(state: PasskeyState) {
  const { lastChallenge: _, ...kept } = state
  return kept
}

interface Asserting {
  readonly options?: PasskeysOptions
  readonly states: readonly PasskeyState[]
  readonly later?: number
  readonly lies?: Lies
  readonly answer?: (options: string, authenticator: SoftAuthenticator) => string
  readonly challenge?: PasskeyChallenge | undefined
  /** Nobody has been named yet. */
  readonly alone?: boolean
}

/** The request options of a page, and the challenge that is kept for it. */
export function request({ options = {}, states, alone = false }: Asserting) {
  const settings = readPasskeysOptions(options)
  const challenge = makeChallenge('get', settings, input(alone ? undefined : 'mira'))
  const owned = states.map((state, nth) => ({ authenticatorId: `passkey-${nth}`, state }))
  const text = JSON.stringify(requestOptions(settings, owned, challenge))
  return { settings, challenge, owned, text }
}

/** Signs in with the authenticator, with the lies that it tells. */
export async function assertWith(
  authenticator: SoftAuthenticator,
  given: Asserting,
): Promise<Asserted> {
  const { settings, challenge, owned, text } = request(given)
  const credential = given.answer?.(text, authenticator) ?? authenticator.get(text, given.lies)
  const response = parseResponse({ credential })
  if (response === undefined) throw new Error('This is no response')
  return verifyAssertion({
    settings,
    states: owned,
    challenge: 'challenge' in given ? given.challenge : challenge,
    response,
    now: NOW + (given.later ?? 0),
  })
}

function input(accountId: string | undefined) {
  return { accountId, random, now: NOW, locale: 'en', issuer: ISSUER }
}
