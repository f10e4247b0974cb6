import type { Instant } from '../../domain/time.ts'
import type { Clock } from '../../ports/services.ts'
import { lacksSecret, newSecret, type ChangeServices } from './change.ts'
import { recordOrUndo } from './recorded.ts'
import { formerSecretUntil, openSecret, SECRET, withNewSecret } from './secret.ts'

export interface RotationServices extends ChangeServices {
  readonly clock: Clock
}

export interface RotatedSecret {
  /** The new secret. It is shown only this once, and kept sealed. */
  readonly secret: string
  /** The end of the former secret. Absent: it has ended. */
  readonly formerUntil?: Instant
  /** The end that an earlier former secret had: it has ended now. */
  readonly endedEarly?: Instant
}

/**
 * Makes a new secret for a client of the storage. The present one holds for `overlapSeconds` more; 0 ends it at once.
 * Every node goes by the change within 5 s. `no-secret`: the client has none, or does not need it.
 *
 * If the audit entry cannot be written, the stored client is put back, because the new secret is not shown then: a
 * repeated command would take it for the present one and end the secret of the app. Throws the error of the storage,
 * whose message says whether the client is as before.
 */
export async function rotateSecret(
  { clients, box, clock, random, record, validate }: RotationServices,
  { clientId, overlapSeconds }: { readonly clientId: string; readonly overlapSeconds: number },
): Promise<RotatedSecret | 'unknown' | 'no-secret'> {
  for (;;) {
    const stored = await clients.get(clientId)
    if (stored === undefined) return 'unknown'
    const { [SECRET]: present, ...bare } = openSecret(box, stored)
    if (present === undefined || !lacksSecret({ validate }, bare)) return 'no-secret'
    const now = clock.now()
    const secret = newSecret(random)
    const formerUntil = overlapSeconds > 0 ? now + overlapSeconds : undefined
    const anew = withNewSecret(box, stored, { secret, formerUntil })
    if (!(await clients.replace(clientId, anew, stored))) continue
    const until = formerUntil === undefined ? {} : { until: formerUntil }
    await recordOrUndo({
      record: () => record('client-secret-rotated', { detail: { clientId, ...until } }),
      undo: () => clients.replace(clientId, stored, anew),
      otherwise:
        'and the former secret could not be put back: the client has a new secret that was never shown. Run the command again, and set the secret that it prints in the app at once.',
    })
    const endedEarly = formerSecretUntil(stored, now)
    return {
      secret,
      ...(formerUntil === undefined ? {} : { formerUntil }),
      ...(endedEarly === undefined ? {} : { endedEarly }),
    }
  }
}
