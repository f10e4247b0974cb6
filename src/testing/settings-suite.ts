import { deepEqual, equal } from 'node:assert/strict'
import type { Settings } from '../ports/settings.ts'
import { globalRunner, inParallel, storeTests } from './runner.ts'
import type { Make, Runner } from './runner.ts'

export function describeSettings(
  name: string,
  make: Make<Settings>,
  runner: Runner = globalRunner(),
): void {
  const test = storeTests(make, runner)

  runner.describe(`${name}: settings`, () => {
    test('keeps what is inserted and refuses a second insert', async (settings) => {
      equal(await settings.get('jwks'), undefined)
      equal(await settings.insert('jwks', { sealed: 'a' }), true)
      equal(await settings.insert('jwks', { sealed: 'b' }), false)
      deepEqual(await settings.get('jwks'), { sealed: 'a' })
    })

    test('replaces a value only while it is the expected one', async (settings) => {
      await settings.insert('jwks', { sealed: 'a', keys: [1, 2] })
      equal(await settings.replace('jwks', { sealed: 'c' }, { sealed: 'b' }), false)
      equal(await settings.replace('jwks', { sealed: 'b' }, { keys: [1, 2], sealed: 'a' }), true)
      deepEqual(await settings.get('jwks'), { sealed: 'b' })
      equal(await settings.replace('unknown', { sealed: 'b' }, { sealed: 'a' }), false)
      equal(await settings.get('unknown'), undefined)
    })

    test('R18 lets one of many nodes that start at once make a value', async (settings) => {
      const inserted = await inParallel(20, (index) => settings.insert('jwks', { by: index }))
      equal(inserted.filter(Boolean).length, 1)
      deepEqual(await settings.get('jwks'), { by: inserted.indexOf(true) })
      const replaced = await inParallel(20, (index) =>
        settings.replace('jwks', { next: index }, { by: inserted.indexOf(true) }),
      )
      equal(replaced.filter(Boolean).length, 1)
      deepEqual(await settings.get('jwks'), { next: replaced.indexOf(true) })
    })
  })
}
