import { nextDeliveryAt } from '../../src/domain/enrolment.ts'
import type { MfaRecord } from '../../src/domain/mfa-record.ts'
import type { DeliveryModel, DeliveryNotice } from '../../src/http/pages.ts'
import type { Visit } from './visit.ts'

/** What a press of the button that sends a code came to. */
export interface Pressed {
  readonly notice: DeliveryNotice
  readonly status: number
}

/** From what the application answered: sent, not handed over (503), or too early (429). */
export function pressed(outcome: 'sent' | 'not-sent' | { readonly notBefore: number }): Pressed {
  if (outcome === 'sent') return { notice: 'sent', status: 200 }
  return outcome === 'not-sent'
    ? { notice: 'failed', status: 503 }
    : { notice: 'wait', status: 429 }
}

/** What a page says of the code that it asks for: where it went, and when the next may be sent. */
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
