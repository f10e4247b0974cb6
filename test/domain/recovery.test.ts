import { expect } from 'chai'
import fc from 'fast-check'
import { raiseEpoch, resetFactors, settleEnrolled } from '../../src/domain/enrolment.ts'
import { UNKNOWN_BROWSER } from '../../src/domain/known-browser.ts'
import { newRecord, type History, type MfaRecord } from '../../src/domain/mfa-record.ts'
import {
  isSpentMailbox,
  mayBindReplacement,
  proveRecovery,
  RECOVERY_DEFAULTS,
  recoveryCodesFrom,
  recoveryDueAt,
  recoveryState,
  recoveryStep,
  settleRecovered,
  settleRecoveryCancelled,
  settleRecoveryDue,
  settleRecoveryRefused,
  settleRecoveryStarted,
  type RecoveryQuestion,
} from '../../src/domain/recovery.ts'
import { DAY_SECONDS, HOUR_SECONDS } from '../../src/domain/time.ts'
import { anyAct, play, stepAt } from './recovery-model.ts'
import { acceptance, authenticator, browserOf, enrolled, NOW } from './records.ts'

const settings = RECOVERY_DEFAULTS
const OPENS = NOW + 72 * HOUR_SECONDS
const ENDS = OPENS + 7 * DAY_SECONDS
const detail = { clientId: 'app', locale: 'de' }
const OLD = { address: 'mira@example.com', verifiedAt: NOW - 7 * DAY_SECONDS, isSpent: false }

function started(record = enrolled()): MfaRecord {
  return settleRecoveryStarted(record, { settings, now: NOW, detail }).record
}

function ask(record: MfaRecord, changes: Partial<RecoveryQuestion> = {}) {
  return recoveryStep(record, {
    addresses: [OLD],
    browser: UNKNOWN_BROWSER,
    hasPassword: true,
    now: NOW,
    settings,
    ...changes,
  })
}

function withHistory(history: Partial<History>): MfaRecord {
  const record = enrolled()
  return { ...record, history: { ...record.history, ...history } }
}

describe('the start of a recovery', () => {
  it('R9 needs the password, and a mailbox that was verified 7 days before', () => {
    expect(ask(enrolled())).to.deep.equal({ step: 'start', addresses: [OLD] })
    expect(ask(enrolled(), { hasPassword: false })).to.deep.equal({
      step: 'refused',
      reason: 'no-password',
    })
    const young = { ...OLD, verifiedAt: NOW - 7 * DAY_SECONDS + 1 }
    const { verifiedAt: _, ...unknown } = OLD
    for (const address of [young, unknown])
      expect(ask(enrolled(), { addresses: [address] })).to.deep.equal({
        step: 'refused',
        reason: 'young-address',
      })
    expect(ask(enrolled(), { addresses: [] })).to.deep.equal({
      step: 'refused',
      reason: 'no-address',
    })
  })

  it('R9 offers only mailboxes that prove something, and an administrator where the only one has set the password', () => {
    const spent = { ...OLD, isSpent: true }
    const other = { ...OLD, address: 'mira@example.org' }
    expect(ask(enrolled(), { addresses: [spent, other] })).to.deep.equal({
      step: 'start',
      addresses: [other],
    })
    expect(ask(enrolled(), { addresses: [spent] })).to.deep.equal({
      step: 'refused',
      reason: 'same-mailbox',
    })
    const marked = withHistory({ passwordByMail: { at: NOW, mailbox: 'm' } })
    expect(isSpentMailbox(marked, (mailbox) => mailbox === 'm')).to.equal(true)
    expect(isSpentMailbox(marked, () => false)).to.equal(false)
    expect(isSpentMailbox(enrolled(), () => true)).to.equal(false)
  })

  it('has no meaning for an account without a factor', () => {
    expect(ask(newRecord('mira'))).to.deep.equal({ step: 'refused', reason: 'not-enrolled' })
  })

  it('R2 is refused in an unknown browser while somebody else may know the password', () => {
    const record = enrolled({}, ['laptop'])
    const suspected = { ...record, throttle: { ...record.throttle, passwordSuspectedAt: NOW } }
    expect(ask(suspected)).to.deep.equal({ step: 'refused', reason: 'password-suspected' })
    expect(ask(suspected, { browser: browserOf(record, 'laptop') }).step).to.equal('start')
  })

  it('R9 is refused while a mark shuts it, with the time at which it opens', () => {
    expect(ask(withHistory({ recoveredAt: NOW }))).to.deep.equal({
      step: 'refused',
      reason: 'after-recovery',
      until: NOW + 7 * DAY_SECONDS,
    })
    expect(ask(enrolled({ frozenAt: NOW }))).to.deep.equal({ step: 'refused', reason: 'frozen' })
  })

  it('is left to an administrator after two cancellations in 30 days', () => {
    const twice = withHistory({ recoveriesCancelledAt: [NOW - 29 * DAY_SECONDS, NOW] })
    expect(ask(twice)).to.deep.equal({ step: 'refused', reason: 'cancelled-before' })
    expect(ask(twice, { now: NOW + 2 * DAY_SECONDS }).step).to.equal('start')
    expect(ask(resetFactors(twice, NOW).record)).to.include({ reason: 'not-enrolled' })
    expect(resetFactors(twice, NOW).record.history).not.to.have.property('recoveriesCancelledAt')
  })

  it('begins the wait, removes nothing, and makes earlier links for a new password void', () => {
    const before = enrolled({}, ['laptop'])
    const { record, events } = settleRecoveryStarted(before, { settings, now: NOW, detail })
    expect(record.recovery).to.deep.equal({ startedAt: NOW, opensAt: OPENS, endsAt: ENDS })
    expect(record).to.deep.include({
      authenticators: before.authenticators,
      epoch: before.epoch,
      browsers: before.browsers,
    })
    expect(record.history.resetsVoidUntil).to.equal(NOW)
    expect(events).to.deep.equal([
      { type: 'recovery-started', detail: { ...detail, since: NOW, until: OPENS } },
    ])
  })
})

describe('the codes of a recovery', () => {
  it('are examined five times an hour, over all browsers, and do not count with those of factors', () => {
    let record = enrolled()
    for (const after of [0, 60, 120, 180, 240]) {
      expect(recoveryCodesFrom(record, NOW + after)).to.equal(undefined)
      record = settleRecoveryRefused(record, NOW + after, detail).record
    }
    expect(recoveryCodesFrom(record, NOW + 240)).to.equal(NOW + HOUR_SECONDS)
    expect(recoveryCodesFrom(record, NOW + HOUR_SECONDS)).to.equal(undefined)
    expect(record.throttle.failedAt).to.deep.equal([])
    expect(settleRecoveryRefused(record, NOW, detail).events).to.deep.equal([
      { type: 'recovery-refused', detail },
    ])
  })
})

describe('the time of a recovery', () => {
  it('is first a wait, then a time in which a replacement can be bound', () => {
    const record = started()
    const states = [OPENS - 1, OPENS, ENDS - 1, ENDS].map((now) => recoveryState(record, now))
    expect(states).to.deep.equal([
      { state: 'waiting', since: NOW, until: OPENS },
      { state: 'open', since: NOW, until: ENDS },
      { state: 'open', since: NOW, until: ENDS },
      { state: 'none' },
    ])
    expect(recoveryState(enrolled(), NOW)).to.deep.equal({ state: 'none' })
    expect(ask(record, { now: OPENS - 1 })).to.deep.equal({ step: 'wait', until: OPENS })
    expect(ask(record, { now: OPENS }).step).to.equal('bind')
    expect(ask(record, { now: ENDS }).step).to.equal('start')
  })

  it('brings a notice at half of the wait, one at its end, and the end of the recovery, each once', () => {
    const halfWay = NOW + 36 * HOUR_SECONDS
    let record = started()
    const look = (now: number) => {
      const due = settleRecoveryDue(record, now)
      record = due?.record ?? record
      return due?.events
    }
    expect(recoveryDueAt(record)).to.equal(halfWay)
    expect(look(halfWay - 1)).to.equal(undefined)
    const about = { since: NOW, until: OPENS }
    expect(look(halfWay)).to.deep.equal([{ type: 'recovery-half-way', detail: about }])
    expect(look(halfWay)).to.equal(undefined)
    expect(recoveryDueAt(record)).to.equal(OPENS)
    expect(look(OPENS)).to.deep.equal([
      { type: 'recovery-opened', detail: { since: NOW, until: ENDS } },
    ])
    expect(recoveryDueAt(record)).to.equal(ENDS)
    expect(look(ENDS - 1)).to.equal(undefined)
    expect(look(ENDS)).to.deep.equal([
      { type: 'recovery-ended', detail: { ...about, reason: 'expired' } },
    ])
    expect(record.recovery).to.equal(undefined)
    expect(recoveryDueAt(record)).to.equal(undefined)
    expect(look(ENDS)).to.equal(undefined)
  })

  it('leaves out a notice whose time has passed while no node was running', () => {
    expect(settleRecoveryDue(started(), OPENS)?.events.map(({ type }) => type)).to.deep.equal([
      'recovery-opened',
    ])
    expect(settleRecoveryDue(started(), ENDS)?.events.map(({ type }) => type)).to.deep.equal([
      'recovery-ended',
    ])
  })
})

describe('the end of a recovery', () => {
  const cancel = (record: MfaRecord, now: number) =>
    settleRecoveryCancelled(record, 'factor', { now, detail })

  it('R9 may be a cancellation, also after the wait, and is counted', () => {
    const cancelled = cancel(started(), OPENS)!
    expect(cancelled.record.recovery).to.equal(undefined)
    expect(cancelled.record.history.recoveriesCancelledAt).to.deep.equal([OPENS])
    expect(cancelled.events).to.deep.equal([
      {
        type: 'recovery-cancelled',
        detail: { ...detail, since: NOW, until: OPENS, reason: 'factor' },
      },
    ])
    expect(cancel(cancelled.record, OPENS)).to.equal(undefined)
    expect(cancel(started(), ENDS)).to.equal(undefined)
  })

  it('R9 comes with an added factor, and with each change that raises the epoch, without counting as a cancellation', () => {
    const raised = raiseEpoch(started(), 'disabled')
    expect(raised.record.recovery).to.equal(undefined)
    expect(raised.record.history).not.to.have.property('recoveriesCancelledAt')
    expect(raised.events[0]).to.deep.equal({
      type: 'recovery-ended',
      detail: { since: NOW, until: OPENS, reason: 'disabled' },
    })
    const added = settleEnrolled(
      started(),
      acceptance({ authenticator: authenticator({ id: 'tablet' }) }),
      [],
      { isBesideOther: true },
    )
    expect(added.record.recovery).to.equal(undefined)
    expect(added.events.map(({ type }) => type)).to.include('recovery-ended')
  })

  it('R9 R41 binds a replacement only after the wait, in the interaction of the second mailed proof, within its hour', () => {
    const proved = proveRecovery(started(), 'interaction-1', OPENS)
    expect(mayBindReplacement(proved, 'interaction-1', OPENS)).to.equal(true)
    expect(mayBindReplacement(proved, 'interaction-2', OPENS)).to.equal(false)
    expect(mayBindReplacement(proved, 'interaction-1', OPENS + HOUR_SECONDS)).to.equal(false)
    expect(mayBindReplacement(started(), 'interaction-1', OPENS)).to.equal(false)
    const early = proveRecovery(started(), 'interaction-1', OPENS - 1)
    expect(mayBindReplacement(early, 'interaction-1', OPENS - 1)).to.equal(false)
    const late = proveRecovery(started(), 'interaction-1', ENDS - 1)
    expect(mayBindReplacement(late, 'interaction-1', ENDS)).to.equal(false)
    expect(proveRecovery(enrolled(), 'interaction-1', NOW).recovery).to.equal(undefined)
  })

  it('R41 spends the mailed code with the proof', () => {
    const open = { purpose: 'recovery-end', sealed: 's', expiresAt: OPENS + 600 }
    const challenges = [
      { ...open, interaction: 'interaction-1' },
      { ...open, interaction: 'interaction-2' },
    ]
    const proved = proveRecovery({ ...started(), challenges }, 'interaction-1', OPENS)
    expect(proved.challenges).to.deep.equal([challenges[1]])
  })

  it('R9 R1 removes every earlier factor in the step that binds the replacement, and begins the counts anew', () => {
    const codes = authenticator({ id: 'codes', factor: 'backup-codes', name: '' })
    const base = enrolled({ epoch: 5, authenticators: [authenticator(), codes] }, ['laptop'])
    const banned = {
      ...base,
      throttle: { ...base.throttle, failedAt: [NOW], codesDisabledAt: NOW },
    }
    const replacement = authenticator({ id: 'new-phone', name: 'New phone' })
    const { record, events, accepted } = settleRecovered(
      started(banned),
      acceptance({ authenticator: replacement, now: OPENS }),
      [],
    )
    expect(record.authenticators.map(({ id }) => id)).to.deep.equal(['new-phone'])
    expect(record).to.deep.include({ epoch: 6 })
    expect(record.recovery).to.equal(undefined)
    expect(record.history.recoveredAt).to.equal(OPENS)
    expect(record.throttle).to.deep.equal({ failedAt: [], unknownBrowsers: { failures: 0 } })
    expect(record.browsers.map(({ tokenHash }) => tokenHash)).to.deep.equal(['new-browser'])
    expect(accepted.epoch).to.equal(6)
    expect(
      events.map(({ type, detail }) => [
        type,
        'authenticatorId' in detail ? detail.authenticatorId : undefined,
      ]),
    ).to.deep.equal([
      ['factor-removed', 'phone'],
      ['factor-removed', 'codes'],
      ['factor-enrolled', 'new-phone'],
      ['epoch-raised', undefined],
      ['recovery-completed', 'new-phone'],
    ])
    expect(events[0]?.detail).to.include({ authenticatorName: 'Phone' })
    for (const { detail } of events.slice(0, 3)) expect(detail).to.include({ reason: 'recovered' })
    expect(events[1]?.detail).not.to.have.property('authenticatorName')
    expect(events.at(-1)?.detail).to.include({ authenticatorName: 'New phone' })
  })

  it('tells of a replacement without a name', () => {
    const replacement = authenticator({ id: 'new-phone', name: '' })
    const { events } = settleRecovered(
      started(enrolled()),
      acceptance({ authenticator: replacement, now: OPENS }),
      [],
    )
    expect(events.at(-1)).to.include({ type: 'recovery-completed' })
    expect(events.at(-1)?.detail).not.to.have.property('authenticatorName')
  })
})

describe('a recovery, in every order and timing', () => {
  const acts = fc.array(anyAct, { minLength: 1, maxLength: 14 })

  it('R9 binds a replacement only at least the wait after a start, with nothing between that ends it', () => {
    fc.assert(
      fc.property(acts, (list) => {
        const steps = play(list)
        steps.forEach(({ told, at }, index) => {
          if (!told.includes('recovery-completed')) return
          const start = steps
            .slice(0, index)
            .findLastIndex((one) => one.told.includes('recovery-started'))
          expect(start).to.be.at.least(0)
          const waited = at - steps[start]!.at
          expect(waited).to.be.within(72 * HOUR_SECONDS, 72 * HOUR_SECONDS + 7 * DAY_SECONDS)
          const between = steps.slice(start + 1, index).flatMap((one) => one.told)
          expect(between).not.to.include.oneOf([
            'recovery-cancelled',
            'recovery-ended',
            'epoch-raised',
          ])
        })
      }),
      { numRuns: 400 },
    )
  })

  it('R9 removes no factor before a replacement is bound', () => {
    fc.assert(
      fc.property(acts, (list) => {
        for (const { before, after, told } of play(list))
          if (!told.includes('recovery-completed'))
            expect(after.authenticators.map(({ id }) => id)).to.deep.equal(
              before.authenticators.map(({ id }) => id),
            )
      }),
    )
  })

  it('R9 never accepts the mailbox that has set the password, until a factor was proved after it', () => {
    fc.assert(
      fc.property(acts, (list) => {
        const steps = play(list)
        steps.forEach(({ mailbox }, index) => {
          if (mailbox !== 'first') return
          const earlier = steps.slice(0, index)
          const reset = earlier.findLastIndex(
            ({ act, told }) => act.what === 'reset-with-first' && told.length > 0,
          )
          const proof = earlier.findLastIndex(({ act }) => act.what === 'sign-in')
          expect(proof).to.be.at.least(reset)
        })
      }),
      { numRuns: 400 },
    )
  })

  it('lets nobody start after two cancellations in 30 days, by whatever means', () => {
    fc.assert(
      fc.property(acts, (list) => {
        const cancelled: number[] = []
        for (const { told, at } of play(list)) {
          const recent = cancelled.filter((one) => one > at - 30 * DAY_SECONDS)
          if (told.includes('recovery-started')) expect(recent.length).to.be.below(2)
          if (told.includes('recovery-cancelled')) cancelled.push(at)
        }
      }),
      { numRuns: 400 },
    )
  })

  it('can be begun and completed: the rules above are not kept by refusing everything', () => {
    const steps = play([
      { afterSeconds: 0, what: 'start' },
      { afterSeconds: 36 * HOUR_SECONDS, what: 'look' },
      { afterSeconds: 36 * HOUR_SECONDS, what: 'prove-and-bind' },
    ])
    expect(steps.flatMap(({ told }) => told)).to.include.members([
      'recovery-started',
      'recovery-half-way',
      'recovery-completed',
    ])
    expect(stepAt(steps.at(-1)!.after, steps.at(-1)!.at)).to.include({ reason: 'after-recovery' })
  })
})
