import { deepEqual, equal } from 'node:assert/strict'
import type { AdapterPayload } from 'oidc-provider'
import type { AccountRecords, HostRecords } from '../ports/host-records.ts'
import { inParallel, storeTests } from './runner.ts'
import type { Make, Runner } from './runner.ts'

/** The part of a storage that has the host's records, and finds them by their account. */
export interface RecordsOfAccounts {
  readonly hostRecords: HostRecords
  readonly accountRecords: AccountRecords
}

/** The sessions and grants of an account are listed, and one session is ended for good (R19, R20). */
export function describeAccountRecords(
  name: string,
  make: Make<RecordsOfAccounts>,
  runner: Runner,
): void {
  const test = storeTests(make, runner)

  runner.describe(`${name}: records of an account`, () => {
    test('R20 lists the sessions of one account, each with all that the host stored', async (store) => {
      await save(store, 's1', 'u')
      await save(store, 's2', 'v')
      await save(store, 's3', 'w', 'bea')
      await store.hostRecords('Session').upsert('s4', { uid: 'x', jti: 's4' }, 60)
      deepEqual(await uidsOf(store, 'anna'), ['u', 'v'])
      deepEqual(await uidsOf(store, 'bea'), ['w'])
      deepEqual(await uidsOf(store, 'nobody'), [])
      const [hers] = await store.accountRecords.list('Session', 'bea')
      deepEqual(hers, { uid: 'w', jti: 's3', accountId: 'bea' })
    })

    test('lists a session under the account that is signed in now', async (store) => {
      const sessions = store.hostRecords('Session')
      await sessions.upsert('s1', { uid: 'u', jti: 's1' }, 60)
      deepEqual(await uidsOf(store, 'anna'), [])
      await save(store, 's1', 'u')
      deepEqual(await uidsOf(store, 'anna'), ['u'])
      await save(store, 's1', 'u', 'bea')
      deepEqual(await uidsOf(store, 'anna'), [])
      deepEqual(await uidsOf(store, 'bea'), ['u'])
    })

    test('lists neither a destroyed session, nor one that was moved away, nor one past its time', async (store, clock) => {
      await save(store, 's1', 'u')
      await save(store, 's2', 'v')
      await store.hostRecords('Session').destroy('s1')
      await store.hostRecords('Session').destroy('s2')
      await save(store, 's3', 'v')
      const [moved, ...others] = await store.accountRecords.list('Session', 'anna')
      deepEqual([moved?.jti, others], ['s3', []])
      clock.advance(24 * 3600)
      deepEqual(await uidsOf(store, 'anna'), [])
    })

    test('lists the grants of one account, and no token', async (store) => {
      const grant = { jti: 'g1', accountId: 'anna', clientId: 'app' }
      await store.hostRecords('Grant').upsert('g1', grant, 60)
      await store.hostRecords('Grant').upsert('g2', { ...grant, accountId: 'bea' }, 60)
      await store.hostRecords('AccessToken').upsert('t', { jti: 't', accountId: 'anna' }, 60)
      deepEqual(await store.accountRecords.list('Grant', 'anna'), [grant])
      await store.hostRecords('Grant').destroy('g1')
      deepEqual(await store.accountRecords.list('Grant', 'anna'), [])
    })

    test('R19 ends a session for good, whatever a request in flight stores', async (store) => {
      await save(store, 's1', 'u')
      await save(store, 't1', 'v')
      equal(await store.accountRecords.isEnded('u'), false)
      deepEqual(jtis(await store.accountRecords.endSession('u')), ['s1'])
      equal(await store.accountRecords.isEnded('u'), true)
      equal(await store.accountRecords.isEnded('v'), false)
      await save(store, 's1', 'u')
      await save(store, 's2', 'u')
      await store.hostRecords('Session').destroy('s1')
      await save(store, 's3', 'u')
      deepEqual(await uidsOf(store, 'anna'), ['v'])
      deepEqual(await store.accountRecords.endSession('u'), [])
    })

    test('R19 ends a session whose record a request has taken away to move it', async (store) => {
      await save(store, 's1', 'u')
      await store.hostRecords('Session').destroy('s1') // the first half of a move to s2
      deepEqual(await store.accountRecords.endSession('u'), [])
      await save(store, 's2', 'u')
      deepEqual(await uidsOf(store, 'anna'), [])
      equal(await store.accountRecords.isEnded('u'), true)
    })

    test('R19 ends every id of a session that two parallel requests have moved', async (store) => {
      await inParallel(2, (nth) => save(store, `s${nth}`, 'u'))
      deepEqual(jtis(await store.accountRecords.endSession('u')), ['s0', 's1'])
      for (const id of ['s0', 's1']) equal(await store.hostRecords('Session').find(id), undefined)
    })

    test('ends nothing for an unknown uid', async (store) => {
      await save(store, 's1', 'u')
      deepEqual(await store.accountRecords.endSession('unknown'), [])
      equal(await store.accountRecords.isEnded('unknown'), false)
      await save(store, 's2', 'unknown')
      deepEqual(await uidsOf(store, 'anna'), ['u', 'unknown'])
    })

    test('R18 R19 ends a session under many parallel writes', async (store) => {
      await save(store, 's', 'u')
      const [ended] = await Promise.all([
        store.accountRecords.endSession('u'),
        inParallel(10, () => save(store, 's', 'u')),
        inParallel(10, (nth) => save(store, `m${nth}`, 'u')),
      ])
      equal(jtis(ended).includes('s'), true)
      deepEqual(await uidsOf(store, 'anna'), [])
      equal(await store.hostRecords('Session').findByUid('u'), undefined)
    })
  })
}

async function save(
  { hostRecords }: RecordsOfAccounts,
  id: string,
  uid: string,
  accountId = 'anna',
): Promise<void> {
  await hostRecords('Session').upsert(id, { uid, jti: id, accountId }, 3600)
}

async function uidsOf(store: RecordsOfAccounts, accountId: string): Promise<unknown[]> {
  return (await store.accountRecords.list('Session', accountId)).map(({ uid }) => uid).toSorted()
}

const jtis = (payloads: readonly AdapterPayload[]): unknown[] =>
  payloads.map(({ jti }) => jti).toSorted()
