import type { Context } from 'koa'
import type { EventCause, EventDetail } from '../../domain/events.ts'
import { RefusalTally, type Refused } from '../../domain/refusal-tally.ts'
import type { AuditEntry, AuditTrail } from '../../ports/audit-trail.ts'
import type { Measures } from '../../ports/measures.ts'
import type { Clock, Random } from '../../ports/services.ts'
import { networkOf } from '../accounts/network.ts'

/** The events that the server itself records, in addition to the plugin's events. */
export const SERVER_EVENTS = [
  'password-accepted',
  'password-refused',
  'passkey-refused',
  'password-set',
  'password-reset-asked',
  'password-reset-used',
  'password-changed',
  'email-changed',
  'address-added',
  'address-removed',
  'set-up-link-refused',
  'user-code-refused',
  'set-up-link-made',
  'user-added',
  'user-imported',
  'user-disabled',
  'user-enabled',
  'user-changed',
  'user-unlocked',
  'user-removed',
  'storage-restored',
  'signing-key-added',
  'encryption-keys-rotated',
  'client-added',
  'client-changed',
  'client-secret-rotated',
  'client-removed',
  'consent-granted',
  'consent-refused',
  'sign-out-not-delivered',
  'session-ended',
  'grant-revoked',
  'mail-not-delivered',
  'mail-dropped',
] as const
export type ServerEvent = (typeof SERVER_EVENTS)[number]

export type Record = (
  type: ServerEvent,
  about: { accountId?: string; detail?: EventDetail },
) => Promise<void>

/** Writes entries to the trail. An entry never holds a name as typed: people type their password there (R31). */
export function recorder({ trail, clock, random, measures, cause }: RecorderServices): Record {
  return async (type, { accountId, detail }) => {
    const entry = {
      type,
      at: clock.now(),
      detail: { ...detail, ...cause?.() },
      ...(accountId === undefined ? {} : { accountId }),
    }
    await trail.add([withId(entry, random)])
    measures.told(entry)
  }
}

export interface RecorderServices {
  readonly trail: AuditTrail
  readonly clock: Clock
  readonly random: Random
  readonly measures: Measures
  /** The request or the operator that causes the present entry. */
  readonly cause?: (() => EventCause) | undefined
}

/** Attempts that were refused without a look at what they showed. They cost their sender nothing, so there may be many. */
export interface Refusals {
  /**
   * Writes an entry for a refused attempt from an address. Beyond ten a minute, type and network the attempts are
   * counted, and one entry has their number (R47).
   */
  record(
    type: ServerEvent,
    about: { readonly accountId?: string; readonly detail: EventDetail & { readonly ip: string } },
  ): Promise<void>
  /** Writes the entries of what is counted so far. Called each minute and at the stop of a node. */
  flush(): Promise<void>
}

export function refusals({ trail, clock, random, measures, cause }: RecorderServices): Refusals {
  const tally = new RefusalTally()
  const write = async (due: readonly Refused[]): Promise<void> => {
    if (due.length > 0) await trail.add(due.map((refused) => withId(refused, random)))
  }
  return {
    record(type, about) {
      measures.told({ type, detail: about.detail })
      const place = JSON.stringify([type, networkOf(about.detail.ip)])
      const detail = { ...about.detail, ...cause?.() }
      return write(tally.count(place, { ...about, detail, type, at: clock.now() }))
    },
    flush: () => write(tally.takeAll()),
  }
}

/** The address and the browser that sent a request, as an entry has them. */
export function senderOf(ctx: Pick<Context, 'ip' | 'get'>): { ip: string; userAgent: string } {
  return { ip: ctx.ip, userAgent: ctx.get('user-agent').slice(0, LONGEST_USER_AGENT) }
}

const LONGEST_USER_AGENT = 256

function withId(entry: Omit<AuditEntry, 'id'>, random: Random): AuditEntry {
  return { ...entry, id: Buffer.from(random.bytes(16)).toString('base64url') }
}
