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
})
