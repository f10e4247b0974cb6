import { expect } from 'chai'
import { isRecent, provedAtIn, RECENT_SECONDS } from '../../src/domain/freshness.ts'

describe('the freshness of a session', () => {
  it('R11 counts the last second factor of an account that has one, never the first factor', () => {
    const enrolled = { enrolled: true, signedInAt: 900 }
    expect(provedAtIn({ ...enrolled, factorAt: 950 })).to.equal(950)
    expect(provedAtIn(enrolled)).to.equal(undefined)
  })

  it('counts the first factor of an account without a second one', () => {
    expect(provedAtIn({ enrolled: false, factorAt: 950, signedInAt: 900 })).to.equal(900)
  })

  it('R11 lasts five minutes, and there is none without a proof', () => {
    expect(RECENT_SECONDS).to.equal(300)
    expect(isRecent(1000, 1299)).to.equal(true)
    expect(isRecent(1000, 1300)).to.equal(false)
    expect(isRecent(undefined, 1000)).to.equal(false)
  })

  it('R11 is none where the clock was set back behind the proof', () => {
    expect(isRecent(1030, 1000)).to.equal(true)
    expect(isRecent(1031, 1000)).to.equal(false)
  })
})
