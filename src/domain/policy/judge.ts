import type { Instant } from '../time.ts'
import { OWN_CHOICE } from './built-in.ts'
import type { RulePart } from './decision.ts'
import type { PolicyInput } from './input.ts'
import { isFirstLevel, rankOf, reaches, secondRank, type Level, type Levels } from './levels.ts'
import { firstFactors, isRedundant, isUsable, ownOf } from './own.ts'
import { matches, type Rule } from './rules.ts'

/** A person who has set up a factor is asked for it, whatever the other rules say. */
export function ownChoice(levels: Levels): Rule {
  const second = levels[secondRank(levels)] as Level
  return { name: OWN_CHOICE, when: {}, require: second.acr, enrol: 'optional' }
}

/** A rule, and whether it takes part. */
export interface Judged {
  readonly rule: Rule
  /** The level that it asks for, as its place in the order. */
  readonly rank: number
  /** Whether it asks for a second factor, and not only for a newer proof or for no trusted browser. */
  readonly asksFactor: boolean
  readonly part: RulePart['part']
}

/** Judges each rule alone, so that no rule takes away what another one asks. */
export function judge(rule: Rule, input: PolicyInput): Judged {
  if (!matches(rule, input.request)) return { rule, rank: 0, asksFactor: false, part: 'no-match' }
  const rank = rankIn(rule, input.levels)
  const asksFactor = isFactorNamed(rule) || !isFirstLevel(input.levels[rank] as Level)
  return { rule, rank, asksFactor, part: partOf(rule, { rank, asksFactor }, input) }
}

/** Whether it asks for a factor by something else than its level. */
function isFactorNamed({ name, factors, redundancy }: Rule): boolean {
  return factors !== undefined || redundancy === true || name === OWN_CHOICE
}

/** A rule that names factors, or a second device, asks for one of them, which a first factor alone is not. */
function rankIn(rule: Rule, levels: Levels): number {
  const { require } = rule
  // A level that nobody knows must not loosen the policy.
  const asked = require === undefined ? 0 : (rankOf(levels, require) ?? levels.length - 1)
  return isFactorNamed(rule) ? Math.max(asked, secondRank(levels)) : asked
}

function partOf(
  rule: Rule,
  { rank, asksFactor }: Pick<Judged, 'rank' | 'asksFactor'>,
  input: PolicyInput,
): RulePart['part'] {
  if (!asksFactor)
    return rank > 0 || rule.maxAgeSeconds !== undefined || rule.trustedBrowserSeconds !== undefined
      ? 'counts'
      : 'asks-nothing'
  const { enrol = 'required' } = rule
  if (enrol === 'required' || canMeet(rule, rank, input)) return 'counts'
  if (enrol === 'optional') return 'optional'
  const isOver = input.now >= deadlineOf(rule.name, enrol, input) || !input.person.mayPostpone
  return isOver ? 'counts' : 'grace'
}

/**
 * Whether the person's authenticators and first factor are enough for the rule, whatever else was proved so far. One that
 * the settings of its factor refuse counts, and one that has lost a part of its strength counts as before: neither stricter
 * settings nor time nor a report make a rule wait.
 */
function canMeet(rule: Rule, rank: number, input: PolicyInput): boolean {
  // A person who has chosen to be asked is asked, also with backup codes alone.
  if (rule.name === OWN_CHOICE) return input.person.authenticators.length > 0
  const own = ownOf(input, rule.factors).map((one) => ({ ...one, ...one.judgedAs }))
  const level = input.levels[rank] as Level
  const first = firstFactors(input)
  if (!isFactorNamed(rule) && reaches(level, first)) return true
  if (rule.redundancy === true && !isRedundant(own)) return false
  return isUsable(own) && reaches(level, [...own, ...first])
}

type Delay = Extract<Rule['enrol'], object>

/** The end of the time in which an enrolment can be put off. */
function deadlineOf(name: string, delay: Delay, { person, now }: PolicyInput): Instant {
  return 'until' in delay ? delay.until : (person.metAt[name] ?? now) + delay.graceSeconds
}

/** The demands of all rules that count, combined to the strictest. */
export interface Demand {
  readonly rank: number
  readonly maxAgeSeconds: number
  readonly factors: readonly string[] | undefined
  /** The shortest time of all rules that match, also of those that wait for an enrolment. */
  readonly trustSeconds: number
  /** The rules that ask for a second device. */
  readonly redundant: readonly Rule[]
  /** The end of the shortest grace among the rules that the person does not meet yet; Infinity: there is none. */
  readonly until: Instant
  /** Whether a rule asks for a second factor. */
  readonly asksFactor: boolean
  /** Whether it is asked for by more than the person's own choice. */
  readonly isAsked: boolean
  /** Whether it is asked for by the person's own choice. */
  readonly isChosen: boolean
}

export function demandOf(judged: readonly Judged[], input: PolicyInput): Demand {
  const counting = judged.filter(({ part }) => part === 'counts')
  const asking = counting.filter(({ asksFactor }) => asksFactor)
  return {
    // A fresh factor is more than a first factor alone.
    rank: Math.max(
      input.request.fresh ? secondRank(input.levels) : 0,
      ...counting.map(({ rank }) => rank),
    ),
    maxAgeSeconds: Math.min(
      ...counting.map(({ rule: { maxAgeSeconds = Infinity } }) => maxAgeSeconds),
    ),
    factors: commonOf(counting.flatMap(({ rule: { factors } }) => (factors ? [factors] : []))),
    trustSeconds: trustSecondsOf(judged, input),
    redundant: counting.map(({ rule }) => rule).filter(({ redundancy }) => redundancy === true),
    until: Math.min(
      ...judged.flatMap(({ rule: { name, enrol }, part }) =>
        part === 'grace' && typeof enrol === 'object' ? [deadlineOf(name, enrol, input)] : [],
      ),
    ),
    asksFactor: asking.length > 0,
    isAsked: asking.some(({ rule: { name } }) => name !== OWN_CHOICE),
    isChosen: asking.some(({ rule: { name } }) => name === OWN_CHOICE),
  }
}

/** The entries that stand in every list. Undefined: there is no list. */
export function commonOf(lists: readonly (readonly string[])[]): readonly string[] | undefined {
  const [first, ...others] = lists
  return first?.filter((one) => others.every((list) => list.includes(one)))
}

function trustSecondsOf(judged: readonly Judged[], input: PolicyInput): number {
  const times = judged
    .filter(({ part }) => part !== 'no-match')
    .map(({ rule: { trustedBrowserSeconds: seconds = Infinity } }) =>
      seconds === 'never' ? 0 : seconds,
    )
  return Math.max(0, Math.min(input.trustedBrowserSeconds, ...times))
}
