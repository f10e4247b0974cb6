import { expect } from 'chai'
import {
  begunWith,
  isCurrent,
  isEarlierThan,
  PENDING_SECONDS,
} from '../../src/domain/first-factor.ts'
import { CLOCK_SKEW_SECONDS } from '../../src/domain/time.ts'
import { NOW } from './records.ts'

describe('a pending first factor', () => {
  const pending = { accountId: 'mira', amr: ['pwd'], ts: NOW - 3600, answeredAt: NOW, epoch: 3 }

  it('waits ten minutes for the second factor, to the second', () => {
    expect(PENDING_SECONDS).to.equal(600)
    const current = [0, 599, 600].map((later) => isCurrent(pending, 3, NOW + later))
    expect(current).to.deep.equal([true, true, false])
  })

  it('waits longer while a set-up or an accepted second factor holds it, to the second', () => {
    const heldUntil = NOW + 2_400
    const current = [599, 2_399, 2_400].map((later) =>
      isCurrent(pending, 3, NOW + later, heldUntil),
    )
    expect(current).to.deep.equal([true, true, false])
    expect(isCurrent(pending, 3, NOW + 599, NOW + 60)).to.equal(true)
    expect(isCurrent(pending, 4, NOW + 700, heldUntil)).to.equal(false)
  })

  it('R20 is void in any other epoch', () => {
    expect([2, 3, 4].map((epoch) => isCurrent(pending, epoch, NOW))).to.deep.equal([
      false,
      true,
      false,
    ])
  })

  it('may come from a node whose clock is a little ahead, and no further', () => {
    const from = (ahead: number) => isCurrent({ ...pending, answeredAt: NOW + ahead }, 3, NOW)
    expect([1, CLOCK_SKEW_SECONDS, CLOCK_SKEW_SECONDS + 1].map(from)).to.deep.equal([
      true,
      true,
      false,
    ])
  })
})

describe('a first factor that was proved before its authorization began', () => {
  it('is one of more than the difference that clocks may have', () => {
    const isEarlier = (before: number) => isEarlierThan(NOW, NOW - before)
    expect([0, CLOCK_SKEW_SECONDS, CLOCK_SKEW_SECONDS + 1].map(isEarlier)).to.deep.equal([
      false,
      false,
      true,
    ])
    expect(isEarlierThan(undefined, 0)).to.equal(false)
    expect(isEarlierThan(NOW, undefined)).to.equal(false)
  })

  it('R25 is not one of those that were given for the request', () => {
    const given = { ts: NOW - 7200, answeredAt: NOW }
    expect(begunWith(given)).to.equal(NOW - 7200)
    expect(begunWith({ ...given, isEarlier: true })).to.equal(NOW)
  })
})
