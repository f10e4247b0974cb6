import type { PendingFirstFactor } from '../../src/domain/first-factor.ts'
import type { Steps } from '../decide.ts'

/**
 * The factors that were not shown for this request. `answer`: that of the last page of a second factor. Its factor is none
 * of them, even if the session did not keep its proof: nobody is asked for it for ever.
 */
export function leftOf(
  { inTurn: { left } }: Steps,
  pending: PendingFirstFactor | undefined,
  answer: unknown,
): readonly string[] {
  if (pending !== undefined || answer === undefined) return left
  const { factor } = Object(answer) as { factor?: unknown }
  return typeof factor === 'string' ? left.filter((one) => one !== factor) : []
}
