import type { AddedRules } from '../src/application/added-rules.ts'
import { isEnrolled } from '../src/domain/enrolment.ts'
import type { MfaRecord } from '../src/domain/mfa-record.ts'
import { decide, type AcrRequest, type Acr, type Decision } from '../src/domain/policy.ts'

/** The case that the policy decides: one account in one authorization request. */
export interface PolicyCase {
  readonly record: MfaRecord
  readonly rules: AddedRules
  /** The level that has been proved so far. */
  readonly reached: Acr
  readonly requested: AcrRequest | undefined
  /** Whether a fresh second factor is asked for, whatever the session has. */
  readonly fresh: boolean
}

/**
 * The step that this account still has to make. `required` is the application's rule. Only this module calls the
 * domain's policy, so that the login page, the prompt and the adoption of a login from a node without the plugin decide
 * alike.
 */
export async function stepOf(
  given: PolicyCase,
  required: () => Promise<boolean>,
): Promise<Decision> {
  return decideWith(given, await required())
}

/**
 * Whether the policy asks for more than the first factor. The application's rule can only ask for more, so it is not
 * called where the answer is clear without it.
 */
export async function isMoreAsked(
  given: PolicyCase,
  required: () => Promise<boolean>,
): Promise<boolean> {
  if (decideWith(given, false).step !== 'none') return true
  return (await stepOf(given, required)).step !== 'none'
}

function decideWith(
  { record, rules, reached, requested, fresh }: PolicyCase,
  required: boolean,
): Decision {
  return decide({
    reached,
    enrolled: isEnrolled(record),
    required: rules.isFactorRequired(record, required),
    fresh,
    ...(requested === undefined ? {} : { requested }),
  })
}
