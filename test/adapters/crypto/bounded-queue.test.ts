import { setImmediate as turn } from 'node:timers/promises'
import { expect } from 'chai'
import { boundedQueue } from '../../../src/adapters/crypto/bounded-queue.ts'
import { MfaError } from '../../../src/domain/errors.ts'

/** A job that ends when the test resolves or rejects it. */
function job(log: string[], name: string) {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const start = () => {
    log.push(name)
    return promise
  }
  return { start, end: () => resolve(name), fail: () => reject(new Error(name)) }
}

describe('the bounded queue', () => {
  it('runs so many at a time, in order, and passes each place on', async () => {
    const log: string[] = []
    const run = boundedQueue({ maxConcurrent: 2, maxQueued: 2 })
    const jobs = ['a', 'b', 'c', 'd'].map((name) => job(log, name))
    const results = jobs.map(({ start }) => run(start))
    await turn()
    expect(log).to.deep.equal(['a', 'b'])
    jobs[1]?.end()
    await turn()
    expect(log).to.deep.equal(['a', 'b', 'c'])
    for (const { end } of jobs) end()
    expect(await Promise.all(results)).to.deep.equal(['a', 'b', 'c', 'd'])
    expect(log).to.deep.equal(['a', 'b', 'c', 'd'])
  })

  it('refuses what comes when all places are taken, at once and without starting it', async () => {
    const log: string[] = []
    const run = boundedQueue({ maxConcurrent: 1, maxQueued: 1 })
    const jobs = ['a', 'b', 'c'].map((name) => job(log, name))
    const [a, b, c] = jobs.map(({ start }) => run(start).catch((error: unknown) => error))
    expect(await c)
      .to.be.instanceOf(MfaError)
      .that.includes({ code: 'hashing-overloaded', status: 503 })
    for (const { end } of jobs) end()
    expect(await Promise.all([a, b])).to.deep.equal(['a', 'b'])
    expect(log).to.deep.equal(['a', 'b'])
  })

  it('frees the place of a job that fails, and hands its failure on', async () => {
    const log: string[] = []
    const run = boundedQueue({ maxConcurrent: 1, maxQueued: 1 })
    const [first, second, third] = [job(log, 'a'), job(log, 'b'), job(log, 'c')]
    const failing = run(first.start).catch((error: unknown) => error)
    const waiting = run(second.start)
    first.fail()
    expect(await failing).to.include({ message: 'a' })
    second.end()
    expect(await waiting).to.equal('b')
    third.end()
    expect(await run(third.start)).to.equal('c')
  })

  it('lets nobody overtake the one whose turn it is', async () => {
    const log: string[] = []
    const run = boundedQueue({ maxConcurrent: 1, maxQueued: 5 })
    const [first, second, third] = [job(log, 'a'), job(log, 'b'), job(log, 'c')]
    const results = [run(first.start), run(second.start)]
    first.end()
    await results[0]
    results.push(run(third.start))
    second.end()
    third.end()
    await Promise.all(results)
    expect(log).to.deep.equal(['a', 'b', 'c'])
  })

  describe('with parties', () => {
    const here = { party: '192.0.2.1', kept: false }
    const codeOf = (error: unknown) => (error as MfaError).code
    const never = () => new Promise<never>(() => undefined)
    /** Runs so many jobs that never end; returns the codes of those that were refused. */
    const flood = async (
      run: ReturnType<typeof boundedQueue>,
      times: number,
      place = here,
    ): Promise<string[]> => {
      const refused: string[] = []
      for (let n = 0; n < times; n += 1)
        void run(never, place).catch((error: unknown) => refused.push(codeOf(error)))
      await turn()
      return refused
    }

    it('R43 gives one party a quarter of the waiting places, and frees its share again', async () => {
      const run = boundedQueue({ maxConcurrent: 2, maxQueued: 64 })
      const log: string[] = []
      const own = job(log, 'own')
      const first = run(own.start, here)
      const refused = await flood(run, 75)
      expect(refused).to.deep.equal(Array(75 + 1 - 2 - 16).fill('too-many-attempts'))
      own.end()
      expect(await first).to.equal('own')
      expect(await flood(run, 2)).to.deep.equal(['too-many-attempts'])
    })

    it('R43 leaves room for another party, and runs a known browser first', async () => {
      const log: string[] = []
      const run = boundedQueue({ maxConcurrent: 1, maxQueued: 64 })
      const busy = job(log, 'busy')
      const running = run(busy.start, here)
      await flood(run, 75)
      const other = job(log, 'other')
      const known = job(log, 'known')
      void run(other.start, { party: '192.0.2.2', kept: false })
      const owner = run(known.start, { party: 'mira', kept: true })
      busy.end()
      known.end()
      expect([await running, await owner]).to.deep.equal(['busy', 'known'])
      expect(log).to.deep.equal(['busy', 'known'])
    })

    it('R43 keeps a quarter of the places for known browsers, against many networks at once', async () => {
      const run = boundedQueue({ maxConcurrent: 1, maxQueued: 8 })
      let refused: string[] = []
      for (let n = 0; n < 9; n += 1)
        refused = [...refused, ...(await flood(run, 1, { party: `network ${n}`, kept: false }))]
      expect(refused).to.deep.equal(['hashing-overloaded', 'hashing-overloaded'])
      expect(await flood(run, 2, { party: 'mira', kept: true })).to.deep.equal([])
      expect(await flood(run, 1, { party: 'theo', kept: true })).to.deep.equal([
        'hashing-overloaded',
      ])
    })

    it('R43 gives the known browser of one account four jobs at once', async () => {
      const run = boundedQueue({ maxConcurrent: 1, maxQueued: 64 })
      expect(await flood(run, 6, { party: 'mira', kept: true })).to.deep.equal([
        'too-many-attempts',
        'too-many-attempts',
      ])
      expect(await flood(run, 1, { party: 'theo', kept: true })).to.deep.equal([])
    })
  })
})
