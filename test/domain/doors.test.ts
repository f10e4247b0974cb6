import { expect } from 'chai'
import fc from 'fast-check'
import { settleAccepted } from '../../src/domain/attempt.ts'
import {
  DOORS,
  doorsOf,
  isResetVoid,
  settleProof,
  spentMailbox,
  YOUNG_SECONDS,
  type Door,
} from '../../src/domain/doors.ts'
import { resetFactors, settleEnrolled } from '../../src/domain/enrolment.ts'
import { settleLocked } from '../../src/domain/lock.ts'
import { settleMailedReset } from '../../src/domain/mailed-reset.ts'
import { newRecord, type History, type MfaRecord } from '../../src/domain/mfa-record.ts'
import { RECOVERY_DEFAULTS, settleRecoveryStarted } from '../../src/domain/recovery.ts'
import { DAY_SECONDS, HOUR_SECONDS } from '../../src/domain/time.ts'
import { acceptance, enrolled, NOW } from './records.ts'

const settings = RECOVERY_DEFAULTS

function marked(history: Partial<History>, changes: Partial<MfaRecord> = {}): MfaRecord {
  const record = enrolled(changes)
  return { ...record, history: { ...record.history, ...history } }
}

function shut(record: MfaRecord, now = NOW): Door[] {
  const doors = doorsOf(record, now, settings)
  return DOORS.filter((door) => !doors[door].open)
}

function reset(record: MfaRecord, changes: { now?: number; askedAt?: number } = {}) {
  const { now = NOW, askedAt = now } = changes
  return settleMailedReset(record, { mailbox: 'key.mac', askedAt, now, settings })
}

describe('the doors of an account', () => {
  it('are all open where nothing has happened', () => {
    expect(shut(enrolled())).to.deep.equal([])
  })

  it('R10 a first factor that was bound on the password alone changes neither email, password nor recovery for 72 h', () => {
    const record = marked({ boundOnPasswordAt: NOW })
    expect(shut(record)).to.deep.equal(['password', 'email', 'recovery'])
    expect(shut(record, NOW + YOUNG_SECONDS - 1)).to.have.length(3)
    expect(shut(record, NOW + YOUNG_SECONDS)).to.deep.equal([])
    expect(doorsOf(record, NOW, { youngSeconds: 60 }).email).to.deep.equal({
      open: false,
      reason: 'young-factor',
      until: NOW + 60,
    })
  })

  it('R9 a reset by mail shuts everything but adding for 72 h, even after a factor was proved', () => {
    const changed = reset(enrolled())!.record
    const doors: Door[] = ['password', 'email', 'recovery', 'remove', 'replace', 'turn-off']
    expect(shut(changed)).to.deep.equal(doors)
    const proved = settleAccepted(changed, acceptance({ now: NOW + 60 })).record
    expect(shut(proved, NOW + 72 * HOUR_SECONDS - 1)).to.deep.equal(doors)
    expect(shut(proved, NOW + 72 * HOUR_SECONDS)).to.deep.equal([])
  })

  it('R9 a completed recovery shuts email, password and recovery for 7 days', () => {
    const record = marked({ recoveredAt: NOW })
    expect(shut(record)).to.deep.equal(['password', 'email', 'recovery'])
    expect(shut(record, NOW + 7 * DAY_SECONDS)).to.deep.equal([])
  })

  it('R44 a lock shuts recovery and the mailed reset until a factor is proved', () => {
    const { record } = settleLocked(enrolled(), { now: NOW, detail: {} })
    expect(shut(record, NOW + 400 * DAY_SECONDS)).to.deep.equal(['recovery', 'mailed-reset'])
    expect(doorsOf(record, NOW, settings).recovery).to.deep.equal({ open: false, reason: 'frozen' })
    expect(shut(settleAccepted(record, acceptance({ now: NOW + 1 })).record)).to.deep.equal([])
    expect(shut(resetFactors(record, NOW + 1).record)).to.deep.equal([])
  })

  it('R44 a lock of an account without a factor shuts email and password too, until one is bound', () => {
    const { record } = settleLocked(newRecord('mira'), { now: NOW, detail: {} })
    expect(shut(record, NOW + 400 * DAY_SECONDS)).to.deep.equal([
      'password',
      'email',
      'recovery',
      'mailed-reset',
    ])
    expect(shut(settleEnrolled(record, acceptance({ now: NOW + 1 }), []).record)).to.deep.equal([])
    expect(shut(resetFactors(record, NOW + 1).record)).to.deep.equal([])
  })

  it('open again where only a wrong clock can have shut them, but not those that a proof opens', () => {
    const year = NOW + 365 * DAY_SECONDS
    const record = marked({ recoveredAt: year, boundOnPasswordAt: year })
    expect(shut(record, year)).to.deep.equal(['password', 'email', 'recovery'])
    expect(shut(record)).to.deep.equal([])
    expect(shut(record, year - 7 * DAY_SECONDS)).to.have.length(3)
    const { record: locked } = settleLocked(enrolled(), { now: year, detail: {} })
    expect(shut(locked)).to.deep.equal(['recovery', 'mailed-reset'])
  })

  it('tell of the mark that shuts a door longest', () => {
    const record = marked({ recoveredAt: NOW, boundOnPasswordAt: NOW }, { frozenAt: NOW })
    const doors = doorsOf(record, NOW + 1, settings)
    expect(doors.recovery).to.deep.equal({ open: false, reason: 'frozen' })
    expect(doors.email).to.deep.equal({
      open: false,
      reason: 'after-recovery',
      until: NOW + 7 * DAY_SECONDS,
    })
  })

  it('are never opened by one more mark', () => {
    const at = fc.option(fc.integer({ min: NOW - 8 * DAY_SECONDS, max: NOW }), { nil: undefined })
    const marks = fc.record({ recoveredAt: at, boundOnPasswordAt: at, frozenAt: at, mailAt: at })
    const recordOf = ({ frozenAt, mailAt, ...history }: Record<string, number | undefined>) => {
      const given = Object.entries(history).filter(([, value]) => value !== undefined)
      return marked(
        {
          ...(Object.fromEntries(given) as Partial<History>),
          ...(mailAt === undefined ? {} : { passwordByMail: { at: mailAt, mailbox: 'm' } }),
        },
        frozenAt === undefined ? {} : { frozenAt },
      )
    }
    fc.assert(
      fc.property(marks, marks, (some, more) => {
        const given = Object.entries(more).filter(([, value]) => value !== undefined)
        const both = { ...Object.fromEntries(given), ...some }
        const union = Object.fromEntries(
          Object.entries(both).map(([name, value]) => [name, value ?? more[name as 'mailAt']]),
        )
        expect(shut(recordOf(union))).to.include.members(shut(recordOf(some)))
      }),
    )
  })
})

describe('a password that was set by mail', () => {
  it('R9 marks its mailbox until a second factor is proved after it', () => {
    const before = settleProof(enrolled(), NOW)
    const changed = reset(before)!.record
    expect(spentMailbox(changed.history)).to.equal('key.mac')
    const proved = settleProof(changed, NOW + 5)
    expect(spentMailbox(proved.history)).to.equal(undefined)
    expect(settleProof(proved, NOW + 9).history.passwordByMail).to.deep.equal({
      at: NOW,
      mailbox: 'key.mac',
      provedAt: NOW + 5,
    })
    expect(spentMailbox(reset(proved, { now: NOW + 10 })!.record.history)).to.equal('key.mac')
    expect(spentMailbox(enrolled().history)).to.equal(undefined)
  })

  it('R12 R20 ends everything that was made with the old one', () => {
    const { record, events } = reset(enrolled({ epoch: 4 }))!
    expect(record.epoch).to.equal(5)
    expect(events).to.deep.equal([
      { type: 'epoch-raised', detail: { epoch: 5, reason: 'password-changed' } },
    ])
  })

  it('R9 is refused for a link from before the start of a recovery, and for a locked account', () => {
    const started = settleRecoveryStarted(enrolled(), { settings, now: NOW, detail: {} }).record
    expect(reset(started, { now: NOW + 60, askedAt: NOW })).to.equal(undefined)
    expect(reset(started, { now: NOW + 60, askedAt: NOW + 1 })!.record.recovery).to.equal(undefined)
    expect(isResetVoid(enrolled().history, 0)).to.equal(false)
    expect(reset(enrolled({ frozenAt: NOW }), { now: NOW + 1 })).to.equal(undefined)
  })
})

describe('a lock by the owner', () => {
  it('R44 ends everything live, forgets the browsers and cancels a running recovery', () => {
    const started = settleRecoveryStarted(enrolled({ epoch: 3 }, ['laptop']), {
      settings,
      now: NOW,
      detail: {},
    }).record
    const { record, events } = settleLocked(started, { now: NOW + 60, detail: { ip: '192.0.2.7' } })
    expect(record).to.deep.include({ epoch: 4, browsers: [], frozenAt: NOW + 60 })
    expect(record.recovery).to.equal(undefined)
    expect(record.history.recoveriesCancelledAt).to.deep.equal([NOW + 60])
    expect(events.map(({ type }) => type)).to.deep.equal([
      'account-locked-by-owner',
      'recovery-cancelled',
      'epoch-raised',
    ])
    const [locked, cancelled] = events
    expect(cancelled?.detail).to.include({ reason: 'locked', ip: '192.0.2.7' })
    const detail = { ip: '192.0.2.7', since: NOW + 60, reason: 'recovery-cancelled' }
    expect(locked?.detail).to.deep.equal(detail)
  })

  it('R44 lasts since the first press; a further press ends everything again and says since when', () => {
    const first = settleLocked(enrolled(), { now: NOW, detail: {} })
    expect(first.events[0]?.detail).to.deep.equal({ since: NOW })
    const again = settleLocked(first.record, { now: NOW + 900, detail: {} })
    expect(again.record).to.include({ frozenAt: NOW, epoch: first.record.epoch + 1 })
    expect(again.events[0]?.detail).to.deep.equal({ since: NOW })
    const proved = settleAccepted(again.record, acceptance({ now: NOW + 901 })).record
    const later = settleLocked(proved, { now: NOW + 1000, detail: {} })
    expect(later.events[0]?.detail).to.deep.equal({ since: NOW + 1000 })
  })
})
