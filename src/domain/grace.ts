import type { Settled } from './attempt.ts'
import { isFirstSignIn } from './enrolment.ts'
import type { RequestDetail } from './events.ts'
import type { MfaRecord } from './mfa-record.ts'
import type { Decision } from './policy/decide.ts'
import type { Rule } from './policy/rules.ts'
import { HOUR_SECONDS, type Instant } from './time.ts'

/**
 * The rules that an account remembers. While so many rules in force are remembered, no further rule gets a grace:
 * otherwise its grace would begin anew at each sign-in.
 */
export const MOST_RULES_MET = 50
/** How long after the account's making its first sign-in may put an enrolment off. */
export const FIRST_GRACE_SECONDS = 72 * HOUR_SECONDS

/** The time that each rule met the account at, for `decide`. A rule that finds no place counts as met long ago. */
export type MetAt = Readonly<Record<string, Instant>>

/** The names of rules whose grace counts from the time at which they first met an account. */
export function gracesOf(rules: readonly Rule[]): readonly string[] {
  return rules.flatMap(({ name, enrol }) =>
    typeof enrol === 'object' && 'graceSeconds' in enrol ? [name] : [],
  )
}

/** When each of the rules in force first met the account. A rule that has not met it yet has no entry. */
export function metAt({ rulesMet = {} }: Pick<MfaRecord, 'rulesMet'>, inForce: Names): MetAt {
  const known = Object.entries(rulesMet).filter(([name]) => inForce.includes(name))
  const isFull = known.length >= MOST_RULES_MET
  const others = inForce.filter((name) => !Object.hasOwn(rulesMet, name))
  const shut = isFull ? others.map((name): [string, Instant] => [name, 0]) : []
  return withoutPrototype([...known, ...shut])
}

type Names = readonly string[]

/**
 * Remembers when rules first met the account. A name that is there keeps its time, so that nothing but the end of the
 * rule begins its grace anew: no reset, no new factor, no change of the password. With the first new name, the names of
 * rules that are not in force any more are dropped.
 */
export function meet(
  record: MfaRecord,
  { met, inForce }: { readonly met: Names; readonly inForce: Names },
  now: Instant,
): MfaRecord {
  const { rulesMet = {} } = record
  const added = met.filter((name) => !Object.hasOwn(rulesMet, name))
  if (added.length === 0) return record
  const kept = Object.entries(rulesMet).filter(([name]) => inForce.includes(name))
  const all = [...kept, ...added.map((name): [string, Instant] => [name, now])]
  return { ...record, rulesMet: withoutPrototype(all.slice(0, MOST_RULES_MET)) }
}

/** A rule may be named `constructor`: no member of the object may come from its prototype. */
function withoutPrototype(entries: readonly (readonly [string, Instant])[]): MetAt {
  const made = Object.create(null) as Record<string, Instant>
  for (const [name, at] of entries)
    Object.defineProperty(made, name, { value: at, enumerable: true })
  return made
}

/** The sign-in that asks to put an enrolment off. */
export interface Postponing {
  /** Whether a sign-in of this account was completed in this browser before. */
  readonly isKnownBrowser: boolean
  /** When the account was made. Absent: the application does not say. */
  readonly createdAt?: Instant | undefined
}

/**
 * Whether an enrolment may be put off: in a browser that has completed a sign-in before, or at the first sign-in ever,
 * within 72 h of the account's making. Somebody who has the password alone is at neither: from a new browser they would
 * put off what protects the owner. Without the time of its making, an account has no such first sign-in.
 */
export function mayPostpone(
  record: MfaRecord,
  { isKnownBrowser, createdAt }: Postponing,
  now: Instant,
): boolean {
  if (isKnownBrowser) return true
  return isFirstSignIn(record) && createdAt !== undefined && now < createdAt + FIRST_GRACE_SECONDS
}

/** An enrolment that can be put off. */
export interface Postponable {
  /** The moment at which it is due. */
  readonly until: Instant
  /** The names of the rules whose grace runs. */
  readonly rules: readonly string[]
}

/** The enrolment that a decision lets the person put off. Undefined: there is none, or it is due. */
export function postponableBy({ step, until, rules }: Decision): Postponable | undefined {
  if (step !== 'enrol-later' || until === undefined) return undefined
  return { until, rules: rules.filter(({ part }) => part === 'grace').map(({ name }) => name) }
}

/** The person has put an enrolment off: the rules have met the account now, if they had not before. */
export function settlePostponed(
  record: MfaRecord,
  { until, rules }: Postponable,
  about: { readonly inForce: Names; readonly now: Instant; readonly detail: RequestDetail },
): Settled {
  const met = rules.filter((name) => about.inForce.includes(name))
  return {
    record: meet(record, { met, inForce: about.inForce }, about.now),
    events: [{ type: 'enrolment-postponed', detail: { ...about.detail, until } }],
  }
}
