import { isEnrolled } from '../domain/enrolment.ts'
import type { Authenticator as OwnAuthenticator, MfaRecord } from '../domain/mfa-record.ts'
import type { Authenticator, Enrollable } from '../domain/policy/decide.ts'
import type { Strength } from '../domain/policy/levels.ts'
import type { AnyFactor } from '../factors/factor.ts'
import type { Dependencies } from './dependencies.ts'
import { openState } from './sealed-state.ts'

const POSSESSION: Strength = { kinds: ['possession'], phishingResistant: false }

/** The most that a proof of the factor can prove. */
export function strengthOf({ strength = POSSESSION }: Pick<AnyFactor, 'strength'>): Strength {
  return strength
}

/**
 * The authenticators of an account as the policy sees them. Throws MfaError `key-missing`, `seal-broken` for a state that
 * cannot be opened, if its factor names devices. None: the account has no second factor.
 */
export function authenticatorsForPolicy(
  { factors, box }: Pick<Dependencies, 'factors' | 'box'>,
  record: MfaRecord,
): readonly Authenticator[] {
  if (!isEnrolled(record)) return []
  return record.authenticators.map((authenticator) => {
    const { factor: name } = authenticator
    const factor = factors.get(name)
    return {
      factor: name,
      // A factor that is no longer configured still shows that the person has chosen to be asked.
      ...strengthOf(factor ?? {}),
      isBackup: factor?.enrolment === 'issued' || factor?.supersededBy !== undefined,
      device: deviceOf(box, record, authenticator, factor),
    }
  })
}

/** A factor that does not name the device has each authenticator on its own. Its state is not opened then. */
function deviceOf(
  box: Dependencies['box'],
  { accountId }: MfaRecord,
  authenticator: OwnAuthenticator,
  factor: AnyFactor | undefined,
): string {
  if (factor?.deviceOf === undefined) return authenticator.id
  const device = factor.deviceOf(factor.parseState(openState(box, accountId, authenticator)))
  return device === undefined ? authenticator.id : JSON.stringify([factor.id, device])
}

/** The factors that people can set up here. */
export function enrollableOf({ factors }: Pick<Dependencies, 'factors'>): readonly Enrollable[] {
  return [...factors.values()]
    .filter(({ enrolment }) => enrolment === 'confirmed')
    .map((factor) => ({ id: factor.id, ...strengthOf(factor) }))
}
