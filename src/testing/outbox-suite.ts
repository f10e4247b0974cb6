import { deepEqual, equal } from 'node:assert/strict'
import type { Outbox, OutboxRow, WaitingRow } from '../ports/outbox.ts'
import { AWKWARD_KEYS } from './awkward-keys.ts'
import { globalRunner, inParallel, storeTests, TEST_START } from './runner.ts'
import type { Make, Runner } from './runner.ts'

const NOW = TEST_START

/** The rules of `Outbox`: above all, a row has one sender at a time, and none is lost (R18). */
export function describeOutbox(
  name: string,
  make: Make<Outbox>,
  runner: Runner = globalRunner(),
): void {
  const test = storeTests(make, runner)

  runner.describe(`${name}: outbox`, () => {
    test('hands out what was added, in that order, and counts the claims', async (outbox) => {
      equal(await outbox.claim(NOW, NOW + 60), undefined)
      await outbox.add([row('b'), row('a')], NOW)
      await outbox.add([row('c')], NOW)
      deepEqual(await outbox.claim(NOW, NOW + 60), { ...row('b'), claims: 1, firstClaimedAt: NOW })
      equal((await outbox.claim(NOW, NOW + 60))?.id, 'a')
      equal((await outbox.claim(NOW, NOW + 60))?.id, 'c')
      equal(await outbox.claim(NOW + 59, NOW + 60), undefined)
    })

    test('leaves a row whose id is known, also when it is finished', async (outbox) => {
      await outbox.add([row('a', { value: 'first' }), row('a', { value: 'second' })], NOW)
      await outbox.add([row('a', { value: 'third' }), row('b')], NOW)
      const claimed = await claimedRow(outbox)
      equal(claimed.value, 'first')
      equal(await outbox.finish(claimed, NOW + 60), true)
      await outbox.add([row('a')], NOW)
      equal((await outbox.claim(NOW, NOW + 60))?.id, 'b')
      equal(await outbox.claim(NOW, NOW + 60), undefined)
    })

    test('gives a row to another sender when the time of the first is over', async (outbox) => {
      await outbox.add([row('a')], NOW)
      const first = await claimedRow(outbox)
      const second = await claimedRow(outbox, NOW + 60)
      deepEqual(second, { ...row('a'), claims: 2, firstClaimedAt: NOW })
      equal(await outbox.finish(first, NOW + 900), false)
      equal(await outbox.postpone(first, NOW + 900, 'away'), false)
      equal(await outbox.postpone(second, NOW + 90, 'away'), true)
      equal(await outbox.claim(NOW + 89, NOW + 900), undefined)
      const third = await claimedRow(outbox, NOW + 90)
      equal(await outbox.finish(third, NOW + 900), true)
      equal(await outbox.finish(third, NOW + 900), false)
      equal(await outbox.postpone(third, NOW + 900, 'away'), false)
      equal(await outbox.claim(NOW + 9_000, NOW + 9_900), undefined)
    })

    test('counts the rows that are not finished', async (outbox) => {
      equal(await outbox.waiting(), 0)
      await outbox.add([row('a'), row('b')], NOW)
      equal(await outbox.waiting(), 2)
      const claimed = await claimedRow(outbox)
      equal(await outbox.waiting(), 2)
      await outbox.finish(claimed, NOW + 900)
      equal(await outbox.waiting(), 1)
    })

    test('hands out the row that has been due longest', async (outbox) => {
      await outbox.add([row('late')], NOW + 5)
      await outbox.add([row('early')], NOW)
      equal((await outbox.claim(NOW + 9, NOW + 60))?.id, 'early')
      equal((await outbox.claim(NOW + 9, NOW + 60))?.id, 'late')
    })

    test('hands out a row whose time only a wrong clock can have set', async (outbox) => {
      await outbox.add([row('ahead')], NOW + 7201)
      await outbox.add([row('later')], NOW + 7200)
      equal((await outbox.claim(NOW, NOW + 60, NOW + 7200))?.id, 'ahead')
      equal(await outbox.claim(NOW, NOW + 60, NOW + 7200), undefined)
      equal((await outbox.claim(NOW + 60, NOW + 120))?.id, 'ahead')
    })

    test('R3 hands out nothing whose code or link has ended, not even at its second', async (outbox) => {
      await outbox.add([row('a', { until: NOW + 60 }), row('b')], NOW)
      const claimed = await claimedRow(outbox)
      equal(claimed.until, NOW + 60)
      await outbox.postpone(claimed, NOW + 30, 'away')
      equal((await outbox.claim(NOW, NOW + 600))?.id, 'b')
      equal(await outbox.claim(NOW + 60, NOW + 600), undefined)
      equal((await outbox.claim(NOW + 59, NOW + 600))?.id, 'a')
    })

    test('withdraws the codes and links of one account, also claimed ones, and no notice', async (outbox) => {
      const until = NOW + 600
      await outbox.add([row('link', { until }), row('code', { until }), row('notice')], NOW)
      await outbox.add([row('other', { accountId: 'bea', until })], NOW)
      const claimed = await claimedRow(outbox)
      equal(await outbox.withdraw('anna'), 2)
      equal(await outbox.withdraw('anna'), 0)
      equal(await outbox.postpone(claimed, NOW, 'away'), false)
      equal((await outbox.claim(NOW, NOW + 60))?.id, 'notice')
      equal((await outbox.claim(NOW, NOW + 60))?.id, 'other')
      equal(await outbox.claim(NOW, NOW + 60), undefined)
    })

    test('R35 lists what is not finished, page by page, and replaces a value that is unchanged', async (outbox) => {
      await outbox.add([row('c'), row('a'), row('b')], NOW)
      await outbox.finish(await claimedRow(outbox), NOW + 60)
      deepEqual(await outbox.list({ limit: 1 }), [waitingRow('a')])
      deepEqual(await outbox.list({ after: 'a', limit: 9 }), [waitingRow('b')])
      equal(await outbox.replaceValue('a', 'anew', 'another'), false)
      equal(await outbox.replaceValue('a', 'anew', 'sealed'), true)
      equal(await outbox.replaceValue('c', 'anew', 'sealed'), false)
      equal(await outbox.replaceValue('unknown', 'anew', 'sealed'), false)
      equal((await outbox.claim(NOW, NOW + 60))?.value, 'anew')
    })

    test('tells of a waiting row how often it was claimed, when it is due and why it was not sent', async (outbox) => {
      equal(await outbox.find('a'), undefined)
      await outbox.add([row('a', { until: NOW + 900 })], NOW)
      const until = { until: NOW + 900 }
      deepEqual(await outbox.find('a'), waitingRow('a', until))
      const claimed = await claimedRow(outbox)
      const held = waitingRow('a', { ...until, claims: 1, dueAt: NOW + 60 })
      deepEqual(await outbox.find('a'), held)
      await outbox.postpone(claimed, NOW + 90, '450 busy')
      const postponed = { ...held, dueAt: NOW + 90, fault: '450 busy' }
      deepEqual(await outbox.find('a'), postponed)
      deepEqual(await outbox.list({ limit: 9 }), [postponed])
      const again = await claimedRow(outbox, NOW + 90)
      deepEqual(await outbox.find('a'), { ...held, claims: 2, dueAt: NOW + 150 })
      await outbox.finish(again, NOW + 900)
      equal(await outbox.find('a'), undefined)
    })

    test('hastens a row, and not one that a sender has', async (outbox) => {
      equal(await outbox.hasten('a', NOW), false)
      await outbox.add([row('a'), row('b')], NOW + 90)
      equal(await outbox.hasten('a', NOW), true)
      const claimed = await claimedRow(outbox)
      equal(claimed.id, 'a')
      equal(await outbox.claim(NOW, NOW + 60), undefined)
      equal(await outbox.hasten('a', NOW), false)
      equal(await outbox.claim(NOW, NOW + 60), undefined)
      await outbox.postpone(claimed, NOW + 900, 'away')
      equal(await outbox.hasten('a', NOW + 1), true)
      const again = await claimedRow(outbox, NOW + 1)
      deepEqual([again.id, again.claims], ['a', 2])
      await outbox.finish(again, NOW + 900)
      equal(await outbox.hasten('a', NOW), false)
    })

    test('drops a row for good, also one that a sender has', async (outbox) => {
      equal(await outbox.drop('a', NOW + 900), false)
      await outbox.add([row('a', { until: NOW + 600 }), row('b')], NOW)
      const claimed = await claimedRow(outbox)
      equal(claimed.id, 'a')
      equal(await outbox.drop('a', NOW + 900), true)
      equal(await outbox.drop('a', NOW + 900), false)
      equal(await outbox.find('a'), undefined)
      equal(await outbox.waiting(), 1)
      equal(await outbox.postpone(claimed, NOW, 'away'), false)
      equal(await outbox.finish(claimed, NOW + 900), false)
      equal(await outbox.drop('b', NOW + 900), true)
      await outbox.add([row('a'), row('b')], NOW)
      equal(await outbox.claim(NOW, NOW + 60), undefined)
    })

    test('keeps ids apart', async (outbox) => {
      const rows = AWKWARD_KEYS.map((id) => row(id, { accountId: id, value: id }))
      await outbox.add(rows, NOW)
      for (const expected of rows)
        deepEqual(await outbox.claim(NOW, NOW + 60), {
          ...expected,
          claims: 1,
          firstClaimedAt: NOW,
        })
    })

    test('R18 gives a row to one of many parallel senders', async (outbox) => {
      await outbox.add([row('a'), row('b'), row('c')], NOW)
      const claimed = await inParallel(20, () => outbox.claim(NOW, NOW + 60))
      deepEqual(claimed.flatMap((each) => (each === undefined ? [] : [each.id])).sort(), [
        'a',
        'b',
        'c',
      ])
    })
  })
}

function row(id: string, changes: Partial<OutboxRow> = {}): OutboxRow {
  return { id, accountId: 'anna', value: 'sealed', ...changes }
}

function waitingRow(id: string, changes: Partial<WaitingRow> = {}): WaitingRow {
  return { ...row(id), claims: 0, dueAt: NOW, ...changes }
}

async function claimedRow(outbox: Outbox, now = NOW) {
  const claimed = await outbox.claim(now, now + 60)
  if (claimed === undefined) throw new Error('no row is due')
  return claimed
}
