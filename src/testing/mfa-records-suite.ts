import { deepEqual, equal, rejects } from 'node:assert/strict'
import type { JsonObject } from '../domain/json.ts'
import type { MfaRecords } from '../ports/mfa-records.ts'
import { AWKWARD_KEYS } from './awkward-keys.ts'
import { globalRunner, inParallel, storeTests } from './runner.ts'
import type { Make, Runner } from './runner.ts'

/** The rules of `MfaRecords`: above all, no save is lost (R18). */
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
  })
  describeRecordRaces(name, make, runner)
  describeHandleLookup(name, make, runner)
  describeHandleOwners(name, make, runner)
  describeHandleRaces(name, make, runner)
}

/** No save is lost, even if many are made at the same time. */
function describeRecordRaces(name: string, make: Make<MfaRecords>, runner: Runner): void {
  const test = storeTests(make, runner)

  runner.describe(`${name}: parallel saves of a record`, () => {
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

/** An account is found by a handle of its record, and by no other part of the record. */
function describeHandleLookup(name: string, make: Make<MfaRecords>, runner: Runner): void {
  const test = storeTests(make, runner)

  runner.describe(`${name}: accounts found by a handle`, () => {
    test('finds nobody by a handle that was never saved', async (records) => {
      await records.save('anna', {}, 0)
      await records.save('ben', { handles: [] }, 0)
      await records.save('carl', { handles: [] }, 0)
      equal(await records.findByHandle('key'), undefined)
      equal(await records.findByHandle('anna'), undefined)
    })

    test('finds the account whose record holds the handle, by each of its handles', async (records) => {
      equal(await records.save('anna', holding('key 1', 'key 2'), 0), true)
      equal(await records.save('ben', holding('key 3'), 0), true)
      equal(await records.findByHandle('key 1'), 'anna')
      equal(await records.findByHandle('key 2'), 'anna')
      equal(await records.findByHandle('key 3'), 'ben')
      deepEqual((await records.load('anna'))?.record, holding('key 1', 'key 2'))
    })

    test('finds by the whole handle alone', async (records) => {
      await records.save('ben', {}, 0)
      for (const handle of AWKWARD_KEYS)
        equal(await records.findByHandle(handle), undefined, handle)
      for (const [index, handle] of AWKWARD_KEYS.entries())
        equal(await records.save(`owner ${index}`, holding(handle), 0), true)
      for (const [index, handle] of AWKWARD_KEYS.entries())
        equal(await records.findByHandle(handle), `owner ${index}`)
    })

    test('looks for handles in `handles` at the top of the record and nowhere else', async (records) => {
      await records.save('anna', { list: ['key'], inside: { handles: ['key'] } }, 0)
      equal(await records.findByHandle('key'), undefined)
      equal(await records.save('ben', holding('key'), 0), true)
      equal(await records.findByHandle('key'), 'ben')
    })

    test('takes a handle that the record holds twice for one', async (records) => {
      equal(await records.save('anna', holding('key', 'key'), 0), true)
      equal(await records.findByHandle('key'), 'anna')
      equal(await records.save('anna', {}, 1), true)
      equal(await records.findByHandle('key'), undefined)
    })

    test('keeps the handles that a save holds still, adds its new ones and frees the others', async (records) => {
      await records.save('anna', holding('kept', 'dropped'), 0)
      equal(await records.save('anna', holding('new', 'kept'), 1), true)
      equal(await records.findByHandle('kept'), 'anna')
      equal(await records.findByHandle('new'), 'anna')
      equal(await records.findByHandle('dropped'), undefined)
    })
  })
}

/** A handle belongs to one account: otherwise a sign-in by it could end in the wrong one. */
function describeHandleOwners(name: string, make: Make<MfaRecords>, runner: Runner): void {
  const test = storeTests(make, runner)

  runner.describe(`${name}: handles of another account`, () => {
    test('gives a handle that a save has freed to the next account', async (records) => {
      await records.save('anna', holding('key'), 0)
      await records.save('anna', {}, 1)
      equal(await records.findByHandle('key'), undefined)
      equal(await records.save('ben', holding('key'), 0), true)
      equal(await records.findByHandle('key'), 'ben')
    })

    test('refuses a first save that holds a handle of another account, and changes nothing', async (records) => {
      await records.save('anna', holding('key'), 0)
      await rejects(records.save('ben', holding('own', 'key'), 0), HANDLE_TAKEN)
      equal(await records.load('ben'), undefined)
      equal(await records.findByHandle('own'), undefined)
      equal(await records.findByHandle('key'), 'anna')
      equal(await records.save('ben', holding('own'), 0), true)
    })

    test('refuses a later save that holds a handle of another account, and changes nothing', async (records) => {
      await records.save('anna', holding('key'), 0)
      await records.save('ben', holding('dropped'), 0)
      await rejects(records.save('ben', holding('own', 'key'), 1), HANDLE_TAKEN)
      deepEqual(await records.load('ben'), { record: holding('dropped'), version: 1 })
      equal(await records.findByHandle('dropped'), 'ben')
      equal(await records.findByHandle('own'), undefined)
      equal(await records.findByHandle('key'), 'anna')
      equal(await records.save('ben', holding('own'), 1), true)
    })
  })
}

/** A handle has one owner and changes only with its record, even if many saves are made at the same time (R18). */
function describeHandleRaces(name: string, make: Make<MfaRecords>, runner: Runner): void {
  const test = storeTests(make, runner)

  runner.describe(`${name}: parallel saves of handles`, () => {
    test('R18 changes no handle by a save of another version than the stored one', async (records) => {
      await records.save('anna', holding('key'), 0)
      await records.save('ben', {}, 0)
      for (const version of [0, 2]) {
        equal(await records.save('anna', holding('other'), version), false)
        equal(await records.save('anna', {}, version), false)
      }
      equal(await records.save('ben', holding('key'), 2), false)
      equal(await records.findByHandle('key'), 'anna')
      equal(await records.findByHandle('other'), undefined)
    })

    test('R18 gives a handle to one of many accounts that save it in parallel', async (records) => {
      for (let index = 0; index < 10; index += 1) await records.save(`old ${index}`, {}, 0)
      const names = Array.from({ length: 20 }, (_, index) =>
        index < 10 ? `old ${index}` : `new ${index}`,
      )
      const answers = await inParallel(20, async (index) => {
        const save = records.save(names[index] ?? '', holding('key'), index < 10 ? 1 : 0)
        return save.catch((error: unknown) => codeOf(error))
      })
      const winners = names.filter((_, index) => answers[index] === true)
      equal(winners.length, 1)
      equal(answers.filter((answer) => answer === HANDLE_TAKEN.code).length, 19)
      equal(await records.findByHandle('key'), winners[0])
    })

    test('R18 lets one of many parallel first saves of one account succeed, whatever their handles are', async (records) => {
      const answers = await inParallel(20, (index) =>
        records.save('anna', holding('key', `key ${index}`), 0),
      )
      equal(answers.filter(Boolean).length, 1)
      const winner = answers.indexOf(true)
      equal(await records.findByHandle('key'), 'anna')
      for (const index of answers.keys())
        equal(await records.findByHandle(`key ${index}`), index === winner ? 'anna' : undefined)
    })
  })
}

const HANDLE_TAKEN = { code: 'handle-taken', status: 409 }

const holding = (...handles: readonly string[]): JsonObject => ({ handles: [...handles] })

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : error
}

const RECORD: JsonObject = {
  schema: 1,
  empty: {},
  list: [{ deep: [null, true, 1.5, 'ü', ''] }],
  'a.b': { $set: 1, 'c.d$e': '\u0000' },
  big: Number.MAX_SAFE_INTEGER,
}
