import { askAnswers, askPolicy } from '../../interactions/ask-policy.ts'
import type { Core } from '../../interactions/core.ts'
import { assumedFacts, enrolmentProofOf, type ExplainQuestion } from '../../interactions/explain.ts'
import type { FirstEnrolmentRule } from '../domain/enrolment.ts'
import { refusedOf, type RefusedAuthenticator } from '../application/policy-person.ts'
import { explained, type Answers, type Explained } from '../domain/policy/explain.ts'

export type { ExplainQuestion } from '../../interactions/explain.ts'

/** A decision of the policy, and the part that each rule has in it. */
export interface PolicyExplanation extends Explained {
  /** The proof on which a first factor could be set up now (R10). Absent: the account has a factor. */
  readonly enrolment?: FirstEnrolmentRule
  /** The answers of the person where a second factor is asked for. Absent: none is. */
  readonly answers?: Answers
  /** The person's authenticators that the settings of their factors refuse. Absent: there is none. */
  readonly refused?: readonly RefusedAuthenticator[]
}

/**
 * The decision on a request of a person who has just proved the password, by the function and the facts of the prompt.
 * Changes nothing.
 */
export async function explainPolicy(
  core: Core,
  question: ExplainQuestion,
): Promise<PolicyExplanation> {
  const { record } = await core.record(undefined, question.account.accountId)
  const facts = await assumedFacts(core, record, question)
  const asked = askPolicy(core, facts)
  const { decision } = asked
  const answers = askAnswers(core, facts, asked)
  const refused = refusedOf(core.deps, record, core.deps.clock.now())
  const enrolment = await enrolmentProofOf(core, record, question)
  return {
    ...explained(decision),
    ...(enrolment === undefined ? {} : { enrolment }),
    ...(answers === undefined ? {} : { answers }),
    ...(refused.length === 0 ? {} : { refused }),
  }
}
