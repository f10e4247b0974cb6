import type { EventDetail } from '../../domain/events.ts'
import type { AuditEntry, AuditTrail } from '../../ports/audit-trail.ts'
import type { Clock, Random } from '../../ports/services.ts'

/** The events that the server itself records, in addition to the plugin's events. */
export const SERVER_EVENTS = [
  'password-accepted',
  'password-refused',
  'password-set',
  'set-up-link-made',
  'user-added',
  'user-imported',
  'user-disabled',
  'user-enabled',
  'storage-restored',
  'client-added',
  'client-changed',
  'client-removed',
  'consent-granted',
  'consent-refused',
] as const
export type ServerEvent = (typeof SERVER_EVENTS)[number]

export type Record = (
  type: ServerEvent,
  about: { accountId?: string; detail?: EventDetail },
) => Promise<void>

/** Writes entries to the trail. An entry never holds a name as typed: people type their password there (R31). */
export function recorder(trail: AuditTrail, clock: Clock, random: Random): Record {
  return async (type, { accountId, detail }) => {
    const entry: AuditEntry = {
      id: Buffer.from(random.bytes(16)).toString('base64url'),
      type,
      at: clock.now(),
      detail: detail ?? {},
      ...(accountId === undefined ? {} : { accountId }),
    }
    await trail.add([entry])
  }
}
