import {
  makeChallenge,
  openKeptChallenge,
  type ChallengePlace,
  type KeptChallenge,
} from '../../src/application/challenge-factor.ts'
import { usableStates } from '../../src/application/owned-states.ts'
import type { AnyFactor } from '../../src/factors/factor.ts'
import type { Core } from '../core.ts'
import type { Interaction } from '../../src/host/interaction.ts'
import { withoutResult, withResult } from '../result.ts'
import { groundOf, type Visit } from './visit.ts'

/**
 * Challenges that send nothing are kept with the interaction, sealed. They are not in the account's record, where an
 * attacker with the password could push out the owner's challenge by opening others.
 */
const KEPT = 'mfaChallenges'

/** The challenge that this interaction keeps of a factor. Undefined: none was made, or its ten minutes are over. */
export function keptChallenge(
  core: Core,
  interaction: Interaction,
  factor: AnyFactor,
  place: ChallengePlace,
): KeptChallenge | undefined {
  const sealed = sealedOf(interaction)[factor.id]
  return typeof sealed === 'string'
    ? openKeptChallenge(core.deps, factor, place, sealed)
    : undefined
}

/**
 * Opens the challenge when its page is first shown, so that the person has no button to press first. A page that is
 * shown again keeps the open challenge. `fresh` makes a new challenge, because a response has spent the one before.
 */
export async function openChallengeOf(
  { core, interaction, place, seen, details, locale }: Visit,
  factor: AnyFactor,
  fresh: boolean,
): Promise<KeptChallenge | undefined> {
  if (factor.challenge === undefined || factor.delivers === true) return undefined
  const open = keptChallenge(core, interaction, factor, place)
  if (open !== undefined && !fresh) return open
  const states = usableStates(core.deps, seen.record, factor, core.deps.clock.now())
  const about = { ...groundOf({ details, locale }), states }
  const sealed = await makeChallenge(core.deps, factor, place, about)
  if (sealed === undefined) return undefined
  await keepChallenge(interaction, factor, sealed)
  return keptChallenge(core, interaction, factor, place)
}

export async function keepChallenge(
  interaction: Interaction,
  factor: AnyFactor,
  sealed: string,
): Promise<void> {
  await withResult(interaction, KEPT, { ...sealedOf(interaction), [factor.id]: sealed })
}

/** Spends the challenge, because its first response was given. */
export async function dropChallenge(interaction: Interaction, factor: AnyFactor): Promise<void> {
  const { [factor.id]: spent, ...others } = sealedOf(interaction)
  if (spent === undefined) return
  await (Object.keys(others).length === 0
    ? withoutResult(interaction, KEPT)
    : withResult(interaction, KEPT, others))
}

function sealedOf({ result }: Interaction): Readonly<Record<string, unknown>> {
  return Object((result as Readonly<Record<string, unknown>> | undefined)?.[KEPT]) as Readonly<
    Record<string, unknown>
  >
}
