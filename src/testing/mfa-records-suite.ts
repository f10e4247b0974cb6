import { deepEqual, equal } from 'node:assert/strict'
import type { JsonObject } from '../domain/json.ts'
import type { MfaRecords } from '../ports/mfa-records.ts'
import { AWKWARD_KEYS } from './awkward-keys.ts'
import { globalRunner, inParallel, storeTests } from './runner.ts'
import type { Make, Runner } from './runner.ts'

/** What the plugin relies on for an account's record: above all that no save is lost (R18). */
export function describeMfaRecords(
  name: string,
  make: Make<MfaRecords>,
  runner: Runner = globalRunner(),
): void {
  const test = storeTests(make, runner)

  runner.describe(`${name}: records`, () => {
    test('has no record of an account before the first save', async (records) => {
      equal(await records.load('nobody'), undefined)
    })

    test('gives back what was saved, as version 1', async (records) => {
      equal(await records.save('anna', RECORD, 0), true)
      deepEqual(await records.load('anna'), { record: RECORD, version: 1 })
    })

    test('replaces the record and raises the version by one at each save', async (records) => {
      await records.save('anna', { epoch: 1, old: true }, 0)
      equal(await records.save('anna', { epoch: 2 }, 1), true)
      equal(await records.save('anna', { epoch: 3 }, 2), true)
      deepEqual(await records.load('anna'), { record: { epoch: 3 }, version: 3 })
    })

    test('refuses a save of a version that is not the stored one, and changes nothing', async (records) => {
      await records.save('anna', { epoch: 1 }, 0)
      await records.save('anna', { epoch: 2 }, 1)
      for (const version of [0, 1, 3]) {
        equal(await records.save('anna', { epoch: 99 }, version), false)
      }
      deepEqual(await records.load('anna'), { record: { epoch: 2 }, version: 2 })
    })

    test('refuses a save over a record that is not there', async (records) => {
      equal(await records.save('anna', { epoch: 1 }, 1), false)
      equal(await records.load('anna'), undefined)
    })

    test('keeps accounts apart', async (records) => {
      for (const id of AWKWARD_KEYS) equal(await records.save(id, { of: id }, 0), true)
      for (const id of AWKWARD_KEYS) deepEqual((await records.load(id))?.record, { of: id })
    })

    test('is not changed through an object that was put in or came out', async (records) => {
      const put = { list: [1] }
      await records.save('anna', put, 0)
      put.list.push(2)
      const first = (await records.load('anna'))?.record as { list: number[] }
      first.list.push(3)
      deepEqual((await records.load('anna'))?.record, { list: [1] })
    })

    test('R18 lets one of many parallel first saves succeed', async (records) => {
      const answers = await inParallel(20, (index) => records.save('anna', { by: index }, 0))
      equal(answers.filter(Boolean).length, 1)
      deepEqual(await records.load('anna'), {
        record: { by: answers.indexOf(true) },
        version: 1,
      })
    })

    test('R5 R18 loses none of many parallel changes that load, save and try again', async (records) => {
      await records.save('anna', { count: 0 }, 0)
      await inParallel(20, async () => {
        for (;;) {
          const before = await records.load('anna')
          const count = Number(before?.record?.['count']) + 1
          if (await records.save('anna', { count }, before?.version ?? 0)) return
        }
      })
      deepEqual(await records.load('anna'), { record: { count: 20 }, version: 21 })
    })
  })
}

const RECORD: JsonObject = {
  schema: 1,
  empty: {},
  list: [{ deep: [null, true, 1.5, 'ü', ''] }],
  'a.b': { $set: 1, 'c.d$e': '\u0000' },
  big: Number.MAX_SAFE_INTEGER,
}
