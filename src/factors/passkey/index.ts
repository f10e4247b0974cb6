import { createHash } from 'node:crypto'
import type { BrowserName } from '../../domain/browser-name.ts'
import type { FactorEventDetail } from '../../domain/events.ts'
import type { JsonObject } from '../../domain/json.ts'
import type { Instant } from '../../domain/time.ts'
import type { Factor, Owned } from '../factor.ts'
import { isInHardware, makerRefusal, wasInHardware } from './attestation.ts'
import { assuranceOf, isCloned, spend, verifyAssertion, type PasskeyProof } from './assertion.ts'
import {
  beginPasskey,
  creationOptions,
  makeChallenge,
  PASSKEY_CHALLENGE_SECONDS,
  requestOptions,
} from './ceremony.ts'
import { PASSKEY_IMPORTS } from './imported.ts'
import { makerOf } from './makers.ts'
import { signals } from './signals.ts'
import {
  readPasskeysOptions,
  siteOf,
  type PasskeySettings,
  type PasskeysOptions,
} from './options.ts'
import { verifyRegistration } from './registration.ts'
import { canonical, parseResponse, type PasskeyResponse } from './response.ts'
import {
  parseChallenge,
  parsePending,
  parseState,
  type PasskeyChallenge,
  type PasskeyPending,
  type PasskeyState,
} from './state.ts'

export { metadataRemark, passkeysWorkAt } from './options.ts'
export type { PasskeyProof } from './assertion.ts'
export type { PasskeyAlgorithm, PasskeysOptions, UserVerification } from './options.ts'
export type { PasskeyResponse } from './response.ts'
export type { PasskeyChallenge, PasskeyPending, PasskeyState } from './state.ts'

/** The values that its pages show: the options of the browser's call, as JSON text. */
export interface PasskeyDescriptions {
  readonly enrolment: { readonly options: string }
  readonly verification: { readonly options: string }
}

/** The events that this factor tells besides the general ones. */
export const PASSKEY_EVENTS = [
  'passkey-cloned', // a counter has not grown: a copy of the key may exist
] as const satisfies readonly (keyof PasskeyEventDetails)[]

/** The detail of each of them. */
export interface PasskeyEventDetails {
  'passkey-cloned': FactorEventDetail
}

export type Passkeys = Factor<
  PasskeyState,
  PasskeyPending,
  PasskeyChallenge,
  PasskeyResponse,
  PasskeyProof,
  PasskeyDescriptions
>

const MOST_PASSKEYS = 20

/** The most that a passkey can prove; with metadata that know its model, also that hardware protects its key. */
const SOFTWARE = { kinds: ['possession', 'knowledge'], phishingResistant: true } as const
const HARDWARE = { ...SOFTWARE, hardware: true } as const

/**
 * Whether a browser may be asked for a passkey that the person did not ask for. It brings no statement of a maker and
 * verifies nobody, so it would be refused where either is required, and the browser would keep it.
 */
function mayBeSilent({ offer, allow, userVerification }: PasskeySettings): boolean {
  return offer && allow === undefined && userVerification !== 'required'
}

const VIEWS = new URL('../../../views/factors/passkey/', import.meta.url)
const PAGES = {
  views: VIEWS,
  script: new URL('passkey.js', VIEWS),
  signInScript: new URL('sign-in.js', VIEWS),
  beside: new URL('beside.js', VIEWS),
}

/**
 * Passkeys and security keys (Web Authentication Level 3). The response is bound to the origin of the page, so that a
 * copy of the page on another site gets none that works here.
 *
 * Throws MfaError `options-invalid` that lists every fault.
 */
export function passkeys(options: PasskeysOptions = {}): Passkeys {
  const settings = readPasskeysOptions(options)

  return {
    id: 'passkey',
    pages: { ...PAGES, offer: settings.offer, silent: mayBeSilent(settings) },
    enrolment: 'confirmed',
    guessable: false,
    challengeSeconds: PASSKEY_CHALLENGE_SECONDS,
    most: MOST_PASSKEYS,
    strength: settings.metadata === undefined ? SOFTWARE : HARDWARE,
    strengthOf: (state, now) => (isInHardware(settings.metadata, state, now) ? HARDWARE : SOFTWARE),
    judgedAs: (state) => (wasInHardware(settings.metadata, state) ? HARDWARE : SOFTWARE),

    checkIssuer: (issuer) => void siteOf(settings, issuer),
    parseState,
    parsePending,
    parseChallenge,
    parseResponse,
    canonical,

    beginEnrolment: (input) => ({ value: beginPasskey(input) }),
    enrolmentChallenge: (_pending, input) => ({ value: makeChallenge('create', settings, input) }),
    describeEnrolment: (pending, about, challenge, existing = []) => ({
      options: textOf(challenge && creationOptions(settings, pending, about, challenge, existing)),
    }),
    async confirmEnrolment(pending, response, now, { challenge, existing, browser }) {
      const given = { settings, pending, challenge, response, existing, now }
      const registered = await verifyRegistration(given)
      if (registered.refusal !== undefined) return undefined
      return confirmed(settings, registered.state, { now, browser })
    },

    imports: PASSKEY_IMPORTS,

    challenge: (_states, input) => ({ value: makeChallenge('get', settings, input) }),
    describeVerification: (states, challenge) => ({
      options: textOf(challenge && offeredOptions(settings, states, challenge)),
    }),

    pageData: (states, { issuer, label }, traces) =>
      signals(siteOf(settings, issuer), states, { label, handles: traces }),
    /** A store of passkeys files them by the user handle. */
    traceOf: ({ userHandle }) => userHandle,

    /** The key, whatever id a response gives it: one key bound twice would answer twice. */
    keyOf: ({ publicKey }) => publicKey,
    /** Passkeys that one vendor's account may synchronise are in one place. */
    deviceOf: ({ backupEligible, aaguid }) => (backupEligible ? `synced ${aaguid}` : undefined),
    isUsable: (state, now) => makerRefusal(settings, state, now) === undefined,
    /** No other account may have the credential, nor a passkey that names this owner. */
    handlesOf: ({ id, userHandle }) => [handle('credential', id), handle('user', userHandle)],
    identify: (response) =>
      response.ceremony === 'get' && response.userHandle !== undefined
        ? handle('user', response.userHandle)
        : undefined,
    credentialOf: ({ id }) => ({ id, handle: handle('credential', id) }),

    async examine({ states, challenge, response, now }) {
      const asserted = await verifyAssertion({ settings, states, challenge, response, now })
      if (asserted.refusal !== undefined) return { outcome: 'refused' }
      const { authenticatorId, proof } = asserted
      return { outcome: 'proved', authenticatorId, proof }
    },
    consume: spend,
    assurance: assuranceOf,

    eventTypes: PASSKEY_EVENTS,
    mailedEvents: ['passkey-cloned'],
    eventsOfRefusal: (state, proof) => (isCloned(state, proof) ? [{ type: 'passkey-cloned' }] : []),
  }
}

/** A new passkey, with the assurance of the response by which it was registered, and its name. */
function confirmed(
  { metadata }: PasskeySettings,
  state: PasskeyState,
  { now, browser }: { readonly now: Instant; readonly browser: BrowserName | undefined },
) {
  const { backupEligible, userVerified: counts } = state
  const hardware = isInHardware(metadata, state, now) ? { hardware: true as const } : {}
  const assurance = assuranceOf({ backupEligible, counts, ...hardware })
  const name = nameOf(state, browser)
  return { state, assurance, ...(name === undefined ? {} : { name }) }
}

/** Undefined: none of the person's passkeys is allowed. With an empty list, the browser would offer all that it has. */
function offeredOptions(
  settings: PasskeySettings,
  states: readonly Owned<PasskeyState>[],
  challenge: PasskeyChallenge,
): JsonObject | undefined {
  // The metadata that hold when the challenge ends hold when it is answered.
  const { expiresAt } = challenge
  const allowed = states.filter(
    ({ state }) => makerRefusal(settings, state, expiresAt) === undefined,
  )
  const isUsable = allowed.length > 0 || challenge.alone
  return isUsable ? requestOptions(settings, allowed, challenge) : undefined
}

/** The maker's name or, where it is not known, the browser's. Undefined: neither is known. */
function nameOf({ aaguid }: PasskeyState, known: BrowserName | undefined): string | undefined {
  const maker = makerOf(aaguid)
  if (maker !== undefined || known === undefined) return maker
  const { browser, system } = known
  return system === undefined ? browser : `${browser} (${system})`
}

function textOf(value: unknown): string {
  return value === undefined ? '' : JSON.stringify(value)
}

/** An id and a user handle are hashed apart, so that neither passes for the other. */
function handle(kind: 'credential' | 'user', value: string): string {
  return createHash('sha256')
    .update(JSON.stringify([kind, value]))
    .digest('base64url')
}
