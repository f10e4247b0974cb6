import { expect } from 'chai'
import { openMongoStorage } from '../../../src/adapters/mongoose/server-storage.ts'
import type { Account } from '../../../src/ports/accounts.ts'
import type { ServerStorage } from '../../../src/ports/server-storage.ts'
import { openDatabase } from '../../support/mongodb.ts'
import { requireMongodb } from '../../support/requirements.ts'

const accountOf = (id: string): Account => ({ id, username: `${id}!` }) as Account

describe('accounts and records of the server in MongoDB, in one request', () => {
  let storage: ServerStorage
  let close: () => Promise<void>

  before(async function () {
    const database = await openDatabase(await requireMongodb(this))
    storage = await openMongoStorage({ url: database.url })
    close = async () => {
      await storage.close()
      await database.close()
    }
    for (const id of ['both', 'account'])
      await storage.accounts.insert(accountOf(id), { username: id })
    for (const id of ['both', 'record']) await storage.records.save(id, { of: id }, 0)
  })
  after(() => close?.())

  const pairOf = (id: string) =>
    storage.duringRequest!(async () => [
      (await storage.accounts.byId(id))?.account,
      (await storage.records.load(id))?.record,
    ])

  it('are found as each is by itself, whichever there is', async () => {
    for (const id of ['both', 'account', 'record', 'neither', '', '$where']) {
      const apart = [
        (await storage.accounts.byId(id))?.account,
        (await storage.records.load(id))?.record,
      ]
      expect(await pairOf(id), id).to.deep.equal(apart)
    }
    expect(await pairOf('both')).to.deep.equal([accountOf('both'), { of: 'both' }])
    expect(await pairOf('account')).to.deep.equal([accountOf('account'), undefined])
    expect(await pairOf('record')).to.deep.equal([undefined, { of: 'record' }])
  })

  it('R34 takes an operator for nobody', async () => {
    for (const id of [{ $ne: null }, { $gt: '' }, ['both']] as unknown as string[])
      expect(await pairOf(id), JSON.stringify(id)).to.deep.equal([undefined, undefined])
  })

  it('R20 are read anew behind a write of the same request', () =>
    storage.duringRequest!(async () => {
      const { version = 0 } = (await storage.accounts.byId('both')) ?? {}
      await storage.records.save('both', { of: 'later' }, 1)
      expect((await storage.records.load('both'))?.record).to.deep.equal({ of: 'later' })

      await storage.records.load('account')
      const changed = { ...accountOf('account'), username: 'changed' }
      expect(await storage.accounts.update(changed, { username: 'changed' }, version)).to.equal(
        true,
      )
      expect((await storage.accounts.byId('account'))?.account).to.deep.equal(changed)
    }))
})
