import type { Gate } from '../../src/domain/throttle.ts'
import { pathOf, show, tokenFor, type Visit } from './visit.ts'

/** The page in place of the form while nothing is examined. 429 with Retry-After where waiting helps. */
export async function showClosed(
  visit: Visit,
  gate: Gate & { open: false },
  retryHref: string,
): Promise<void> {
  const common = { csrf: tokenFor(visit), cancelAction: pathOf(visit, 'cancel') }
  if (gate.reason !== 'code') return show(visit, 'locked', { ...common, reason: gate.reason }, 403)
  const retryAfterSeconds = Math.max(1, gate.until - visit.core.deps.clock.now())
  visit.ctx.set('Retry-After', String(retryAfterSeconds))
  await show(visit, 'locked', { ...common, reason: 'code', retryAfterSeconds, retryHref }, 429)
}
