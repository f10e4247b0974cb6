import { expect } from 'chai'
import { answerOffer, mayBeOffered, NOT_NOW_SECONDS } from '../../src/domain/factor-offer.ts'
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
