import { expect } from 'chai'
import { memoryStorage } from '../../src/adapters/memory/index.ts'
import type { Settings } from '../../src/ports/settings.ts'
import { changeSetting } from '../../src/server/upkeep/change-setting.ts'

describe('a change of a setting', () => {
  let settings: Settings
  const addOne = async (): Promise<boolean> =>
    changeSetting(settings, 'count', ({ n = 0 } = {}) => ({ n: Number(n) + 1 }))

  beforeEach(() => {
    settings = memoryStorage().settings
  })

  it('makes the setting when there is none, and then replaces it', async () => {
    expect(await addOne()).to.equal(true)
    expect(await addOne()).to.equal(true)
    expect(await settings.get('count')).to.deep.equal({ n: 2 })
  })

  it('loses none of many changes at the same time', async () => {
    await Promise.all(Array.from({ length: 20 }, addOne))
    expect(await settings.get('count')).to.deep.equal({ n: 20 })
  })

  it('leaves the setting as it is when told so, and says that nothing was stored', async () => {
    await addOne()
    expect(await changeSetting(settings, 'count', () => undefined)).to.equal(false)
    expect(await settings.get('count')).to.deep.equal({ n: 1 })
  })

  it('ends with an error when the storage refuses each value', async () => {
    let rounds = 0
    const stubborn: Settings = { ...settings, insert: async () => false }
    const outcome = await changeSetting(stubborn, 'count', () => ({ n: (rounds += 1) })).catch(
      (error: unknown) => error,
    )
    expect(String(outcome)).to.contain('again and again')
    expect(rounds).to.be.greaterThan(1)
  })

  it('passes on what the decision throws, and stores nothing', async () => {
    const outcome = await changeSetting(settings, 'count', () => {
      throw new TypeError('unfit')
    }).catch((error: unknown) => error)
    expect(outcome).to.be.instanceOf(TypeError)
    expect(await settings.get('count')).to.equal(undefined)
  })
})
