import {
  makeChallenge,
  makeEnrolmentChallenge,
  openKeptChallenge,
  type Ceremony,
  type ChallengePlace,
  type KeptChallenge,
} from '../../src/application/challenge-factor.ts'
import type { AnyFactor } from '../../src/factors/factor.ts'
import type { Core } from '../core.ts'
import { KEPT_CHALLENGES, type Interaction } from '../../src/host/interaction.ts'
import { withoutResult, withResult } from '../result.ts'
import { askedStates } from './in-hardware.ts'
import { groundOf, type Visit } from './visit.ts'

/**
 * Challenges that send nothing are kept with the interaction, sealed. They are not in the account's record, where an
 * attacker with the password could push out the owner's challenge by opening others.
 */
const KEPT = KEPT_CHALLENGES

/** The challenge that this interaction keeps of a factor. Undefined: none was made, or its time is over. */
export function keptChallenge(
  core: Core,
  interaction: Interaction,
  factor: AnyFactor,
  place: ChallengePlace,
): KeptChallenge | undefined {
  const sealed = keptSealed(interaction, factor, place.ceremony)
  return sealed === undefined ? undefined : openKeptChallenge(core.deps, factor, place, sealed)
}

/** The sealed text that this interaction keeps for a ceremony of a factor. Undefined: none. */
export function keptSealed(
  interaction: Interaction,
  factor: AnyFactor,
  ceremony?: Ceremony,
): string | undefined {
  const sealed = sealedOf(interaction)[keyOf(factor, ceremony)]
  return typeof sealed === 'string' ? sealed : undefined
}

/**
 * Opens the challenge when its page is first shown, so that the person has no button to press first. A page that is
 * shown again keeps the open challenge. `fresh` makes a new challenge, because a response has spent the one before.
 */
export async function openChallengeOf(
  visit: Visit,
  factor: AnyFactor,
  fresh: boolean,
): Promise<KeptChallenge | undefined> {
  const { core, interaction, place } = visit
  if (factor.challenge === undefined || factor.delivers === true) return undefined
  const open = keptChallenge(core, interaction, factor, place)
  if (open !== undefined && !fresh) return open
  const states = askedStates(visit, factor, core.deps.clock.now())
  const about = { ...groundOf(visit), states }
  const sealed = await makeChallenge(core.deps, factor, place, about)
  if (sealed === undefined) return undefined
  await keepChallenge(interaction, factor, sealed)
  return keptChallenge(core, interaction, factor, place)
}

/** The challenge that a set-up page of this visit has shown. Undefined: none, or its time is over. */
export function keptEnrolmentChallenge(
  { core, interaction, place }: Visit,
  factor: AnyFactor,
): KeptChallenge | undefined {
  return keptChallenge(core, interaction, factor, { ...place, ceremony: 'enrolment' })
}

/** As `openChallengeOf`, for the page of the set-up in progress whose data are `pending`. */
export async function openEnrolmentChallengeOf(
  visit: Visit,
  factor: AnyFactor,
  { pending, fresh }: { readonly pending: unknown; readonly fresh: boolean },
): Promise<KeptChallenge | undefined> {
  const { core, interaction, place } = visit
  if (factor.enrolmentChallenge === undefined) return undefined
  const open = keptEnrolmentChallenge(visit, factor)
  if (open !== undefined && !fresh) return open
  const where = { ...place, ceremony: 'enrolment' } as const
  const about = { ...groundOf(visit), pending }
  const sealed = await makeEnrolmentChallenge(core.deps, factor, where, about)
  if (sealed === undefined) return undefined
  await keepChallenge(interaction, factor, sealed, 'enrolment')
  return keptEnrolmentChallenge(visit, factor)
}

export async function keepChallenge(
  interaction: Interaction,
  factor: AnyFactor,
  sealed: string,
  ceremony?: Ceremony,
): Promise<void> {
  const others = sealedOf(interaction)
  await withResult(interaction, KEPT, { ...others, [keyOf(factor, ceremony)]: sealed })
}

/** Spends the challenge of a sign-in, because its first response was given. */
export async function dropChallenge(interaction: Interaction, factor: AnyFactor): Promise<void> {
  const { [keyOf(factor)]: spent, ...others } = sealedOf(interaction)
  if (spent === undefined) return
  await (Object.keys(others).length === 0
    ? withoutResult(interaction, KEPT)
    : withResult(interaction, KEPT, others))
}

/** No id of a factor has a colon. */
function keyOf({ id }: AnyFactor, ceremony: Ceremony = 'sign-in'): string {
  return ceremony === 'sign-in' ? id : `${ceremony}:${id}`
}

function sealedOf({ result }: Interaction): Readonly<Record<string, unknown>> {
  return Object((result as Readonly<Record<string, unknown>> | undefined)?.[KEPT]) as Readonly<
    Record<string, unknown>
  >
}
