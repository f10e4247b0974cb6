import { expect } from 'chai'
import fc from 'fast-check'
import { clockWatch, JUMP_SECONDS, jumpBetween } from '../../src/server/upkeep/clock-watch.ts'

const NOW = 1_800_000_000

describe('the clock of a node', () => {
  it('jumps where the time of day goes on otherwise than the steady clock', () => {
    const before = { wall: NOW, steady: 5 }
    const after = (wall: number) => jumpBetween(before, { wall: NOW + wall, steady: 35.4 })
    expect([30, 31, 39, 21].map(after)).to.deep.equal(Array.from({ length: 4 }, () => undefined))
    expect(after(-7170)).to.equal(-7200)
    expect(after(7230)).to.equal(7200)
    expect(after(30 + JUMP_SECONDS)).to.equal(JUMP_SECONDS)
    expect(after(30 - JUMP_SECONDS)).to.equal(-JUMP_SECONDS)
  })

  it('does not jump because a look comes late', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1e7, noNaN: true }), (passed) => {
        const wall = NOW + Math.floor(passed)
        expect(jumpBetween({ wall: NOW, steady: 0 }, { wall, steady: passed })).to.equal(undefined)
      }),
    )
  })

  it('is told once for each jump, with the direction and the seconds', () => {
    const told: unknown[] = []
    const clock = { time: NOW, now: () => clock.time }
    let steady = 0
    const look = clockWatch({
      clock,
      steady: () => steady,
      log: { warn: (...line: unknown[]) => void told.push(line) } as never,
      clockJumped: (direction) => void told.push(direction),
    })
    const pass = (wall: number): void => {
      clock.time += wall
      steady += 30
      look()
    }
    for (const wall of [30, 30 - 7200, 30, 30, 30 + 3600, 31]) pass(wall)
    expect(told).to.deep.equal([
      'back',
      [{ direction: 'back', seconds: 7200 }, 'the clock has jumped'],
      'forward',
      [{ direction: 'forward', seconds: 3600 }, 'the clock has jumped'],
    ])
  })
})
