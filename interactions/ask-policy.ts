import {
  policyInputOf,
  type PolicyFacts,
  type PolicyInForce,
} from '../src/application/policy-input.ts'
import { decide, type Decision, type PolicyInput } from '../src/domain/policy/decide.ts'
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
  const shown = input.person.authenticators.find(
    ({ factor, isBackup }) => !isBackup && (factors?.includes(factor) ?? true),
  )
  return shown === undefined ? undefined : askAfter(core, facts, shown)
}

/**
 * The factors of the person that were not shown for this request and by which it goes on, and those of the person after
 * which still another one is asked for.
 */
export interface InTurn {
  readonly left: readonly string[]
  readonly notEnough: readonly string[]
}

/** Empty where the answer asks for no factor of the person. */
export function askInTurn(core: Core, facts: PolicyFacts, answer: Answer): InTurn {
  const { decision, input } = answer
  if (decision.step !== 'verify') return { left: [], notEnough: [] }
  const { authenticators } = input.person
  const { begunAt = Infinity } = input.request
  const shown = input.proofs.filter(({ time }) => time >= begunAt).map(({ factor }) => factor)
  const own = [...new Map(authenticators.map((one) => [one.factor, one])).values()]
  const notEnough = own.filter((one) => askAfter(core, facts, one).step === 'verify')
  return {
    left: own
      .map(({ factor }) => factor)
      .filter((one) => !shown.includes(one) && (decision.factors?.includes(one) ?? true)),
    notEnough: notEnough.map(({ factor }) => factor),
  }
}

function askAfter(
  core: Core,
  facts: PolicyFacts,
  { factor, kinds, phishingResistant }: PolicyInput['person']['authenticators'][number],
): Decision {
  const { request, proofs, now } = facts
  const proof: Proof = { factor, kinds, phishingResistant, amr: [], time: now }
  const afterwards = { ...request, fresh: false, begunAt: request.begunAt ?? now }
  return askPolicy(core, { ...facts, request: afterwards, proofs: [...proofs, proof] }).decision
}
