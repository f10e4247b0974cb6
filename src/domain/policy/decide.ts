import type { Instant } from '../time.ts'
import {
  highestReached,
  reaches,
  rankOf,
  type Level,
  type Levels,
  type Strength,
  PASSWORD,
} from './levels.ts'
import { assertionOf, lastProved, type Proof } from './proofs.ts'
import { matches, type Circumstances, type Rule } from './rules.ts'

/** The `acr` that a relying party asks for. An `essential` one must be reached (OIDC Core 5.5.1.1, R24). */
export interface AcrRequest {
  readonly essential: boolean
  readonly values: readonly string[]
  /** The longest time since the level was last proved (`claims.id_token.acr.max_age`). 0: a fresh factor. */
  readonly maxAgeSeconds?: number
}

export interface PolicyRequest extends Circumstances {
  readonly acr?: AcrRequest
  /** A second factor is asked for whatever the session has: `prompt=mfa`, a change of factors. */
  readonly fresh: boolean
  /**
   * Proofs before this time do not count for this request: `max_age`, `prompt=login`, the device flow. A trusted browser
   * does not stand in either (R14).
   */
  readonly provedSince?: Instant
  /** Proofs since this time were given for this very request: they are fresh enough, whatever their age. */
  readonly begunAt?: Instant
}

/** An authenticator of the person that a sign-in can ask for. */
export interface Authenticator extends Strength {
  /** The id of its factor. */
  readonly factor: string
  /** Whether it is a look-up secret, which is no second device. */
  readonly isBackup: boolean
  /** Authenticators with the same value do not count as two: they are on one device or have one key. */
  readonly device: string
}

/** A browser in which the person chose not to be asked for the factor for a while (R14). */
export interface Trust {
  /** When the box was ticked. */
  readonly since: Instant
}

export interface PolicyPerson {
  readonly authenticators: readonly Authenticator[]
  /** When each rule with a grace first met the account, by the rule's name. Absent: it does so now. */
  readonly metAt: Readonly<Record<string, Instant>>
  /** The trust in the browser of the request, if there is one. */
  readonly trust?: Trust
  /**
   * Whether an enrolment can be put off: the browser has completed a sign-in before, or it is the first sign-in ever,
   * within 72 h of the account's making.
   */
  readonly mayPostpone: boolean
  /** Whether it was put off in this session already. */
  readonly postponed: boolean
}

/** A factor of the configuration that people can set up. */
export interface Enrollable extends Strength {
  readonly id: string
}

export interface PolicyInput {
  readonly levels: Levels
  /** All rules: those of the configuration, of the client, and the built-in ones. */
  readonly rules: readonly Rule[]
  /** The time for which a browser can be trusted; 0: no browser can. */
  readonly trustedBrowserSeconds: number
  readonly enrollable: readonly Enrollable[]
  readonly request: PolicyRequest
  readonly person: PolicyPerson
  /** The proofs that have been given: in the session or, while a first factor waits, of the login page alone. */
  readonly proofs: readonly Proof[]
  readonly now: Instant
}

/** The part of one rule in a decision. */
export interface RulePart {
  readonly name: string
  readonly matched: boolean
  /** `counts`: it takes part. The others say why a matching rule does not take part. */
  readonly part: 'counts' | 'asks-nothing' | 'optional' | 'grace' | 'no-match'
}

/**
 * The step that is still needed. `none`: the request can be answered. `login`: the first factor again. `enrol-later`:
 * enrolment, which the person may put off until `until`. `unmet`: no step helps.
 */
export type Step = 'none' | 'login' | 'verify' | 'enrol' | 'enrol-later' | 'unmet'

export type Reason =
  | 'policy'
  | 'step-up'
  | 'chosen'
  | 'redundancy'
  | 'trusted-browser'
  | 'met'
  | 'nothing-asked'
  | 'no-such-level'
  | 'no-way'

export interface Decision {
  readonly step: Step
  readonly reason: Reason
  /** The level that has to be reached, as its place in the order. */
  readonly target: number
  /** The `acr` of the answer if the step is made: the target's, or the proved one's. */
  readonly acr: string
  /** The ids of the factors that count. Absent: every factor does. */
  readonly factors?: readonly string[]
  /** How old the proof of the level may be. */
  readonly maxAgeSeconds?: number
  /** The last moment before which an enrolment can be put off. */
  readonly until?: Instant
  /** For how long this browser may be trusted once the factor was shown; 0: the box is not offered. */
  readonly trustSeconds: number
  /** Whether a trusted browser stands in for the factor. */
  readonly isTrusted: boolean
  /** The part of each rule, in the order of the rules. */
  readonly rules: readonly RulePart[]
}

/** The demands of all rules that count, combined to the strictest. */
interface Demand {
  readonly rank: number
  readonly maxAgeSeconds: number
  readonly factors: readonly string[] | undefined
  readonly trustSeconds: number
  readonly redundancy: boolean
  /** The end of the shortest grace among the rules that the person does not meet yet. */
  readonly until: Instant
  /** Whether a rule asks for a factor that is not the person's own choice. */
  readonly isAsked: boolean
}

/**
 * The step that is still needed before a request is answered (R17, R24, R25). It is the only function that decides;
 * prompts, refresh, `policy explain` and `policy simulate` call it.
 */
export function decide(input: PolicyInput): Decision {
  const { levels, request, rules } = input
  const judged = rules.map((rule) => judge(rule, input))
  const demand = demandOf(judged, input)
  const wanted = targetOf(demand, input)
  const parts = judged.map(({ rule: { name }, part }) => ({
    name,
    matched: part !== 'no-match',
    part,
  }))
  const about = { parts, demand, maxAgeSeconds: demand.maxAgeSeconds }
  if (wanted === undefined)
    return answer(input, about, { step: 'unmet', reason: 'no-such-level', target: demand.rank })
  const maxAgeSeconds = Math.min(demand.maxAgeSeconds, wanted.maxAgeSeconds)
  const goal = { ...about, maxAgeSeconds, target: wanted.target }
  const level = levels[wanted.target] as Level
  const proofs = countingProofs(demand, input)
  if (isMet(level, proofs, maxAgeSeconds, input)) return answer(input, goal, whenMet(goal, input))
  if (standsIn(goal, input)) return answer(input, goal, { step: 'none', reason: 'trusted-browser' })
  if (wanted.target === 0 && !request.fresh)
    return answer(input, goal, { step: 'login', reason: 'policy' })
  return answer(input, goal, stepTo(level, goal, input))
}

interface Judged {
  readonly rule: Rule
  readonly part: RulePart['part']
}

/** Decides whether a rule takes part. Each rule is judged alone, so that no rule takes away what another one asks. */
function judge(rule: Rule, input: PolicyInput): Judged {
  if (!matches(rule, input.request)) return { rule, part: 'no-match' }
  if (!asksFactor(rule, input) || canMeet(rule, input)) return { rule, part: 'counts' }
  const { enrol = 'required' } = rule
  if (enrol === 'required') return { rule, part: 'counts' }
  if (enrol === 'optional') return { rule, part: 'optional' }
  const isOver = input.now >= deadlineOf(rule, input) || !input.person.mayPostpone
  return { rule, part: isOver ? 'counts' : 'grace' }
}

function asksFactor(rule: Rule, { levels }: PolicyInput): boolean {
  return levelIn(rule, levels) > 0 || rule.factors !== undefined || rule.redundancy === true
}

function levelIn({ require, factors }: Rule, levels: Levels): number {
  const asked = require === undefined ? 0 : (rankOf(levels, require) ?? levels.length - 1)
  // A rule that names factors asks for one of them, which a first factor alone is not.
  return factors !== undefined && asked === 0 ? secondRank(levels) : asked
}

/** The lowest level above that of a first factor alone. */
function secondRank(levels: Levels): number {
  return Math.min(1, levels.length - 1)
}

/** Whether the person's authenticators are enough for the rule, whatever was proved so far. */
function canMeet(rule: Rule, input: PolicyInput): boolean {
  const { levels, person } = input
  const own = fitting(person.authenticators, rule.factors)
  if (rule.redundancy === true && !isRedundant(own)) return false
  const level = levels[levelIn(rule, levels)] as Level
  return isUsable(own) && reaches(level, [...own, ...firstFactors(input)])
}

function fitting(
  authenticators: readonly Authenticator[],
  factors: readonly string[] | undefined,
): readonly Authenticator[] {
  return factors === undefined
    ? authenticators
    : authenticators.filter(({ factor }) => factors.includes(factor))
}

/** Backup codes alone meet no rule: they stand in for another authenticator. */
function isUsable(own: readonly Authenticator[]): boolean {
  return own.some(({ isBackup }) => !isBackup)
}

function isRedundant(own: readonly Authenticator[]): boolean {
  return new Set(own.filter(({ isBackup }) => !isBackup).map(({ device }) => device)).size > 1
}

/** The first factors that were proved; a password where nothing was proved yet. */
function firstFactors({ proofs }: PolicyInput): readonly Strength[] {
  const first = proofs.filter(({ factor }) => factor === undefined)
  return first.length > 0 ? first : [PASSWORD]
}

function deadlineOf({ name, enrol }: Rule, { person, now }: PolicyInput): Instant {
  if (typeof enrol !== 'object') return Infinity
  return 'until' in enrol ? enrol.until : (person.metAt[name] ?? now) + enrol.graceSeconds
}

function demandOf(judged: readonly Judged[], input: PolicyInput): Demand {
  const counting = judged.filter(({ part }) => part === 'counts').map(({ rule }) => rule)
  const waiting = judged.filter(({ part }) => part === 'grace').map(({ rule }) => rule)
  const lists = counting.flatMap(({ factors }) => (factors === undefined ? [] : [factors]))
  const trusts = counting.map(({ trustedBrowserSeconds: seconds = Infinity }) =>
    seconds === 'never' ? 0 : seconds,
  )
  return {
    // A fresh factor is more than a first factor alone.
    rank: Math.max(
      input.request.fresh ? secondRank(input.levels) : 0,
      ...counting.map((rule) => levelIn(rule, input.levels)),
    ),
    maxAgeSeconds: Math.min(...counting.map(({ maxAgeSeconds = Infinity }) => maxAgeSeconds)),
    factors:
      lists.length === 0
        ? undefined
        : lists.reduce((common, list) => common.filter((factor) => list.includes(factor))),
    trustSeconds: Math.min(input.trustedBrowserSeconds, ...trusts),
    redundancy: counting.some(({ redundancy }) => redundancy === true),
    until: Math.min(...waiting.map((rule) => deadlineOf(rule, input))),
    isAsked: counting.some((rule) => rule.name !== OWN_CHOICE && asksFactor(rule, input)),
  }
}

interface Wanted {
  readonly target: number
  readonly maxAgeSeconds: number
}

/**
 * The level to reach: that of the rules or, where the request names levels, the lowest named one above it. An essential
 * request makes a person enrol; a voluntary one is met where the person can (OIDC Core 3.1.2.1). Undefined: an essential
 * request names no level of this provider.
 */
function targetOf({ rank, factors }: Demand, input: PolicyInput): Wanted | undefined {
  const { request, levels, person } = input
  const { acr } = request
  const floor = { target: rank, maxAgeSeconds: Infinity }
  if (acr === undefined) return floor
  const named = levels.flatMap(({ acr: value }, place) =>
    acr.values.includes(value) ? [place] : [],
  )
  const { maxAgeSeconds = Infinity } = acr
  if (acr.essential && named.length === 0) return undefined
  const own = [...fitting(person.authenticators, factors), ...firstFactors(input)]
  const isPossible = (place: number): boolean =>
    acr.essential || reaches(levels[place] as Level, [...own, ...input.proofs])
  if (named.some((place) => place <= rank))
    return { target: rank, maxAgeSeconds: rank > 0 || acr.essential ? maxAgeSeconds : Infinity }
  const above = named.find(isPossible)
  if (above !== undefined) return { target: above, maxAgeSeconds }
  return { target: rank, maxAgeSeconds: named.length === 0 ? maxAgeSeconds : Infinity }
}

/** The proofs that may count for this request. */
function countingProofs({ factors }: Demand, { proofs, request }: PolicyInput): readonly Proof[] {
  const { provedSince = -Infinity } = request
  return proofs.filter(
    ({ time, factor }) =>
      time >= provedSince &&
      (factor === undefined || factors === undefined || factors.includes(factor)),
  )
}

function isMet(
  level: Level,
  proofs: readonly Proof[],
  maxAgeSeconds: number,
  { request, now }: PolicyInput,
): boolean {
  const { fresh, begunAt = Infinity } = request
  if (fresh) return false
  const at = lastProved(level, proofs)
  return at !== undefined && (now - at <= maxAgeSeconds || at >= begunAt)
}

interface Goal {
  readonly parts: readonly RulePart[]
  readonly demand: Demand
  readonly maxAgeSeconds: number
  readonly target: number
}

/** The step after the level is reached: a second authenticator, or an enrolment that can still wait. */
function whenMet({ demand, target }: Goal, input: PolicyInput): Outcome {
  const { person } = input
  if (demand.redundancy && !isRedundant(fitting(person.authenticators, demand.factors)))
    return { step: 'enrol', reason: 'redundancy' }
  if (Number.isFinite(demand.until) && !person.postponed)
    return { step: 'enrol-later', reason: 'policy', until: demand.until }
  return { step: 'none', reason: target === 0 ? 'nothing-asked' : 'met' }
}

/**
 * Whether a trusted browser stands in for the factor that rules ask for. It never does where the request asks for a
 * level, a time or a fresh factor (R14).
 */
function standsIn({ demand, maxAgeSeconds, target }: Goal, input: PolicyInput): boolean {
  const { person, request, now, levels } = input
  if (person.trust === undefined || target !== demand.rank || !isTrustPossible(request))
    return false
  const seconds = Math.min(demand.trustSeconds, maxAgeSeconds)
  const proofs = countingProofs(demand, input)
  return proofs.length > 0 && seconds > 0 && levels[target]?.phishingResistant !== true
    ? now - person.trust.since < seconds
    : false
}

function isTrustPossible({ acr, fresh, provedSince }: PolicyRequest): boolean {
  return acr === undefined && !fresh && provedSince === undefined
}

type Outcome = Pick<Decision, 'step' | 'reason' | 'until'>

/** The step that leads to a level which the proofs do not reach. */
function stepTo(level: Level, goal: Goal, input: PolicyInput): Outcome {
  const { demand } = goal
  const own = fitting(input.person.authenticators, demand.factors)
  const reason = reasonOf(goal, input)
  const first = countingProofs(demand, input).filter(({ factor }) => factor === undefined)
  const usable = isUsable(own) ? own : []
  if (usable.length > 0 && reaches(level, [...usable, ...first])) return { step: 'verify', reason }
  const offered = input.enrollable.filter(({ id }) => demand.factors?.includes(id) ?? true)
  const possible = [...usable, ...offered]
  if (possible.length === 0 || !reaches(level, [...possible, ...first, PASSWORD]))
    return { step: 'unmet', reason: 'no-way' }
  // The factors are enough, and the first factor is too old for this request.
  if (!reaches(level, [...possible, ...first])) return { step: 'login', reason }
  return { step: 'enrol', reason }
}

function reasonOf({ demand, target }: Goal, { request }: PolicyInput): Reason {
  if (request.fresh || target > demand.rank) return 'step-up'
  return demand.isAsked ? 'policy' : 'chosen'
}

/** The name of the rule `ownChoice`. */
const OWN_CHOICE = 'set up by the person'

/** A person who has set up a factor is asked for it, whatever the other rules say. */
export function ownChoice(levels: Levels): Rule {
  const second = levels[secondRank(levels)] as Level
  return { name: OWN_CHOICE, when: {}, require: second.acr, enrol: 'optional' }
}

function answer(
  input: PolicyInput,
  about: Pick<Goal, 'parts' | 'demand' | 'maxAgeSeconds'> & { readonly target?: number },
  outcome: Outcome & { readonly target?: number },
): Decision {
  const { levels, request, proofs } = input
  const { parts, demand, maxAgeSeconds } = about
  const target = outcome.target ?? about.target ?? demand.rank
  const isTrusted = outcome.reason === 'trusted-browser'
  const given = countingProofs(demand, input)
  const named = request.acr?.values ?? []
  const isAnswered = outcome.step === 'none' || outcome.step === 'enrol-later'
  const said = assertionOf(levels, isAnswered ? given : proofs, named)
  const rank = isAnswered ? (said?.rank ?? 0) : target
  return {
    step: outcome.step,
    reason: outcome.reason,
    target,
    acr: (levels[rank] as Level).acr,
    ...(demand.factors === undefined ? {} : { factors: demand.factors }),
    ...(Number.isFinite(maxAgeSeconds) ? { maxAgeSeconds } : {}),
    ...(outcome.until === undefined ? {} : { until: outcome.until }),
    trustSeconds: isTrustPossible(request) && target > 0 ? Math.max(0, demand.trustSeconds) : 0,
    isTrusted,
    rules: parts,
  }
}

/** Whether an essential request names a level that these factors of the configuration can reach (R24). */
export function isMeetable(
  levels: Levels,
  enrollable: readonly Strength[],
  acr: AcrRequest | undefined,
): boolean {
  if (acr?.essential !== true) return true
  const highest = highestReached(levels, [PASSWORD, ...enrollable])
  return levels.some(({ acr: value }, rank) => rank <= highest && acr.values.includes(value))
}
