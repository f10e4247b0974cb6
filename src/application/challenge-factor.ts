import { createHash } from 'node:crypto'
import {
  CHALLENGE_SECONDS,
  nextDeliveryAt,
  openChallenge,
  takeBackChallenge,
} from '../domain/enrolment.ts'
import type { Json } from '../domain/json.ts'
import type { OpenChallenge } from '../domain/mfa-record.ts'
import type { Instant } from '../domain/time.ts'
import type { AnyFactor, Begun, ChallengeInput } from '../factors/factor.ts'
import type { Delivery } from '../ports/services.ts'
import { commit } from './commit.ts'
import { maskAddress } from '../domain/masked-address.ts'
import { sendOrTakeBack } from './deliver.ts'
import type { Dependencies } from './dependencies.ts'
import { factorGate } from './factor-gate.ts'
import { usableStates } from './owned-states.ts'
import type { Place } from './place.ts'
import { sealState } from './sealed-state.ts'

/** The data of the person that a factor gets for a challenge. */
export type ChallengeGround = Pick<ChallengeInput, 'address' | 'locale' | 'issuer'>

export type ChallengeOutcome =
  | 'sent'
  | 'stale'
  /** No attempt would be examined now, so no code is sent. */
  | 'closed'
  /** The message could not be handed over. Nothing has changed: the code sent before is still open. */
  | 'not-sent'
  /** A code was sent a moment ago, or too often. The next may be sent at this time (R3). */
  | { readonly notBefore: Instant }

interface Sending {
  readonly result: ChallengeOutcome
  readonly delivery?: Delivery | undefined
  readonly opened?: OpenChallenge
  readonly before?: OpenChallenge | undefined
}

/**
 * Sends a code of a factor that `delivers`, after the commit that keeps its challenge in the account's record. A failed
 * delivery is reported and taken back: it counts neither for the cooldown nor for the hourly limit (R3). Throws what a
 * commit throws.
 */
export async function sendChallenge(
  deps: Dependencies,
  factor: AnyFactor,
  place: Place,
  about: ChallengeGround,
): Promise<ChallengeOutcome> {
  const { accountId, interaction } = place
  const sending = await commit<Sending>(deps, accountId, async (record, now) => {
    if (record.epoch !== place.epoch) return { outcome: { result: 'stale' } }
    const states = usableStates(deps, record, factor, now)
    if (!factorGate(deps, record, factor, place, now).open) return { outcome: { result: 'closed' } }
    if (factor.challenge === undefined || states.length === 0)
      return { outcome: { result: 'stale' } }
    const notBefore = nextDeliveryAt(record, now)
    if (notBefore !== undefined) return { outcome: { result: { notBefore } } }
    const input: ChallengeInput = { accountId, random: deps.random, now, ...about }
    const { value, delivery } = (await factor.challenge(states, input)) as Begun<Json>
    const where = { interaction, purpose: factor.id }
    const opened = {
      interaction,
      purpose: factor.id,
      sealed: sealState(deps.box, accountId, where, value),
      ...(delivery === undefined ? {} : { sentTo: maskAddress(delivery.to) }),
    }
    const next = openChallenge(record, opened, now)
    return {
      outcome: { result: 'sent', delivery, opened: next.opened, before: next.before },
      record: next.record,
    }
  })
  const { delivery, opened, before, result } = sending
  if (delivery === undefined || opened === undefined) return result
  const isSent = await sendOrTakeBack(deps, accountId, delivery, (record) =>
    takeBackChallenge(record, opened, before),
  )
  return isSent ? 'sent' : 'not-sent'
}

/** A kept challenge: it sends nothing, and is stored with its interaction. */
export interface KeptChallenge {
  /** Identifies the challenge, so that the record can show that an accepted response has spent it. */
  readonly id: string
  /** The challenge that the factor made. */
  readonly value: unknown
}

/** The use of a kept challenge. A response that was made for one use is refused in the others (R46). */
export type Ceremony = 'sign-in' | 'enrolment' | 'silent'

/** The account, if it is known yet, and the interaction to which a challenge is sealed. */
export type ChallengePlace = Pick<Place, 'interaction'> & {
  readonly accountId?: string
  /** Default: a sign-in. */
  readonly ceremony?: Ceremony
}

/**
 * Makes a challenge of a factor that sends nothing, sealed to its account, factor and interaction. The caller keeps
 * it with the interaction. `states`: as the factor's `challenge` gets them. Undefined: the factor needs none.
 */
export async function makeChallenge(
  deps: Dependencies,
  factor: AnyFactor,
  place: ChallengePlace,
  about: ChallengeGround & { readonly states: ReturnType<typeof usableStates> },
): Promise<string | undefined> {
  const { states, ...ground } = about
  const input = inputOf(deps, place, ground)
  return sealKept(deps, factor, place, await factor.challenge?.(states, input))
}

/**
 * The same for the set-up in progress whose data are `pending`. `place.ceremony` has to be `enrolment`. Undefined: the
 * factor needs no challenge to be set up.
 */
export async function makeEnrolmentChallenge(
  deps: Dependencies,
  factor: AnyFactor,
  place: ChallengePlace,
  { pending, ...ground }: ChallengeGround & { readonly pending: unknown },
): Promise<string | undefined> {
  const input = inputOf(deps, place, ground)
  return sealKept(deps, factor, place, await factor.enrolmentChallenge?.(pending, input))
}

/** The data that a factor gets for a challenge. */
export function inputOf(
  { clock, random }: Dependencies,
  { accountId }: ChallengePlace,
  ground: ChallengeGround,
): ChallengeInput {
  return { accountId, random, now: clock.now(), ...ground }
}

/** Seals what a factor has made to its place, for as long as a challenge of the factor is open. */
export function sealKept(
  { box, clock }: Dependencies,
  factor: AnyFactor,
  place: ChallengePlace,
  begun: Begun<unknown> | undefined,
): string | undefined {
  if (begun === undefined) return undefined
  const { challengeSeconds = CHALLENGE_SECONDS } = factor
  const seconds = Math.min(challengeSeconds, CHALLENGE_SECONDS)
  const kept = { value: begun.value, expiresAt: clock.now() + seconds }
  return box.seal(JSON.stringify(kept), sealContext(factor, place))
}

/**
 * Opens a kept challenge. Undefined: it was made for another account, factor, interaction or ceremony, or its time is
 * over.
 */
export function openKeptChallenge(
  deps: Dependencies,
  factor: AnyFactor,
  place: ChallengePlace,
  sealed: string,
): KeptChallenge | undefined {
  const value = openKept(deps, factor, place, sealed)
  if (value === undefined) return undefined
  const id = createHash('sha256').update(sealed).digest('base64url')
  return { id, value: factor.parseChallenge(value) }
}

/** Opens what `sealKept` has sealed. Undefined as for `openKeptChallenge`. */
export function openKept(
  deps: Dependencies,
  factor: AnyFactor,
  place: ChallengePlace,
  sealed: string,
): Json | undefined {
  const opened = openSealed(deps, sealed, sealContext(factor, place))
  return opened === undefined || opened.expiresAt <= deps.clock.now() ? undefined : opened.value
}

function openSealed(
  { box }: Dependencies,
  sealed: string,
  context: ReturnType<typeof sealContext>,
): { value: Json; expiresAt: Instant } | undefined {
  try {
    return JSON.parse(box.open(sealed, context)) as { value: Json; expiresAt: Instant }
  } catch {
    // It was sealed for another place, or with a key that is not configured any more. The caller makes a new challenge.
    return undefined
  }
}

function sealContext(
  { id }: AnyFactor,
  { accountId = '', interaction, ceremony = 'sign-in' }: ChallengePlace,
): { accountId: string; purpose: string } {
  const parts = ['kept-challenge', id, interaction]
  // A node of the release before has sealed the challenge of a sign-in without the ceremony.
  const all = ceremony === 'sign-in' ? parts : [...parts, ceremony]
  return { accountId, purpose: JSON.stringify(all) }
}
