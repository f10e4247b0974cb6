import { isEnrolled } from '../domain/enrolment.ts'
import type { Authenticator as OwnAuthenticator, MfaRecord } from '../domain/mfa-record.ts'
import type { Authenticator, Enrollable } from '../domain/policy/decide.ts'
import type { Strength } from '../domain/policy/levels.ts'
import type { Instant } from '../domain/time.ts'
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
 * cannot be opened, if its factor reads it here (`deviceOf`, `strengthOf`, `judgedAs`, `isUsable`). None: the account has
 * no second factor.
 */
export function authenticatorsForPolicy(
  { factors, box }: Pick<Dependencies, 'factors' | 'box'>,
  record: MfaRecord,
  now: Instant,
): readonly Authenticator[] {
  if (!isEnrolled(record)) return []
  return record.authenticators.map((authenticator) => {
    const factor = factors.get(authenticator.factor)
    return {
      factor: authenticator.factor,
      isBackup: factor?.enrolment === 'issued' || factor?.supersededBy !== undefined,
      ...ownPartOf({ box, now }, record, authenticator, factor),
    }
  })
}

type OwnPart = Strength & Pick<Authenticator, 'device' | 'isUnusable' | 'judgedAs'>

/** The part that the state of an authenticator tells. It is not opened for a factor that does not read it. */
function ownPartOf(
  { box, now }: Pick<Dependencies, 'box'> & { readonly now: Instant },
  { accountId }: MfaRecord,
  authenticator: OwnAuthenticator,
  // A factor that is no longer configured still shows that the person has chosen to be asked.
  factor: AnyFactor | undefined,
): OwnPart {
  const { id } = authenticator
  if (factor === undefined || !isRead(factor)) return { ...strengthOf(factor ?? {}), device: id }
  const state: unknown = factor.parseState(openState(box, accountId, authenticator))
  const device = factor.deviceOf?.(state)
  return {
    ...(factor.strengthOf?.(state, now) ?? strengthOf(factor)),
    device: device === undefined ? id : JSON.stringify([factor.id, device]),
    ...(factor.judgedAs === undefined ? {} : { judgedAs: factor.judgedAs(state) }),
    ...(factor.isUsable?.(state, now) === false ? { isUnusable: true } : {}),
  }
}

function isRead({ deviceOf, strengthOf: ofState, judgedAs, isUsable }: AnyFactor): boolean {
  return [deviceOf, ofState, judgedAs, isUsable].some((read) => read !== undefined)
}

/** An authenticator that no response can be given with, by the settings of its factor. */
export interface RefusedAuthenticator {
  /** The id of its factor. */
  readonly factor: string
  /** The person's name for it; may be empty. */
  readonly name: string
}

/** The authenticators of an account that the settings of their factors refuse. Throws as `authenticatorsForPolicy`. */
export function refusedOf(
  deps: Pick<Dependencies, 'factors' | 'box'>,
  record: MfaRecord,
  now: Instant,
): readonly RefusedAuthenticator[] {
  const own = authenticatorsForPolicy(deps, record, now)
  return record.authenticators
    .filter((_, place) => own[place]?.isUnusable === true)
    .map(({ factor, name }) => ({ factor, name }))
}

/** The factors that people can set up here. */
export function enrollableOf({ factors }: Pick<Dependencies, 'factors'>): readonly Enrollable[] {
  return [...factors.values()]
    .filter(({ enrolment }) => enrolment === 'confirmed')
    .map((factor) => ({ id: factor.id, ...strengthOf(factor) }))
}
