import type { Clock } from '../ports/services.ts'

/**
 * The functions of a test framework that the suites need. Mocha, Vitest with globals and Jest have them in the global
 * scope, where the suites look by default; for `node:test` pass `{ describe, it }` of that module.
 */
export interface Runner {
  describe(name: string, body: () => void): unknown
  it(name: string, body: () => Promise<void>): unknown
}

/** A store that belongs to one test. */
export interface Opened<Store> {
  readonly store: Store
  /** Called after the test, whether it passed or failed. */
  close?(): Promise<void>
}

/**
 * Makes an empty store. It is called for each test, so give it a database, or a prefix, of its own. A store that needs
 * the time must read `clock`, because the suites set it.
 */
export type Make<Store> = (given: {
  readonly clock: Clock
}) => Opened<Store> | Promise<Opened<Store>>

/** A clock that stands still until a test moves it. */
export interface TestClock extends Clock {
  advance(seconds: number): void
}

/** The time at which each test begins. */
export const TEST_START = 1_800_000_000

export function testClock(): TestClock {
  let now = TEST_START
  return {
    now: () => now,
    advance(seconds) {
      now += seconds
    },
  }
}

export function globalRunner(): Runner {
  const { describe, it } = globalThis as unknown as Partial<Runner>
  if (typeof describe !== 'function' || typeof it !== 'function') {
    throw new TypeError(
      'There is no global `describe` and `it`: hand in { describe, it } as the last argument.',
    )
  }
  return { describe, it }
}

/** Declares tests, each with its own store. */
export function storeTests<Store>(
  make: Make<Store>,
  runner: Runner,
): (sentence: string, body: (store: Store, clock: TestClock) => Promise<void>) => void {
  return (sentence, body) => {
    runner.it(sentence, async () => {
      const clock = testClock()
      const opened = await make({ clock })
      try {
        await body(opened.store, clock)
      } finally {
        await opened.close?.()
      }
    })
  }
}

/** Starts `count` calls before any of them is awaited. */
export function inParallel<T>(count: number, call: (index: number) => Promise<T>): Promise<T[]> {
  return Promise.all(Array.from({ length: count }, (_, index) => call(index)))
}
