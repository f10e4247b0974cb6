import type { DecisionWord, ToldDecision } from '../events.ts'
import type { Decision, PolicyInput, Reason, RulePart, Step } from './decide.ts'
import { fitting, showable } from './own.ts'

/** A decision, and the part that each rule has in it. */
export interface Explained {
  readonly decision: DecisionWord
  /** The `acr` of the answer if the step is made. */
  readonly acr: string
  readonly reason: Reason
  /** In the order of the rules. */
  readonly rules: readonly RulePart[]
}

/** `login`, the first factor again, is a proof that the person still has to show: `verify`. */
const WORDS: Readonly<Record<Step, DecisionWord>> = {
  none: 'pass',
  login: 'verify',
  verify: 'verify',
  enrol: 'enrol',
  'enrol-later': 'enrol-later',
  unmet: 'refuse',
}

export function explained({ step, acr, reason, rules }: Decision): Explained {
  return { decision: WORDS[step], acr, reason, rules }
}

/** The answers of a person to the decision `verify`. */
export interface Answers {
  /**
   * The ids of the person's factors that can be shown. Empty: the settings refuse each authenticator that would count, so
   * that only a recovery is left.
   */
  readonly answers: readonly string[]
  /** After one of them was shown, a factor has to be set up. */
  readonly thenEnrols?: true
}

/**
 * The answers of the person where a proof of a second factor is asked for. `next`: the decision after one was shown.
 * Undefined: none is asked for.
 */
export function answersTo(
  { step, factors }: Decision,
  { authenticators }: PolicyInput['person'],
  next: Decision | undefined,
): Answers | undefined {
  if (step !== 'verify') return undefined
  const own = fitting(showable(authenticators), factors, ({ factor }) => factor)
  return {
    answers: [...new Set(own.map(({ factor }) => factor))],
    ...(next?.step === 'enrol' ? { thenEnrols: true } : {}),
  }
}

/** A decision as the audit trail has it. */
export function toldOf({ step, rules }: Decision): ToldDecision {
  return {
    decision: WORDS[step],
    rules: rules.filter(({ part }) => TAKES_PART.has(part)).map(({ name }) => name),
  }
}

/** A rule with a grace is the reason of a set-up that can still wait. */
const TAKES_PART: ReadonlySet<RulePart['part']> = new Set(['counts', 'grace'])

/**
 * Whether a person would notice that another policy has decided: by another step, another level, or other factors that
 * count.
 */
export function differs(one: Decision, other: Decision): boolean {
  return (
    WORDS[one.step] !== WORDS[other.step] ||
    one.acr !== other.acr ||
    (one.step !== 'none' && namesIn(one) !== namesIn(other))
  )
}

function namesIn({ factors }: Decision): string {
  return JSON.stringify(factors?.toSorted() ?? null)
}

/**
 * The entry of the audit trail about a decision. Undefined: there is none, because no page is shown, nothing is refused,
 * and the rules on trial (`policy.shadow`) decide alike. `isNoticed`: a page comes that the policy does not ask for, or
 * the request is refused all the same. A single sign-on that passes therefore writes nothing.
 */
export function trailOf(
  live: Decision,
  shadow: Decision | undefined,
  isNoticed = false,
): (ToldDecision & { readonly shadow?: ToldDecision }) | undefined {
  const other = shadow !== undefined && differs(live, shadow) ? toldOf(shadow) : undefined
  if (other !== undefined) return { ...toldOf(live), shadow: other }
  return live.step === 'none' && !isNoticed ? undefined : toldOf(live)
}
