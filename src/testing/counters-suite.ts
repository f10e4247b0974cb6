import { deepEqual, equal } from 'node:assert/strict'
import type { Counters } from '../ports/counters.ts'
import { AWKWARD_KEYS } from './awkward-keys.ts'
import { globalRunner, inParallel, storeTests, TEST_START } from './runner.ts'
import type { Make, Runner } from './runner.ts'

/** The rules of `Counters`: above all, a limit is exact (R4, R18). */
export function describeCounters(
  name: string,
  make: Make<Counters>,
  runner: Runner = globalRunner(),
): void {
  const test = storeTests(make, runner)
  const now = TEST_START
  const limit = { limit: 3, windowSeconds: 600 }

  runner.describe(`${name}: counters`, () => {
    test('counts up to the limit and then says when it starts again', async (counters) => {
      for (const count of [1, 2, 3]) {
        deepEqual(await counters.reserve('name', limit, now + count), { allowed: true, count })
      }
      const refusal = { allowed: false, count: 3, retryAt: now + 1 + 600 }
      deepEqual(await counters.reserve('name', limit, now + 4), refusal)
      deepEqual(await counters.reserve('name', limit, now + 600), refusal)
    })

    test('starts again when the window, counted from the first increment, has passed', async (counters) => {
      for (const _ of [1, 2, 3]) await counters.reserve('name', limit, now)
      deepEqual(await counters.reserve('name', limit, now + 600), { allowed: true, count: 1 })
      await counters.reserve('name', limit, now + 900)
      await counters.reserve('name', limit, now + 900)
      deepEqual(await counters.reserve('name', limit, now + 1199), {
        allowed: false,
        count: 3,
        retryAt: now + 1200,
      })
    })

    test('starts again where only a wrong clock can have begun the window', async (counters) => {
      const ahead = now + 7200
      for (const key of ['name', 'other'])
        for (const _ of [1, 2, 3]) await counters.reserve(key, limit, ahead)
      deepEqual(await counters.reserve('name', limit, now), { allowed: true, count: 1 })
      deepEqual(await counters.reserve('name', limit, now + 599), { allowed: true, count: 2 })
      // Clocks that differ by less than the window are ordinary.
      const refusal = { allowed: false, count: 3, retryAt: ahead + 600 }
      deepEqual(await counters.reserve('other', limit, ahead - 600), refusal)
      deepEqual(await counters.reserve('other', limit, ahead - 601), { allowed: true, count: 1 })
    })

    test('R4 without a window never starts again by itself, however the clock is set', async (counters) => {
      await counters.reserve('back', { limit: 1 }, now)
      const back = { allowed: false, count: 1 }
      deepEqual(await counters.reserve('back', { limit: 1 }, now - 10_000_000), back)
    })

    test('R4 without a window never starts again by itself', async (counters) => {
      await counters.reserve('name', { limit: 1 }, now)
      deepEqual(await counters.reserve('name', { limit: 1 }, now + 10_000_000), {
        allowed: false,
        count: 1,
      })
    })

    test('R4 without a window counts on, whatever the time between', async (counters) => {
      for (const count of [1, 2, 3]) {
        deepEqual(await counters.reserve('name', { limit: 3 }, now + count * 1_000_000), {
          allowed: true,
          count,
        })
      }
      equal((await counters.reserve('name', { limit: 3 }, now + 10_000_000)).allowed, false)
    })

    test('allows nothing under a limit of 0', async (counters) => {
      equal((await counters.reserve('name', { limit: 0 }, now)).allowed, false)
    })

    test('gives back one', async (counters) => {
      for (const _ of [1, 2, 3]) await counters.reserve('name', limit, now)
      await counters.release('name', now)
      deepEqual(await counters.reserve('name', limit, now), { allowed: true, count: 3 })
      equal((await counters.reserve('name', limit, now)).allowed, false)
    })

    test('never goes below 0, so that what is given back twice buys nothing', async (counters) => {
      await counters.release('name', now)
      await counters.reserve('name', limit, now)
      for (const _ of [1, 2, 3]) await counters.release('name', now)
      for (const count of [1, 2, 3]) {
        deepEqual(await counters.reserve('name', limit, now), { allowed: true, count })
      }
      equal((await counters.reserve('name', limit, now)).allowed, false)
    })

    test('takes nothing from the next window when an attempt of the last one gives back', async (counters) => {
      await counters.reserve('name', limit, now)
      await counters.release('name', now + 600)
      for (const count of [1, 2, 3]) {
        deepEqual(await counters.reserve('name', limit, now + 600), { allowed: true, count })
      }
    })

    test('begins a new window after everything was given back', async (counters) => {
      await counters.reserve('name', limit, now)
      await counters.release('name', now + 1)
      for (const _ of [1, 2, 3]) await counters.reserve('name', limit, now + 500)
      deepEqual(await counters.reserve('name', limit, now + 501), {
        allowed: false,
        count: 3,
        retryAt: now + 1100,
      })
    })

    test('starts again when it is reset', async (counters) => {
      for (const _ of [1, 2, 3]) await counters.reserve('name', limit, now)
      await counters.reset('name')
      deepEqual(await counters.reserve('name', limit, now), { allowed: true, count: 1 })
    })

    test('reads a counter without changing it, and when it starts again', async (counters) => {
      equal(await counters.read('name', now), undefined)
      await counters.reserve('name', limit, now)
      await counters.reserve('name', limit, now + 1)
      for (const _ of [1, 2])
        deepEqual(await counters.read('name', now + 599), { count: 2, endsAt: now + 600 })
      equal(await counters.read('name', now + 600), undefined)
      deepEqual(await counters.reserve('name', limit, now + 2), { allowed: true, count: 3 })
    })

    test('reads when a counter without a window may be deleted: 90 days after its last change', async (counters) => {
      await counters.reserve('name', { limit: 2 }, now)
      await counters.reserve('name', { limit: 2 }, now + 100)
      await counters.reserve('name', { limit: 2 }, now + 200)
      const endsAt = now + 100 + 90 * 24 * 3600
      deepEqual(await counters.read('name', now + 300), { count: 2, endsAt })
      for (const _ of [1, 2]) await counters.release('name', now + 300)
      equal(await counters.read('name', now + 300), undefined)
    })

    test('keeps keys apart', async (counters) => {
      for (const key of AWKWARD_KEYS) {
        deepEqual(await counters.reserve(key, limit, now), { allowed: true, count: 1 })
      }
    })

    test('R18 allows exactly the limit of many parallel calls', async (counters) => {
      const answers = await inParallel(30, () =>
        counters.reserve('name', { limit: 10, windowSeconds: 600 }, now),
      )
      deepEqual(
        answers
          .filter((answer) => answer.allowed)
          .map((answer) => answer.count)
          .sort((a, b) => a - b),
        [1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
      )
    })

    test('R18 allows exactly the limit also where a window ends under parallel calls', async (counters) => {
      for (const _ of [1, 2, 3]) await counters.reserve('name', limit, now)
      const answers = await inParallel(20, () => counters.reserve('name', limit, now + 600))
      equal(answers.filter((answer) => answer.allowed).length, 3)
    })
  })
}
