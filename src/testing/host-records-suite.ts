import { deepEqual, equal, rejects } from 'node:assert/strict'
import type { AdapterPayload } from 'oidc-provider'
import type { HostRecords } from '../ports/host-records.ts'
import { describeAtomicConsume } from './atomic-consume-suite.ts'
import { AWKWARD_KEYS } from './awkward-keys.ts'
import { describeHostSessions } from './host-sessions-suite.ts'
import { globalRunner, storeTests, TEST_START } from './runner.ts'
import type { Make, Runner } from './runner.ts'

/** The rules of the host's records: those of `oidc-provider`, and the stricter ones of `ports/host-records.ts`. */
export function describeHostRecords(
  name: string,
  make: Make<HostRecords>,
  runner: Runner = globalRunner(),
): void {
  const test = storeTests(make, runner)

  runner.describe(`${name}: host records`, () => {
    test('finds what was put, by model and id', async (records) => {
      await records('Grant').upsert('id', PAYLOAD, 60)
      deepEqual(await records('Grant').find('id'), PAYLOAD)
      equal(await records('Interaction').find('id'), undefined)
      equal(await records('Grant').find('other'), undefined)
    })

    test('replaces a record and never merges', async (records) => {
      const grants = records('Grant')
      await grants.upsert('id', { accountId: 'anna', clientId: 'shop' }, 60)
      await grants.upsert('id', { accountId: 'bea' }, 60)
      deepEqual(await grants.find('id'), { accountId: 'bea' })
    })

    test('still finds a recently expired record, and no old one', async (records, clock) => {
      await records('Grant').upsert('id', { accountId: 'anna' }, 60)
      clock.advance(60 + 300)
      deepEqual(await records('Grant').find('id'), { accountId: 'anna' })
      clock.advance(24 * 3600)
      equal(await records('Grant').find('id'), undefined)
    })

    test('keeps a record without an expiry for ever', async (records, clock) => {
      await records('Client').upsert('shop', { client_id: 'shop' })
      await records('Client').upsert('app', { client_id: 'app' }, undefined)
      clock.advance(100 * 365 * 24 * 3600)
      deepEqual(await records('Client').find('shop'), { client_id: 'shop' })
      deepEqual(await records('Client').find('app'), { client_id: 'app' })
    })

    test('destroys a record, and takes it kindly when there is none', async (records) => {
      await records('Grant').upsert('id', { accountId: 'anna' }, 60)
      await records('Grant').destroy('id')
      await records('Grant').destroy('id')
      equal(await records('Grant').find('id'), undefined)
    })

    test('lets a client that was removed come back under its id', async (records) => {
      await records('Client').upsert('shop', { client_id: 'shop' })
      await records('Client').destroy('shop')
      await records('Client').upsert('shop', { client_id: 'shop' })
      deepEqual(await records('Client').find('shop'), { client_id: 'shop' })
    })

    test('finds a device code by its user code', async (records) => {
      const codes = records('DeviceCode')
      await codes.upsert('device', { userCode: 'BCDF-GHJK', clientId: 'tv' }, 60)
      deepEqual(await codes.findByUserCode('BCDF-GHJK'), { userCode: 'BCDF-GHJK', clientId: 'tv' })
      equal(await codes.findByUserCode('OTHER'), undefined)
      await codes.destroy('device')
      equal(await codes.findByUserCode('BCDF-GHJK'), undefined)
    })

    test('finds the newest of two device codes with one user code', async (records, clock) => {
      const codes = records('DeviceCode')
      await codes.upsert('older', { userCode: 'BCDF', clientId: 'tv' }, 60)
      clock.advance(1)
      await codes.upsert('newer', { userCode: 'BCDF', clientId: 'radio' }, 60)
      deepEqual(await codes.findByUserCode('BCDF'), { userCode: 'BCDF', clientId: 'radio' })
    })

    test('lets `expiresIn` alone decide how long a record is kept, whatever `exp` says', async (records, clock) => {
      const interactions = records('Interaction')
      await interactions.upsert('over', { exp: 1, params: { client_id: 'shop' } }, 3600)
      clock.advance(3500)
      deepEqual(await interactions.find('over'), { exp: 1, params: { client_id: 'shop' } })
    })

    test('gives `consumed` back as it was put', async (records) => {
      const tokens = records('RefreshToken')
      for (const consumed of [true, 1_700_000_000]) {
        await tokens.upsert(`consumed ${consumed}`, { consumed }, 60)
        deepEqual(await tokens.find(`consumed ${consumed}`), { consumed })
        await rejects(async () => tokens.consume(`consumed ${consumed}`), {
          error: 'invalid_grant',
        })
      }
    })

    test('finds a session by its uid', async (records) => {
      const sessions = records('Session')
      await sessions.upsert('s1', { uid: 'u1', accountId: 'anna' }, 60)
      await sessions.upsert('s2', { uid: 'u2', accountId: 'bea' }, 60)
      deepEqual(await sessions.findByUid('u1'), { uid: 'u1', accountId: 'anna' })
      equal(await sessions.findByUid('u3'), undefined)
    })

    test('gives a consumed record back, with the second when it was consumed', async (records, clock) => {
      const codes = records('AuthorizationCode')
      await codes.upsert('code', { grantId: 'g' }, 60)
      clock.advance(7)
      await codes.consume('code')
      deepEqual(await codes.find('code'), { grantId: 'g', consumed: TEST_START + 7 })
    })

    test('R21 does not make a used record fresh when a request in flight writes it back', async (records) => {
      const codes = records('DeviceCode')
      await codes.upsert('code', { userCode: 'A' }, 60)
      const inFlight = (await codes.find('code')) as AdapterPayload
      await codes.consume('code')
      await codes.upsert('code', inFlight, 60)
      equal((await codes.find('code'))?.consumed, TEST_START)
      await rejects(async () => codes.consume('code'), { error: 'invalid_grant' })
    })

    test('R21 remembers a used refresh token past its time, so that a theft shows', async (records, clock) => {
      const tokens = records('RefreshToken')
      await tokens.upsert('token', { grantId: 'g' }, 60)
      await tokens.consume('token')
      clock.advance(60 + 6 * 3600)
      equal((await tokens.find('token'))?.consumed, TEST_START)
    })

    test('R21 revokes a grant’s records of its own model only', async (records) => {
      for (const model of ['AccessToken', 'RefreshToken', 'Interaction']) {
        await records(model).upsert('a', { grantId: 'g1' }, 60)
        await records(model).upsert('b', { grantId: 'g1' }, 60)
        await records(model).upsert('c', { grantId: 'g2' }, 60)
      }
      await records('AccessToken').revokeByGrantId('g1')
      equal(await records('AccessToken').find('a'), undefined)
      equal(await records('AccessToken').find('b'), undefined)
      deepEqual(await records('AccessToken').find('c'), { grantId: 'g2' })
      deepEqual(await records('RefreshToken').find('a'), { grantId: 'g1' })
      deepEqual(await records('Interaction').find('a'), { grantId: 'g1' })
    })

    test('is not changed through an object that was put in or came out', async (records) => {
      const put = { claims: { userinfo: { email: null } } } as AdapterPayload
      await records('Grant').upsert('id', put, 60)
      put['claims'] = {}
      const found = (await records('Grant').find('id')) as AdapterPayload
      found['accountId'] = 'eve'
      deepEqual(await records('Grant').find('id'), { claims: { userinfo: { email: null } } })
    })

    test('keeps ids apart', async (records) => {
      for (const id of AWKWARD_KEYS) await records('Grant').upsert(id, { accountId: id }, 60)
      for (const id of AWKWARD_KEYS) deepEqual(await records('Grant').find(id), { accountId: id })
    })
  })

  describeAtomicConsume(name, make, runner)
  describeHostSessions(name, make, runner)
}

const PAYLOAD: AdapterPayload = {
  accountId: 'anna',
  clientId: 'shop.example/a.b',
  iat: 1,
  exp: 2,
  'https://example.com/claim': { $set: [1, null] },
}
