import type { MfaRecord } from '../domain/mfa-record.ts'
import { IMPORTED_WITHOUT_FACTOR, REQUIRE } from '../domain/policy/built-in.ts'
import type { PolicyInput, PolicyPerson, PolicyRequest } from '../domain/policy/input.ts'
import { ownChoice } from '../domain/policy/judge.ts'
import { secondRank, type Level, type Levels } from '../domain/policy/levels.ts'
import type { Proof } from '../domain/policy/proofs.ts'
import { recoveredBefore } from '../domain/policy/session-proofs.ts'
import type { Policy, Rule } from '../domain/policy/rules.ts'
import type { Instant } from '../domain/time.ts'
import type { Dependencies } from './dependencies.ts'
import { authenticatorsForPolicy, enrollableOf } from './policy-person.ts'

/** The levels and the rules that are in force. */
export interface PolicyInForce {
  /** Those that a configured factor can reach. */
  readonly levels: Levels
  /** The rules at this moment: they can be replaced while the application runs. */
  present(): Policy
}

/** One demand of the application's `require`, in the form of a rule. */
export interface Demand {
  /** How the decision names it. Default: `require`, also where a rule has this name. */
  readonly name?: string
  /** The `acr` or the name of a level. Default: two different kinds of factor. */
  readonly require?: string
  readonly maxAgeSeconds?: number
  /** Whether a trusted browser stands in for the factor. Default: as the policy offers. */
  readonly trustedBrowserSeconds?: 'never'
}

/** The facts of one account in one authorization request. */
export interface PolicyFacts {
  readonly record: MfaRecord
  readonly request: PolicyRequest
  /** The demands of the application's `require`. */
  readonly demands: readonly Demand[]
  readonly proofs: readonly Proof[]
  readonly person: Omit<PolicyPerson, 'authenticators'>
  readonly now: Instant
}

/**
 * The input of the policy. The prompts, the refresh of tokens and `policy explain` make it here, so that they cannot
 * decide differently. `rules`: in place of those in force.
 */
export function policyInputOf(
  deps: Pick<Dependencies, 'factors' | 'rules' | 'box'>,
  inForce: PolicyInForce,
  facts: PolicyFacts,
  rules: readonly Rule[] = inForce.present().rules,
): PolicyInput {
  const { levels } = inForce
  const { record, request, demands, proofs, person, now } = facts
  return {
    levels,
    rules: [
      ownChoice(levels),
      ...importRule(deps, levels, record),
      ...demands.map((demand) => ruleOf(levels, demand, rules)),
      ...rules,
    ],
    // Somebody who has recovered an account may not be its owner: no browser is trusted yet (R14).
    trustedBrowserSeconds:
      recoveredBefore(record, now) === undefined ? inForce.present().trustedBrowserSeconds : 0,
    enrollable: enrollableOf(deps),
    request,
    person: { ...person, authenticators: authenticatorsForPolicy(deps, record, now) },
    proofs,
    now,
  }
}

/** A demand with the name of one of these rules is named like one without a name. */
function ruleOf(
  levels: Levels,
  { name = REQUIRE, require, ...demand }: Demand,
  rules: readonly Rule[],
): Rule {
  const own = rules.some((rule) => rule.name === name) ? REQUIRE : name
  return { ...demand, name: own, when: {}, require: require ?? secondOf(levels).acr }
}

/** An account that was imported without the second factor that it had sets up another one. */
function importRule(
  { rules }: Pick<Dependencies, 'rules'>,
  levels: Levels,
  record: MfaRecord,
): readonly Rule[] {
  if (!rules.isFactorRequired(record, false)) return []
  return [{ name: IMPORTED_WITHOUT_FACTOR, when: {}, require: secondOf(levels).acr }]
}

/** The lowest level that a first factor alone does not reach, or the highest one. */
function secondOf(levels: Levels): Level {
  return levels[secondRank(levels)] as Level
}
