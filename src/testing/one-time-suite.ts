import { deepEqual, equal } from 'node:assert/strict'
import type { OneTime } from '../ports/one-time.ts'
import { AWKWARD_KEYS } from './awkward-keys.ts'
import { globalRunner, inParallel, storeTests, TEST_START } from './runner.ts'
import type { Make, Runner } from './runner.ts'

/** The rules of `OneTime`, which keeps set-up links: above all, each is taken once (R5, R18). */
export function describeOneTime(
  name: string,
  make: Make<OneTime>,
  runner: Runner = globalRunner(),
): void {
  const test = storeTests(make, runner)
  const now = TEST_START

  runner.describe(`${name}: one-time entries`, () => {
    test('knows nothing of a key that was never put', async (oneTime) => {
      equal(await oneTime.take('unknown', now), undefined)
      equal(await oneTime.peek('unknown', now), undefined)
    })

    test('R5 gives an entry to the first taker and nothing to the second', async (oneTime) => {
      await oneTime.put('link', { accountId: 'anna' }, now + 60)
      deepEqual(await oneTime.take('link', now), { accountId: 'anna' })
      equal(await oneTime.take('link', now), undefined)
      equal(await oneTime.peek('link', now), undefined)
    })

    test('shows an entry without taking it', async (oneTime) => {
      await oneTime.put('link', { accountId: 'anna' }, now + 60)
      deepEqual(await oneTime.peek('link', now), { accountId: 'anna' })
      deepEqual(await oneTime.peek('link', now), { accountId: 'anna' })
      deepEqual(await oneTime.take('link', now), { accountId: 'anna' })
    })

    test('R3 ends an entry at its time, not a second later', async (oneTime) => {
      await oneTime.put('shown', { n: 1 }, now + 60)
      await oneTime.put('taken', { n: 2 }, now + 60)
      deepEqual(await oneTime.peek('shown', now + 59), { n: 1 })
      equal(await oneTime.peek('shown', now + 60), undefined)
      equal(await oneTime.take('taken', now + 60), undefined)
    })

    test('replaces an entry, its value and its time', async (oneTime) => {
      await oneTime.put('link', { n: 1 }, now + 10)
      await oneTime.put('link', { n: 2 }, now + 60)
      deepEqual(await oneTime.take('link', now + 30), { n: 2 })
      await oneTime.put('link', { n: 3 }, now + 90)
      deepEqual(await oneTime.take('link', now + 60), { n: 3 })
    })

    test('keeps keys apart', async (oneTime) => {
      for (const key of AWKWARD_KEYS) await oneTime.put(key, { of: key }, now + 60)
      for (const key of AWKWARD_KEYS) deepEqual(await oneTime.take(key, now), { of: key })
    })

    test('is not changed through an object that was put in or came out', async (oneTime) => {
      const put = { list: [1] }
      await oneTime.put('link', put, now + 60)
      put.list.push(2)
      const peeked = (await oneTime.peek('link', now)) as { list: number[] }
      peeked.list.push(3)
      deepEqual(await oneTime.take('link', now), { list: [1] })
    })

    test('R18 gives an entry to one of many parallel takers', async (oneTime) => {
      await oneTime.put('link', { accountId: 'anna' }, now + 60)
      const taken = await inParallel(20, () => oneTime.take('link', now))
      deepEqual(
        taken.filter((value) => value !== undefined),
        [{ accountId: 'anna' }],
      )
    })
  })
}
