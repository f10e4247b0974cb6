import { isRecent } from '../freshness.ts'
import type { Reason, Step } from './decision.ts'
import { firstSince, isAhead, isEnough, proofsSince, type Goal } from './goal.ts'
import type { PolicyInput } from './input.ts'
import { isFirstLevel, PASSWORD, type Strength } from './levels.ts'
import { commonOf, type Demand } from './judge.ts'
import type { Proof } from './proofs.ts'
import { firstFactors, fitting, isRedundant, ownOf, showable } from './own.ts'

/** The next step of a person, and the factors that help with it. */
export interface Way {
  readonly step: Extract<Step, 'login' | 'verify' | 'enrol' | 'unmet'>
  readonly reason: Reason
  readonly factors?: readonly string[]
  /** See `Decision`. */
  readonly needsHardware?: true
}

/**
 * The step that leads to a goal which the proofs do not meet. The first factor comes before a second one, and a factor
 * that the person has before one that could be set up.
 */
export function wayTo(goal: Goal, reason: Reason, input: PolicyInput): Way {
  const { needsFactor } = goal
  const own = showable(goal.own)
  const first = firstSince(input)
  const again = firstFactors(input)
  const can = (given: readonly Strength[]): boolean => isEnough(goal, given)
  const asksFactor = needsFactor || !isFirstLevel(goal.level)
  if (!asksFactor) return { step: 'login', reason }
  if (own.length > 0 && can([...own, ...first]))
    return { step: 'verify', reason, ...helping(own, goal, (one) => can([one, ...first])) }
  if ((own.length > 0 || !needsFactor) && can([...own, ...again])) return { step: 'login', reason }
  const offered = fitting(input.enrollable, goal.factors, ({ id }) => id)
  if (offered.length > 0 && can([...own, ...offered, ...again])) {
    if (!can([...own, ...offered, ...first])) return { step: 'login', reason }
    const named = offered.map((one) => ({ ...one, factor: one.id }))
    const helps = helping(named, goal, (one) => can([...own, one, ...first]))
    return enrolment({ step: 'enrol', reason, ...helps }, input)
  }
  if (isOfOneKind(goal, input)) return { step: 'verify', reason }
  if (isOtherFirstPossible(input) && can([...own, ...offered, PASSWORD]))
    return { step: 'login', reason }
  return { step: 'unmet', reason: 'no-way' }
}

/** The factors that lead on by themselves, where some of these do not. */
function helping<T extends Strength & { readonly factor: string }>(
  all: readonly T[],
  { factors, level }: Goal,
  helps: (one: T) => boolean,
): Pick<Way, 'factors' | 'needsHardware'> {
  const some = all.filter(helps)
  const ids = [...new Set(some.map(({ factor }) => factor))]
  const isInHardware = some.length > 0 && some.every(({ hardware }) => hardware === true)
  const needed = isInHardware && level.hardware === true ? { needsHardware: true as const } : {}
  if (some.length > 0 && some.length < all.length) return { factors: ids, ...needed }
  if (factors === undefined) return needed
  return { factors: [...new Set(all.map(({ factor }) => factor))], ...needed }
}

/**
 * A factor is set up beside others only after one of these was shown just now: otherwise a person who knows the password
 * could add a factor beside the owner's (R10, R20).
 */
function enrolment(way: Way, input: PolicyInput): Way {
  const { person, now } = input
  const isShown = proofsSince(input).some(
    (proof) =>
      person.authenticators.some((one) => one.factor === proof.factor) &&
      (isOfRequest(proof, input) || isRecent(proof.time, now)),
  )
  if (person.authenticators.length === 0 || isShown) return way
  return { step: 'verify', reason: way.reason }
}

/**
 * Whether the person's factors would be enough beside a password, and are of the same kind as the first factor that was
 * shown. The person is asked once in a request, and not for ever (R26).
 */
function isOfOneKind(goal: Goal, input: PolicyInput): boolean {
  const isShown = input.proofs.some(
    (proof) => proof.factor !== undefined && isOfRequest(proof, input),
  )
  return goal.own.length > 0 && isEnough(goal, [...goal.own, PASSWORD]) && !isShown
}

/** Whether another first factor can be shown: in this request none was, so nobody is asked for it for ever. */
function isOtherFirstPossible(input: PolicyInput): boolean {
  const { proofs } = input
  return !proofs.some((proof) => proof.factor === undefined && isOfRequest(proof, input))
}

/** Whether a proof was given for this very request. One from the future was not: the clock was set back since. */
function isOfRequest({ time }: Proof, { request, now }: PolicyInput): boolean {
  return time >= (request.begunAt ?? Infinity) && !isAhead(time, now)
}

/** The way to a second device, for a rule that asks for one. Undefined: the person has it. */
export function wayToSecond(demand: Demand, input: PolicyInput): Way | undefined {
  const lacking = demand.redundant.filter(
    ({ factors }) => !isRedundant(showable(ownOf(input, factors))),
  )
  if (lacking.length === 0) return undefined
  const lists = lacking.map(({ factors }) =>
    fitting(input.enrollable, factors, ({ id }) => id).map(({ id }) => id),
  )
  if (lists.some((list) => list.length === 0)) return { step: 'unmet', reason: 'no-way' }
  const way = { step: 'enrol', reason: 'redundancy' } as const
  if (lacking.every(({ factors }) => factors === undefined)) return enrolment(way, input)
  // A device of a factor that all these rules list or, without one, of any that one of them lists.
  const common = commonOf(lists) as readonly string[]
  const factors = common.length > 0 ? common : [...new Set(lists.flat())]
  return enrolment({ ...way, factors }, input)
}
