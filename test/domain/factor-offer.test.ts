import { expect } from 'chai'
import {
  answerOffer,
  mayBeMadeSilently,
  mayBeOffered,
  NOT_NOW_SECONDS,
  putOffRemoved,
  settleSilent,
} from '../../src/domain/factor-offer.ts'
import { UNKNOWN_BROWSER } from '../../src/domain/known-browser.ts'
import { newRecord, type MfaRecord } from '../../src/domain/mfa-record.ts'
import { DAY_SECONDS } from '../../src/domain/time.ts'
import { authenticator, enrolled, NOW } from './records.ts'

const KEY = { id: 'key', guessable: false, most: 20 }
const isOffered = (record: MfaRecord, now = NOW, factor: typeof KEY = KEY): boolean =>
  mayBeOffered(record, factor, now)

describe('the offer of a factor', () => {
  it('is for a person who has other factors and none of this one', () => {
    expect(isOffered(enrolled())).to.equal(true)
    expect(isOffered(newRecord('mira'))).to.equal(false)
    const both = [authenticator(), authenticator({ id: 'key-1', factor: 'key' })]
    expect(isOffered(enrolled({ authenticators: both }))).to.equal(false)
    expect(isOffered(enrolled(), NOW, { ...KEY, most: 0 })).to.equal(false)
  })

  it('waits while the account is locked or in recovery', () => {
    const recovery = { startedAt: NOW, opensAt: NOW + 60, endsAt: NOW + 120 }
    expect(isOffered(enrolled({ recovery }))).to.equal(false)
    expect(isOffered(enrolled({ frozenAt: NOW }))).to.equal(false)
  })

  it('is put off for 30 days by “Not now”, and by a set-up that was begun', () => {
    for (const answer of ['not-now', 'set-up'] as const) {
      const record = answerOffer(enrolled(), { factor: 'key', answer }, NOW)
      expect(isOffered(record, NOW + 30 * DAY_SECONDS - 1), answer).to.equal(false)
      expect(isOffered(record, NOW + 30 * DAY_SECONDS), answer).to.equal(true)
    }
  })

  it('does not wait longer because the clock was ahead once', () => {
    const record = answerOffer(enrolled(), { factor: 'key', answer: 'not-now' }, NOW)
    expect(isOffered(record, NOW - NOT_NOW_SECONDS)).to.equal(false)
    expect(isOffered(record, NOW - NOT_NOW_SECONDS - 1)).to.equal(true)
  })

  it('never comes again after “Don’t ask again”, and other factors are offered all the same', () => {
    const record = answerOffer(enrolled(), { factor: 'key', answer: 'never' }, NOW)
    expect(isOffered(record, NOW + 9999 * DAY_SECONDS)).to.equal(false)
    expect(isOffered(record, NOW, { ...KEY, id: 'another' })).to.equal(true)
  })

  it('keeps one answer for each factor, the last one', () => {
    const never = answerOffer(enrolled(), { factor: 'key', answer: 'never' }, NOW)
    const other = answerOffer(never, { factor: 'other', answer: 'never' }, NOW)
    const again = answerOffer(other, { factor: 'key', answer: 'not-now' }, NOW)
    expect(again.offers).to.deep.equal([
      { factor: 'other' },
      { factor: 'key', until: NOW + NOT_NOW_SECONDS },
    ])
  })
})

describe('an authenticator that a browser makes without asking', () => {
  const proof = {
    interaction: 'here',
    fingerprint: 'code',
    factor: 'totp',
    authenticatorId: 'phone',
    assurance: { amr: ['otp'], kinds: ['possession'], phishingResistant: false },
    at: NOW,
    epoch: 1,
  } as const
  const proved = (changed: Partial<MfaRecord> = {}) =>
    enrolled({ epoch: 1, accepted: [proof], ...changed })
  const HERE = { interaction: 'here', epoch: 1, isAddOpen: true, isBesideOther: true }
  const isOpen = (record: MfaRecord, place = {}, now = NOW): boolean =>
    mayBeMadeSilently(record, KEY, { ...HERE, ...place }, now)
  const trust = {
    id: 'trust',
    tokenHash: 'token',
    previous: [],
    epoch: 1,
    since: NOW,
    lastUsedAt: NOW,
    until: NOW + 60,
  }

  it('R11 R20 needs the fresh proof of this sign-in, unspent and of this epoch', () => {
    expect(isOpen(proved())).to.equal(true)
    expect(isOpen(proved({ accepted: [] }))).to.equal(false)
    expect(isOpen(proved(), { interaction: 'elsewhere' })).to.equal(false)
    expect(isOpen(proved(), { epoch: 2 })).to.equal(false)
    expect(isOpen(proved({ epoch: 2 }))).to.equal(false)
    expect(isOpen(proved(), {}, NOW + 600)).to.equal(false)
    expect(isOpen(proved({ accepted: [{ ...proof, spentOn: 'a change' }] }))).to.equal(false)
    expect(isOpen(proved({ accepted: [{ ...proof, isPart: true }] }))).to.equal(false)
  })

  it('needs an account that takes a factor now, and has one that lasts', () => {
    expect(isOpen(proved(), { isAddOpen: false })).to.equal(false)
    expect(isOpen(proved(), { isBesideOther: false })).to.equal(false)
    const both = [authenticator(), authenticator({ id: 'key-1', factor: 'key' })]
    expect(isOpen(proved({ authenticators: both }))).to.equal(false)
    expect(isOpen(proved({ frozenAt: NOW }))).to.equal(false)
  })

  it('is never made once the person has answered the offer, or has removed one', () => {
    for (const answer of ['not-now', 'set-up', 'never'] as const) {
      const offers = answerOffer(
        enrolled(),
        { factor: 'key', answer },
        NOW - NOT_NOW_SECONDS,
      ).offers!
      expect(isOpen(proved({ offers })), answer).to.equal(false)
    }
    const { offers } = putOffRemoved(enrolled(), 'key', NOW)
    expect(offers).to.deep.equal([{ factor: 'key', until: NOW + NOT_NOW_SECONDS }])
    expect(isOpen(proved({ offers: [{ factor: 'other' }] }))).to.equal(true)
  })

  it('is not made while the person sets one up in another tab', () => {
    const open = { interaction: 'elsewhere', factor: 'key', sealed: '', delay: { failures: 0 } }
    const until = (expiresAt: number) => proved({ pending: [{ ...open, expiresAt }] })
    expect(isOpen(until(NOW + 1))).to.equal(false)
    expect(isOpen(until(NOW))).to.equal(true)
  })

  it('R14 is not made while the account trusts a browser, because that trust would end', () => {
    expect(isOpen(proved({ trustedBrowsers: [trust] }))).to.equal(false)
    expect(isOpen(proved({ trustedBrowsers: [{ ...trust, until: NOW }] }))).to.equal(true)
  })

  it('R20 is bound beside the others: no epoch rises, and the proof of the sign-in stays as it was', () => {
    const before = proved()
    const made = authenticator({ id: 'key-1', factor: 'key', name: 'Store' })
    const detail = { clientId: 'app' }
    const { record, events } = settleSilent(before, made, {
      browser: UNKNOWN_BROWSER,
      now: NOW,
      detail,
    })
    expect(record.authenticators).to.deep.equal([
      ...before.authenticators,
      { ...made, lastUsedAt: NOW },
    ])
    expect(record.offers).to.deep.equal([{ factor: 'key' }])
    expect({ ...record, authenticators: [], offers: [] }).to.deep.equal({
      ...before,
      authenticators: [],
      offers: [],
    })
    const about = { clientId: 'app', factor: 'key', authenticatorId: 'key-1', browser: 'unknown' }
    expect(events).to.deep.equal([
      {
        type: 'factor-enrolled',
        detail: { ...about, authenticatorName: 'Store', reason: 'silent' },
      },
    ])
    const nameless = settleSilent(
      before,
      { ...made, name: '' },
      {
        browser: UNKNOWN_BROWSER,
        now: NOW,
        detail,
      },
    )
    expect(nameless.events[0]?.detail).to.deep.equal({ ...about, reason: 'silent' })
  })

  it('is put off by a removal only where the offer had no answer', () => {
    const never = answerOffer(enrolled(), { factor: 'key', answer: 'never' }, NOW)
    expect(putOffRemoved(never, 'key', NOW)).to.equal(never)
  })
})
