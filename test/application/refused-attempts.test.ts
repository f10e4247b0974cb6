import { expect } from 'chai'
import {
  tellEverything,
  tellRefused,
  tellRefusedWhileLocked,
} from '../../src/application/refused-attempts.ts'
import { heardOf, placeOf, world, type World } from './world.ts'

const tell = (of: World, accountId = 'mira') =>
  tellRefusedWhileLocked(
    of.deps,
    placeOf({ accountId }),
    { open: false, reason: 'password-suspected' },
    { factor: 'totp', browser: 'unknown' },
  )

/** The numbers of attempts that the events of an account stand for. */
const countsOf = async (of: World, account = 'mira') =>
  (await heardOf(of))
    .filter(({ accountId }) => accountId === account)
    .map(({ detail }) => detail.count)

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

  it('R31 R47 makes ten events per minute and account, and one with the number of the others', async () => {
    const one = world()
    for (let n = 0; n < 14; n += 1) tell(one)
    tell(one, 'theo')
    expect(await countsOf(one)).to.deep.equal([...Array(10).fill(undefined)])
    one.clock.advance(60)
    tell(one)
    expect(await countsOf(one)).to.deep.equal([...Array(10).fill(undefined), 4, undefined])
    expect(new Set((await heardOf(one)).map(({ id }) => id)).size).to.equal(13)
  })

  it('R47 tells what is counted when it is asked to, as before a stop', async () => {
    const one = world()
    for (let n = 0; n < 12; n += 1) tell(one)
    await tellEverything(one.deps)
    await tellEverything(one.deps)
    expect(await countsOf(one)).to.deep.equal([...Array(10).fill(undefined), 2])
  })

  it('R47 counts each type by itself', async () => {
    const one = world()
    for (let n = 0; n < 10; n += 1) tell(one)
    tellRefused(one.deps, placeOf(), { type: 'factor-refused', detail: { reason: 'throttled' } })
    expect(await heardOf(one, 'factor-refused')).to.have.length(1)
  })

  it('is lost if a listener fails, and nothing else happens', async () => {
    const one = world({ publish: () => Promise.reject(new Error('The trail is away')) })
    tell(one)
    expect(await heardOf(one)).to.deep.equal([])
  })
})
