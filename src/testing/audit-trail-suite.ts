import { deepEqual, equal } from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import type { OwnChain } from '../domain/audit-chain.ts'
import { ChainWalk } from '../domain/audit-chain-walk.ts'
import type { AuditEntry, AuditQuery, AuditTrail } from '../ports/audit-trail.ts'
import { globalRunner, inParallel, storeTests, TEST_START } from './runner.ts'
import type { Make, Runner } from './runner.ts'

export function describeAuditTrail(
  name: string,
  make: Make<AuditTrail>,
  runner: Runner = globalRunner(),
): void {
  const test = storeTests(make, runner)

  runner.describe(`${name}: audit trail`, () => {
    test('R31 gives back what was added, newest first', async (audit) => {
      const first = entry('1', 0)
      const second = entry('2', 5, { detail: { factor: 'totp', reason: 'wrong', remaining: 4 } })
      const third = entry('3', 5)
      await audit.add([first, second])
      await audit.add([third])
      deepEqual(await audit.list({ limit: 10 }), [third, second, first])
    })

    test('keeps an event of the server’s that belongs to no account', async (audit) => {
      const { accountId: _, ...nobodys } = entry('1', 0, { type: 'client-changed' })
      await audit.add([nobodys])
      deepEqual(await audit.list({ limit: 10 }), [nobodys])
    })

    test('keeps the first of two events with one id', async (audit) => {
      await audit.add([entry('1', 0)])
      await audit.add([entry('1', 9, { type: 'locked' }), entry('2', 1), entry('2', 7)])
      deepEqual(await audit.list({ limit: 10 }), [entry('2', 1), entry('1', 0)])
    })

    test('narrows by account, type and time, and stops at the limit', async (audit) => {
      await audit.add([
        entry('1', 1),
        entry('2', 2, { accountId: 'bea' }),
        entry('3', 3, { type: 'locked' }),
        entry('4', 4),
      ])
      const ids = async (query: Parameters<AuditTrail['list']>[0]): Promise<string[]> =>
        (await audit.list(query)).map((event) => event.id)
      deepEqual(await ids({ accountId: 'anna', limit: 10 }), ['4', '3', '1'])
      deepEqual(await ids({ type: 'locked', limit: 10 }), ['3'])
      deepEqual(await ids({ before: TEST_START + 3, limit: 10 }), ['2', '1'])
      deepEqual(await ids({ accountId: 'anna', type: 'signed-in', limit: 1 }), ['4'])
      deepEqual(await ids({ accountId: 'nobody', limit: 10 }), [])
    })

    test('narrows by each member of the detail, by several types and by a time of both ends', async (audit) => {
      const members = [
        { clientId: 'shop' },
        { ip: '2001:db8::7' },
        { actor: 'Anna Ärmel' },
        { requestId: 'r.1' },
        { clientId: '$ne', ip: '192.0.2.1', actor: 'shop', requestId: 'Anna Ärmel' },
      ]
      await audit.add([
        ...members.map((detail, index) => entry(String(index), index, { detail })),
        entry('5', 5, { type: 'locked' }),
        entry('6', 6, { type: 'reset' }),
      ])
      const ids = async (query: Omit<AuditQuery, 'limit'>): Promise<string[]> =>
        (await audit.list({ ...query, limit: 10 })).map(({ id }) => id)
      deepEqual(await ids({ clientId: 'shop' }), ['0'])
      deepEqual(await ids({ ip: '2001:db8::7' }), ['1'])
      deepEqual(await ids({ actor: 'Anna Ärmel' }), ['2'])
      deepEqual(await ids({ requestId: 'r.1' }), ['3'])
      deepEqual(await ids({ clientId: '$ne', ip: '192.0.2.1' }), ['4'])
      deepEqual(await ids({ clientId: 'shop', ip: '192.0.2.1' }), [])
      deepEqual(await ids({ type: ['locked', 'reset'] }), ['6', '5'])
      deepEqual(await ids({ type: [] }), [])
      const at = (seconds: number): number => TEST_START + seconds
      deepEqual(await ids({ since: at(2), before: at(4) }), ['3', '2'])
      deepEqual(await ids({ since: at(2), before: at(4), oldestFirst: true }), ['2', '3'])
      deepEqual(await ids({ since: at(4), type: 'signed-in' }), ['4'])
    })

    for (const oldestFirst of [false, true])
      test(`reads every entry once, page by page, ${oldestFirst ? 'the oldest first' : 'while new ones arrive'}`, async (audit) => {
        // Several in one second, so that pages end within it.
        const given = Array.from({ length: 23 }, (_, index) => entry(`e${index}`, index >> 2))
        await audit.add(given)
        const read: string[] = []
        let query: AuditQuery = { limit: 3, oldestFirst, accountId: 'anna' }
        for (;;) {
          const { entries, next } = await audit.page(query)
          read.push(...entries.map(({ id }) => id))
          if (next === undefined) break
          query = { ...query, after: next }
          if (!oldestFirst) await audit.add([entry(`new${read.length}`, 100)])
        }
        const inOrder = given.map(({ id }) => id)
        deepEqual(read, oldestFirst ? inOrder : inOrder.reverse())
      })

    test('says of the last page that it is the last, also where it is full', async (audit) => {
      await audit.add([entry('1', 1), entry('2', 2)])
      const { next, entries } = await audit.page({ limit: 1 })
      equal(entries.length, 1)
      deepEqual(await audit.page({ limit: 1, ...(next && { after: next }) }), {
        entries: [entry('1', 1)],
      })
      deepEqual(await audit.page({ limit: 2 }), { entries: [entry('2', 2), entry('1', 1)] })
    })

    test('R47 links entries to the chain of each process, also when several add at once', async (audit) => {
      await audit.add([entry('before', 0)])
      await inParallel(12, (index) =>
        audit.add(
          [entry(`a${index}`, index), entry(`b${index}`, index)],
          index % 3 === 0 ? TWO : ONE,
        ),
      )
      const [one, two] = await audit.chains()
      deepEqual([one?.name, one?.head?.number], [ONE.name, 16])
      deepEqual([two?.name, two?.head?.number], [TWO.name, 8])
      for (const chain of [ONE, TWO]) equal((await walked(audit, chain)).fault, undefined)
      equal((await walked(audit, ONE)).verified, 16)
      equal(await audit.unchained(), 1)
      equal((await audit.list({ limit: 100 })).length, 25)
    })

    test('an event that comes again changes no chain, in whichever it comes', async (audit) => {
      await audit.add([entry('1', 0), entry('1', 5), entry('2', 0)], ONE)
      await audit.add([entry('1', 0)], ONE)
      await audit.add([entry('2', 0), entry('3', 0)], TWO)
      await audit.add([], TWO)
      const heads = (await audit.chains()).map(({ head }) => head?.number)
      deepEqual(heads, [2, 1])
      deepEqual((await audit.list({ limit: 9 })).length, 3)
      for (const chain of [ONE, TWO]) equal((await walked(audit, chain)).fault, undefined)
    })

    test('reads a chain in pages', async (audit) => {
      await audit.add(
        Array.from({ length: 7 }, (_, index) => entry(String(index), index)),
        ONE,
      )
      const { entries } = await audit.chainPage(ONE, 2, 3)
      deepEqual(
        entries.map(({ number, entry: { id } }) => [number, id]),
        [
          [3, '2'],
          [4, '3'],
          [5, '4'],
        ],
      )
      deepEqual(await audit.chainPage({ ...ONE, name: 'none' }, 0, 3), { entries: [], removed: [] })
      deepEqual(await audit.chainPage(ONE, 7, 3), { entries: [], removed: [] })
    })

    test('adding nothing changes nothing', async (audit) => {
      await audit.add([])
      deepEqual(await audit.list({ limit: 10 }), [])
    })

    test('keeps every event of parallel additions, each once', async (audit) => {
      await inParallel(20, (index) =>
        audit.add([entry(`shared`, 0), entry(`own-${index}`, index), entry('shared', 0)]),
      )
      equal((await audit.list({ limit: 100 })).length, 21)
    })
  })
}

function entry(id: string, seconds: number, changes: Partial<AuditEntry> = {}): AuditEntry {
  return {
    id,
    type: 'signed-in',
    accountId: 'anna',
    at: TEST_START + seconds,
    detail: {},
    ...changes,
  }
}

const mac: OwnChain['mac'] = (text) => createHmac('sha256', 'key').update(text).digest('base64url')
const ONE: OwnChain = { name: 'one', mac }
const TWO: OwnChain = { name: 'one/commands', mac }

/** Walks a chain to its end, in small pages. */
export async function walked(audit: AuditTrail, chain: OwnChain): Promise<ChainWalk> {
  const head = (await audit.chains()).find(({ name }) => name === chain.name)?.head
  const walk = new ChainWalk(chain)
  while (walk.take(await audit.chainPage(chain, walk.after, 3)));
  walk.end(head, true)
  return walk
}
