import {
  policyInputOf,
  type PolicyFacts,
  type PolicyInForce,
} from '../src/application/policy-input.ts'
import {
  decide,
  type Authenticator,
  type Decision,
  type PolicyInput,
} from '../src/domain/policy/decide.ts'
import { answersTo, type Answers } from '../src/domain/policy/explain.ts'
import { isFit, type Level } from '../src/domain/policy/levels.ts'
import { showable } from '../src/domain/policy/own.ts'
import type { Proof } from '../src/domain/policy/proofs.ts'
import type { Rule } from '../src/domain/policy/rules.ts'
import type { Core } from './core.ts'

/** A policy in place of the one in force. */
export interface OtherPolicy {
  readonly inForce?: PolicyInForce
  /** The rules in place of those of the policy. */
  readonly rules?: readonly Rule[]
}

/** A decision, and the input on which it was made. */
export interface Answer {
  readonly decision: Decision
  readonly input: PolicyInput
}

/**
 * Asks the policy for its decision on these facts. Every decision of the product is made here: those of the prompts, of
 * the login page, of tokens, and of `policy explain` and `policy simulate`. No other module calls the domain's policy.
 */
export function askPolicy(core: Core, facts: PolicyFacts, other: OtherPolicy = {}): Answer {
  const { inForce = core.policy, rules } = other
  const input = policyInputOf(core.deps, inForce, facts, rules)
  return { decision: decide(input), input }
}

/**
 * The decision after a factor of the person was shown, if the answer asks for one. Undefined: it asks for none, or the
 * person has none that it accepts.
 */
export function askNext(core: Core, facts: PolicyFacts, answer: Answer): Decision | undefined {
  const { decision, input } = answer
  if (decision.step !== 'verify') return undefined
  const { factors } = decision
  const fitting = showable(input.person.authenticators).filter(
    ({ factor, isBackup }) => !isBackup && (factors?.includes(factor) ?? true),
  )
  const shown = fitting.find(({ hardware }) => hardware === true) ?? fitting[0]
  return shown === undefined ? undefined : askAfter(core, facts, shown)
}

/** The factors that the person can show where the answer, by the policy of `core`, asks for one. Undefined: it asks for none. */
export function askAnswers(core: Core, facts: PolicyFacts, answer: Answer): Answers | undefined {
  const { decision, input } = answer
  return answersTo(decision, input.person, askNext(core, facts, answer))
}

/**
 * The factors of the person that were not shown for this request and by which it goes on, and those of the person after
 * which still another one is asked for. Authenticators that the settings of their factor refuse take no part.
 */
export interface InTurn {
  readonly left: readonly string[]
  readonly notEnough: readonly string[]
}

/** Empty where the answer asks for no factor of the person. */
export function askInTurn(core: Core, facts: PolicyFacts, answer: Answer): InTurn {
  const { decision, input } = answer
  if (decision.step !== 'verify') return { left: [], notEnough: [] }
  const authenticators = showable(input.person.authenticators)
  const { begunAt = Infinity } = input.request
  const shown = input.proofs.filter(({ time }) => time >= begunAt)
  const isHardwareLeft = asksForHardware(answer, shown)
  // Of a factor that has one in hardware, this one is asked for where hardware is needed.
  const own = [
    ...new Map(
      authenticators.map((one) => [one.factor, strongestOf(authenticators, one)]),
    ).values(),
  ]
  const notEnough = own.filter((one) => askAfter(core, facts, one).step === 'verify')
  return {
    left: own
      .filter((one) => !isShown(one, shown, isHardwareLeft))
      .map(({ factor }) => factor)
      .filter((one) => decision.factors?.includes(one) ?? true),
    notEnough: notEnough.map(({ factor }) => factor),
  }
}

/** The last one of the same factor, one in hardware before others. */
function strongestOf(all: readonly Authenticator[], { factor }: Authenticator): Authenticator {
  const ofFactor = all.filter((one) => one.factor === factor)
  const last = ofFactor.findLast(({ hardware }) => hardware === true) ?? ofFactor.at(-1)
  return last as Authenticator
}

/**
 * Whether a key in hardware is still to be shown. Where authenticators reach the level only together, the decision does not
 * say so.
 */
function asksForHardware({ decision, input }: Answer, shown: readonly Proof[]): boolean {
  const level = input.levels[decision.target] as Level
  const isProved = shown.some((proof) => isFit(level, proof))
  return decision.needsHardware === true || (level.hardware === true && !isProved)
}

/** Whether its factor was shown. Where hardware is still needed, another authenticator of the factor does not count. */
function isShown(
  { factor, hardware }: Authenticator,
  shown: readonly Proof[],
  isHardwareLeft: boolean,
): boolean {
  const isOther = (proof: Proof): boolean =>
    isHardwareLeft && hardware === true && proof.hardware !== true
  return shown.some((proof) => proof.factor === factor && !isOther(proof))
}

function askAfter(
  core: Core,
  facts: PolicyFacts,
  { factor, kinds, phishingResistant, hardware }: Authenticator,
): Decision {
  const { request, proofs, now } = facts
  const strength = { kinds, phishingResistant, ...(hardware === true ? { hardware } : {}) }
  const proof: Proof = { ...strength, factor, amr: [], time: now }
  const afterwards = { ...request, fresh: false, begunAt: request.begunAt ?? now }
  return askPolicy(core, { ...facts, request: afterwards, proofs: [...proofs, proof] }).decision
}
