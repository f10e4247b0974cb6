import { classify } from '../domain/known-browser.ts'
import type { MfaRecord } from '../domain/mfa-record.ts'
import { gate, type Gate } from '../domain/throttle.ts'
import type { Instant } from '../domain/time.ts'
import type { AnyFactor } from '../factors/factor.ts'
import type { Dependencies } from './dependencies.ts'
import type { Place } from './place.ts'

/** Whether an attempt at this factor would be examined now. */
export function factorGate(
  { rules }: Pick<Dependencies, 'rules'>,
  record: MfaRecord,
  factor: AnyFactor,
  { tokenHashes, withoutPassword }: Pick<Place, 'tokenHashes' | 'withoutPassword'>,
  now: Instant,
): Gate {
  const browser = classify(record, tokenHashes)
  const closed = gate(record, browser, factor.guessable, now, withoutPassword)
  const owned = record.authenticators.filter((candidate) => candidate.factor === factor.id)
  const hasEnded = owned.length > 0 && !owned.some((one) => rules.isUsable(one, now))
  if (!closed.open || !hasEnded) return closed
  return { open: false, reason: 'factor-ended' }
}
