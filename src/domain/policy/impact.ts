import type { Decision } from './decide.ts'
import { explained, type Answers } from './explain.ts'

/** The change that a proposed policy brings to one person at one client. */
export interface Impact {
  /** A page or a refusal comes, where the rules in force let the person through. */
  readonly isNewlyAsked: boolean
  /** A factor has to be set up before the person gets in, and the person has a proof that allows it. */
  readonly mustEnrol: boolean
  /**
   * Why the person does not get in at all. `no-proof`: a factor has to be set up, and nothing proves that it is the owner
   * who does it (R10). `not-accepted`: the settings refuse each authenticator of the person that would count. Otherwise the
   * reason of the decision. Absent: the person gets in.
   */
  readonly lockedOut?: 'no-proof' | 'not-accepted' | Decision['reason']
}

/** The part of the person in an impact. */
export interface Able {
  /** Whether the person has a proof with which a first factor can be set up. */
  readonly canEnrol: boolean
  /** The answers of the person to the proposed decision. Absent: it asks for no second factor. */
  readonly answers?: Answers | undefined
}

export function impactOf(live: Decision, proposed: Decision, able: Able): Impact {
  const { decision, reason } = explained(proposed)
  const { canEnrol, answers } = able
  const isNewlyAsked = decision !== 'pass' && explained(live).decision === 'pass'
  const lockedOut = (why: Impact['lockedOut'] & string): Impact => ({
    isNewlyAsked,
    mustEnrol: false,
    lockedOut: why,
  })
  if (decision === 'refuse') return lockedOut(reason)
  if (answers?.answers.length === 0) return lockedOut('not-accepted')
  if (decision === 'enrol' && !canEnrol) return lockedOut('no-proof')
  return { isNewlyAsked, mustEnrol: decision === 'enrol' || answers?.thenEnrols === true }
}
