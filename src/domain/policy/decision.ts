import type { Instant } from '../time.ts'
import type { Trust } from './input.ts'

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
  /**
   * The ids of the factors that help with the step: those that a person can show (`verify`) or set up (`enrol`).
   * Absent: every factor does.
   */
  readonly factors?: readonly string[]
  /** Only an authenticator whose key is in hardware helps with the step: another one of the same factor does not. */
  readonly needsHardware?: true
  /** How old the proof of the level may be. */
  readonly maxAgeSeconds?: number
  /** The last moment before which an enrolment can be put off. */
  readonly until?: Instant
  /** For how long this browser may be trusted once the factor was shown; 0: the box is not offered. */
  readonly trustSeconds: number
  /** The trust in the browser that stands in for the factor. Absent: none does. */
  readonly standIn?: Trust
  /** The part of each rule, in the order of the rules. */
  readonly rules: readonly RulePart[]
}
