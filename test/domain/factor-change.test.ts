import { expect } from 'chai'
import type { FactorEventType } from '../../src/domain/events.ts'
import type { IssuedSet } from '../../src/domain/enrolment.ts'
import { pass } from '../../src/domain/attempt.ts'
import { beginEnrolment, settleEnrolled } from '../../src/domain/enrolment.ts'
import {
  hasProofToAdd,
  hasSubject,
  isLastFactor,
  isProvedByPassword,
  parseFactorChange,
  repeatOfChange,
  settleRemoved,
  settleRenamed,
  settleRenewed,
  shutDoor,
  unspentProof,
  type ProvedChange,
} from '../../src/domain/factor-change.ts'
import { UNKNOWN_BROWSER } from '../../src/domain/known-browser.ts'
import { newRecord, type Authenticator, type MfaRecord } from '../../src/domain/mfa-record.ts'
import { acceptance, authenticator, browserOf, enrolled, NOW } from './records.ts'

const TABLET = authenticator({ id: 'tablet', name: 'Tablet' })
const CODES = authenticator({ id: 'codes', factor: 'backup-codes', name: '' })
const FRESH = { ...CODES, id: 'fresh' }
const SETS = new Set(['backup-codes'])
const lasts = ({ factor }: Authenticator): boolean => factor === 'totp'

/** Two authenticators and backup codes; a fresh factor was accepted in `interaction-1`. */
const { record: proved, accepted: proof } = pass(
  enrolled({ authenticators: [authenticator(), TABLET, CODES] }, ['laptop', 'desk']),
  acceptance(),
)
const change = (changes: Partial<ProvedChange> = {}): ProvedChange => ({
  proof,
  fingerprint: 'change-1',
  browser: UNKNOWN_BROWSER,
  tokenHash: 'new-browser',
  now: NOW + 60,
  detail: { clientId: 'account' },
  ...changes,
})
const idsOf = ({ authenticators }: MfaRecord) => authenticators.map(({ id }) => id)

/** A renewed set, with the events of its factor. */
const renewed = (set: Authenticator): IssuedSet => ({
  authenticator: set,
  told: [{ type: 'backup-codes-created' as FactorEventType, detail: { reason: 'renewed' } }],
})

describe('a change of factors', () => {
  it('is read from its one spelling, and from no other', () => {
    expect(parseFactorChange('add')).to.deep.equal({ kind: 'add' })
    expect(parseFactorChange('add:totp')).to.deep.equal({ kind: 'add', factor: 'totp' })
    expect(parseFactorChange('renew:backup-codes')).to.deep.equal({
      kind: 'renew',
      factor: 'backup-codes',
    })
    for (const kind of ['remove', 'rename', 'replace'] as const)
      expect(parseFactorChange(`${kind}:a_B-9`)).to.deep.equal({ kind, authenticatorId: 'a_B-9' })
    const hash = `${'h_-'.repeat(14)}h`
    expect(parseFactorChange(`prove:change-email:${hash}`)).to.deep.equal({
      kind: 'prove',
      purpose: 'change-email',
      secretHash: hash,
    })
    for (const text of [
      '',
      'prove',
      'prove:',
      `prove:${hash}`,
      `prove::${hash}`,
      `prove:Email:${hash}`,
      `prove:email-:${hash}`,
      `prove:email:${hash}x`,
      `prove:email:${hash.slice(1)}`,
      `prove:email:x:${hash}`,
      `prove:${'x'.repeat(65)}:${hash}`,
      'Add',
      'add:',
      'add:TOTP',
      'add:totp:x',
      'renew',
      'renew:',
      'renew:a b',
      'remove',
      'remove:',
      `remove:${'x'.repeat(65)}`,
      'remove:../x',
      'rename:',
      'reset:totp',
      ':totp',
    ])
      expect(parseFactorChange(text), text).to.equal(undefined)
  })

  it('concerns only what the account has', () => {
    const none = newRecord('mira')
    expect(hasSubject(none, { kind: 'add' })).to.equal(true)
    expect(hasSubject(none, { kind: 'renew', factor: 'backup-codes' })).to.equal(false)
    expect(hasSubject(proved, { kind: 'renew', factor: 'backup-codes' })).to.equal(true)
    for (const kind of ['remove', 'rename', 'replace'] as const) {
      expect(hasSubject(proved, { kind, authenticatorId: 'tablet' })).to.equal(true)
      expect(hasSubject(proved, { kind, authenticatorId: 'gone' })).to.equal(false)
    }
  })

  it('R9 goes through the door of its kind, and a new name through none', () => {
    const settings = { youngSeconds: 0 }
    const mailed: MfaRecord = {
      ...proved,
      history: { ...proved.history, passwordByMail: { at: NOW, mailbox: 'mark' } },
    }
    const shut = (record: MfaRecord, now = NOW) =>
      (['add', 'renew', 'remove', 'replace', 'rename', 'prove'] as const).filter(
        (kind) => shutDoor(record, changeOf[kind], now, settings) !== undefined,
      )
    const changeOf = {
      add: { kind: 'add' },
      renew: { kind: 'renew', factor: 'backup-codes' },
      remove: { kind: 'remove', authenticatorId: 'tablet' },
      replace: { kind: 'replace', authenticatorId: 'tablet' },
      rename: { kind: 'rename', authenticatorId: 'tablet' },
      prove: { kind: 'prove', purpose: 'email', secretHash: 'hash' },
    } as const
    expect(shut(proved)).to.deep.equal([])
    expect(shut(mailed)).to.deep.equal(['renew', 'remove', 'replace'])
    expect(shut(mailed, NOW + 259_200)).to.deep.equal([])
    expect(shutDoor(mailed, changeOf.remove, NOW, settings)).to.deep.equal({
      open: false,
      reason: 'after-mailed-reset',
      until: NOW + 259_200,
    })
  })

  it('R11 is proved by the password only where the account has no factor, and only for a page', () => {
    const prove = { kind: 'prove', purpose: 'email', secretHash: 'hash' } as const
    expect(hasSubject(newRecord('mira'), prove)).to.equal(true)
    expect(isProvedByPassword(newRecord('mira'), prove)).to.equal(true)
    expect(isProvedByPassword(proved, prove)).to.equal(false)
    expect(isProvedByPassword(newRecord('mira'), { kind: 'add' })).to.equal(false)
    expect(isProvedByPassword(newRecord('mira'), undefined)).to.equal(false)
  })

  it('R11 is made with a proof of its own interaction, within ten minutes, once', () => {
    expect(unspentProof(proved, 'interaction-1', NOW + 599)).to.deep.equal(proof)
    expect(unspentProof(proved, 'interaction-1', NOW + 600)).to.equal(undefined)
    expect(unspentProof(proved, 'interaction-2', NOW)).to.equal(undefined)
    expect(unspentProof({ ...proved, epoch: 2 }, 'interaction-1', NOW)).to.equal(undefined)
    for (const settled of [
      settleRemoved(proved, TABLET, change()),
      settleRenewed(proved, renewed(CODES), SETS, change()),
      settleRenamed(proved, TABLET, change()),
      settleEnrolled(proved, acceptance({ authenticator: authenticator({ id: 'new' }) }), [], {
        isBesideOther: true,
      }),
    ]) {
      expect(unspentProof(settled.record, 'interaction-1', NOW + 60)).to.equal(undefined)
      expect(settled.record.accepted).to.deep.include(settled.accepted)
    }
  })

  it('R9 R11 lets a set-up go on that it has begun, and none that a recovery has begun', () => {
    const setUp = { interaction: 'interaction-2', factor: 'totp', sealed: 'secret' }
    const begun = (isProved: boolean) =>
      beginEnrolment(
        enrolled(),
        { ...setUp, ...(isProved ? { isProved } : {}) },
        { now: NOW, setUpSeconds: 1800 },
      )
    expect(hasProofToAdd(proved, 'interaction-1', NOW + 599)).to.equal(true)
    expect(hasProofToAdd(proved, 'interaction-1', NOW + 600)).to.equal(false)
    expect(hasProofToAdd(begun(true), 'interaction-2', NOW + 1799)).to.equal(true)
    expect(hasProofToAdd(begun(true), 'interaction-2', NOW + 1800)).to.equal(false)
    expect(hasProofToAdd(begun(true), 'interaction-1', NOW)).to.equal(false)
    expect(hasProofToAdd(begun(false), 'interaction-2', NOW)).to.equal(false)
  })

  it('R38 is recognised when it comes again, and another one is not', () => {
    const { record, accepted } = settleRemoved(proved, TABLET, change())
    const repeat = (fingerprint: string, at = NOW + 60) =>
      repeatOfChange(record, 'interaction-1', fingerprint, at)
    expect(repeat('change-1')).to.deep.equal(accepted)
    expect(repeat('change-2')).to.equal(undefined)
    expect(repeat('change-1', NOW + 660)).to.equal(undefined)
    expect(repeatOfChange(proved, 'interaction-1', 'change-1', NOW)).to.equal(undefined)
  })

  it('R20 raises the epoch, ends what waits, and leaves the proof alone accepted under the new one', () => {
    const other = pass(proved, acceptance({ interaction: 'interaction-2' })).record
    for (const { record, accepted, events } of [
      settleRemoved(other, TABLET, change()),
      settleRenewed(other, renewed(FRESH), SETS, change()),
    ]) {
      expect(record.epoch).to.equal(2)
      expect(record.accepted).to.deep.equal([accepted])
      expect(accepted).to.deep.equal({ ...proof, at: NOW + 60, epoch: 2, spentOn: 'change-1' })
      expect(events.at(-1)?.type).to.equal('epoch-raised')
    }
  })

  it('leaves no browser known but the one that made it', () => {
    const { record } = settleRemoved(proved, TABLET, change())
    expect(record.browsers.map(({ tokenHash }) => tokenHash)).to.deep.equal(['new-browser'])
    const known = change({ browser: browserOf(proved, 'desk'), tokenHash: 'desk' })
    expect(
      settleRemoved(proved, TABLET, known).record.browsers.map(({ tokenHash }) => tokenHash),
    ).to.deep.equal(['desk'])
  })

  it('makes an event with the removed authenticator and the browser', () => {
    const { record, events } = settleRemoved(proved, TABLET, change())
    expect(idsOf(record)).to.deep.equal(['phone', 'codes'])
    expect(events).to.deep.equal([
      {
        type: 'factor-removed',
        detail: {
          clientId: 'account',
          factor: 'totp',
          authenticatorId: 'tablet',
          authenticatorName: 'Tablet',
          browser: 'unknown',
        },
      },
      { type: 'epoch-raised', detail: { epoch: 2, reason: 'factor-removed' } },
    ])
  })

  it('R11 replaces the look-up secrets of superseded factors with fresh ones', () => {
    const old = authenticator({ id: 'old', factor: 'imported-codes' })
    const both = { ...proved, authenticators: [...proved.authenticators, old] }
    const sets = new Set(['backup-codes', 'imported-codes'])
    const { record } = settleRenewed(both, renewed(FRESH), sets, change())
    expect(idsOf(record)).to.deep.equal(['phone', 'tablet', 'fresh'])
  })

  it('replaces all earlier look-up secrets with fresh ones', () => {
    const { record, events } = settleRenewed(proved, renewed(FRESH), SETS, change())
    expect(idsOf(record)).to.deep.equal(['phone', 'tablet', 'fresh'])
    expect(events.map(({ type }) => type)).to.deep.equal(['backup-codes-created', 'epoch-raised'])
    expect(events[0]?.detail).to.deep.equal({
      clientId: 'account',
      factor: 'backup-codes',
      authenticatorId: 'fresh',
      browser: 'unknown',
      reason: 'renewed',
    })
    expect(events[1]?.detail).to.deep.equal({ epoch: 2, reason: 'factor-renewed' })
  })

  it('changes a name, and ends neither sessions nor grants', () => {
    const other = pass(proved, acceptance({ interaction: 'interaction-2' })).record
    const { record, events } = settleRenamed(other, { ...TABLET, name: 'Slate' }, change())
    expect(record.epoch).to.equal(1)
    expect(record.browsers).to.deep.equal(proved.browsers)
    expect(record.accepted.map(({ interaction }) => interaction)).to.have.members([
      'interaction-1',
      'interaction-2',
    ])
    expect(record.authenticators.map(({ name }) => name)).to.deep.equal(['Phone', 'Slate', ''])
    expect(events.map(({ type }) => type)).to.deep.equal(['factor-renamed'])
  })

  it('R11 R20 replaces an authenticator in the step that binds the new one', () => {
    const bound = settleEnrolled(
      proved,
      acceptance({ authenticator: authenticator({ id: 'new', name: 'New phone' }) }),
      [],
      { replaced: authenticator({ id: 'phone', name: 'Phone' }) },
    )
    expect(idsOf(bound.record)).to.deep.equal(['tablet', 'codes', 'new'])
    expect(bound.record.epoch).to.equal(2)
    const about = { clientId: 'app', factor: 'totp', browser: 'unknown' }
    expect(bound.events).to.deep.equal([
      {
        type: 'factor-replaced',
        detail: {
          ...about,
          authenticatorId: 'new',
          authenticatorName: 'New phone',
          replacedId: 'phone',
          replacedName: 'Phone',
        },
      },
      { type: 'epoch-raised', detail: { epoch: 2, reason: 'factor-replaced' } },
    ])
    const nameless = settleEnrolled(
      proved,
      acceptance({ authenticator: authenticator({ id: 'new', name: '' }) }),
      [],
      { replaced: authenticator({ id: 'phone', name: '' }) },
    )
    expect(nameless.events[0]?.detail).to.deep.equal({
      ...about,
      authenticatorId: 'new',
      replacedId: 'phone',
    })
  })

  it('R1 does not begin the count of failures anew when a factor is added', () => {
    const throttle = { ...proved.throttle, failedAt: [NOW - 60, NOW - 30] }
    const added = settleEnrolled(
      { ...proved, throttle },
      acceptance({ authenticator: authenticator({ id: 'new' }) }),
      [],
    )
    expect(added.record.throttle).to.deep.equal(throttle)
    expect(idsOf(added.record)).to.deep.equal(['phone', 'tablet', 'codes', 'new'])
  })
})

describe('the last factor', () => {
  it('is the last lasting one: look-up secrets run out', () => {
    const one = enrolled({ authenticators: [authenticator(), CODES] })
    expect(isLastFactor(one, { id: 'phone' }, lasts)).to.equal(true)
    expect(isLastFactor(one, { id: 'codes' }, lasts)).to.equal(false)
    expect(isLastFactor(proved, { id: 'phone' }, lasts)).to.equal(false)
    expect(isLastFactor(proved, { id: 'phone' }, ({ factor }) => factor === 'pigeon')).to.equal(
      true,
    )
  })
})
