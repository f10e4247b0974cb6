import type { Settled } from './attempt.ts'
import { raiseEpoch } from './enrolment.ts'
import type { EventDraft, RequestDetail } from './events.ts'
import type { MfaRecord } from './mfa-record.ts'
import { settleRecoveryCancelled } from './recovery.ts'
import type { Instant } from './time.ts'

/**
 * The owner says "this was not me" (R44). Everything live ends, no browser stays known, a running recovery is cancelled,
 * and the ways in by mail are shut until a second factor is proved. No factor is asked for: a person whose account is
 * being taken has no time, and an attacker who presses the button gains nothing but the owner's attention.
 *
 * An account that is locked already stays locked since the first press. The event of each further press says since when,
 * so that a stranger who holds a link cannot fill the owner's mailbox with notices.
 */
export function settleLocked(
  record: MfaRecord,
  { now, detail }: { readonly now: Instant; readonly detail: RequestDetail },
): Settled {
  const cancelled = settleRecoveryCancelled(record, 'locked', { now, detail })
  const raised = raiseEpoch(cancelled?.record ?? record, 'locked-by-owner')
  const { frozenAt = now } = record
  const events: readonly EventDraft[] = [
    {
      type: 'account-locked-by-owner',
      detail: {
        ...detail,
        since: frozenAt,
        ...(cancelled === undefined ? {} : { reason: 'recovery-cancelled' }),
      },
    },
    ...(cancelled?.events ?? []),
    ...raised.events,
  ]
  return { record: { ...raised.record, browsers: [], frozenAt }, events }
}
