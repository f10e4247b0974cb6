import fc from 'fast-check'
import { settleAccepted } from '../../src/domain/attempt.ts'
import { settlePasswordChanged } from '../../src/domain/enrolment.ts'
import { UNKNOWN_BROWSER } from '../../src/domain/known-browser.ts'
import { settleLocked } from '../../src/domain/lock.ts'
import { settleMailedReset } from '../../src/domain/mailed-reset.ts'
import type { MfaRecord } from '../../src/domain/mfa-record.ts'
import {
  mayBindReplacement,
  proveRecovery,
  RECOVERY_DEFAULTS,
  recoveryStep,
  settleRecoveryCancelled,
  settleRecoveryDue,
  settleRecovered,
  settleRecoveryStarted,
  type RecoveryAddress,
} from '../../src/domain/recovery.ts'
import { DAY_SECONDS, HOUR_SECONDS } from '../../src/domain/time.ts'
import { acceptance, authenticator, enrolled, NOW } from './records.ts'

/** The two mailboxes of the person, both verified long ago. */
export const MAILBOXES = ['first', 'second'] as const

/** One thing that happens to the account, some time after the one before. `thief`: has the first mailbox only. */
export interface Act {
  readonly afterSeconds: number
  readonly what:
    | 'start'
    | 'prove-and-bind'
    | 'cancel'
    | 'sign-in'
    | 'lock'
    | 'look'
    | 'change-password'
    | 'reset-with-first'
}

export const anyAct: fc.Arbitrary<Act> = fc.record({
  afterSeconds: fc.oneof(
    fc.constantFrom(0, 1, HOUR_SECONDS, DAY_SECONDS, 36 * HOUR_SECONDS, 72 * HOUR_SECONDS),
    fc.integer({ min: 0, max: 12 * DAY_SECONDS }),
  ),
  what: fc.constantFrom(
    'start',
    'start',
    'prove-and-bind',
    'prove-and-bind',
    'cancel',
    'sign-in',
    'lock',
    'look',
    'change-password',
    'reset-with-first',
  ),
})

export interface Step {
  readonly act: Act
  readonly at: number
  readonly before: MfaRecord
  readonly after: MfaRecord
  /** Types of the events that the act has caused. */
  readonly told: readonly string[]
  /** The mailbox whose code was shown, if the act was allowed to show one. */
  readonly mailbox: string | undefined
}

export function addressesFor(record: MfaRecord): RecoveryAddress[] {
  const { passwordByMail } = record.history
  return MAILBOXES.map((address) => ({
    address,
    verifiedAt: NOW - 100 * DAY_SECONDS,
    isSpent: passwordByMail?.provedAt === undefined && passwordByMail?.mailbox === address,
  }))
}

export function stepAt(record: MfaRecord, now: number) {
  return recoveryStep(record, {
    addresses: addressesFor(record),
    browser: UNKNOWN_BROWSER,
    hasPassword: true,
    now,
    settings: RECOVERY_DEFAULTS,
  })
}

type Acted = Pick<Step, 'after' | 'told' | 'mailbox'>

/** Plays the acts on the domain as the application does. */
export function play(acts: readonly Act[], start = enrolled()): Step[] {
  let at = NOW
  let record = start
  return acts.map((act, index) => {
    at += act.afterSeconds
    const before = record
    const acted = perform(act, before, { now: at, index })
    record = acted.after
    return { act, at, before, ...acted }
  })
}

function perform(
  { what }: Act,
  record: MfaRecord,
  { now, index }: { readonly now: number; readonly index: number },
): Acted {
  const settings = RECOVERY_DEFAULTS
  const nothing: Acted = { after: record, told: [], mailbox: undefined }
  const settled = (
    result: { record: MfaRecord; events: readonly { type: string }[] } | undefined,
    mailbox?: string,
  ): Acted =>
    result === undefined
      ? nothing
      : { after: result.record, told: result.events.map(({ type }) => type), mailbox }
  const step = stepAt(record, now)
  const mailbox = 'addresses' in step ? step.addresses[0]?.address : undefined
  switch (what) {
    case 'start':
      return step.step === 'start'
        ? settled(settleRecoveryStarted(record, { settings, now, detail: {} }), mailbox)
        : nothing
    case 'prove-and-bind': {
      if (step.step !== 'bind') return nothing
      const proved = proveRecovery(record, `interaction-${index}`, now)
      if (!mayBindReplacement(proved, `interaction-${index}`, now)) return nothing
      const bound = acceptance({
        interaction: `interaction-${index}`,
        authenticator: authenticator({ id: `replacement-${index}` }),
        now,
      })
      return settled(settleRecovered(proved, bound, []), mailbox)
    }
    case 'cancel':
      return settled(settleRecoveryCancelled(record, 'factor', { now, detail: {} }))
    case 'sign-in': {
      const [owned] = record.authenticators
      return settled(settleAccepted(record, acceptance({ authenticator: owned!, now })))
    }
    case 'lock':
      return settled(settleLocked(record, { now, detail: {} }))
    case 'look':
      return settled(settleRecoveryDue(record, now))
    case 'change-password':
      return settled(settlePasswordChanged(record))
    case 'reset-with-first':
      return settled(settleMailedReset(record, { mailbox: 'first', askedAt: now, now, settings }))
  }
}
