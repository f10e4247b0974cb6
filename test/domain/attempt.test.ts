import { expect } from 'chai'
import type { FactorEventType } from '../../src/domain/events.ts'
import fc from 'fast-check'
import {
  acceptedIn,
  isChallengeSpent,
  repeatOf,
  settleAccepted,
  settleCompleted,
  settleRefused,
} from '../../src/domain/attempt.ts'
import { unspentProof } from '../../src/domain/factor-change.ts'
import { openChallenge, raiseEpoch } from '../../src/domain/enrolment.ts'
import { UNKNOWN_BROWSER } from '../../src/domain/known-browser.ts'
import { charge } from '../../src/domain/throttle.ts'
import { acceptance, authenticator, browserOf, enrolled, NOW } from './records.ts'

describe('an accepted proof', () => {
  it('moves its authenticator on and leaves the others', () => {
    const tablet = authenticator({ id: 'tablet' })
    const before = enrolled({ authenticators: [authenticator(), tablet] })
    const { record } = settleAccepted(before, acceptance())
    expect(record.authenticators).to.deep.equal([
      authenticator({ sealed: 'spent', lastUsedAt: NOW }),
      tablet,
    ])
  })

  it('R28 spends its challenge in its interaction, while what it proved counts', () => {
    const { record } = settleAccepted(enrolled(), acceptance({ challenge: 'asked' }))
    expect(isChallengeSpent(record, 'interaction-1', 'asked', NOW)).to.equal(true)
    expect(isChallengeSpent(record, 'interaction-1', 'another', NOW)).to.equal(false)
    expect(isChallengeSpent(record, 'interaction-2', 'asked', NOW)).to.equal(false)
    expect(isChallengeSpent(enrolled(), 'interaction-1', 'asked', NOW)).to.equal(false)
  })

  it('R4 makes the browser known', () => {
    const { record } = settleAccepted(enrolled(), acceptance())
    expect(browserOf(record, 'new-browser').kind).to.equal('known')
  })

  it('R12 makes no browser known and is no first sign-in before the last factor', () => {
    const proof = { purpose: 'address', secretHash: 'hash' }
    for (const asked of [undefined, 'change', proof] as const) {
      const given = asked === undefined ? {} : { asked }
      const { record, accepted } = settleAccepted(
        enrolled(),
        acceptance({ ...given, isLast: false }),
      )
      expect(browserOf(record, 'new-browser').kind).to.equal('unknown')
      expect(record.history).to.deep.equal(enrolled().history)
      expect(record.proofs).to.deep.equal(enrolled().proofs)
      expect(accepted.spentOn).to.equal(undefined)
      expect(unspentProof(record, accepted.interaction, NOW)).to.equal(undefined)
    }
  })

  it('spends what was asked for in its interaction, and in no other', () => {
    const ask = (interaction: string) => ({ interaction, purpose: 'key', sealed: 'challenge' })
    const one = openChallenge(enrolled(), ask('interaction-1'), NOW).record
    const both = openChallenge(one, ask('interaction-2'), NOW).record
    const { record } = settleAccepted(both, acceptance())
    expect(record.challenges.map(({ interaction }) => interaction)).to.deep.equal(['interaction-2'])
  })

  it('remembers the first sign-in ever and no later one', () => {
    const first = settleAccepted(enrolled(), acceptance())
    const second = settleAccepted(first.record, acceptance({ now: NOW + 60 }))
    expect(second.record.history.firstSignInAt).to.equal(NOW)
  })

  it('makes an event with the factor and the browser, and the event of the factor itself', () => {
    const events = (given: Parameters<typeof acceptance>[0]) =>
      settleAccepted(enrolled(), acceptance(given)).events
    const detail = {
      clientId: 'app',
      factor: 'totp',
      authenticatorId: 'phone',
      authenticatorName: 'Phone',
      browser: 'unknown',
    }
    expect(events({})).to.deep.equal([{ type: 'factor-accepted', detail }])
    expect(
      events({ told: [{ type: 'backup-code-used' as FactorEventType }], remaining: 2 }),
    ).to.deep.equal([
      { type: 'factor-accepted', detail: { ...detail, remaining: 2 } },
      { type: 'backup-code-used', detail: { ...detail, remaining: 2 } },
    ])
  })

  it('answers with what it has kept for its interaction', () => {
    const { record, accepted } = settleAccepted(enrolled(), acceptance({ remaining: 2 }))
    expect(record.accepted).to.deep.equal([accepted])
    expect(accepted).to.deep.include({
      interaction: 'interaction-1',
      factor: 'totp',
      authenticatorId: 'phone',
      at: NOW,
      epoch: 1,
      remaining: 2,
    })
  })

  it('has no member for what there was not', () => {
    const { accepted } = settleAccepted(enrolled(), acceptance())
    expect(accepted).not.to.have.any.keys('remaining', 'challenge', 'spentOn')
  })

  it('R11 is kept for the change that was asked for, however many sign-ins happen beside it', () => {
    const { record } = settleAccepted(
      enrolled(),
      acceptance({ interaction: 'change', asked: 'change' }),
    )
    const others = Array.from({ length: 40 }, (_, i) => `sign-in-${i}`)
    const later = others.reduce(
      (before, interaction) => settleAccepted(before, acceptance({ interaction })).record,
      record,
    )
    expect(unspentProof(later, 'change', NOW)).to.deep.include({ interaction: 'change' })
  })

  it('is kept for the sign-ins and the changes that passed last, 32 of each', () => {
    const of = (kind: 'sign-in' | 'change') =>
      Array.from({ length: 33 }, (_, nth) => ({
        interaction: `${kind}-${nth}`,
        ...(kind === 'change' ? { asked: kind } : {}),
      }))
    const [signIns, changes] = [of('sign-in'), of('change')]
    const record = [...signIns, ...changes].reduce(
      (before, one) => settleAccepted(before, acceptance(one)).record,
      enrolled(),
    )
    expect(record.accepted.map(({ interaction }) => interaction)).to.deep.equal(
      [...signIns.slice(1), ...changes.slice(1)].map(({ interaction }) => interaction),
    )
  })

  it('is kept for the 32 interactions that passed last, each once', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 40 }).map(String), { maxLength: 120, size: 'max' }),
        (interactions) => {
          const record = interactions.reduce(
            (before, interaction) => settleAccepted(before, acceptance({ interaction })).record,
            enrolled(),
          )
          const last = [...new Set(interactions.toReversed())].slice(0, 32)
          expect(record.accepted.map(({ interaction }) => interaction).toReversed()).to.deep.equal(
            last,
          )
        },
      ),
    )
  })

  it('of an interaction that is over is forgotten at the next one', () => {
    const { record } = settleAccepted(enrolled(), acceptance())
    const later = settleAccepted(record, acceptance({ interaction: 'b', now: NOW + 600 }))
    expect(later.record.accepted.map(({ interaction }) => interaction)).to.deep.equal(['b'])
  })
})

describe('a double tap', () => {
  const { record, accepted } = settleAccepted(enrolled(), acceptance())

  it('R38 gets the first answer again', () => {
    expect(repeatOf(record, 'interaction-1', 'fingerprint-1', NOW)).to.equal(accepted)
  })

  it('R38 is not recognised in another interaction, where the same code is a replay', () => {
    expect(repeatOf(record, 'interaction-2', 'fingerprint-1', NOW)).to.equal(undefined)
  })

  it('R38 is not recognised with another code', () => {
    expect(repeatOf(record, 'interaction-1', 'fingerprint-2', NOW)).to.equal(undefined)
    expect(acceptedIn(record, 'interaction-1', NOW)).to.equal(accepted)
  })

  it('R38 R20 is not recognised after the epoch was raised, although the same entry is there', () => {
    const raised = raiseEpoch(record, 'password-changed').record
    const restored = { ...raised, accepted: record.accepted }
    expect(repeatOf(restored, 'interaction-1', 'fingerprint-1', NOW)).to.equal(undefined)
    expect(raised.accepted).to.deep.equal([])
  })

  it('R38 counts while the first factor waits: ten minutes', () => {
    const answers = [599, 600].map((later) =>
      repeatOf(record, 'interaction-1', 'fingerprint-1', NOW + later),
    )
    expect(answers).to.deep.equal([accepted, undefined])
  })
})

describe('a refused response', () => {
  const refuse = (record = enrolled(), reason: 'wrong' | 'replayed' | 'late' = 'wrong') =>
    settleRefused(record, {
      factor: 'totp',
      guessable: true,
      reason,
      browser: UNKNOWN_BROWSER,
      now: NOW,
      detail: { clientId: 'app' },
    })

  it('R31 makes an event with the reason, for the audit alone', () => {
    for (const reason of ['wrong', 'replayed', 'late'] as const)
      expect(refuse(enrolled(), reason).events).to.deep.equal([
        {
          type: 'factor-refused',
          detail: { clientId: 'app', factor: 'totp', browser: 'unknown', reason },
        },
      ])
  })

  it('R29 adds the words of the factor, with the authenticator that they are about', () => {
    const phone = authenticator()
    const type = 'key-copied' as FactorEventType
    const { events } = settleRefused(enrolled(), {
      factor: 'totp',
      guessable: false,
      reason: 'replayed',
      browser: UNKNOWN_BROWSER,
      now: NOW,
      detail: { clientId: 'app' },
      told: { authenticator: phone, words: [{ type, detail: { reason: 'counter' } }] },
    })
    expect(events.map((event) => event.type)).to.deep.equal(['factor-refused', type])
    expect(events[1]!.detail).to.deep.equal({
      clientId: 'app',
      factor: 'totp',
      authenticatorId: phone.id,
      authenticatorName: phone.name,
      browser: 'unknown',
      reason: 'counter',
    })
  })

  it('R1 counts whatever the reason was', () => {
    const counts = (['wrong', 'replayed', 'late'] as const).map(
      (reason) => refuse(enrolled(), reason).record.throttle.failedAt,
    )
    expect(counts).to.deep.equal([[NOW], [NOW], [NOW]])
  })

  it('makes an event at each threshold', () => {
    const failedAt = Array.from({ length: 99 }, () => NOW)
    const throttle = { failedAt, unknownBrowsers: { failures: 9 } }
    const detail = { clientId: 'app', factor: 'totp', browser: 'unknown' }
    expect(refuse(enrolled({ throttle })).events.slice(1)).to.deep.equal([
      { type: 'locked', detail: { ...detail, until: NOW + 960 } },
      { type: 'codes-disabled', detail },
      { type: 'password-suspected', detail },
    ])
  })

  it('R4 makes an event for a browser that is not known any more', () => {
    let record = enrolled({}, ['laptop'])
    for (let n = 0; n < 9; n += 1) record = charge(record, browserOf(record, 'laptop'), NOW).record
    const { events } = settleRefused(record, {
      factor: 'totp',
      guessable: true,
      reason: 'wrong',
      now: NOW,
      detail: {},
      browser: browserOf(record, 'laptop'),
    })
    expect(events.map(({ type }) => type)).to.deep.equal(['factor-refused', 'browser-forgotten'])
  })
})

describe('a sign-in that needs no second factor', () => {
  it('makes the browser known and is remembered as the first', () => {
    const record = settleCompleted(enrolled(), 'laptop', { now: NOW, detail: {} })
    expect(browserOf(record, 'laptop').kind).to.equal('known')
    expect(record.history.lastSignInAt).to.equal(NOW)
    const later = settleCompleted(record, 'phone', { now: NOW + 60, detail: {} })
    expect(later.history.lastSignInAt).to.equal(NOW + 60)
    expect(later.history.firstSignInAt).to.equal(NOW)
  })
})
