/**
 * Two factors for tests alone, of the shapes that the factor contract has to carry besides codes derived from state:
 * a challenge that a key answers (as WebAuthn does) and a code that is delivered (as mail is). The product ships
 * neither; a third party can read them as templates.
 */
import { createHash, createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto'
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
  /** Of the last accepted signature. One that does not grow comes from a copied key (R29). */
  readonly counter: number
}
export type KeyChallenge = { readonly challenge: string }
export interface KeyResponse {
  /** Sent at enrolment. */
  readonly publicKey?: string
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
  /** The value of the form's `credential` field. */
  answer(challenge: string, userVerified?: boolean): string
}

const CHALLENGE_BYTES = 32

/**
 * An Ed25519 key signs the challenge, a counter and whether it verified its user. The proof decides what it is
 * worth: with user verification it is two kinds of factor in one.
 */
export function challengeFactor(): ChallengeFactor {
  const begin = (random: Random): { value: KeyChallenge } => ({
    value: { challenge: encode(random.bytes(CHALLENGE_BYTES)) },
  })
  return {
    id: 'test-key',
    enrolment: 'confirmed',
    guessable: false,

    parseState(stored) {
      const { publicKey, counter } = fieldsOf(stored)
      if (!isText(publicKey) || !isCount(counter)) throw unreadable()
      return { publicKey, counter }
    },
    parsePending: parseKeyChallenge,
    parseChallenge: parseKeyChallenge,

    beginEnrolment: ({ random }) => begin(random),
    describeEnrolment: ({ challenge }) => ({ challenge }),
    async confirmEnrolment({ challenge }, response) {
      const { publicKey, counter } = response
      if (publicKey === undefined || !isSigned(publicKey, challenge, response)) return undefined
      return { state: { publicKey, counter }, assurance: keyAssurance(response.userVerified) }
    },

    challenge: (_state, { random }) => begin(random),
    describeVerification: (_state, challenge) => ({ ...challenge }),

    parseResponse: ({ credential }) => parseCredential(credential),
    canonical: ({ counter, signature }) => `${counter}.${signature}`,

    async examine({ state, challenge, response }) {
      if (challenge === undefined || !isSigned(state.publicKey, challenge.challenge, response))
        return { outcome: 'refused' }
      const { counter, userVerified } = response
      return { outcome: 'proved', proof: { counter, userVerified } }
    },
    consume: (state, { counter }) => (counter > state.counter ? { ...state, counter } : undefined),

    assurance: ({ userVerified }) => keyAssurance(userVerified),
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
  let counter = 0
  return {
    answer(challenge, userVerified = false) {
      counter += 1
      return JSON.stringify({
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
export type DeliveredChallenge = SpentCode & { readonly codeHash: string }
export type DeliveredPending = DeliveredChallenge & { readonly address: string }
export interface DeliveredResponse {
  readonly code: string
}
export interface DeliveredProof extends SpentCode {
  readonly at: Instant
}
export type DeliveredCodeFactor = Factor<
  DeliveredState,
  DeliveredPending,
  DeliveredChallenge,
  DeliveredResponse,
  DeliveredProof
>

/** R3: at most this long, once, bound to its request. */
const DELIVERED_CODE_SECONDS = 10 * MINUTE_SECONDS

/** Eight digits, mailed after the commit; only their hash is kept. */
export function deliveredCodeFactor(): DeliveredCodeFactor {
  return {
    id: 'test-mailed-code',
    enrolment: 'confirmed',
    guessable: true,

    parseState(stored) {
      const { address, spent } = fieldsOf(stored)
      if (!isText(address) || !Array.isArray(spent)) throw unreadable()
      return { address, spent: spent.map(parseSpent) }
    },
    parsePending(stored) {
      const { address } = fieldsOf(stored)
      if (!isText(address)) throw unreadable()
      return { ...parseDelivered(stored), address }
    },
    parseChallenge: parseDelivered,

    beginEnrolment(input) {
      const { address } = input
      if (address === undefined)
        throw new MfaError('options-invalid', 'A mailed code needs a verified address')
      const { value, delivery } = mailCode(address, input)
      return { value: { ...value, address }, delivery }
    },
    describeEnrolment: ({ address }) => ({ address }),
    async confirmEnrolment({ address, ...challenge }, response, now) {
      return isDelivered(challenge, response, now)
        ? {
            state: { address, spent: [{ id: challenge.id, expiresAt: challenge.expiresAt }] },
            assurance: MAILED,
          }
        : undefined
    },

    challenge: ({ address }, input) => mailCode(address, input),
    describeVerification: ({ address }) => ({ address }),

    parseResponse(form) {
      const code = normaliseTyped(form.code)
      return code !== undefined && /^[0-9]{8}$/.test(code) ? { code } : undefined
    },
    canonical: ({ code }) => code,

    async examine({ challenge, response, now }) {
      if (challenge === undefined || !isDelivered(challenge, response, now))
        return { outcome: 'refused' }
      const { id, expiresAt } = challenge
      return { outcome: 'proved', proof: { id, expiresAt, at: now } }
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

function mailCode(address: string, { random, now }: ChallengeInput) {
  const id = encode(random.bytes(16))
  const number = Buffer.from(random.bytes(8)).readBigUInt64BE() % 100_000_000n
  const code = number.toString().padStart(8, '0')
  return {
    value: { id, codeHash: hashCode(id, code), expiresAt: now + DELIVERED_CODE_SECONDS },
    delivery: { channel: 'mail', to: address, template: 'code', values: { code } },
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
  const { codeHash } = fieldsOf(stored)
  if (!isText(codeHash)) throw unreadable()
  return { ...parseSpent(stored), codeHash }
}

function parseKeyChallenge(stored: Json): KeyChallenge {
  const { challenge } = fieldsOf(stored)
  if (!isText(challenge)) throw unreadable()
  return { challenge }
}

function parseCredential(text: string | undefined): KeyResponse | undefined {
  if (text === undefined || text.length > 1024) return undefined
  const { publicKey, counter, userVerified, signature } = fieldsOf(readJson(text))
  if (!isCount(counter) || typeof userVerified !== 'boolean' || !isText(signature)) return undefined
  return { counter, userVerified, signature, ...(isText(publicKey) ? { publicKey } : {}) }
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
    return false // a key that is none
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
