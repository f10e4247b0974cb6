import { expect } from 'chai'
import { isCurrent, PENDING_SECONDS } from '../../src/domain/first-factor.ts'
import { NOW } from './records.ts'

describe('a pending first factor', () => {
  const pending = { accountId: 'mira', amr: ['pwd'], ts: NOW, epoch: 3 }

  it('waits ten minutes for the second factor, to the second', () => {
    expect(PENDING_SECONDS).to.equal(600)
    const current = [0, 599, 600].map((later) => isCurrent(pending, 3, NOW + later))
    expect(current).to.deep.equal([true, true, false])
  })

  it('R20 is dead under any other epoch', () => {
    expect([2, 3, 4].map((epoch) => isCurrent(pending, epoch, NOW))).to.deep.equal([
      false,
      true,
      false,
    ])
  })

  it('does not live longer by coming from the future', () => {
    expect(isCurrent({ ...pending, ts: NOW + 1 }, 3, NOW)).to.equal(false)
  })
})
