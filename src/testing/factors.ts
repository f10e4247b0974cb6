/**
 * Factors for tests only, of the shapes that the factor contract supports in addition to codes derived from state: a
 * challenge that a key answers (as WebAuthn does), a credential that names its owner (as a discoverable WebAuthn
 * credential does), and a code that is delivered (as mail is). The product ships none of them; a third party can read
 * them as templates.
 */
import {
  createHash,
  createPublicKey,
  generateKeyPairSync,
  randomBytes,
  sign,
  verify,
} from 'node:crypto'
import type { Assurance } from '../domain/assurance.ts'
import { MfaError } from '../domain/errors.ts'
import type { Json } from '../domain/json.ts'
import { MINUTE_SECONDS, type Instant } from '../domain/time.ts'
import type { ChallengeInput, Factor } from '../factors/factor.ts'
import { normaliseTyped } from '../factors/normalise.ts'
import type { Random } from '../ports/services.ts'

export type KeyState = {
  /** Ed25519, SPKI in DER, base64url. */
  readonly publicKey: string
  /** The counter of the last accepted signature. A counter that does not grow comes from a copied key (R29). */
  readonly counter: number
  /** A random value that the key has made; it identifies the owner of the key. */
  readonly handle: string
}
export type KeyChallenge = { readonly challenge: string }
export interface KeyResponse {
  /** Sent at enrolment. */
  readonly publicKey?: string
  readonly handle: string
  readonly counter: number
  readonly userVerified: boolean
  readonly signature: string
}
export interface KeyProof {
  readonly counter: number
  readonly userVerified: boolean
}
export type ChallengeFactor = Factor<KeyState, KeyChallenge, KeyChallenge, KeyResponse, KeyProof>

/** Answers the challenges of `challengeFactor`, as a browser with a security key would. */
export interface SoftKey {
  readonly handle: string
  /** The value of the form's `credential` field. `claimed`: the handle that it names, its own unless given. */
  answer(challenge: string, userVerified?: boolean, claimed?: string): string
}

const CHALLENGE_BYTES = 32

/**
 * An Ed25519 key signs the challenge, a counter and a flag for user verification. The flag decides the assurance: with
 * user verification the proof counts as two kinds of factor.
 */
export function challengeFactor(id = 'test-key'): ChallengeFactor {
  const begin = (random: Random): { value: KeyChallenge } => ({
    value: { challenge: encode(random.bytes(CHALLENGE_BYTES)) },
  })
  return {
    id,
    enrolment: 'confirmed',
    guessable: false,

    parseState(stored) {
      const { publicKey, counter, handle } = fieldsOf(stored)
      if (!isText(publicKey) || !isCount(counter) || !isText(handle)) throw unreadable()
      return { publicKey, counter, handle }
    },
    parsePending: parseKeyChallenge,
    parseChallenge: parseKeyChallenge,

    beginEnrolment: ({ random }) => begin(random),
    describeEnrolment: ({ challenge }) => ({ challenge }),
    async confirmEnrolment({ challenge }, response) {
      const { publicKey, counter, handle } = response
      if (publicKey === undefined || !isSigned(publicKey, challenge, response)) return undefined
      const state = { publicKey, counter, handle }
      return { state, assurance: keyAssurance(response.userVerified) }
    },

    challenge: (_states, { random }) => begin(random),
    describeVerification: (_states, challenge) => ({ ...challenge }),

    parseResponse: ({ credential }) => parseCredential(credential),
    canonical: ({ counter, signature }) => `${counter}.${signature}`,

    async examine({ states, challenge, response }) {
      const answered =
        challenge === undefined
          ? undefined
          : states.find(({ state }) => isSigned(state.publicKey, challenge.challenge, response))
      if (answered === undefined) return { outcome: 'refused' }
      const { counter, userVerified } = response
      const { authenticatorId } = answered
      return { outcome: 'proved', authenticatorId, proof: { counter, userVerified } }
    },
    consume: (state, { counter }) => (counter > state.counter ? { ...state, counter } : undefined),

    strength: { kinds: ['possession', 'inherence'], phishingResistant: true },
    assurance: ({ userVerified }) => keyAssurance(userVerified),
  }
}

/** A key that names its owner: with user verification it signs in without a user name and without a password. */
export function namedKeyFactor(): ChallengeFactor {
  return {
    ...challengeFactor('test-named-key'),
    handlesOf: ({ handle }) => [handle],
    identify: ({ handle }) => handle,
  }
}

function keyAssurance(userVerified: boolean): Assurance {
  return {
    amr: userVerified ? ['swk', 'user'] : ['swk'],
    kinds: userVerified ? ['possession', 'inherence'] : ['possession'],
    phishingResistant: true,
  }
}

export function softKey(): SoftKey {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const handle = encode(randomBytes(16))
  let counter = 0
  return {
    handle,
    answer(challenge, userVerified = false, claimed = handle) {
      counter += 1
      return JSON.stringify({
        handle: claimed,
        publicKey: publicKey.export({ type: 'spki', format: 'der' }).toString('base64url'),
        counter,
        userVerified,
        signature: encode(sign(null, signedData(challenge, { counter, userVerified }), privateKey)),
      })
    },
  }
}

export type DeliveredState = {
  readonly address: string
  /** Codes that were used and could still be valid, by their `id`. */
  readonly spent: readonly SpentCode[]
}
export type SpentCode = { readonly id: string; readonly expiresAt: Instant }
export type DeliveredChallenge = SpentCode & {
  readonly codeHash: string
  /** The address to which it was sent. */
  readonly address: string
}
export interface DeliveredResponse {
  readonly code: string
}
export interface DeliveredProof extends SpentCode {
  readonly at: Instant
}
export type DeliveredCodeFactor = Factor<
  DeliveredState,
  DeliveredChallenge,
  DeliveredChallenge,
  DeliveredResponse,
  DeliveredProof
>

/** R3: a code is valid for this time at most, once, and only in the sign-in that asked for it. */
const DELIVERED_CODE_SECONDS = 10 * MINUTE_SECONDS

/** Eight digits, mailed after the commit; only their hash is kept. */
export function deliveredCodeFactor(): DeliveredCodeFactor {
  return {
    id: 'test-mailed-code',
    enrolment: 'confirmed',
    guessable: true,
    delivers: true,

    parseState(stored) {
      const { address, spent } = fieldsOf(stored)
      if (!isText(address) || !Array.isArray(spent)) throw unreadable()
      return { address, spent: spent.map(parseSpent) }
    },
    parsePending: parseDelivered,
    parseChallenge: parseDelivered,

    beginEnrolment(input) {
      const { address } = input
      if (address === undefined)
        throw new MfaError('options-invalid', 'A mailed code needs a verified address')
      return mailCode(address, input)
    },
    describeEnrolment: ({ address }) => ({ address }),
    async confirmEnrolment(challenge, response, now) {
      if (!isDelivered(challenge, response, now)) return undefined
      const { id, expiresAt, address } = challenge
      return { state: { address, spent: [{ id, expiresAt }] }, assurance: MAILED }
    },

    challenge([latest], input) {
      if (latest === undefined)
        throw new MfaError('options-invalid', 'A mailed code goes to an authenticator')
      return mailCode(latest.state.address, input)
    },
    describeVerification: ([latest]) => ({ address: latest?.state.address ?? '' }),

    parseResponse(form) {
      const code = normaliseTyped(form.code)
      return code !== undefined && /^[0-9]{8}$/.test(code) ? { code } : undefined
    },
    canonical: ({ code }) => code,

    async examine({ states, challenge, response, now }) {
      if (challenge === undefined || !isDelivered(challenge, response, now))
        return { outcome: 'refused' }
      const { id, expiresAt, address } = challenge
      const answered = states.find(({ state }) => state.address === address)
      if (answered === undefined) return { outcome: 'refused' }
      const { authenticatorId } = answered
      return { outcome: 'proved', authenticatorId, proof: { id, expiresAt, at: now } }
    },
    consume({ address, spent }, { id, expiresAt, at }) {
      if (spent.some((code) => code.id === id)) return undefined
      const alive = spent.filter((code) => code.expiresAt > at)
      return { address, spent: [...alive, { id, expiresAt }] }
    },

    assurance: () => MAILED,
  }
}

const MAILED: Assurance = { amr: ['otp'], kinds: ['possession'], phishingResistant: false }

function mailCode(address: string, { random, now, locale }: ChallengeInput) {
  const id = encode(random.bytes(16))
  const number = Buffer.from(random.bytes(8)).readBigUInt64BE() % 100_000_000n
  const code = number.toString().padStart(8, '0')
  return {
    value: { id, codeHash: hashCode(id, code), expiresAt: now + DELIVERED_CODE_SECONDS, address },
    delivery: {
      channel: 'mail',
      to: address,
      template: 'test-mailed-code',
      locale,
      values: { code },
    },
  } as const
}

function isDelivered(challenge: DeliveredChallenge, { code }: DeliveredResponse, now: Instant) {
  return now < challenge.expiresAt && hashCode(challenge.id, code) === challenge.codeHash
}

function hashCode(id: string, code: string): string {
  return createHash('sha256').update(`${id}.${code}`).digest('base64url')
}

function parseSpent(stored: Json): SpentCode {
  const { id, expiresAt } = fieldsOf(stored)
  if (!isText(id) || !isCount(expiresAt)) throw unreadable()
  return { id, expiresAt }
}

function parseDelivered(stored: Json): DeliveredChallenge {
  const { codeHash, address } = fieldsOf(stored)
  if (!isText(codeHash) || !isText(address)) throw unreadable()
  return { ...parseSpent(stored), codeHash, address }
}

function parseKeyChallenge(stored: Json): KeyChallenge {
  const { challenge } = fieldsOf(stored)
  if (!isText(challenge)) throw unreadable()
  return { challenge }
}

function parseCredential(text: string | undefined): KeyResponse | undefined {
  if (text === undefined || text.length > 1024) return undefined
  const { publicKey, handle, counter, userVerified, signature } = fieldsOf(readJson(text))
  if (!isCount(counter) || typeof userVerified !== 'boolean') return undefined
  if (!isText(signature) || !isText(handle)) return undefined
  const read = { handle, counter, userVerified, signature }
  return isText(publicKey) ? { ...read, publicKey } : read
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function signedData(
  challenge: string,
  { counter, userVerified }: Pick<KeyResponse, 'counter' | 'userVerified'>,
): Buffer {
  return Buffer.from(JSON.stringify([challenge, counter, userVerified]))
}

function isSigned(publicKey: string, challenge: string, response: KeyResponse): boolean {
  try {
    const key = createPublicKey({
      key: Buffer.from(publicKey, 'base64url'),
      type: 'spki',
      format: 'der',
    })
    const signature = Buffer.from(response.signature, 'base64url')
    return verify(null, signedData(challenge, response), key, signature)
  } catch {
    return false // the text is not a public key
  }
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return Object(value) as Readonly<Record<string, unknown>>
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

function encode(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64url')
}

function unreadable(): MfaError {
  return new MfaError('record-unreadable', 'This is not what a test factor keeps')
}
