import { HOUR_SECONDS, type Instant } from '../../domain/time.ts'
import type { FileValues } from '../../../config/schema.ts'
import type { JsonObject } from '../../domain/json.ts'
import type { SealContext, SecretBox } from '../../ports/services.ts'
import type { Settings } from '../../ports/settings.ts'
import { changeSetting } from '../upkeep/change-setting.ts'
import {
  makeSigningKey,
  SIGNING_ALGORITHMS,
  type SigningAlgorithm,
  type SigningKey,
  type SigningKeys,
} from './jwks.ts'
import { statesAt, withEnds, type KeyState, type KeyTimes } from './signing-schedule.ts'

const SETTING = 'signing-keys'
const CONTEXT: SealContext = { accountId: 'server', purpose: 'signing-keys' }

export interface KeyServices {
  readonly settings: Settings
  readonly box: SecretBox
}

/** The times that a change of the keys needs. */
export interface ChangeTimes {
  readonly now: Instant
  /** How long a key is published after the last token that it may have signed. */
  readonly keptSeconds: number
}

/** The keys in the storage, the newest first, and the times of each. */
interface Stored {
  readonly keys: readonly SigningKey[]
  readonly times?: Readonly<Record<string, KeyTimes>>
}

interface Kept {
  readonly kid: string
  readonly kind: string
  readonly key: SigningKey
  readonly times: KeyTimes
}

export interface SigningKeyStatus extends KeyTimes {
  readonly kid: string
  readonly algorithm: string
  readonly state: KeyState
}

/**
 * How long a key is still published after it has stopped signing. An ID token is used as a hint until its session is
 * over. One more hour allows for inaccurate clocks and for nodes that learn of a change late.
 */
export function keptSeconds({ sessions, tokens }: FileValues): number {
  return Math.max(sessions.longestSeconds, tokens.idTokenSeconds) + HOUR_SECONDS
}

/**
 * The keys in the storage as they are to be used now: the first of each kind signs, the others are published. They
 * are made at the first start; two nodes that start at once get the same keys. They are stored sealed, so that a copy
 * of the database alone signs nothing. They are stored again when a newer encryption key is set, and when the time of
 * a key is over, without that key.
 */
export async function loadSigningKeys(services: KeyServices, now: Instant): Promise<SigningKeys> {
  const { settings, box } = services
  let left: readonly Kept[] = []
  await changeSetting(settings, SETTING, async (stored) => {
    if (stored === undefined) {
      const made = await Promise.all(SIGNING_ALGORITHMS.map(makeSigningKey))
      left = made.map((key) => keptOf(key, { addedAt: now }))
      return seal(box, left)
    }
    const kept = open(box, stored)
    const states = statesAt(kept, now)
    left = kept.filter(({ kid }) => states.get(kid) !== 'over')
    const isSealedWithNewest = box.keyIdOf(sealedIn(stored)) === box.keyIds[0]
    return left.length === kept.length && isSealedWithNewest ? undefined : seal(box, left)
  })
  const states = statesAt(left, now)
  const signing = left.filter(({ kid }) => states.get(kid) === 'signs')
  return { keys: [...new Set([...signing, ...left])].map(({ key }) => key) }
}

/** The state of each key in the storage. */
export async function signingKeyStates(
  services: KeyServices,
  now: Instant,
): Promise<readonly SigningKeyStatus[]> {
  await loadSigningKeys(services, now)
  const kept = open(services.box, (await services.settings.get(SETTING)) ?? {})
  const states = statesAt(kept, now)
  return kept.map(({ kid, kind, times }) => ({
    kid,
    algorithm: kind,
    ...times,
    state: states.get(kid) ?? 'published',
  }))
}

/**
 * Makes a key that signs at once. The others of its kind are published until the tokens that they signed have
 * expired.
 */
export async function addSigningKey(
  services: KeyServices,
  algorithm: SigningAlgorithm,
  times: ChangeTimes,
): Promise<SigningKey> {
  const added = await makeSigningKey(algorithm)
  await change(services, times, (kept) => [
    keptOf(added, { addedAt: times.now, signsFrom: times.now }),
    ...kept,
  ])
  return added
}

export interface Rotated {
  readonly algorithm: SigningAlgorithm
  readonly kid: string
  /** `waiting`: there was a next key already, and no key was made. */
  readonly result: 'made' | 'waiting'
  readonly signsFrom: Instant
}

/**
 * Makes for each algorithm a key that is published now and signs after the overlap: by then relying parties that
 * cache the key set for that long have it. If an algorithm has a next key already, none is made, so that a second run
 * changes nothing.
 */
export async function rotateSigningKeys(
  services: KeyServices,
  algorithms: readonly SigningAlgorithm[],
  times: ChangeTimes & { readonly overlapSeconds: number },
): Promise<readonly Rotated[]> {
  const { now, overlapSeconds } = times
  const made = await Promise.all(algorithms.map(makeSigningKey))
  const signsFrom = now + overlapSeconds
  let rotated: readonly Rotated[] = []
  await change(services, times, (kept) => {
    const states = statesAt(kept, now)
    const next = kept.filter(({ kid }) => states.get(kid) === 'next')
    const waits = (kind: string): Kept | undefined => next.find((key) => key.kind === kind)
    rotated = algorithms.map((algorithm, at) => {
      const waiting = waits(algorithm)
      return waiting === undefined
        ? { algorithm, kid: made[at]?.kid ?? '', result: 'made', signsFrom }
        : { algorithm, kid: waiting.kid, result: 'waiting', signsFrom: startOf(waiting) }
    })
    const added = made.filter((key) => waits(kindOf(key)) === undefined)
    return [...added.map((key) => keptOf(key, { addedAt: now, signsFrom })), ...kept]
  })
  return rotated
}

/**
 * Seals the stored keys with the newest encryption key. Returns whether another key had sealed them. Does nothing if
 * the storage has no keys. Throws MfaError when they do not open.
 */
export async function resealSigningKeys({ settings, box }: KeyServices): Promise<boolean> {
  return changeSetting(settings, SETTING, (stored) =>
    stored === undefined || box.keyIdOf(sealedIn(stored)) === box.keyIds[0]
      ? undefined
      : seal(box, open(box, stored)),
  )
}

/** The id of the encryption key that the stored keys are sealed with. */
export async function sealingKeyOfSigningKeys(services: KeyServices): Promise<string | undefined> {
  const stored = await services.settings.get(SETTING)
  return stored && services.box.keyIdOf(sealedIn(stored))
}

async function change(
  services: KeyServices,
  { now, keptSeconds: seconds }: ChangeTimes,
  decide: (kept: readonly Kept[]) => readonly Kept[],
): Promise<void> {
  const { settings, box } = services
  await loadSigningKeys(services, now)
  await changeSetting(settings, SETTING, (stored) => {
    if (stored === undefined) throw new Error('the stored signing keys are gone')
    return seal(box, withEnds(decide(open(box, stored)), now, seconds))
  })
}

function keptOf(key: SigningKey, times: KeyTimes): Kept {
  return { kid: key.kid, kind: kindOf(key), key, times }
}

/** Our Ed25519 keys name no algorithm, since they sign under two names. */
function kindOf({ alg }: SigningKey): string {
  return alg ?? 'EdDSA'
}

function startOf({ times }: Kept): Instant {
  return times.signsFrom ?? 0
}

function seal(box: SecretBox, kept: readonly Kept[]): JsonObject {
  const stored: Stored = {
    keys: kept.map(({ key }) => key),
    times: Object.fromEntries(kept.map(({ kid, times }) => [kid, times])),
  }
  return { sealed: box.seal(JSON.stringify(stored), CONTEXT) }
}

function open(box: SecretBox, stored: JsonObject): readonly Kept[] {
  const { keys, times } = JSON.parse(box.open(sealedIn(stored), CONTEXT)) as Stored
  return keys.map((key) => keptOf(key, times?.[key.kid] ?? {}))
}

function sealedIn({ sealed }: JsonObject): string {
  if (typeof sealed !== 'string') throw new TypeError('the signing keys are not sealed text')
  return sealed
}
