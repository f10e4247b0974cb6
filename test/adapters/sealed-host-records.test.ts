import { expect } from 'chai'
import type { AdapterPayload } from 'oidc-provider'
import { secretBox } from '../../src/adapters/crypto/index.ts'
import {
  sealedAccountRecords,
  sealedHostRecords,
  type StoredAdapter,
  type StoredHostRecords,
} from '../../src/adapters/sealed-host-records.ts'
import type { HostRecords } from '../../src/ports/host-records.ts'

const [OLD, NEW, OTHER] = [1, 2, 3].map((fill) => Buffer.alloc(32, fill)) as [
  Buffer,
  Buffer,
  Buffer,
]
const USER_CODE = 'BCDFGHJK'

describe('the sealed records of the host', () => {
  let rows: Map<string, AdapterPayload>

  beforeEach(() => {
    rows = new Map()
  })

  /** The records in a database that has nothing but a map. */
  const recordsWith = (...keys: readonly Buffer[]): HostRecords =>
    sealedHostRecords(stored, keys.length === 0 ? undefined : secretBox({ keys }))
  const stored: StoredHostRecords = (): StoredAdapter => {
    const by = (fits: (row: AdapterPayload) => boolean) => [...rows.values()].find(fits)
    return {
      upsert: async (id, row) => void rows.set(id, row),
      find: async (id) => rows.get(id),
      findByUid: async (uid) => by((row) => row.uid === uid),
      findByUserCode: async (userCode) => by((row) => row.userCode === userCode),
      findByAccount: async (account) =>
        [...rows.values()].filter((row) => row['account'] === account),
      consume: async (id) => void rows.set(id, { ...rows.get(id), consumed: 7 }),
      destroy: async (id) => void rows.delete(id),
      revokeByGrantId: async () => {},
    }
  }
  const refusal = (work: Promise<unknown>): Promise<unknown> =>
    work.then(
      () => 'nothing',
      (error: { code?: unknown }) => error.code,
    )
  const keepUserCode = (records: HostRecords) =>
    records('DeviceCode').upsert('device', { userCode: USER_CODE }, 60)

  it('R39 names a user code by the keys, so that a copy of the database gives no chance to try all codes', async () => {
    await keepUserCode(recordsWith(OLD))
    const find = (...keys: readonly Buffer[]) =>
      recordsWith(...keys)('DeviceCode').findByUserCode(USER_CODE)
    expect(await find(OLD)).to.deep.equal({ userCode: USER_CODE })
    expect(await find(OTHER)).to.equal(undefined)
  })

  it('finds a user code of before a rotation of keys, and of a node that has the new key first', async () => {
    await keepUserCode(recordsWith(OLD))
    for (const keys of [
      [NEW, OLD],
      [OLD, NEW],
    ])
      expect(await recordsWith(...keys)('DeviceCode').findByUserCode(USER_CODE)).to.deep.equal({
        userCode: USER_CODE,
      })
  })

  it('takes no user code without keys, and every other record', async () => {
    const records = recordsWith()
    expect(await refusal(keepUserCode(records))).to.equal('options-invalid')
    expect(
      await refusal(Promise.resolve(records('DeviceCode').findByUserCode(USER_CODE))),
    ).to.equal('options-invalid')
    expect(rows.size).to.equal(0)
    await records('DeviceCode').upsert('device', { clientId: 'tv' }, 60)
    expect(await records('DeviceCode').find('device')).to.deep.equal({ clientId: 'tv' })
  })

  it('R39 R35 opens nothing that was changed, cut off, or moved from another row', async () => {
    const tokens = recordsWith()('AccessToken')
    await tokens.upsert('mine', { accountId: 'anna' }, 60)
    await tokens.upsert('hers', { accountId: 'bea' }, 60)
    const [mine, hers] = [...rows.keys()] as [string, string]
    const sealed = String(rows.get(mine)?.['sealed'])
    const altered = sealed.slice(0, -6) + (sealed.at(-6) === 'A' ? 'B' : 'A') + sealed.slice(-5)
    for (const other of [rows.get(hers)?.['sealed'], altered, sealed.slice(0, 30), '', undefined]) {
      rows.set(mine, { sealed: other })
      expect(await refusal(Promise.resolve(tokens.find('mine'))), String(other)).to.equal(
        'seal-broken',
      )
    }
  })

  it('R39 finds no session by a uid whose row was moved to it', async () => {
    const sessions = recordsWith()('Session')
    await sessions.upsert('mine', { uid: 'my uid', accountId: 'anna' }, 60)
    await sessions.upsert('hers', { uid: 'her uid', accountId: 'bea' }, 60)
    const [mine, hers] = [...rows.values()] as [AdapterPayload, AdapterPayload]
    rows = new Map([['any', { ...hers, uid: mine.uid }]])
    expect(await refusal(Promise.resolve(sessions.findByUid('my uid')))).to.equal('seal-broken')
  })

  const listedWith = (...keys: readonly Buffer[]) => {
    const sessions = { endSession: async () => [], isEnded: async () => false }
    const box = keys.length === 0 ? undefined : secretBox({ keys })
    return sealedAccountRecords(stored, sessions, box).list('Session', 'anna')
  }

  it('R39 lists the sessions of an account under the keys alone, also while keys are rotated', async () => {
    await recordsWith(OLD)('Session').upsert('id', { uid: 'u', accountId: 'anna' }, 60)
    expect(JSON.stringify([...rows])).not.to.contain('anna')
    const found = [{ uid: 'u', accountId: 'anna' }]
    expect(await listedWith(NEW, OLD)).to.deep.equal(found)
    expect(await listedWith(OLD)).to.deep.equal(found)
    expect(await listedWith(OTHER)).to.deep.equal([])
    expect(await refusal(listedWith())).to.equal('options-invalid')
  })

  it('R39 lists no session whose row was moved to the account', async () => {
    await recordsWith(OLD)('Session').upsert('mine', { uid: 'u', accountId: 'anna' }, 60)
    await recordsWith(OLD)('Session').upsert('hers', { uid: 'v', accountId: 'bea' }, 60)
    const [mine, hers] = [...rows.values()] as [AdapterPayload, AdapterPayload]
    rows.set('any', { ...hers, account: mine['account'] })
    expect(await refusal(listedWith(OLD))).to.equal('seal-broken')
  })

  it('keeps no account in the row of a token, which nobody lists', async () => {
    await recordsWith(OLD)('AccessToken').upsert('token', { accountId: 'anna' }, 60)
    expect([...rows.values()][0]).to.have.all.keys('sealed')
  })

  it('tells the database the time of a use, and the host as well', async () => {
    const codes = recordsWith()('AuthorizationCode')
    await codes.upsert('code', { grantId: 'g' }, 60)
    await codes.consume('code')
    expect(await codes.find('code')).to.deep.equal({ grantId: 'g', consumed: 7 })
  })

  it('leaves clients as they are, because their ids are public', async () => {
    const clients = recordsWith()('Client')
    await clients.upsert('app', { client_id: 'app' })
    expect(rows.get('app')).to.deep.equal({ client_id: 'app' })
    expect(await clients.find('app')).to.deep.equal({ client_id: 'app' })
    await clients.destroy('app')
    expect(rows.size).to.equal(0)
  })
})
