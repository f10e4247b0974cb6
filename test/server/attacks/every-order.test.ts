import { expect } from 'chai'
import { Broken } from './ledger.ts'
import { Walk } from './walk.ts'

const MOVES = 120
/** docs/testing.md says how to make a longer run. */
const WALKS = Number(process.env['WALKS'] ?? 300)
const FIRST = Number(process.env['FIRST'] ?? 1)

describe('a thief and the owner, in every order', function () {
  this.timeout(WALKS * 1_000)

  it('R9 R10 R11 R44 leave the thief without a factor, unless a whole recovery or an administrator has let them in', async () => {
    const granted = { recovery: 0, 'first-factor': 0 }
    for (let seed = FIRST; seed < FIRST + WALKS; seed += 1) {
      const walk = await Walk.begin(seed)
      try {
        await walk.go(MOVES)
      } catch (error) {
        if (!(error instanceof Broken)) throw error
        throw new Error(`Seed ${seed}: ${error.message}\n${walk.log.join('\n')}`, { cause: error })
      }
      if (walk.granted !== undefined) granted[walk.granted] += 1
    }
    // The walks reach far enough: some thieves waited the whole time, and nobody objected.
    expect(granted.recovery).to.be.greaterThan(0)
  })
})
