import { expect } from 'chai'
import mongoose, { type mongo } from 'mongoose'
import { openMongoStorage } from '../../../src/adapters/mongoose/server-storage.ts'
import type { Account } from '../../../src/ports/accounts.ts'
import type { ServerStorage } from '../../../src/ports/server-storage.ts'
import { openDatabase } from '../../support/mongodb.ts'
import { requireMongodb } from '../../support/requirements.ts'

const NOW = Math.floor(Date.now() / 1000)
const WRITES = ['insert', 'update', 'delete', 'findAndModify']

/** The options of a URL that would weaken the promises of the storage. */
const AGAINST = {
  w: '1',
  journal: 'false',
  readPreference: 'secondaryPreferred',
  readConcernLevel: 'available',
  retryWrites: 'false',
}

describe('what STORAGE_URL cannot take back', function () {
  this.timeout(30_000)
  let database: Awaited<ReturnType<typeof openDatabase>>
  let storage: ServerStorage
  const commands: { readonly name: string; readonly command: mongo.Document }[] = []

  before(async function () {
    database = await openDatabase(await requireMongodb(this))
    const url = new URL(database.url)
    for (const [name, value] of Object.entries({ ...AGAINST, monitorCommands: 'true' }))
      url.searchParams.set(name, value)
    storage = await openMongoStorage({ url: url.href, encryptionKeys: [Buffer.alloc(32, 1)] })
    const connection = mongoose.connections.findLast(({ name }) => name === url.pathname.slice(1))
    connection!.getClient().on('commandStarted', ({ commandName: name, command }) => {
      if ([...WRITES, 'find'].includes(name)) commands.push({ name, command })
    })
    await useEverything()
  })
  after(async () => {
    await storage?.close()
    await database?.close()
  })

  async function useEverything(): Promise<void> {
    const account: Account = {
      id: '1',
      username: 'anna',
      emailVerified: false,
      groups: [],
      claims: {},
      createdAt: NOW,
      updatedAt: NOW,
      passwordOrigin: 'none',
    }
    await storage.accounts.insert(account, { username: 'anna' })
    await storage.accounts.update(account, { username: 'anne' }, 1)
    await storage.accounts.byName('anne')
    await storage.records.save('1', {}, 0)
    await storage.records.save('1', {}, 1)
    await storage.records.load('1')
    await storage.records.save('1', { handles: ['mine'] }, 2)
    await storage.records.findByHandle('mine')
    await storage.oneTime.put('key', {}, NOW + 60)
    await storage.oneTime.take('key', NOW)
    await storage.counters.reserve('key', { limit: 3 }, NOW)
    await storage.counters.reserve('key', { limit: 3 }, NOW)
    await storage.counters.release('key', NOW)
    await storage.counters.reset('key')
    await storage.clients.put('app', {})
    await storage.clients.remove('app')
    await storage.settings.insert('keys', {})
    await storage.settings.replace('keys', { new: true }, {})
    await storage.audit.add([{ id: '1', type: 'signed-in', at: NOW, detail: {} }])
    await storage.audit.list({ limit: 1 })
    const codes = storage.hostRecords('AuthorizationCode')
    await codes.upsert('code', { grantId: 'g' }, 60)
    await codes.consume('code')
    await codes.revokeByGrantId('g')
    await codes.destroy('code')
    const sessions = storage.hostRecords('Session')
    await sessions.upsert('s', { uid: 'u' }, 60)
    await sessions.upsert('s', { uid: 'u' }, 60)
    await sessions.destroy('s')
    await sessions.find('s')
    await storage.checkWritable()
    await storage.sweep(10, { before: NOW })
  }

  it('R5 every write is on the disks of a majority before it is answered', () => {
    const writes = commands.filter(({ name }) => WRITES.includes(name))
    expect(new Set(writes.map(({ name }) => name))).to.have.keys(WRITES)
    for (const { name, command } of writes)
      expect(command['writeConcern'], `${name} of ${command[name]}`).to.deep.include({
        w: 'majority',
        j: true,
      })
  })

  it('R20 every read is the primary’s', () => {
    const reads = commands.filter(({ name }) => name === 'find')
    expect(reads).not.to.deep.equal([])
    for (const { name, command } of reads) {
      const about = `${name} of ${command[name]}`
      const { mode } = (command['$readPreference'] ?? { mode: 'primary' }) as { mode: string }
      // A driver that is connected to a single server may send `primaryPreferred` instead of `primary`.
      expect(mode, about).to.be.oneOf(['primary', 'primaryPreferred'])
      expect(command['readConcern'], about).to.deep.include({ level: 'local' })
    }
  })

  it('R18 a write that was cut off is known again by the number it has', () => {
    const single = commands.filter(
      ({ name, command }) =>
        WRITES.includes(name) &&
        !((command['deletes'] ?? []) as { limit: number }[]).some(({ limit }) => limit === 0),
    )
    for (const { name, command } of single)
      expect(command['txnNumber'], `${name} of ${command[name]}`).not.to.equal(undefined)
  })

  it('R7 a node can tell by how much its clock is ahead of the database’s', async () => {
    for (const ahead of [7200, -7200]) {
      const clock = { now: () => Math.floor(Date.now() / 1000) + ahead }
      const wrong = await openMongoStorage({ url: database.url, clock })
      expect(await wrong.secondsAhead?.()).to.be.closeTo(ahead, 20)
      await wrong.close()
    }
  })

  it('R34 no value of a caller stands where an operator could', async () => {
    const operator = { $ne: null } as never
    expect(await storage.accounts.byName(operator)).to.equal(undefined)
    expect(await storage.accounts.byId(operator)).to.equal(undefined)
    expect(await storage.records.load(operator)).to.equal(undefined)
    expect(await storage.records.findByHandle(operator)).to.equal(undefined)
    expect(await storage.clients.get(operator)).to.equal(undefined)
    expect(await storage.settings.get(operator)).to.equal(undefined)
    expect(await storage.oneTime.peek(operator, NOW)).to.equal(undefined)
    for (const model of ['Session', 'Grant', 'DeviceCode']) {
      const records = storage.hostRecords(model)
      await records.upsert('id', { uid: 'x', userCode: 'x' }, 60)
      expect(await records.find(operator)).to.equal(undefined)
      expect(await records.findByUid(operator)).to.equal(undefined)
      expect(await records.findByUserCode(operator)).to.equal(undefined)
    }
  })
})
