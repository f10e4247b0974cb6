import { expect } from 'chai'
import { endAccess } from '../../src/domain/app-access.ts'
import { pass } from '../../src/domain/attempt.ts'
import type { FactorEventType } from '../../src/domain/events.ts'
import fc from 'fast-check'
import {
  beginEnrolment,
  challengeIn,
  enrolmentStep,
  firstFactorHeldUntil,
  hasProved,
  isEnrolled,
  isFirstSignIn,
  nextDeliveryAt,
  openChallenge,
  pendingIn,
  proveOwner,
  raiseEpoch,
  resetFactors,
  ruleNow,
  SET_UP_SECONDS,
  setUpEndsAt,
  settleEnrolled,
  settleUnconfirmed,
  settlePasswordChanged,
  takeBackChallenge,
  takeBackEnrolment,
  type Binding,
} from '../../src/domain/enrolment.ts'
import { newRecord, type MfaRecord } from '../../src/domain/mfa-record.ts'
import { settleRecovered } from '../../src/domain/recovery.ts'
import { acceptance, authenticator, enrolled, NOW } from './records.ts'

const HOUR = 3_600
const HALF_HOUR = 1_800
const fresh = newRecord('mira')

const keep = (record: MfaRecord, begun: Parameters<typeof beginEnrolment>[1], now = NOW) =>
  beginEnrolment(record, begun, { now, setUpSeconds: SET_UP_SECONDS })
const begin = (record: MfaRecord, interaction: string, factor = 'totp', now = NOW) =>
  keep(record, { interaction, factor, sealed: `${interaction} ${factor}` }, now)
const ask = (record: MfaRecord, interaction: string, purpose: string, now = NOW) =>
  openChallenge(record, { interaction, purpose, sealed: `${interaction} ${now}` }, now).record
const enrol = (record = fresh, changes = {}, issued = [authenticator({ id: 'codes' })]) =>
  settleEnrolled(
    record,
    acceptance(changes),
    issued.map((set) => ({
      authenticator: set,
      told: [{ type: 'backup-codes-created' as FactorEventType }],
    })),
  )

describe('the first step of an enrolment', () => {
  it('R10 is to prove the existing factor if there is one, under every rule', () => {
    const proved = proveOwner(enrolled(), 'interaction-1', NOW)
    for (const rule of ['allowed', 'password', 'mailed-code', 'refused'] as const)
      expect(enrolmentStep(proved, rule, 'interaction-1', NOW)).to.equal('verify')
  })

  it('R10 is the choice, a proof or a refusal, as the application rules', () => {
    const steps = (['allowed', 'password', 'mailed-code', 'refused'] as const).map((rule) =>
      enrolmentStep(fresh, rule, 'interaction-1', NOW),
    )
    expect(steps).to.deep.equal(['choose', 'choose', 'prove', 'refuse'])
  })

  it('R10 is the choice after a proof made in this very interaction, for an hour', () => {
    const proved = proveOwner(fresh, 'interaction-1', NOW)
    const step = (interaction: string, now: number) =>
      enrolmentStep(proved, 'mailed-code', interaction, now)
    expect(step('interaction-1', NOW + HOUR - 1)).to.equal('choose')
    expect(step('interaction-1', NOW + HOUR)).to.equal('prove')
    expect(step('interaction-2', NOW)).to.equal('prove')
    expect(enrolmentStep(proved, 'refused', 'interaction-1', NOW)).to.equal('refuse')
  })

  it('R10 marks a first factor that was bound on the password, and no other one', () => {
    const bound = (record: MfaRecord, onPassword: boolean) =>
      settleEnrolled(record, acceptance(), [], { onPassword }).record.history.boundOnPasswordAt
    expect(bound(fresh, true)).to.equal(NOW)
    expect(bound(fresh, false)).to.equal(undefined)
    expect(bound(enrolled(), true)).to.equal(undefined)
    const young = { ...enrolled(), history: { ...fresh.history, boundOnPasswordAt: NOW - 60 } }
    expect(bound(young, false)).to.equal(NOW - 60)
  })

  it('R10 ends what was allowed to a first sign-in when somebody has completed one', () => {
    const signedIn = { ...fresh, history: { ...fresh.history, firstSignInAt: NOW } }
    for (const rule of ['allowed', 'password'] as const) {
      expect(ruleNow(fresh, { rule, firstSignIn: true })).to.equal(rule)
      expect(ruleNow(signedIn, { rule, firstSignIn: true })).to.equal('refused')
      expect(ruleNow(signedIn, { rule })).to.equal(rule)
    }
    expect(ruleNow(signedIn, { rule: 'mailed-code', firstSignIn: true })).to.equal('mailed-code')
  })

  it('R44 takes the password alone for no proof while the owner has locked the account', () => {
    const locked = { ...fresh, frozenAt: NOW }
    for (const rule of ['allowed', 'mailed-code', 'refused'] as const)
      expect(ruleNow(locked, { rule })).to.equal(rule)
    for (const firstSignIn of [true, false])
      expect(ruleNow(locked, { rule: 'password', firstSignIn })).to.equal('refused')
  })

  it('R2 forgets browsers that became known with a password alone', () => {
    const stranger = {
      tokenHash: 'x',
      since: NOW,
      lastSeenAt: NOW,
      delay: { failures: 0 },
      failures: 0,
    }
    const { record } = enrol({ ...fresh, browsers: [stranger] })
    expect(record.browsers.map(({ tokenHash }) => tokenHash)).to.deep.equal(['new-browser'])
    expect(settlePasswordChanged({ ...fresh, browsers: [stranger] }).record.browsers).to.deep.equal(
      [],
    )
    const kept = { ...enrolled(), browsers: [stranger] }
    expect(settlePasswordChanged(kept).record.browsers).to.deep.equal([stranger])
  })

  it('R10 spends the mailed code with the proof', () => {
    const asked = ask(ask(fresh, 'interaction-1', 'owner-proof'), 'interaction-2', 'owner-proof')
    const proved = proveOwner(asked, 'interaction-1', NOW)
    expect(challengeIn(proved, 'interaction-1', 'owner-proof', NOW)).to.equal(undefined)
    expect(challengeIn(proved, 'interaction-2', 'owner-proof', NOW)).not.to.equal(undefined)
  })

  it('R10 keeps every proof of an hour: five codes may be mailed in it', () => {
    const five = ['a', 'b', 'c', 'd', 'e'].reduce((r, i) => proveOwner(r, i, NOW), fresh)
    for (const each of ['a', 'e']) expect(hasProved(five, each, NOW)).to.equal(true)
    const more = ['f', 'g', 'h', 'i'].reduce((r, i) => proveOwner(r, i, NOW), five)
    expect(more.history.ownerProofs).to.have.length(8)
  })

  it('R10 knows a first sign-in from every later one, and from one after a reset', () => {
    expect(isFirstSignIn(fresh)).to.equal(true)
    expect(isFirstSignIn({ ...fresh, history: { ...fresh.history, firstSignInAt: NOW } })).to.equal(
      false,
    )
    expect(
      isFirstSignIn({ ...fresh, history: { ...fresh.history, firstEnrolledAt: NOW } }),
    ).to.equal(false)
    expect(isFirstSignIn(resetFactors(fresh, NOW).record)).to.equal(false)
  })
})

describe('codes that are mailed', () => {
  it('R3 come a minute apart', () => {
    const sent = ask(fresh, 'interaction-1', 'owner-proof')
    expect(nextDeliveryAt(fresh, NOW)).to.equal(undefined)
    expect(nextDeliveryAt(sent, NOW + 59)).to.equal(NOW + 60)
    expect(nextDeliveryAt(sent, NOW + 60)).to.equal(undefined)
  })

  it('R3 come five times in an hour', () => {
    const sent = [0, 60, 120, 180, 240].reduce(
      (record, later) => ask(record, 'interaction-1', 'owner-proof', NOW + later),
      fresh,
    )
    expect(nextDeliveryAt(sent, NOW + 300)).to.equal(NOW + HOUR)
    expect(nextDeliveryAt(sent, NOW + HOUR - 1)).to.equal(NOW + HOUR)
    expect(nextDeliveryAt(sent, NOW + HOUR)).to.equal(undefined)
    const sixth = ask(sent, 'interaction-1', 'owner-proof', NOW + HOUR)
    expect(sixth.history.deliveredAt).not.to.include(NOW)
    expect(sixth.history.deliveredAt).to.have.length(5)
  })

  it('R3 do not wait for a clock that was ahead', () => {
    const sent = [0, 60, 120, 180, 240].reduce(
      (record, later) => ask(record, 'interaction-1', 'owner-proof', NOW + later),
      fresh,
    )
    expect(nextDeliveryAt(sent, NOW - 2 * HOUR)).to.equal(undefined)
    // The minute is over, and the five of an hour count still.
    expect(nextDeliveryAt(sent, NOW - 300)).to.equal(NOW + HOUR)
    const one = ask(fresh, 'interaction-1', 'owner-proof', NOW)
    expect(nextDeliveryAt(one, NOW - 60)).to.equal(NOW + 60)
    expect(nextDeliveryAt(one, NOW - 61)).to.equal(undefined)
  })

  it('R3 never come closer together, nor more often, for any order of requests', () => {
    const kinds = fc.constantFrom('challenge', 'enrolment')
    const asks = fc.array(fc.tuple(fc.integer({ min: 0, max: 900 }), kinds), {
      maxLength: 60,
      size: 'max',
    })
    fc.assert(
      fc.property(asks, (asked) => {
        const sentAt: number[] = []
        let record: MfaRecord = fresh
        let now = NOW
        for (const [later, kind] of asked) {
          now += later
          if (nextDeliveryAt(record, now) !== undefined) continue
          sentAt.push(now)
          const where = { interaction: `${now}`, sealed: 'sealed' }
          record =
            kind === 'challenge'
              ? openChallenge(record, { ...where, purpose: 'mail' }, now).record
              : keep(record, { ...where, factor: 'mail', sentTo: 'm' }, now)
        }
        sentAt.slice(1).forEach((at, i) => expect(at - sentAt[i]!).to.be.at.least(60))
        sentAt.slice(5).forEach((at, i) => expect(at - sentAt[i]!).to.be.at.least(HOUR))
        expect(record.history.deliveredAt.length).to.be.at.most(5)
      }),
    )
  })

  it('R3 take the place of the code before, and reset no count', () => {
    const throttle = { failedAt: [NOW], unknownBrowsers: { failures: 1 } }
    const twice = ask(ask({ ...fresh, throttle }, 'i', 'mail'), 'i', 'mail', NOW + 60)
    expect(twice.challenges.map(({ sealed }) => sealed)).to.deep.equal([`i ${NOW + 60}`])
    expect(twice.throttle).to.equal(throttle)
  })

  it('R3 live ten minutes, in their interaction and for their purpose', () => {
    const asked = ask(fresh, 'i', 'mail')
    expect(challengeIn(asked, 'i', 'mail', NOW + 599)).not.to.equal(undefined)
    expect(challengeIn(asked, 'i', 'mail', NOW + 600)).to.equal(undefined)
    expect(challengeIn(asked, 'j', 'mail', NOW)).to.equal(undefined)
    expect(challengeIn(asked, 'i', 'key', NOW)).to.equal(undefined)
  })

  it('are counted where a code was sent, and nowhere else', () => {
    expect(begin(fresh, 'i').history.deliveredAt).to.deep.equal([])
    const where = { interaction: 'i', factor: 'mail', sealed: 's', sentTo: 'm•••@example.com' }
    expect(keep(fresh, where).history.deliveredAt).to.deep.equal([NOW])
  })

  it('R3 that could not be handed over count nowhere, and the code before is open again', () => {
    const asked = { interaction: 'i', purpose: 'mail' }
    const first = openChallenge(fresh, { ...asked, sealed: 'first' }, NOW)
    const second = openChallenge(first.record, { ...asked, sealed: 'second' }, NOW + 60)
    const back = takeBackChallenge(second.record, second.opened, second.before)
    expect(back).to.deep.equal(first.record)
    expect(takeBackChallenge(first.record, first.opened, first.before)).to.deep.equal(fresh)
  })

  it('R3 leave the codes of others open, and change no list of deliveries that does not hold them any more', () => {
    const others = begin(ask(fresh, 'j', 'mail', NOW - 60), 'j')
    const sent = openChallenge(others, { interaction: 'i', purpose: 'mail', sealed: 's' }, NOW)
    expect(takeBackChallenge(sent.record, sent.opened, sent.before)).to.deep.equal(others)
    const forgotten = { ...sent.record, history: { ...sent.record.history, deliveredAt: [] } }
    const back = takeBackChallenge(forgotten, sent.opened, sent.before)
    expect(back.history.deliveredAt).to.deep.equal([])
    const shorter = [NOW - 60, NOW + 60]
    const other = { ...sent.record, history: { ...sent.record.history, deliveredAt: shorter } }
    const untouched = takeBackChallenge(other, sent.opened, sent.before)
    expect(untouched.history.deliveredAt).to.deep.equal(shorter)
    const where = { interaction: 'i', factor: 'mail', sealed: 's', sentTo: 'm•••@example.com' }
    const begun = keep(others, where)
    const unsent = takeBackEnrolment(begun, 's', { sentAt: NOW, before: undefined })
    expect(unsent.pending.map(({ interaction }) => interaction)).to.deep.equal(['j', 'i'])
    expect(pendingIn(unsent, 'j', 'totp', NOW)).to.equal(pendingIn(begun, 'j', 'totp', NOW))
  })

  it('R3 take back nothing that was sent meanwhile', () => {
    const asked = { interaction: 'i', purpose: 'mail' }
    const first = openChallenge(fresh, { ...asked, sealed: 'first' }, NOW)
    const later = openChallenge(first.record, { ...asked, sealed: 'later' }, NOW + 60).record
    expect(takeBackChallenge(later, first.opened, first.before)).to.equal(later)
  })

  it('R3 of an enrolment leave it open, to be sent again at once', () => {
    const where = { interaction: 'i', factor: 'mail', sealed: 's', sentTo: 'm•••@example.com' }
    const sent = { sentAt: NOW, before: undefined }
    const unsent = takeBackEnrolment(keep(fresh, where), 's', sent)
    expect(pendingIn(unsent, 'i', 'mail', NOW)).to.not.have.property('sentTo')
    expect(pendingIn(unsent, 'i', 'mail', NOW)?.sealed).to.equal('s')
    expect(nextDeliveryAt(unsent, NOW)).to.equal(undefined)
    expect(takeBackEnrolment(unsent, 'another', sent)).to.equal(unsent)
  })

  it('R3 of an enrolment leave the code open that was sent before', () => {
    const where = { interaction: 'i', factor: 'mail', sentTo: 'm•••@example.com' }
    const first = keep(fresh, { ...where, sealed: 'first' })
    const before = pendingIn(first, 'i', 'mail', NOW)
    const second = keep(first, { ...where, sealed: 'second' }, NOW + 60)
    expect(takeBackEnrolment(second, 'second', { sentAt: NOW + 60, before })).to.deep.equal(first)
    const { sentTo: _, ...nothing } = where
    const unsent = keep(fresh, { ...nothing, sealed: 'first' })
    const later = keep(unsent, { ...where, sealed: 'second' }, NOW + 60)
    const back = takeBackEnrolment(later, 'second', {
      sentAt: NOW + 60,
      before: pendingIn(unsent, 'i', 'mail', NOW),
    })
    expect(pendingIn(back, 'i', 'mail', NOW)).to.include({ sealed: 'second' })
    expect(pendingIn(back, 'i', 'mail', NOW)).to.not.have.property('sentTo')
  })

  it('take the place of one for the same purpose only', () => {
    const both = ask(ask(fresh, 'i', 'mail'), 'i', 'owner', NOW + 60)
    expect(both.challenges.map(({ purpose }) => purpose)).to.deep.equal(['mail', 'owner'])
    const again = ask(both, 'i', 'mail', NOW + 120)
    expect(again.challenges.map(({ purpose }) => purpose)).to.deep.equal(['owner', 'mail'])
  })

  it('are open four at a time; those past their time go first', () => {
    const many = ['a', 'b', 'c', 'd', 'e'].reduce((r, i) => ask(r, i, 'mail'), fresh)
    expect(many.challenges.map(({ interaction }) => interaction)).to.deep.equal([
      'b',
      'c',
      'd',
      'e',
    ])
    const later = ask(many, 'f', 'mail', NOW + 600)
    expect(later.challenges.map(({ interaction }) => interaction)).to.deep.equal(['f'])
  })
})

describe('a pending enrolment', () => {
  it('is found in its interaction, for its factor, for half an hour', () => {
    const record = begin(fresh, 'i')
    expect(pendingIn(record, 'i', 'totp', NOW + HALF_HOUR - 1)).to.include({ sealed: 'i totp' })
    expect(pendingIn(record, 'i', 'totp', NOW + HALF_HOUR)).to.equal(undefined)
    expect(pendingIn(record, 'j', 'totp', NOW)).to.equal(undefined)
    expect(pendingIn(record, 'i', 'key', NOW)).to.equal(undefined)
  })

  it('ends when the first one of its interaction does, whatever else is begun or sent there', () => {
    const other = begin(fresh, 'j', 'totp', NOW - 60)
    const record = begin(begin(begin(other, 'i'), 'i', 'key', NOW + 60), 'i', 'totp', NOW + 90)
    expect(record.pending.map(({ factor, expiresAt }) => [factor, expiresAt])).to.deep.equal([
      ['totp', NOW - 60 + HALF_HOUR],
      ['key', NOW + HALF_HOUR],
      ['totp', NOW + HALF_HOUR],
    ])
    expect(setUpEndsAt(record, 'i', NOW + HALF_HOUR - 1)).to.equal(NOW + HALF_HOUR)
    expect(setUpEndsAt(record, 'i', NOW + HALF_HOUR)).to.equal(undefined)
    expect(setUpEndsAt(record, 'k', NOW)).to.equal(undefined)
  })

  it('lives as long as the application says', () => {
    const where = { interaction: 'i', factor: 'totp', sealed: 's' }
    const record = beginEnrolment(fresh, where, { now: NOW, setUpSeconds: 600 })
    expect(setUpEndsAt(record, 'i', NOW)).to.equal(NOW + 600)
  })

  it('is one of thirty-two at most; those past their time go first', () => {
    const names = Array.from({ length: 33 }, (_, nth) => `${nth}`)
    const many = names.reduce((r, i) => begin(r, i), fresh)
    expect(many.pending.map(({ interaction }) => interaction)).to.deep.equal(names.slice(1))
    expect(begin(many, 'f', 'totp', NOW + HALF_HOUR).pending).to.have.length(1)
  })

  it('holds the first factor of its interaction until it ends', () => {
    const record = begin(fresh, 'i', 'totp', NOW + 599)
    expect(firstFactorHeldUntil(record, 'i', NOW + 600)).to.equal(NOW + 599 + HALF_HOUR)
    expect(firstFactorHeldUntil(record, 'i', NOW + 599 + HALF_HOUR)).to.equal(undefined)
    expect(firstFactorHeldUntil(record, 'j', NOW + 600)).to.equal(undefined)
  })

  it('R20 holds nothing once the epoch has risen', () => {
    const { record } = raiseEpoch(begin(fresh, 'i'), 'password-changed')
    expect(firstFactorHeldUntil(record, 'i', NOW)).to.equal(undefined)
  })

  it('once confirmed, holds the first factor for the pages after it', () => {
    const { record, accepted } = enrol(begin(fresh, 'interaction-1'), { now: NOW + 1_700 })
    expect(accepted.interaction).to.equal('interaction-1')
    expect(firstFactorHeldUntil(record, 'interaction-1', NOW + 1_800)).to.equal(NOW + 1_700 + 600)
    expect(firstFactorHeldUntil(record, 'interaction-1', NOW + 2_300)).to.equal(undefined)
  })

  it('slows itself down after wrong confirmations, and nothing else', () => {
    let record = begin(begin(fresh, 'i'), 'j')
    const browser = { kind: 'unknown' } as const
    const about = { browser, now: NOW, detail: { ip: '192.0.2.7' } }
    for (let n = 0; n < 5; n += 1) {
      const settled = settleUnconfirmed(record, pendingIn(record, 'i', 'totp', NOW)!, about)
      record = settled.record
      expect(settled.events).to.deep.equal([
        {
          type: 'factor-refused',
          detail: {
            ip: '192.0.2.7',
            factor: 'totp',
            browser: 'unknown',
            reason: 'wrong-confirmation',
          },
        },
      ])
    }
    expect(pendingIn(record, 'i', 'totp', NOW)?.delay).to.deep.equal({
      failures: 5,
      until: NOW + 30,
    })
    expect(pendingIn(record, 'j', 'totp', NOW)?.delay).to.deep.equal({ failures: 0 })
    expect(record.throttle).to.equal(fresh.throttle)
  })
})

describe('a factor that is bound', () => {
  it('R20 raises the epoch and ends what was begun before', () => {
    const before = ask(begin(proveOwner(fresh, 'j', NOW), 'j'), 'j', 'mail')
    const { record } = enrol(before)
    expect(record).to.deep.include({ epoch: 2, pending: [], challenges: [] })
    expect(record.history.ownerProofs).to.deep.equal([])
  })

  it('lets its own interaction pass, under the new epoch', () => {
    const { record, accepted } = enrol()
    expect(record.accepted).to.deep.equal([accepted])
    expect(accepted).to.include({ interaction: 'interaction-1', epoch: 2, at: NOW })
  })

  it('is in the record with its look-up secrets, and was used just now', () => {
    const { record } = enrol()
    expect(isEnrolled(record)).to.equal(true)
    expect(record.authenticators.map(({ id, lastUsedAt }) => [id, lastUsedAt])).to.deep.equal([
      ['phone', NOW],
      ['codes', undefined],
    ])
  })

  it('R1 begins with a clean count, without ending a suspicion on the password', () => {
    const throttle = {
      failedAt: [NOW],
      codesDisabledAt: NOW,
      passwordSuspectedAt: NOW,
      unknownBrowsers: { failures: 10, until: NOW + 960 },
    }
    expect(enrol({ ...fresh, throttle }).record.throttle).to.deep.equal({
      failedAt: [],
      passwordSuspectedAt: NOW,
      unknownBrowsers: { failures: 0 },
    })
  })

  it('R10 is remembered with the moment it came first', () => {
    const once = enrol().record
    const again = enrol(once, { now: NOW + HOUR }).record
    expect(again.history).to.include({ firstEnrolledAt: NOW, firstSignInAt: NOW })
  })

  it('makes events of everything that came with it', () => {
    const { events } = enrol()
    expect(events).to.deep.equal([
      {
        type: 'factor-enrolled',
        detail: {
          clientId: 'app',
          factor: 'totp',
          authenticatorId: 'phone',
          authenticatorName: 'Phone',
          browser: 'unknown',
        },
      },
      {
        type: 'backup-codes-created',
        detail: { clientId: 'app', factor: 'totp', authenticatorId: 'codes' },
      },
      { type: 'epoch-raised', detail: { epoch: 2, reason: 'factor-enrolled' } },
    ])
  })
})

describe('a factor that is added beside one that lasts', () => {
  const stranger = {
    tokenHash: 'x',
    since: NOW,
    lastSeenAt: NOW,
    delay: { failures: 0 },
    failures: 0,
  }
  /** An account with a sign-in, a set-up, a mailed code and a proof of another interaction. */
  const inUse = (): MfaRecord => {
    const elsewhere = pass(enrolled(), acceptance({ interaction: 'j' })).record
    const begun = begin(begin(elsewhere, 'j'), 'interaction-1')
    const asked = ask(ask(begun, 'j', 'mail'), 'interaction-1', 'mail')
    const proof = { purpose: 'email', secretHash: 'h', at: NOW, factor: 'totp', epoch: 1 }
    return endAccess({ ...asked, browsers: [stranger], proofs: [proof] }, 'app')
  }
  const bind = (record: MfaRecord, binding: Binding = { isBesideOther: true }) =>
    settleEnrolled(
      record,
      acceptance({ authenticator: authenticator({ id: 'new' }) }),
      [{ authenticator: authenticator({ id: 'codes' }), told: [] }],
      binding,
    )

  it('R20 keeps the epoch, and with it everything that other browsers have begun', () => {
    const before = inUse()
    const { record, accepted, events } = bind(before)
    expect(record.epoch).to.equal(before.epoch)
    expect(record.accessEnded).to.deep.equal(before.accessEnded)
    expect(record.proofs).to.deep.equal(before.proofs)
    expect(record.accepted).to.deep.equal([...before.accepted, accepted])
    expect(record.browsers.map(({ tokenHash }) => tokenHash)).to.deep.equal(['x', 'new-browser'])
    expect(record.authenticators.map(({ id }) => id)).to.deep.equal(['phone', 'new', 'codes'])
    expect(events.map(({ type }) => type)).to.deep.equal(['factor-enrolled'])
  })

  it('R11 is over in its own interaction, whose proof is spent, and in no other one', () => {
    const { record, accepted } = bind(inUse())
    expect(record.pending.map(({ interaction }) => interaction)).to.deep.equal(['j'])
    expect(record.challenges.map(({ interaction }) => interaction)).to.deep.equal(['j'])
    expect(accepted).to.include({ interaction: 'interaction-1', epoch: 1 })
    expect(accepted.spentOn).to.equal(accepted.fingerprint)
  })

  it('R20 raises the epoch where it is the first factor, a replacement or one after a recovery', () => {
    const before = inUse()
    const raised = [
      bind(before, { isBesideOther: true, replaced: authenticator() }),
      bind({ ...before, authenticators: [] }),
      bind(before, {}),
      settleRecovered(before, acceptance({ authenticator: authenticator({ id: 'new' }) }), []),
    ]
    for (const { record, accepted, events } of raised) {
      expect(record).to.deep.include({ epoch: 2, pending: [], challenges: [], proofs: [] })
      expect(record).to.deep.include({ accepted: [accepted], accessEnded: [] })
      expect(record.browsers.map(({ tokenHash }) => tokenHash)).to.deep.equal(['new-browser'])
      expect(events.at(-1)?.type).to.be.oneOf(['epoch-raised', 'recovery-completed'])
    }
  })

  it('R20 ends nothing of another interaction, for any sum of sign-ins, set-ups and codes', () => {
    const interactions = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 4 })
    fc.assert(
      fc.property(interactions, interactions, interactions, (signIns, setUps, codes) => {
        const passed = signIns.reduce(
          (record, interaction) => pass(record, acceptance({ interaction })).record,
          enrolled(),
        )
        const begun = setUps.reduce((record, interaction) => begin(record, interaction), passed)
        const before = codes.reduce((record, each) => ask(record, each, 'mail'), begun)
        const { record } = settleEnrolled(
          before,
          acceptance({ interaction: 'a', authenticator: authenticator({ id: 'new' }) }),
          [],
          { isBesideOther: true },
        )
        const others = (open: readonly { readonly interaction: string }[]) =>
          open.filter(({ interaction }) => interaction !== 'a')
        expect(record.epoch).to.equal(before.epoch)
        expect(others(record.accepted)).to.deep.equal(others(before.accepted))
        expect(record.pending).to.deep.equal(others(before.pending))
        expect(record.challenges).to.deep.equal(others(before.challenges))
      }),
    )
  })
})

describe('a raised epoch', () => {
  it('R20 ends pending sign-ins, enrolments, proofs and challenges, and keeps the factors', () => {
    const passed = enrol(ask(begin(fresh, 'i'), 'i', 'mail')).record
    const before = proveOwner(ask(begin(passed, 'j'), 'j', 'mail'), 'k', NOW)
    const { record, events } = raiseEpoch(before, 'password-changed')
    expect(record).to.deep.include({ epoch: 3, pending: [], challenges: [], accepted: [] })
    expect(record.history.ownerProofs).to.deep.equal([])
    expect(record.authenticators).to.equal(before.authenticators)
    expect(events).to.deep.equal([
      { type: 'epoch-raised', detail: { epoch: 3, reason: 'password-changed' } },
    ])
  })

  it('R20 says that a password was changed', () => {
    expect(settlePasswordChanged(enrolled(), 2).events).to.deep.equal([
      { type: 'epoch-raised', detail: { epoch: 3, reason: 'password-changed' } },
    ])
  })

  it('R20 is higher than every earlier one of the account', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1_000_000 }), (epoch) => {
        expect(raiseEpoch({ ...fresh, epoch }, 'theft').record.epoch).to.be.greaterThan(epoch)
      }),
    )
  })
})

describe('a reset', () => {
  const before = enrolled(enrol().record, ['laptop'])
  const { record, events } = resetFactors(before, NOW + HOUR)

  it('R20 leaves no factor and no known browser, under a new epoch', () => {
    expect(record).to.deep.include({ authenticators: [], browsers: [], epoch: before.epoch + 1 })
  })

  it('R10 keeps the history, so that the password alone enrols nothing', () => {
    expect(record.history).to.deep.equal({
      firstSignInAt: NOW,
      lastSignInAt: NOW,
      firstEnrolledAt: NOW,
      resetAt: NOW + HOUR,
      ownerProofs: [],
      deliveredAt: [],
    })
    expect(isFirstSignIn(record)).to.equal(false)
  })

  it('makes events, with the reason for the new epoch', () => {
    expect(events).to.deep.equal([
      { type: 'reset', detail: {} },
      { type: 'epoch-raised', detail: { epoch: record.epoch, reason: 'reset' } },
    ])
  })
})
