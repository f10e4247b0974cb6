import { expect } from 'chai'
import { EVENT_TYPES } from '../../src/domain/events.ts'
import { isEnrolled, isFirstSignIn } from '../../src/domain/enrolment.ts'
import { UNKNOWN_BROWSER } from '../../src/domain/known-browser.ts'
import { newRecord } from '../../src/domain/mfa-record.ts'
import { gate } from '../../src/domain/throttle.ts'
import { NOW } from './records.ts'

describe('the record that an account begins with', () => {
  it('has no factor, no history and no failures', () => {
    const record = newRecord('mira')
    expect(record).to.deep.equal({
      schema: 1,
      accountId: 'mira',
      epoch: 1,
      authenticators: [],
      pending: [],
      challenges: [],
      throttle: { failedAt: [], unknownBrowsers: { failures: 0 } },
      browsers: [],
      accepted: [],
      history: { ownerProofs: [], deliveredAt: [] },
      events: [],
    })
    expect(isEnrolled(record)).to.equal(false)
    expect(isFirstSignIn(record)).to.equal(true)
    expect(gate(record, UNKNOWN_BROWSER, true, NOW)).to.deep.equal({ open: true })
  })

  it('survives storage as JSON', () => {
    const record = newRecord('mira')
    expect(JSON.parse(JSON.stringify(record))).to.deep.equal(record)
  })
})

describe('the names of events', () => {
  it('are unique', () => {
    expect(new Set(EVENT_TYPES).size).to.equal(EVENT_TYPES.length)
  })
})
