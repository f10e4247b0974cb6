import { expect } from 'chai'
import { isLive, SESSION_SECONDS } from '../../src/domain/session.ts'
import { NOW } from './records.ts'

describe('a stored session', () => {
  it('R20 counts under the very epoch it was made under, not a later or an earlier one', () => {
    const live = [undefined, 1, 2, 3].map((epoch) =>
      isLive({ epoch, loginTs: NOW }, 2, SESSION_SECONDS, NOW),
    )
    expect(live).to.deep.equal([false, false, true, false])
  })

  it('R15 ends a day after the sign-in, to the second', () => {
    const state = { epoch: 1, loginTs: NOW }
    const live = [0, 86_399, 86_400].map((later) => isLive(state, 1, SESSION_SECONDS, NOW + later))
    expect(live).to.deep.equal([true, true, false])
  })

  it('R15 is over when nobody knows when it began', () => {
    expect(isLive({ epoch: 1, loginTs: undefined }, 1, SESSION_SECONDS, NOW)).to.equal(false)
  })
})
