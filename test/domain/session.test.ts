import { expect } from 'chai'
import { MULTI_FACTOR_ACR, PASSWORD_ACR } from '../../src/domain/policy/levels.ts'
import { isLive, levelWithoutEpoch, SESSION_SECONDS } from '../../src/domain/session.ts'
import { NOW } from './records.ts'

describe('a stored session', () => {
  it('R20 is valid in the epoch in which it was made, not in a later or an earlier one', () => {
    const live = [undefined, 1, 2, 3].map((epoch) =>
      isLive({ epoch, signedInAt: NOW }, 2, SESSION_SECONDS, NOW),
    )
    expect(live).to.deep.equal([false, false, true, false])
  })

  it('R15 ends a day after the sign-in, to the second', () => {
    const state = { epoch: 1, signedInAt: NOW }
    const live = [0, 86_399, 86_400].map((later) => isLive(state, 1, SESSION_SECONDS, NOW + later))
    expect(live).to.deep.equal([true, true, false])
  })

  it('R15 has ended if the time of its sign-in is unknown', () => {
    expect(isLive({ epoch: 1, signedInAt: undefined }, 1, SESSION_SECONDS, NOW)).to.equal(false)
  })
})

describe('the level of a session without an epoch', () => {
  it('is that of a password if it has no acr', () => {
    expect(levelWithoutEpoch(undefined, [])).to.equal(PASSWORD_ACR)
    expect(levelWithoutEpoch(undefined, ['pwd', 'otp'])).to.equal(PASSWORD_ACR)
  })

  it('R26 is the second level only if two kinds of factor were proved', () => {
    const levels = [[], ['pwd'], ['pwd', 'mfa'], ['pwd', 'pin'], ['pwd', 'otp']].map((amr) =>
      levelWithoutEpoch(MULTI_FACTOR_ACR, amr),
    )
    expect(levels.map((level) => level === MULTI_FACTOR_ACR)).to.deep.equal([
      false,
      false,
      false,
      false,
      true,
    ])
    expect(levels.slice(0, 4)).to.deep.equal(Array(4).fill(PASSWORD_ACR))
  })

  it("is the application's own where it says one", () => {
    expect(levelWithoutEpoch('urn:host:gold', [])).to.equal('urn:host:gold')
    expect(levelWithoutEpoch(PASSWORD_ACR, ['pwd', 'otp'])).to.equal(PASSWORD_ACR)
  })
})
