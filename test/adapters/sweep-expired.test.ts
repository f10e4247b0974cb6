import { expect } from 'chai'
import { sweepExpired } from '../../src/adapters/sweep-expired.ts'
import { sweepInShares } from '../../src/adapters/sweep-shares.ts'

/** A storage in which a row takes as long as the test says. */
function slowStorage(rows: number, millisecondsOfRow: () => number) {
  const seen = { limits: [] as number[], worked: 0, paused: 0, given: 0 }
  let [time, left, pages] = [0, rows, 1000]
  const work = (done: number): number => {
    time += done * millisecondsOfRow()
    seen.worked += done * millisecondsOfRow()
    return done
  }
  return {
    seen,
    timer: {
      now: () => time,
      async wait(milliseconds: number) {
        time += milliseconds
        seen.paused += milliseconds
      },
    },
    storage: {
      sweepMilliseconds: 5,
      async sweep(limit: number) {
        seen.limits.push(limit)
        const done = Math.min(limit, left)
        left -= done
        return work(done)
      },
      async giveBackSpace(limit: number) {
        const done = Math.min(limit, pages)
        pages -= done
        seen.given += done
        return work(done)
      },
    },
  }
}

describe('the sweep of expired rows', () => {
  it('works a quarter of the time, also while it gives space back', async () => {
    const { storage, timer, seen } = slowStorage(100_000, () => 0.05)
    expect(await sweepExpired(storage, { timer })).to.equal(100_000)
    expect(seen.given).to.equal(1000)
    expect(seen.worked / (seen.worked + seen.paused)).to.be.closeTo(0.25, 0.001)
  })

  it('chooses batches that take five milliseconds, on a fast machine and on a slow one', async () => {
    for (const [cost, limit] of [
      [0.01, 500],
      [0.1, 50],
    ] as const) {
      const { storage, timer, seen } = slowStorage(20_000, () => cost)
      await sweepExpired(storage, { timer })
      expect(seen.limits.at(-2)).to.equal(limit)
    }
  })

  it('makes smaller batches when the storage becomes slow', async () => {
    let cost = 0.005
    const { storage, timer, seen } = slowStorage(50_000, () => cost)
    const mayGoOn = () => {
      if (seen.limits.length === 20) cost = 1
      return seen.limits.length < 60
    }
    await sweepExpired(storage, { timer, mayGoOn })
    expect(seen.limits[19]).to.equal(1000)
    expect(seen.limits.at(-1)).to.equal(16)
  })

  it('ends between two batches when it is told to', async () => {
    const { storage, timer, seen } = slowStorage(100_000, () => 0.05)
    const mayGoOn = async () => seen.limits.length < 3
    const swept = await sweepExpired(storage, { timer, mayGoOn })
    expect(swept).to.equal(seen.limits.reduce((sum, limit) => sum + limit))
    expect(seen.limits).to.have.length(3)
    expect(seen.given).to.equal(0)
  })

  it('waits for real between two batches', async () => {
    const { storage } = slowStorage(100, () => 0)
    expect(await sweepExpired(storage)).to.equal(100)
  })
})

describe('the shares of a sweep', () => {
  const kindWith = (rows: number) => {
    let left = rows
    return {
      left: () => left,
      take(limit: number) {
        const done = Math.min(limit, left)
        left -= done
        return done
      },
    }
  }

  it('give each kind as much as the others, and the rest to those that have more', async () => {
    for (const [rows, left] of [
      [
        [100, 100, 100],
        [90, 90, 90],
      ],
      [
        [100, 3, 100],
        [83, 0, 90],
      ],
      [
        [0, 2, 100],
        [0, 0, 72],
      ],
      [
        [4, 4, 4],
        [0, 0, 0],
      ],
    ] as const) {
      const kinds = rows.map(kindWith)
      const swept = await sweepInShares(
        kinds.map(({ take }) => take),
        30,
      )
      expect(kinds.map((kind) => kind.left())).to.deep.equal(left)
      expect(swept).to.equal(
        Math.min(
          30,
          rows.reduce((sum: number, each) => sum + each, 0),
        ),
      )
    }
  })

  it('delete every sound kind before the first error of the others is thrown', async () => {
    const sound = [100, 200].map(kindWith)
    const failing = (message: string) => () => Promise.reject(new Error(message))
    const kinds = [failing('first'), sound[0]!.take, failing('second'), sound[1]!.take]
    const storage = {
      sweepMilliseconds: 5,
      sweep: (limit: number) => sweepInShares(kinds, limit),
    }
    const timer = { now: () => 0, wait: async () => undefined }
    const error: unknown = await sweepExpired(storage, { timer }).catch((caught: unknown) => caught)
    expect(error).to.have.property('message', 'first')
    expect(sound.map((kind) => kind.left())).to.deep.equal([0, 0])
  })

  it('never pass the limit', async () => {
    const kinds = [9, 9, 9].map(kindWith)
    expect(
      await sweepInShares(
        kinds.map(({ take }) => take),
        2,
      ),
    ).to.equal(2)
  })
})
