import { nextDeliveryAt } from '../../src/domain/enrolment.ts'
import type { MfaRecord } from '../../src/domain/mfa-record.ts'
import type { DeliveryModel, DeliveryNotice } from '../../src/http/pages.ts'
import type { Visit } from './visit.ts'

/** The outcome of pressing the button that sends a code. */
export interface Pressed {
  readonly notice: DeliveryNotice
  readonly status: number
}

/** The page's notice and status for an outcome: sent (200), not handed over (503), or too early (429). */
export function pressed(outcome: 'sent' | 'not-sent' | { readonly notBefore: number }): Pressed {
  if (outcome === 'sent') return { notice: 'sent', status: 200 }
  return outcome === 'not-sent'
    ? { notice: 'failed', status: 503 }
    : { notice: 'wait', status: 429 }
}

/** The part of a page about the code that it asks for: where the code was sent, and when the next one may be sent. */
export function deliveryModel(
  visit: Pick<Visit, 'core' | 'ctx'>,
  about: {
    readonly record: MfaRecord
    readonly sendAction: string
    readonly sentTo: string | undefined
    readonly press: Pressed | undefined
  },
): DeliveryModel {
  const { record, sendAction, sentTo, press } = about
  const now = visit.core.deps.clock.now()
  const next = nextDeliveryAt(record, now)
  if (press?.notice === 'wait' && next !== undefined)
    visit.ctx.set('Retry-After', String(next - now))
  return {
    sendAction,
    ...(sentTo === undefined ? {} : { sentTo }),
    ...(next === undefined ? {} : { waitSeconds: next - now }),
    ...(press === undefined ? {} : { notice: press.notice }),
  }
}
