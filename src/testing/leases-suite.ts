import { deepEqual, equal } from 'node:assert/strict'
import type { Leases } from '../ports/leases.ts'
import { AWKWARD_KEYS } from './awkward-keys.ts'
import { globalRunner, inParallel, storeTests, TEST_START } from './runner.ts'
import type { Make, Runner } from './runner.ts'

/** The rules of `Leases`: one node at a time does a piece of upkeep, and another one goes on when it has gone. */
export function describeLeases(
  name: string,
  make: Make<Leases>,
  runner: Runner = globalRunner(),
): void {
  const test = storeTests(make, runner)
  const now = TEST_START

  runner.describe(`${name}: leases`, () => {
    test('gives a free lease to the first holder and not to the second', async (leases) => {
      equal(await leases.take('sweep', 'a', now, now + 60), true)
      equal(await leases.take('sweep', 'b', now, now + 60), false)
      equal(await leases.take('sweep', 'b', now + 59, now + 119), false)
    })

    test('lets the holder renew its lease', async (leases) => {
      await leases.take('sweep', 'a', now, now + 60)
      equal(await leases.take('sweep', 'a', now + 30, now + 90), true)
      equal(await leases.take('sweep', 'b', now + 60, now + 120), false)
      equal(await leases.take('sweep', 'b', now + 90, now + 150), true)
      equal(await leases.take('sweep', 'a', now + 91, now + 151), false)
    })

    test('gives a lease that is over to the next holder, from its end on', async (leases) => {
      await leases.take('sweep', 'a', now, now + 60)
      equal(await leases.take('sweep', 'b', now + 60, now + 120), true)
      equal(await leases.take('sweep', 'a', now + 60, now + 120), false)
    })

    test('frees a lease that its holder gives back, and no other holder can', async (leases) => {
      await leases.give('sweep', 'a')
      await leases.take('sweep', 'a', now, now + 60)
      await leases.give('sweep', 'b')
      equal(await leases.take('sweep', 'b', now, now + 60), false)
      await leases.give('sweep', 'a')
      equal(await leases.take('sweep', 'b', now, now + 60), true)
    })

    test('does not heed an end that only a wrong clock can have written', async (leases) => {
      const year = 365 * 24 * 3600
      await leases.take('sweep', 'ahead', now + year, now + year + 60)
      equal(await leases.take('sweep', 'b', now, now + 60), true)
      // A clock that is ahead by less than the length of the lease is ordinary.
      await leases.take('mail', 'ahead', now + 60, now + 120)
      equal(await leases.take('mail', 'b', now, now + 60), false)
      equal(await leases.take('mail', 'b', now - 1, now + 59), true)
    })

    test('keeps names apart', async (leases) => {
      for (const key of AWKWARD_KEYS) equal(await leases.take(key, 'a', now, now + 60), true)
      for (const key of AWKWARD_KEYS) equal(await leases.take(key, 'b', now, now + 60), false)
      for (const key of AWKWARD_KEYS)
        equal(await leases.take('n', key, now, now + 60), key === AWKWARD_KEYS[0])
    })

    test('R18 gives a lease to one of many nodes that ask at once', async (leases) => {
      const take = (at: number) =>
        inParallel(20, (index) => leases.take('sweep', `node ${index}`, at, at + 60))
      deepEqual((await take(now)).filter(Boolean), [true])
      deepEqual((await take(now + 60)).filter(Boolean), [true])
    })
  })
}
