import { expect } from 'chai'
import fc from 'fast-check'
import {
  keptUntil,
  withoutSession,
  withSession,
  type SessionFamily,
} from '../../../src/adapters/mongoose/session-family.ts'
import { memoryHostRecords } from '../../../src/adapters/memory/host-records.ts'
import { keepUntil } from '../../../src/adapters/host-record-rules.ts'
import { testClock, TEST_START } from '../../../src/testing/runner.ts'

const IDS = ['a', 'b', 'c', 'd']
const LIFE_SECONDS = 3600

type Deed = { readonly save: string } | { readonly destroy: string } | { readonly advance: number }

const deeds: fc.Arbitrary<readonly Deed[]> = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.record({ save: fc.constantFrom(...IDS) }) },
    { weight: 3, arbitrary: fc.record({ destroy: fc.constantFrom(...IDS) }) },
    { weight: 1, arbitrary: fc.record({ advance: fc.constantFrom(1, 9, 10, 11, 60) }) },
  ),
  { maxLength: 30 },
)

/** A session family, changed by the functions of the adapter, but kept without a database. */
class Kept {
  family: SessionFamily | undefined

  save(id: string, now: number): void {
    const session = { id, payload: id, keepUntil: keepUntil(now, LIFE_SECONDS) ?? null }
    this.family = withSession(this.family, session, now) ?? this.family
  }

  destroy(id: string, now: number): void {
    const { family } = this
    // A session that is not in the family belongs to nobody, so its end is not recorded.
    if (family === undefined || ![...family.live, ...family.ended].some((one) => one.id === id))
      return
    this.family = withoutSession(family, id, 'unknown', now) ?? family
  }
}

describe('a family of sessions', () => {
  it('R19 lives and ends as in the memory of one process, whatever comes in whatever order', async () => {
    await fc.assert(
      fc.asyncProperty(deeds, async (sequence) => {
        const clock = testClock()
        const model = memoryHostRecords(clock).records('Session')
        const kept = new Kept()
        for (const deed of sequence) {
          if ('save' in deed) {
            await model.upsert(deed.save, { uid: 'u', jti: deed.save }, LIFE_SECONDS)
            kept.save(deed.save, clock.now())
          } else if ('destroy' in deed) {
            await model.destroy(deed.destroy)
            kept.destroy(deed.destroy, clock.now())
          } else clock.advance(deed.advance)

          const live = kept.family?.live.map(({ id }) => id) ?? []
          for (const id of IDS)
            expect(live.includes(id), id).to.equal((await model.find(id)) !== undefined)
          expect(live.at(-1)).to.equal((await model.findByUid('u'))?.jti)
        }
      }),
      { numRuns: 500 },
    )
  })

  const session = (id: string) => ({ id, payload: id, keepUntil: TEST_START + LIFE_SECONDS })
  const two = withSession(
    withSession(undefined, session('a'), TEST_START),
    session('b'),
    TEST_START,
  )!

  it('R19 of which one is signed out is over as a whole, and takes no heir', () => {
    const over = withoutSession(two, 'a', 'signed-out', TEST_START)!
    expect(over.live).to.deep.equal([])
    expect(over.ended.map(({ id }) => id)).to.deep.equal(['a', 'b'])
    for (const id of ['a', 'b', 'c'])
      expect(withSession(over, session(id), TEST_START)).to.equal(undefined)
  })

  it('R19 of which one moves keeps the other, and takes the new id', () => {
    const moved = withoutSession(two, 'a', 'moved', TEST_START)!
    expect(moved.live.map(({ id }) => id)).to.deep.equal(['b'])
    expect(withSession(moved, session('a'), TEST_START)).to.equal(undefined)
    expect(withSession(moved, session('c'), TEST_START)!.live.map(({ id }) => id)).to.deep.equal([
      'b',
      'c',
    ])
  })

  it('does not grow with the ids that it had long ago', () => {
    let family = withSession(undefined, session('0'), TEST_START)!
    for (let nth = 1; nth <= 1000; nth += 1) {
      const now = TEST_START + nth * 60
      family = withoutSession(family, String(nth - 1), 'moved', now)!
      family = withSession(family, { ...session(String(nth)), keepUntil: now + 3600 }, now)!
    }
    expect(family.ended.length).to.be.at.most(61)
    expect(keptUntil(family)).to.equal(TEST_START + 1000 * 60 + 3600)
  })

  it('without a time is kept for ever', () => {
    expect(keptUntil(withSession(two, { ...session('c'), keepUntil: null }, TEST_START)!)).to.equal(
      null,
    )
  })
})
