import type { Decision, Reason, RulePart, Step } from './decision.ts'
import {
  goalOfRequest,
  goalOfRules,
  firstSince,
  isAhead,
  isEnough,
  isMet,
  proofsSince,
  withoutFuture,
  type Goal,
} from './goal.ts'
import type { PolicyInput, PolicyRequest, Trust } from './input.ts'
import { commonOf, demandOf, judge, type Demand } from './judge.ts'
import { highestReached, isFirstLevel, reaches, type Level } from './levels.ts'
import { firstFactors, showable } from './own.ts'
import { rankSaid, type Proof } from './proofs.ts'
import { namedBy, targetOf } from './target.ts'
import { withoutOldLevels } from './upstream.ts'
import { wayTo, wayToSecond, type Way } from './way.ts'

export type * from './decision.ts'
export type * from './input.ts'

/** The facts on which the answer rests. */
interface Ground {
  readonly demand: Demand
  readonly parts: readonly RulePart[]
  /** The level to reach. */
  readonly target: number
  readonly maxAgeSeconds: number
}

interface Outcome {
  readonly step: Step
  readonly reason: Reason
  readonly factors?: readonly string[]
  readonly needsHardware?: true
  readonly until?: number
  readonly standIn?: Trust
}

/**
 * The step that is still needed before a request is answered (R17, R24, R25). It is the only function that decides;
 * prompts, refresh, `policy explain` and `policy simulate` call it.
 */
export function decide(asked: PolicyInput): Decision {
  const input = withoutOldLevels(asked)
  const judged = input.rules.map((rule) => judge(rule, input))
  const demand = demandOf(judged, input)
  const isTimeNamed = isTimeAsked(asked.request)
  const isTimed = isTimeNamed || demand.maxAgeSeconds < Infinity
  const timely = (one: PolicyInput): PolicyInput => (isTimed ? withoutFuture(one) : one)
  // The level that the request asks for does not depend on the age that a rule allows: one more rule must not lower it.
  const target = targetOf(demand, isTimeNamed ? withoutFuture(input) : input)
  const parts = judged.map(({ rule: { name }, part }) => ({
    name,
    matched: part !== 'no-match',
    part,
  }))
  const ground = {
    demand,
    parts,
    target: target?.rank ?? demand.rank,
    maxAgeSeconds: Math.min(demand.maxAgeSeconds, target?.maxAgeSeconds ?? Infinity),
  }
  const outcome: Outcome =
    target === undefined
      ? { step: 'unmet', reason: 'no-such-level' }
      : outcomeOf(ground, timely(input))
  // The answer says what was proved, however old: the token has the time beside it.
  return answer(timely(asked), ground, outcome)
}

/** Whether the request itself asks for a proof of a certain time. */
function isTimeAsked({ acr, provedSince }: PolicyRequest): boolean {
  return acr?.maxAgeSeconds !== undefined || provedSince !== undefined
}

function outcomeOf(ground: Ground, input: PolicyInput): Outcome {
  const { demand, target, maxAgeSeconds } = ground
  const ofRules = goalOfRules(demand, input)
  const ofRequest = goalOfRequest(target, demand, input)
  const isRaised =
    target > demand.rank &&
    !isOutOfReach(ofRequest, input) &&
    !isMet(ofRequest, maxAgeSeconds, input)
  // The age that the request allows is that of its level, and a factor for a higher level is new.
  const earlierSeconds = isRaised ? demand.maxAgeSeconds : maxAgeSeconds
  const isOpen = input.request.fresh || !isMet(ofRules, maxAgeSeconds, input, earlierSeconds)
  const byRules = isOpen ? wayTo(ofRules, reasonOf(ground, ofRules, input), input) : undefined
  const byRequest = isRaised ? wayTo(ofRequest, 'step-up', input) : undefined
  const second = wayToSecond(demand, input)
  const unmet = [byRules, byRequest, second].find((way) => way?.step === 'unmet')
  if (unmet !== undefined) return unmet
  const isFactorLeft = byRules?.step === 'verify' && second === undefined
  const standIn = isFactorLeft ? trustFor(ground, ofRules, input) : undefined
  if (standIn !== undefined) return { step: 'none', reason: 'trusted-browser', standIn }
  return nextOf(byRules, byRequest) ?? second ?? whenMet(ground, input)
}

/**
 * Whether a voluntary level was reached by a factor that the person has removed since. The factor cannot be shown again
 * once its proof is too old for a rule, or is from the future, and a voluntary level makes nobody enrol.
 */
function isOutOfReach({ level, own }: Goal, input: PolicyInput): boolean {
  const isVoluntary = input.request.acr?.essential !== true
  return isVoluntary && !reaches(level, [...showable(own), ...firstFactors(input)])
}

const ORDER = ['login', 'verify', 'enrol']

/** The step that comes first, if the rules and the request lead to different ones; by a factor that helps both, if any. */
function nextOf(byRules: Way | undefined, byRequest: Way | undefined): Way | undefined {
  if (byRules === undefined || byRequest === undefined) return byRules ?? byRequest
  const order = ORDER.indexOf(byRules.step) - ORDER.indexOf(byRequest.step)
  if (order !== 0) return order < 0 ? byRules : byRequest
  const factors = commonOf([byRules.factors, byRequest.factors].filter((one) => one !== undefined))
  if (factors?.length === 0) return byRules
  const isNeeded = byRules.needsHardware ?? byRequest.needsHardware
  return {
    ...byRequest,
    ...(factors === undefined ? {} : { factors }),
    ...(isNeeded === undefined ? {} : { needsHardware: isNeeded }),
  }
}

/** The reason why the rules' goal is open: what the request asks for, a rule, or the person's own choice. */
function reasonOf({ demand, maxAgeSeconds }: Ground, ofRules: Goal, input: PolicyInput): Reason {
  const isOlder = maxAgeSeconds < demand.maxAgeSeconds
  if (input.request.fresh || (isOlder && isMet(ofRules, demand.maxAgeSeconds, input)))
    return 'step-up'
  return demand.isAsked || !demand.asksFactor ? 'policy' : 'chosen'
}

/** The outcome once everything is proved: an enrolment can still wait. */
function whenMet({ demand, target }: Ground, { levels, person }: PolicyInput): Outcome {
  const { until } = demand
  if (until < Infinity && !person.postponed) return { step: 'enrol-later', reason: 'policy', until }
  const isFirst = !demand.asksFactor && isFirstLevel(levels[target] as Level)
  return { step: 'none', reason: isFirst ? 'nothing-asked' : 'met' }
}

/**
 * The trust in the browser that stands in for the factor that rules ask for. None does where the request asks for a
 * level, a time or a fresh factor (R14), and none for the first factor: this one has to be as new as the rules ask.
 * Where rules list factors, one that is in every list must have earned the trust.
 */
function trustFor(ground: Ground, ofRules: Goal, input: PolicyInput): Trust | undefined {
  const { levels, now, person } = input
  const first = firstSince(input)
  const level: Goal = { ...ofRules, level: levels[0], factors: undefined, needsFactor: false }
  if (!isMet(level, ground.maxAgeSeconds, { ...input, proofs: first })) return undefined
  const seconds = trustSecondsOf(ground, input)
  return person.trusts?.find(
    (trust) =>
      now - trust.since < seconds &&
      !isAhead(trust.since, now) &&
      isEarnedBy(trust, ofRules, first),
  )
}

/** Whether the factor that earned the trust is one that the person has and that meets the rules beside the first one. */
function isEarnedBy({ factor }: Trust, goal: Goal, first: readonly Proof[]): boolean {
  // A trust of an earlier release does not tell its factor.
  const isTold = factor !== undefined || goal.factors !== undefined
  const own = showable(isTold ? goal.own.filter((one) => one.factor === factor) : goal.own)
  return own.length > 0 && isEnough(goal, [...own, ...first])
}

/** For how long a trusted browser stands in; 0: it does not. */
function trustSecondsOf(
  { demand, target, maxAgeSeconds }: Ground,
  { levels, request }: PolicyInput,
): number {
  const { phishingResistant, hardware } = levels[target] as Level
  const isStronger = phishingResistant === true || hardware === true
  if (!demand.asksFactor || isStronger || isMoreNamed(request)) return 0
  return Math.min(demand.trustSeconds, maxAgeSeconds)
}

/** Whether the request itself asks for a level, a time or a fresh factor. */
function isMoreNamed({ acr, acrs, fresh, provedSince }: PolicyRequest): boolean {
  return acr !== undefined || acrs.length > 0 || fresh || provedSince !== undefined
}

function answer(input: PolicyInput, ground: Ground, outcome: Outcome): Decision {
  const { levels, request } = input
  const { parts, target, maxAgeSeconds } = ground
  const { step, reason, factors, needsHardware, until, standIn } = outcome
  // The token then has the level of the first factor, whatever the session has (R14).
  const given = standIn === undefined ? proofsSince(input) : firstSince(input)
  const isAnswered = step === 'none' || step === 'enrol-later'
  const rank = isAnswered ? highestReached(levels, given) : target
  const said = rankSaid(levels, rank, namedBy(levels, request.acr))
  return {
    step,
    reason,
    target,
    acr: (levels[said] as Level).acr,
    ...(factors === undefined ? {} : { factors }),
    ...(needsHardware === undefined ? {} : { needsHardware }),
    ...(maxAgeSeconds < Infinity ? { maxAgeSeconds } : {}),
    ...(until === undefined ? {} : { until }),
    trustSeconds: trustSecondsOf(ground, input),
    ...(standIn === undefined ? {} : { standIn }),
    rules: parts,
  }
}
