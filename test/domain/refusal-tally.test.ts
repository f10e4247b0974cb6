import { expect } from 'chai'
import {
  MOST_PLACES,
  MOST_TOLD_SINGLY,
  RefusalTally,
  type Refused,
} from '../../src/domain/refusal-tally.ts'

const NOW = 1_800_000_000

const refused = (at = NOW, changes: Partial<Refused> = {}): Refused => ({
  type: 'password-refused',
  accountId: 'mira',
  at,
  detail: { ip: '192.0.2.7', reason: 'throttled', browser: 'unknown' },
  ...changes,
})

/** Counts the same refusal so many times; returns all that was to be told. */
const many = (tally: RefusalTally, times: number, place = 'here', one = refused()) =>
  Array.from({ length: times }).flatMap(() => tally.count(place, one))

describe('the tally of refused attempts', () => {
  it('R47 tells ten of a minute and place as they are, and then counts', () => {
    const tally = new RefusalTally()
    expect(many(tally, MOST_TOLD_SINGLY + 3)).to.deep.equal(Array(MOST_TOLD_SINGLY).fill(refused()))
    expect(many(tally, 1, 'there')).to.deep.equal([refused()])
  })

  it('R47 tells the number of the others before the first of a later minute, to the second', () => {
    const tally = new RefusalTally()
    many(tally, MOST_TOLD_SINGLY)
    many(tally, 3, 'here', refused(NOW + 59))
    const later = refused(NOW + 60)
    expect(tally.count('there', later)).to.deep.equal([
      refused(NOW + 59, { detail: { ...later.detail, count: 3 } }),
      later,
    ])
    expect(tally.count('here', later)).to.deep.equal([later])
    expect(tally.takeAll()).to.deep.equal([])
  })

  it('R47 tells the number at once when it is asked to, and each attempt once', () => {
    const tally = new RefusalTally()
    many(tally, MOST_TOLD_SINGLY + 2)
    expect(tally.takeAll().map(({ detail }) => detail.count)).to.deep.equal([2])
    expect(tally.takeAll()).to.deep.equal([])
    expect(tally.count('here', refused())).to.deep.equal([refused()])
  })

  it('R47 keeps of the counted attempts what they have in common', () => {
    const tally = new RefusalTally()
    many(tally, MOST_TOLD_SINGLY)
    tally.count('here', refused())
    tally.count('here', refused(NOW, { detail: { ip: '192.0.2.8', reason: 'throttled' } }))
    expect(tally.takeAll()).to.deep.equal([
      refused(NOW, { detail: { reason: 'throttled', count: 2 } }),
    ])
  })

  it('R47 names an account only if every counted attempt was at it', () => {
    const { accountId: _, ...nobody } = refused()
    for (const [first, second] of [
      [refused(), refused(NOW, { accountId: 'theo' })],
      [refused(), nobody],
      [nobody, refused()],
      [nobody, nobody],
    ] as const) {
      const tally = new RefusalTally()
      many(tally, MOST_TOLD_SINGLY)
      tally.count('here', first)
      tally.count('here', second)
      expect(tally.takeAll()).to.deep.equal([{ ...nobody, detail: { ...nobody.detail, count: 2 } }])
    }
    const single = new RefusalTally()
    many(single, MOST_TOLD_SINGLY + 1, 'here', nobody)
    expect(single.takeAll()[0]).not.to.have.property('accountId')
  })

  it('R43 separates a bounded number of places, and counts all further ones together', () => {
    const tally = new RefusalTally()
    for (let n = 0; n < MOST_PLACES; n += 1) tally.count(`place ${n}`, refused())
    expect(tally.count('one too many', refused())).to.deep.equal([])
    expect(tally.count('and one more', refused())).to.deep.equal([])
    expect(tally.count('place 0', refused())).to.deep.equal([refused()])
    const later = refused(NOW + 60)
    expect(tally.count('one too many', later)).to.deep.equal([
      refused(NOW, { detail: { ...later.detail, count: 2 } }),
      later,
    ])
  })
})
