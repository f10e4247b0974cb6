import { expect } from 'chai'
import { firstSpent, isUnspent, spend, type Spent } from '../../../src/factors/totp/spent.ts'

describe('the spent steps of an authenticator', () => {
  it('R5 count up to the last one, unless the clock was set back', () => {
    const state = spend(firstSpent(100), 340)
    for (const setBack of [false, true]) {
      expect(isUnspent(state, 340, setBack)).to.equal(false)
      expect(isUnspent(state, 341, setBack)).to.equal(true)
      expect(isUnspent(state, 100, setBack)).to.equal(false)
    }
    expect(isUnspent(state, 101, false)).to.equal(false)
    expect(isUnspent(state, 101, true)).to.equal(true)
  })

  it('R5 stay spent when they are not remembered one by one any more', () => {
    let state: Spent = firstSpent(1)
    for (let step = 2; step <= 60; step += 1) state = spend(state, step)
    expect(state.spent?.steps).to.have.length(20)
    for (let step = 1; step <= 60; step += 1)
      expect(isUnspent(state, step, true), String(step)).to.equal(false)
    state = spend(state, 30)
    for (const step of [29, 30, 31]) expect(isUnspent(state, step, true)).to.equal(false)
  })

  it('R5 are all up to the last one in a state that was stored without them', () => {
    const state: Spent = { lastTimeStep: 340 }
    expect(isUnspent(state, 339, true)).to.equal(false)
    const later = spend(state, 400)
    expect(later).to.deep.equal({ lastTimeStep: 400, spent: { floor: 340, steps: [400] } })
    expect(isUnspent(later, 341, true)).to.equal(true)
  })

  it('keep the last one when an earlier step is spent after a set back', () => {
    const state = spend(spend(firstSpent(100), 340), 110)
    expect(state).to.deep.equal({ lastTimeStep: 340, spent: { floor: 0, steps: [100, 110, 340] } })
  })
})
