import type { AddedRules } from '../src/application/added-rules.ts'
import { isEnrolled } from '../src/domain/enrolment.ts'
import type { MfaRecord } from '../src/domain/mfa-record.ts'
import { decide, type AcrRequest, type Acr, type Decision } from '../src/domain/policy.ts'

/** What the policy is asked about: one account in one authorization request. */
export interface PolicyCase {
  readonly record: MfaRecord
  readonly rules: AddedRules
  /** The level that is proved so far. */
  readonly reached: Acr
  readonly requested: AcrRequest | undefined
  /** A fresh second factor is asked for, whatever the session has. */
  readonly fresh: boolean
}

/**
 * The step that this account has still to make. `required`: the application's rule. The only caller of the domain's
 * policy, so that the login page, the adoption of a former node's login and the prompt decide alike.
 */
export async function stepOf(
  given: PolicyCase,
  required: () => Promise<boolean>,
): Promise<Decision> {
  return decideWith(given, await required())
}

/**
 * Whether anything is asked for besides the first factor. The application's rule can only ask for more, so it is not
 * asked where the answer is clear without it.
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
