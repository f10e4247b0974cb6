import { expect } from 'chai'
import fc from 'fast-check'
import { findBehindSeconds, findTimeStep, type CodeAt } from '../../../src/factors/totp/window.ts'
import { widestWindow } from '../../../src/factors/totp/parameters.ts'

/** Every step has a code of its own; the steps that were asked for are kept. */
function spy(): { codeAt: CodeAt; computed: number[] } {
  const computed: number[] = []
  return {
    computed,
    codeAt(timeStep) {
      computed.push(timeStep)
      return codeOf(timeStep)
    },
  }
}

const codeOf = (timeStep: number) => String(timeStep).padStart(12, '0')

const reaches = fc.integer({ min: 15, max: 150 }).chain((periodSeconds) =>
  fc.record({
    periodSeconds: fc.constant(periodSeconds),
    window: fc.integer({ min: 0, max: widestWindow(periodSeconds) }),
    now: fc.integer({ min: 0, max: 4_000_000_000 }),
  }),
)

describe('the window of time steps', () => {
  it('R6 accepts exactly the steps inside it', () => {
    fc.assert(
      fc.property(reaches, fc.integer({ min: -12, max: 12 }), (reach, offset) => {
        const present = Math.floor(reach.now / reach.periodSeconds)
        const timeStep = present + offset
        fc.pre(timeStep >= 0)
        const found = findTimeStep(codeOf, codeOf(timeStep), reach)
        expect(found).to.equal(Math.abs(offset) <= reach.window ? timeStep : undefined)
      }),
    )
  })

  it('R6 never computes a step later than the window, whether a code is looked for or its lateness', () => {
    fc.assert(
      fc.property(reaches, fc.nat({ max: 300_000_000 }), fc.nat(), (reach, lastTimeStep, guess) => {
        const { codeAt, computed } = spy()
        findTimeStep(codeAt, codeOf(guess), reach)
        findBehindSeconds(codeAt, codeOf(guess), { ...reach, lastTimeStep })
        const present = Math.floor(reach.now / reach.periodSeconds)
        expect(Math.max(...computed)).to.equal(present + reach.window)
        expect(Math.min(...computed)).to.be.at.least(0)
      }),
    )
  })

  it('R6 computes the whole window for every step, so that the time shows nothing', () => {
    const reach = { now: 3000, periodSeconds: 30, window: 2 }
    for (const timeStep of [98, 100, 102, 999]) {
      const { codeAt, computed } = spy()
      findTimeStep(codeAt, codeOf(timeStep), reach)
      expect(computed).to.deep.equal([98, 99, 100, 101, 102])
    }
  })

  it('R5 takes the newest step when a code comes twice, so that it cannot be used for the older one later', () => {
    expect(
      findTimeStep(() => '123456', '123456', { now: 3000, periodSeconds: 30, window: 1 }),
    ).to.equal(101)
  })
})

describe('the hint that a clock is behind', () => {
  const reach = { now: 3_000_015, periodSeconds: 30, window: 1, lastTimeStep: 0 }
  const present = 100_000

  it('says by how much, for codes that were right up to five minutes ago', () => {
    const hints = Array.from({ length: 12 }, (_, back) =>
      findBehindSeconds(codeOf, codeOf(present - back), reach),
    )
    expect(hints).to.deep.equal([
      undefined,
      undefined, // inside the window
      60,
      90,
      120,
      150,
      180,
      210,
      240,
      270,
      300,
      undefined,
    ])
  })

  it('R6 is never given for the future', () => {
    for (let ahead = 0; ahead < 12; ahead += 1)
      expect(findBehindSeconds(codeOf, codeOf(present + ahead), reach)).to.equal(undefined)
  })

  it('R5 looks at no step at or before the last accepted one', () => {
    const { codeAt, computed } = spy()
    const late = { ...reach, lastTimeStep: present - 5 }
    expect(findBehindSeconds(codeAt, codeOf(present - 5), late)).to.equal(undefined)
    expect(computed).to.deep.equal([present - 4, present - 3, present - 2])
    expect(findBehindSeconds(codeOf, codeOf(present - 4), late)).to.equal(120)
  })

  it('names the newest step when a code comes twice', () => {
    expect(findBehindSeconds(() => '123456', '123456', reach)).to.equal(60)
  })
})
