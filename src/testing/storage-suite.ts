import { deepEqual, equal } from 'node:assert/strict'
import type { Account } from '../ports/accounts.ts'
import type { AuditRetention } from '../ports/audit-trail.ts'
import type { ServerStorage } from '../ports/server-storage.ts'
import type { Storage } from '../ports/storage.ts'
import { describeAccountRecords } from './account-records-suite.ts'
import { describeAccounts } from './accounts-suite.ts'
import { describeAuditTrail, walked } from './audit-trail-suite.ts'
import { describeClients } from './clients-suite.ts'
import { describeCounters } from './counters-suite.ts'
import { describeHostRecords } from './host-records-suite.ts'
import { describeLeases } from './leases-suite.ts'
import { describeMfaRecords } from './mfa-records-suite.ts'
import { describeNodes } from './nodes-suite.ts'
import { describeOneTime } from './one-time-suite.ts'
import { describeOutbox } from './outbox-suite.ts'
import { globalRunner, storeTests, TEST_START } from './runner.ts'
import type { Make, Runner } from './runner.ts'
import { describeSettings } from './settings-suite.ts'

/** All rules that `createMfa` requires of a storage. Run this suite on your own adapter. */
export function describeStorage(
  name: string,
  make: Make<Storage>,
  runner: Runner = globalRunner(),
): void {
  describeMfaRecords(name, part(make, 'records'), runner)
}

/** All rules that the complete server requires of a storage. */
export function describeServerStorage(
  name: string,
  make: Make<ServerStorage>,
  runner: Runner = globalRunner(),
): void {
  describeStorage(name, make, runner)
  describeOneTime(name, part(make, 'oneTime'), runner)
  describeCounters(name, part(make, 'counters'), runner)
  describeAccounts(name, part(make, 'accounts'), runner)
  describeClients(name, part(make, 'clients'), runner)
  describeHostRecords(name, part(make, 'hostRecords'), runner)
  describeAccountRecords(name, make, runner)
  describeAuditTrail(name, part(make, 'audit'), runner)
  describeSettings(name, part(make, 'settings'), runner)
  describeOutbox(name, part(make, 'outbox'), runner)
  describeLeases(name, part(make, 'leases'), runner)
  describeNodes(name, part(make, 'nodes'), runner)
  describeUpkeep(name, make, runner)
}

/** How long a storage may leave expired rows to its database. */
const TWO_HOURS = 7200

function describeUpkeep(name: string, make: Make<ServerStorage>, runner: Runner): void {
  const test = storeTests(make, runner)

  runner.describe(`${name}: upkeep`, () => {
    test('can be written', async (storage) => {
      await storage.checkWritable()
      await storage.checkWritable()
    })

    test('knows a schema that it may work with', async (storage) => {
      const { current, wanted, readableFrom } = await storage.schema()
      equal(current, wanted)
      equal(readableFrom <= wanted, true)
    })

    test('lists who has a record, page by page, with an account or without', async (storage) => {
      for (const id of ['c', 'a', 'd', 'b']) await storage.records.save(id, { of: id }, 0)
      await storage.records.save('a', { of: 'a' }, 1)
      deepEqual(await storage.recordIds({ limit: 3 }), ['a', 'b', 'c'])
      deepEqual(await storage.recordIds({ after: 'c', limit: 3 }), ['d'])
      deepEqual(await storage.recordIds({ after: 'd', limit: 3 }), [])
    })

    test('removes an account with its names, its record and its handles, and no other', async (storage) => {
      const { accounts, records } = storage
      const person = (id: string): Account => ({
        id,
        username: id,
        emailVerified: false,
        groups: [],
        claims: {},
        createdAt: TEST_START,
        updatedAt: TEST_START,
        passwordOrigin: 'none',
      })
      for (const id of ['a', 'b']) {
        await accounts.insert(person(id), { username: id, email: `${id}@example.com` })
        await records.save(id, { handles: [`handle-${id}`] }, 0)
      }
      equal(await storage.removeAccount('a'), true)
      equal(await accounts.byId('a'), undefined)
      equal(await accounts.byName('a@example.com'), undefined)
      equal(await records.load('a'), undefined)
      equal(await records.findByHandle('handle-a'), undefined)
      equal((await accounts.byName('b'))?.account.id, 'b')
      equal(await records.findByHandle('handle-b'), 'b')
      equal(await storage.removeAccount('a'), false)
      // The names and the handle are free, and a record begins again.
      equal(await accounts.insert(person('c'), { username: 'a', email: 'a@example.com' }), true)
      equal(await records.save('c', { handles: ['handle-a'] }, 0), true)
      equal(await records.save('a', {}, 0), true)
    })

    test('finds records and accounts whose events wait, and no others', async (storage) => {
      const events = [{ id: 'e' }]
      for (const id of ['a', 'b', 'c']) await storage.records.save(id, { events }, 0)
      await storage.records.save('d', { events: [] }, 0)
      deepEqual([...(await storage.waitingEvents('records', 9))].sort(), ['a', 'b', 'c'])
      equal((await storage.waitingEvents('records', 2)).length, 2)
      await storage.records.save('a', { events: [] }, 1)
      await storage.records.save('b', {}, 1)
      await storage.records.save('d', { events, handles: ['h'] }, 1)
      deepEqual([...(await storage.waitingEvents('records', 9))].sort(), ['c', 'd'])

      const account = (id: string, changes: object = {}) =>
        ({
          id,
          username: id,
          emailVerified: false,
          groups: [],
          claims: {},
          ...changes,
        }) as unknown as Account
      await storage.accounts.insert(account('a', { events }), { username: 'a' })
      await storage.accounts.insert(account('b'), { username: 'b' })
      deepEqual(await storage.waitingEvents('accounts', 9), ['a'])
      await storage.accounts.update(account('a', { events: [] }), { username: 'a' }, 1)
      await storage.accounts.update(account('b', { events }), { username: 'b' }, 1)
      deepEqual(await storage.waitingEvents('accounts', 9), ['b'])
    })

    test('sweeps what is past its time, at most so many at once, and nothing else', async (storage, clock) => {
      const tokens = storage.hostRecords('AccessToken')
      for (const id of ['a', 'b', 'c']) await tokens.upsert(id, { grantId: 'g' }, 60)
      await tokens.upsert('kept', { grantId: 'g' }, 10 * 24 * 3600)
      await storage.hostRecords('Client').upsert('client', { client_id: 'client' })
      await storage.oneTime.put('gone', { n: 1 }, TEST_START + 60)
      await storage.oneTime.put('kept', { n: 2 }, TEST_START + 10 * 24 * 3600)
      await storage.counters.reserve('gone', { limit: 1, windowSeconds: 60 }, TEST_START)
      await storage.counters.reserve('kept', { limit: 1 }, TEST_START)
      const row = { accountId: 'anna', value: 'sealed' }
      await storage.outbox.add([{ id: 'sent', ...row }], TEST_START)
      const sent = await storage.outbox.claim(TEST_START, TEST_START + 60)
      if (sent !== undefined) await storage.outbox.finish(sent, TEST_START + 120)
      const waiting = [
        { id: 'ended', ...row, until: TEST_START + 60 },
        { id: 'kept', ...row },
      ]
      await storage.outbox.add(waiting, TEST_START)
      equal(await storage.sweep(100), 0)

      clock.advance(24 * 3600)
      equal(await storage.sweep(2), 2)
      equal(await storage.sweep(2), 2)
      equal(await storage.sweep(2), 2)
      equal(await storage.sweep(2), 1)
      equal(await storage.sweep(2), 0)

      const now = clock.now()
      equal((await tokens.find('kept'))?.grantId, 'g')
      equal((await storage.hostRecords('Client').find('client'))?.client_id, 'client')
      equal((await storage.oneTime.take('kept', now))?.['n'], 2)
      deepEqual(
        (await storage.outbox.list({ limit: 9 })).map(({ id }) => id),
        ['kept'],
      )
      equal((await storage.counters.reserve('kept', { limit: 1 }, now)).allowed, false)
    })

    test('sweeps a counter without an end once nobody has touched it for 90 days', async (storage, clock) => {
      const limit = { limit: 2 }
      await storage.counters.reserve('left', limit, clock.now())
      await storage.counters.reserve('again', limit, clock.now())
      await storage.counters.reserve('back', limit, clock.now())
      await storage.counters.reserve('back', limit, clock.now())
      clock.advance(60 * 24 * 3600)
      await storage.counters.reserve('again', limit, clock.now())
      await storage.counters.release('back', clock.now())
      clock.advance(30 * 24 * 3600 - 1)
      equal(await storage.sweep(10), 0)
      clock.advance(TWO_HOURS + 1)
      equal(await storage.sweep(10), 1)
      const now = clock.now()
      equal((await storage.counters.reserve('left', limit, now)).count, 1)
      equal((await storage.counters.reserve('again', limit, now)).count, 2)
      equal((await storage.counters.reserve('back', limit, now)).count, 2)
    })

    test('sweeps the note of a node that is long gone, and not that of a live one', async (storage, clock) => {
      const note = (id: string) =>
        storage.nodes.note({
          id,
          name: id,
          version: '1.2.3',
          schema: 1,
          startedAt: TEST_START,
          beatAt: clock.now(),
          issuer: 'https://login.example.com',
          cookieKeys: [],
          settings: {},
        })
      await note('gone')
      await note('there')
      clock.advance(3 * 3600)
      await note('there')
      equal(await storage.sweep(10), 1)
      equal(await storage.sweep(10), 0)
      deepEqual(
        (await storage.nodes.live(0)).map(({ id }) => id),
        ['there'],
      )
    })

    test('sweeps the audit trail from before a time, the oldest first, and without one nothing of it', async (storage, clock) => {
      const events = [0, 1, 2, 3].map((n) => ({
        id: String(n),
        type: 'signed-in',
        accountId: 'anna',
        at: TEST_START + n,
        detail: {},
      }))
      await storage.audit.add(events)
      clock.advance(3650 * 24 * 3600)
      equal(await storage.sweep(10), 0)
      equal(await storage.sweep(1, { before: TEST_START + 2 }), 1)
      equal((await storage.audit.list({ limit: 10 })).at(-1)?.id, '1')
      equal(await storage.sweep(10, { before: TEST_START + 2 }), 1)
      equal(await storage.sweep(10, { before: TEST_START + 2 }), 0)
      equal((await storage.audit.list({ limit: 10 })).map(({ id }) => id).join(), '3,2')
    })

    test('R47 sweeps entries of a chain and seals their places, so that the chain stays whole', async (storage) => {
      const { audit } = storage
      const chain = {
        name: 'node',
        mac: (text: string) => `mac of ${text.length}:${text.slice(-40)}`,
      }
      const times = [0, 1, 50, 2, 3, 51, 52, 4]
      await audit.add(
        times.map((seconds, index) => ({
          id: String(index),
          type: 'signed-in',
          at: TEST_START + seconds,
          detail: {},
        })),
        chain,
      )
      const retention = { before: TEST_START + 10, mac: chain.mac }
      equal(await storage.sweep(1, retention), 1)
      equal((await walked(audit, chain)).fault, undefined)
      let swept = 1
      for (let more = 1; more > 0; swept += more) {
        more = await storage.sweep(20, retention)
      }
      equal(swept, 5)
      const { fault, verified, removed } = await walked(audit, chain)
      deepEqual({ fault, verified, removed }, { fault: undefined, verified: 3, removed: 5 })
      await audit.add([{ id: 'new', type: 'signed-in', at: TEST_START + 60, detail: {} }], chain)
      equal((await walked(audit, chain)).fault, undefined)
      while ((await storage.sweep(20, { ...retention, before: TEST_START + 99 })) > 0);
      const empty = await walked(audit, chain)
      deepEqual([empty.fault, empty.removed], [undefined, 9])
      deepEqual(
        (await audit.chainPage(chain, 0, 9)).removed.map(({ first, last }) => [first, last]),
        [[1, 9]],
      )
    })

    test('R47 keeps entries of some types for a time of their own, and the chain whole', async (storage) => {
      const { audit } = storage
      const chain = { name: 'node', mac: (text: string) => `${text.length}:${text.slice(-60)}` }
      const types = ['locked', 'signed-in', 'reset', 'signed-in', 'locked', 'reset', 'locked']
      await audit.add(
        types.map((type, index) => ({
          id: String(index),
          type,
          at: TEST_START + index,
          detail: {},
        })),
        chain,
      )
      const left = async (): Promise<string> =>
        (await audit.list({ limit: 9, oldestFirst: true })).map(({ id }) => id).join()
      const sweepAll = async (retention: AuditRetention): Promise<void> => {
        while ((await storage.sweep(12, { ...retention, mac: chain.mac })) > 0);
        equal((await walked(audit, chain)).fault, undefined)
      }
      const kept = new Map<string, number | undefined>([
        ['reset', undefined],
        ['signed-in', TEST_START + 2],
      ])
      await sweepAll({ types: kept })
      equal(await left(), '0,2,3,4,5,6')
      await sweepAll({ types: kept, before: TEST_START + 5 })
      equal(await left(), '2,3,5,6')
      await sweepAll({ before: TEST_START + 3 })
      equal(await left(), '3,5,6')
      const { verified, removed } = await walked(audit, chain)
      deepEqual({ verified, removed }, { verified: 3, removed: 4 })
    })

    test('sweeps every kind although one kind has many rows', async (storage, clock) => {
      const tokens = storage.hostRecords('AccessToken')
      for (let n = 0; n < 30; n += 1) await tokens.upsert(`t${n}`, { grantId: 'g' }, 60)
      await storage.oneTime.put('gone', { n: 1 }, TEST_START + 60)
      await storage.counters.reserve('gone', { limit: 1, windowSeconds: 60 }, TEST_START)
      await storage.audit.add([{ id: '1', type: 'signed-in', at: TEST_START, detail: {} }])
      clock.advance(24 * 3600)
      equal(await storage.sweep(20, { before: clock.now() }), 20)
      deepEqual(await storage.audit.list({ limit: 9 }), [])
      equal(await storage.oneTime.peek('gone', TEST_START), undefined)
      equal(await storage.sweep(20, { before: clock.now() }), 13)
      equal(await storage.sweep(20, { before: clock.now() }), 0)
    })

    test('gives back space until none is left', async (storage) => {
      await storage.giveBackSpace?.(1_000_000)
      equal((await storage.giveBackSpace?.(1_000_000)) ?? 0, 0)
    })

    test('R19 does not sweep the mark of an ended session while a request may be in flight', async (storage, clock) => {
      const sessions = storage.hostRecords('Session')
      await sessions.upsert('s1', { uid: 'u' }, 60)
      await sessions.destroy('s1')
      clock.advance(1800)
      await storage.sweep(100)
      await sessions.upsert('s1', { uid: 'u' }, 60)
      equal(await sessions.find('s1'), undefined)
    })
  })
}

/** One port of a storage; closing it closes the whole storage. */
function part<Whole, Key extends keyof Whole>(make: Make<Whole>, key: Key): Make<Whole[Key]> {
  return async (given) => {
    const opened = await make(given)
    return { store: opened.store[key], close: async () => opened.close?.() }
  }
}
