import type { Settled } from './attempt.ts'
import { isEnrolled, raiseEpoch } from './enrolment.ts'
import type { EventDraft, RequestDetail } from './events.ts'
import type { MfaRecord } from './mfa-record.ts'

/**
 * The person turns the second factor off: no authenticator and no look-up secret is left, and everything that was signed
 * in with them ends (R20). The failures stay, so that the sum of R1 goes on. The next first factor needs a proof beside
 * the password, since it is not set up in a first sign-in (R10). Undefined: there is nothing to turn off.
 */
export function settleTurnedOff(record: MfaRecord, detail: RequestDetail): Settled | undefined {
  if (!isEnrolled(record)) return undefined
  const { boundOnPasswordAt: _, ...history } = record.history
  const removed = record.authenticators.map(({ factor, id, name }): EventDraft => {
    const named = name === '' ? {} : { authenticatorName: name }
    return {
      type: 'factor-removed',
      detail: { ...detail, factor, authenticatorId: id, ...named, reason: 'turned-off' },
    }
  })
  const left = { ...record, authenticators: [], browsers: [], history }
  const raised = raiseEpoch(left, 'turned-off')
  const off: EventDraft = { type: 'factors-turned-off', detail }
  return { record: raised.record, events: [off, ...removed, ...raised.events] }
}
