import type { AnyFactor } from '../../src/factors/factor.ts'
import type { Method } from '../../src/http/pages.ts'
import type { Visit } from './visit.ts'

/** The factors that people set up, as pages list them. */
export function choices(visit: Visit): readonly Method[] {
  return factorsToSetUp(visit).map(({ id, delivers }) => ({
    factor: id,
    ...(delivers === true ? { sends: true } : {}),
  }))
}

/** The factor that is set up without a choice, where there is one. */
export function onlyChoice(visit: Visit): AnyFactor | undefined {
  const [only, another] = factorsToSetUp(visit)
  return another === undefined && only?.delivers !== true ? only : undefined
}

/** The factors that people set up; or the one of them that the app has named, or those that the policy asks for. */
function factorsToSetUp({ core, details: { change, factors } }: Visit): readonly AnyFactor[] {
  const wanted = change?.kind === 'add' ? change.factor : undefined
  return [...core.deps.factors.values()].filter(
    ({ id, enrolment }) =>
      enrolment === 'confirmed' && (wanted ?? id) === id && (factors?.includes(id) ?? true),
  )
}
