import { setTimeout as sleep } from 'node:timers/promises'
import type { EventDetail, EventDraft, MfaEvent } from '../domain/events.ts'
import { RefusalTally, type Refused } from '../domain/refusal-tally.ts'
import type { Gate } from '../domain/throttle.ts'
import { MINUTE_SECONDS } from '../domain/time.ts'
import type { Dependencies } from './dependencies.ts'
import { inTurn, settleEvents } from './event-queue.ts'
import type { Place } from './place.ts'

const ID_BYTES = 12

/** The events that no stored decision records: of refused attempts, and of the policy. */
type RefusedType =
  'factor-refused' | 'refused-while-locked' | 'enrolment-refused' | 'policy-decided'

interface Counted {
  readonly tally: RefusalTally
  /** Whether a timer tells what is counted in it. */
  isTimed: boolean
}

const counted = new WeakMap<Dependencies, Counted>()

/**
 * Tells listeners of an attempt that was refused without being examined. Such an attempt changes nothing, so there is
 * no commit that would carry the event: it is told at once, kept nowhere, and lost if a listener fails. An attacker who
 * sends many attempts must not fill the audit trail or this node's memory: per account, type and minute ten events are
 * told, and one more with the number of the others when the minute is over.
 */
export function tellRefused(
  deps: Dependencies,
  { accountId, detail }: Pick<Place, 'accountId' | 'detail'>,
  attempt: Extract<EventDraft, { readonly type: RefusedType }>,
): void {
  const about: EventDetail = attempt.detail
  deps.measures.told({ type: attempt.type, detail: about })
  const known = counted.get(deps) ?? { tally: new RefusalTally(), isTimed: false }
  counted.set(deps, known)
  const refused = {
    type: attempt.type,
    accountId,
    at: deps.clock.now(),
    detail: { ...detail, ...about, ...deps.cause?.() },
  }
  const due = known.tally.count(JSON.stringify([accountId, attempt.type]), refused)
  tell(deps, due)
  if (!due.includes(refused)) tellInAMinute(deps, known)
}

/** Tells of an attempt that arrived while its account was locked. */
export function tellRefusedWhileLocked(
  deps: Dependencies,
  place: Place,
  gate: Gate & { open: false },
  attempt: Pick<EventDetail, 'factor' | 'browser'>,
): void {
  const until = gate.reason === 'code' ? { until: gate.until } : {}
  tellRefused(deps, place, {
    type: 'refused-while-locked',
    detail: { ...attempt, reason: gate.reason, ...until },
  })
}

/** Passes every event on, also those of attempts that are counted together and whose minute is not over. */
export async function tellEverything(deps: Dependencies): Promise<void> {
  tellCounted(deps)
  await settleEvents(deps)
}

function tellCounted(deps: Dependencies): void {
  tell(deps, counted.get(deps)?.tally.takeAll() ?? [])
}

function tellInAMinute(deps: Dependencies, known: Counted): void {
  if (known.isTimed) return
  known.isTimed = true
  void sleep(MINUTE_SECONDS * 1000, undefined, { ref: false }).then(() => {
    known.isTimed = false
    tellCounted(deps)
  })
}

function tell(deps: Dependencies, due: readonly Refused[]): void {
  for (const { type, accountId, at, detail } of due) {
    // The attempts of more accounts than the tally separates: an event belongs to one account.
    if (accountId === undefined) continue
    const id = `${accountId}.${at}.${Buffer.from(deps.random.bytes(ID_BYTES)).toString('base64url')}`
    const event = { id, type, accountId, at, detail } as MfaEvent
    inTurn(deps, accountId, () => deps.publish([event]))
  }
}
