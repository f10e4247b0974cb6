import { strengthOf } from '../../src/application/policy-person.ts'
import { usableStates } from '../../src/application/owned-states.ts'
import type { Assurance } from '../../src/domain/assurance.ts'
import type { Json } from '../../src/domain/json.ts'
import type { Instant } from '../../src/domain/time.ts'
import type { AnyFactor, Owned } from '../../src/factors/factor.ts'
import type { Visit } from './visit.ts'

/** The parts of a visit that say what is asked, and what the account has. */
type Asking = Pick<Visit, 'core' | 'seen' | 'details'>

/**
 * The states of the authenticators that the page of a factor asks for: the usable ones or, where only a key in hardware
 * leads on, those of them whose key is in hardware. Throws as `usableStates` does.
 */
export function askedStates(
  { core, seen, details }: Asking,
  factor: AnyFactor,
  now: Instant,
): readonly Owned<Json>[] {
  const states = usableStates(core.deps, seen.record, factor, now)
  if (details.asksHardware !== true) return states
  const inHardware = states.filter(({ state }) => isInHardware(factor, state, now))
  // A factor without one is asked for beside the hardware of another one.
  return inHardware.length > 0 ? inHardware : states
}

function isInHardware(factor: AnyFactor, state: Json, now: Instant): boolean {
  return (factor.strengthOf?.(state, now) ?? strengthOf(factor)).hardware === true
}

/** Whether the page of a factor asks for a key in hardware alone. */
export function isHardwareAsked(visit: Asking, factor: AnyFactor, now: Instant): boolean {
  return (
    visit.details.asksHardware === true &&
    askedStates(visit, factor, now).some(({ state }) => isInHardware(factor, state, now))
  )
}

/** The check of a response where only a key in hardware leads on: a page that asks for it can be answered by a program. */
export function hasHardware({ hardware }: Assurance): boolean {
  return hardware === true
}
