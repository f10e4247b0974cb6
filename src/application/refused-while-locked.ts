import type { EventDetail } from '../domain/events.ts'
import type { Gate } from '../domain/throttle.ts'
import { MINUTE_SECONDS, type Instant } from '../domain/time.ts'
import type { Dependencies } from './dependencies.ts'
import { inTurn } from './event-queue.ts'
import type { Place } from './place.ts'

/**
 * The most accounts that are remembered at once. Beyond this number no event is told until the minute of some of them
 * is over.
 */
export const MOST_REMEMBERED = 10_000
const ID_BYTES = 12

const told = new WeakMap<Dependencies, Map<string, Instant>>()

/**
 * Tells listeners of an attempt that was not examined because its account was locked. Such an attempt changes nothing,
 * so there is no commit that would carry the event: it is told at once, kept nowhere, and lost if a listener fails. An
 * attacker who sends many attempts to a locked account must not fill the audit trail or this node's memory: one event
 * per account and minute, for a bounded number of accounts.
 */
export function tellRefusedWhileLocked(
  deps: Dependencies,
  { accountId, detail }: Place,
  gate: Gate & { open: false },
  attempt: Pick<EventDetail, 'factor' | 'browser'>,
): void {
  const now = deps.clock.now()
  if (!isDue(deps, accountId, now)) return
  const until = gate.reason === 'code' ? { until: gate.until } : {}
  const event = {
    id: `${accountId}.${now}.${Buffer.from(deps.random.bytes(ID_BYTES)).toString('base64url')}`,
    type: 'refused-while-locked',
    accountId,
    at: now,
    detail: { ...detail, ...attempt, reason: gate.reason, ...until },
  } as const
  inTurn(deps, accountId, () => deps.publish([event]))
}

function isDue(deps: Dependencies, accountId: string, now: Instant): boolean {
  const recent = told.get(deps) ?? new Map<string, Instant>()
  told.set(deps, recent)
  // The map is in the order in which events were told, so the entries to forget come first.
  for (const [other, at] of recent) {
    if (now < at + MINUTE_SECONDS) break
    recent.delete(other)
  }
  if (recent.has(accountId) || recent.size >= MOST_REMEMBERED) return false
  recent.set(accountId, now)
  return true
}
