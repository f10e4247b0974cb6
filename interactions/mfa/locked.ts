import type { Gate } from '../../src/domain/throttle.ts'
import { lostLink } from './lost-link.ts'
import { pathOf, show, tokenFor, type Visit } from './visit.ts'

/** The addresses to which the page leads. */
interface WaysOn {
  readonly retryHref: string
  /** The choice of a factor, where another one is open now. */
  readonly otherWayHref?: string
}

/**
 * Shows a page in place of the form while no response is examined: with 429 and Retry-After where waiting helps, else
 * with 403.
 */
export async function showClosed(
  visit: Visit,
  gate: Gate & { open: false },
  { retryHref, ...otherWay }: WaysOn,
): Promise<void> {
  const common = {
    csrf: tokenFor(visit),
    cancelAction: pathOf(visit, 'cancel'),
    ...otherWay,
    ...lostLink(visit),
  }
  if (gate.reason !== 'code') return show(visit, 'locked', { ...common, reason: gate.reason }, 403)
  const retryAfterSeconds = Math.max(1, gate.until - visit.core.deps.clock.now())
  visit.ctx.set('Retry-After', String(retryAfterSeconds))
  await show(visit, 'locked', { ...common, reason: 'code', retryAfterSeconds, retryHref }, 429)
}
