import { expect } from 'chai'
import { systemClock, systemRandom } from '../../../src/adapters/crypto/index.ts'

describe('the system services', () => {
  it('give whole seconds since the Unix epoch', () => {
    const before = Math.floor(Date.now() / 1000)
    const now = systemClock.now()
    expect(Number.isSafeInteger(now)).to.equal(true)
    expect(now).to.be.within(before, Math.floor(Date.now() / 1000))
  })

  it('R7 give as many random bytes as are asked for, new ones each time', () => {
    const drawn = Array.from({ length: 100 }, () => systemRandom.bytes(20))
    expect(drawn.every(({ length }) => length === 20)).to.equal(true)
    expect(new Set(drawn.map((bytes) => Buffer.from(bytes).toString('hex')))).to.have.property(
      'size',
      100,
    )
  })
})
