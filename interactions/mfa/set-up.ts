import type { FactorChange } from '../../src/domain/factor-change.ts'
import type { Decision } from '../../src/domain/policy/decide.ts'
import type { Instant } from '../../src/domain/time.ts'
import type { ChooseReason } from '../../src/http/pages.ts'
import type { Core } from '../core.ts'
import type { Steps } from '../decide.ts'
import { setUpBy, type Later } from '../later.ts'

/** The set-up or the change that the pages of a sign-in make, and why. */
export interface SetUp {
  readonly reason: ChooseReason
  /** The change of the person's factors that the authorization request or the policy asks for. */
  readonly change?: FactorChange
  /** The set-up that a rule asks for and that can still be put off. */
  readonly later?: Later
  /** For how long the person can let this browser stand in for the factor. Absent: it is not offered (R14). */
  readonly trustSeconds?: number
  /** The ids of the factors that can be set up. Absent: every factor. */
  readonly factors?: readonly string[]
  /** Only an authenticator whose key is in hardware can be set up: another one does not lead on. */
  readonly needsHardware?: true
}

export interface DecidedSetUp extends Steps {
  /** The change that the authorization request asks for. */
  readonly change: FactorChange | undefined
  /** The set-up that can still be put off. */
  readonly later: Omit<Later, 'createdAt'> | undefined
}

/**
 * The set-up or the change that the pages make. A person who has no factor yet changes nothing: they set up
 * their first one. A person who has one adds another, if the policy asks for it: with a fresh proof, as for every change
 * (R11).
 */
export function setUpOf(
  core: Core,
  decided: DecidedSetUp,
  { enrolled, createdAt }: { readonly enrolled: boolean; readonly createdAt: Instant | undefined },
): SetUp {
  const { change, later, decision } = decided
  if (change !== undefined) return { change, reason: reasonOfChange(change, enrolled) }
  const setUp = setUpBy(decided)
  const { factors, needsHardware } = setUp ?? {}
  const { reason } = decision
  const isAdded = enrolled && setUp !== undefined
  return {
    reason: isAdded
      ? reasonToAdd(core, setUp)
      : reason === 'step-up' || reason === 'chosen'
        ? reason
        : 'policy',
    ...(isAdded ? { change: { kind: 'add' } } : {}),
    ...(decision.step === 'verify' && decision.trustSeconds > 0
      ? { trustSeconds: decision.trustSeconds }
      : {}),
    ...(factors === undefined ? {} : { factors }),
    ...(needsHardware === undefined ? {} : { needsHardware }),
    ...(later === undefined
      ? {}
      : { later: { ...later, ...(createdAt === undefined ? {} : { createdAt }) } }),
  }
}

function reasonOfChange({ kind }: FactorChange, enrolled: boolean): ChooseReason {
  if (!enrolled) return 'chosen'
  return kind === 'replace' ? 'replace' : 'change'
}

/** Why a person with a factor sets up another one: a second device is asked for, or a factor that they do not have. */
function reasonToAdd(core: Core, { reason, rules: parts }: Decision): ChooseReason {
  if (reason === 'redundancy') return 'redundancy'
  const waiting = parts.filter(({ part }) => part === 'grace').map(({ name }) => name)
  const { rules } = core.policy.present()
  return rules.some(({ name, redundancy }) => redundancy === true && waiting.includes(name))
    ? 'redundancy'
    : 'change'
}
