import type { Settled } from './attempt.ts'
import { raiseEpoch } from './enrolment.ts'
import type { Authenticator, MfaRecord } from './mfa-record.ts'
import type { Instant } from './time.ts'

/**
 * The record came from a backup and lacks the changes made since then (R37). `authenticators`: those of the record, in
 * states that accept no code a second time. Known browsers become unknown, because one may have been forgotten since
 * the backup was made.
 *
 * The epoch does not rise by one: the storage that was lost may have reached that number, and a host whose sessions
 * are kept elsewhere would show some made under it. It becomes the time in seconds, which no number of changes
 * reaches, and which differs when the same backup is restored twice.
 */
export function settleRestored(
  record: MfaRecord,
  authenticators: readonly Authenticator[],
  now: Instant,
): Settled {
  const leap = { ...record, epoch: Math.max(record.epoch, now - 1) }
  const raised = raiseEpoch(leap, 'restored')
  return {
    record: {
      ...raised.record,
      authenticators,
      browsers: [],
      history: { ...raised.record.history, restoredAt: now },
    },
    events: [{ type: 'restored', detail: {} }, ...raised.events],
  }
}
