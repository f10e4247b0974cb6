import { isEnrolled } from '../domain/enrolment.ts'
import type { MfaRecord } from '../domain/mfa-record.ts'
import type { Authenticator, Enrollable } from '../domain/policy/decide.ts'
import type { Strength } from '../domain/policy/levels.ts'
import type { AnyFactor } from '../factors/factor.ts'
import type { Dependencies } from './dependencies.ts'

const POSSESSION: Strength = { kinds: ['possession'], phishingResistant: false }

/** The most that a proof of the factor can prove. */
export function strengthOf({ strength = POSSESSION }: Pick<AnyFactor, 'strength'>): Strength {
  return strength
}

/** The authenticators of an account as the policy sees them. None: the account has no second factor. */
export function authenticatorsForPolicy(
  { factors }: Pick<Dependencies, 'factors'>,
  record: MfaRecord,
): readonly Authenticator[] {
  if (!isEnrolled(record)) return []
  return record.authenticators.map(({ id, factor: name }) => {
    const factor = factors.get(name)
    return {
      factor: name,
      // A factor that is no longer configured still shows that the person has chosen to be asked.
      ...strengthOf(factor ?? {}),
      isBackup: factor?.enrolment === 'issued',
      device: id,
    }
  })
}

/** The factors that people can set up here. */
export function enrollableOf({ factors }: Pick<Dependencies, 'factors'>): readonly Enrollable[] {
  return [...factors.values()]
    .filter(({ enrolment }) => enrolment === 'confirmed')
    .map((factor) => ({ id: factor.id, ...strengthOf(factor) }))
}
