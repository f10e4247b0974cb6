import { expect } from 'chai'
import { isWaiting } from '../../src/domain/time.ts'

describe('a wait', () => {
  const NOW = 1_800_000_000

  it('lasts until its end', () => {
    expect(isWaiting(NOW + 1, NOW, 60)).to.equal(true)
    expect(isWaiting(NOW, NOW, 60)).to.equal(false)
  })

  it('is over where its end is further away than twice the longest that its rule can set', () => {
    expect(isWaiting(NOW + 120, NOW, 60)).to.equal(true)
    expect(isWaiting(NOW + 121, NOW, 60)).to.equal(false)
  })

  it('without an end lasts', () => {
    expect(isWaiting(Infinity, NOW, Infinity)).to.equal(true)
  })
})
