import { expect } from 'chai'
import {
  MOST_REMEMBERED,
  tellRefusedWhileLocked,
} from '../../src/application/refused-while-locked.ts'
import { TEST_START } from '../../src/testing/runner.ts'
import { heardOf, placeOf, world, type World } from './world.ts'

const tell = (of: World, accountId = 'mira') =>
  tellRefusedWhileLocked(
    of.deps,
    placeOf({ accountId }),
    { open: false, reason: 'password-suspected' },
    { factor: 'totp', browser: 'unknown' },
  )

describe('a refusal while locked', () => {
  it('R31 makes an event at once, with the reason, and with the end of the lock if it has one', async () => {
    const one = world()
    tell(one)
    const [heard] = await heardOf(one)
    expect(heard).to.deep.include({
      type: 'refused-while-locked',
      accountId: 'mira',
      at: one.clock.now(),
      detail: {
        clientId: 'app',
        ip: '192.0.2.7',
        userAgent: 'Browser/1',
        factor: 'totp',
        browser: 'unknown',
        reason: 'password-suspected',
      },
    })
  })

  it('R31 makes one event per minute and account, to the second', async () => {
    const one = world()
    const moments = [0, 1, 58, 1, 1]
    for (const later of moments) {
      one.clock.advance(later)
      tell(one)
    }
    tell(one, 'theo')
    const heard = await heardOf(one)
    const told = (of: string) =>
      heard.filter(({ accountId }) => accountId === of).map(({ at }) => at - TEST_START)
    expect([told('mira'), told('theo')]).to.deep.equal([[0, 60], [61]])
    expect(new Set(heard.map(({ id }) => id)).size).to.equal(3)
  })

  it('uses bounded memory: beyond it no event is made until the minute of some accounts is over', async () => {
    const one = world()
    for (let n = 0; n < MOST_REMEMBERED; n += 1) tell(one, `account-${n}`)
    tell(one, 'one-too-many')
    one.clock.advance(60)
    tell(one, 'one-later')
    const heard = (await heardOf(one)).map(({ accountId }) => accountId)
    expect(heard).to.have.length(MOST_REMEMBERED + 1)
    expect(heard).not.to.include('one-too-many')
    expect(heard).to.include('one-later')
  })

  it('is lost if a listener fails, and nothing else happens', async () => {
    const one = world({ publish: () => Promise.reject(new Error('The trail is away')) })
    tell(one)
    expect(await heardOf(one)).to.deep.equal([])
  })
})
