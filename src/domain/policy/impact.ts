import type { Decision } from './decide.ts'
import { explained } from './explain.ts'

/** The change that a proposed policy brings to one person at one client. */
export interface Impact {
  /** A page or a refusal comes, where the rules in force let the person through. */
  readonly isNewlyAsked: boolean
  /** A factor has to be set up before the person gets in, and the person has a proof that allows it. */
  readonly mustEnrol: boolean
  /**
   * Why the person does not get in at all. `no-proof`: a factor has to be set up, and nothing proves that it is the owner
   * who does it (R10). Otherwise the reason of the decision. Absent: the person gets in.
   */
  readonly lockedOut?: 'no-proof' | Decision['reason']
}

/** `canEnrol`: whether the person has a proof with which a factor can be set up. */
export function impactOf(live: Decision, proposed: Decision, canEnrol: boolean): Impact {
  const { decision, reason } = explained(proposed)
  const isNewlyAsked = decision !== 'pass' && explained(live).decision === 'pass'
  if (decision === 'refuse') return { isNewlyAsked, mustEnrol: false, lockedOut: reason }
  if (decision !== 'enrol') return { isNewlyAsked, mustEnrol: false }
  return canEnrol
    ? { isNewlyAsked, mustEnrol: true }
    : { isNewlyAsked, mustEnrol: false, lockedOut: 'no-proof' }
}
