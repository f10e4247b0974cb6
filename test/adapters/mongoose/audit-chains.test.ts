import { createHmac } from 'node:crypto'
import { expect } from 'chai'
import type { mongo } from 'mongoose'
import { openMongoStorage } from '../../../src/adapters/mongoose/server-storage.ts'
import { sealWaiting } from '../../../src/domain/audit-chain.ts'
import type { AuditEntry } from '../../../src/ports/audit-trail.ts'
import type { ServerStorage } from '../../../src/ports/server-storage.ts'
import { walked } from '../../../src/testing/audit-trail-suite.ts'
import { openDatabase } from '../../support/mongodb.ts'
import { requireMongodb } from '../../support/requirements.ts'

const mac = (text: string): string => createHmac('sha256', 'key').update(text).digest('base64url')
const NODE = { name: 'node', mac }
const OTHER = { name: 'other', mac }

const entry = (id: string): AuditEntry => ({ id, type: 'locked', at: 1, detail: { ip: '::1' } })

describe('the chains of the trail in MongoDB', function () {
  this.timeout(30_000)
  let database: Awaited<ReturnType<typeof openDatabase>>
  let db: mongo.Db
  let storage: ServerStorage

  beforeEach(async function () {
    database = await openDatabase(await requireMongodb(this))
    db = database.connection.getClient().db()
    storage = await openMongoStorage({ url: database.url })
  })
  afterEach(async () => {
    await storage?.close()
    await database?.close()
  })

  const trail = () => db.collection<{ _id: string; order: number; hash: string }>('mfa_audit')
  const heads = () => db.collection<{ _id: string }>('mfa_audit_chains')
  const ids = async (): Promise<string[]> =>
    (await storage.audit.list({ limit: 9 })).map(({ id }) => id).sort()
  /** Puts an entry back into the head, as a process leaves it that ends after the head and before the entry. */
  const crash = async (id: string, number: number): Promise<void> => {
    // An addition that changes nothing comes after the head has let go of the entries before.
    await storage.audit.add([entry(id)], NODE)
    const { order, hash } = (await trail().findOne({ _id: id }))!
    const waiting = JSON.stringify([{ number, hash, order, entry: entry(id) }])
    const waitingSeal = sealWaiting(NODE, { number, hash }, waiting)
    await heads().updateOne({ _id: 'node' }, { $set: { waiting, waitingSeal } })
  }

  it('R47 loses no entry where a process ends between the head and the entry', async () => {
    await storage.audit.add([entry('1'), entry('2')], NODE)
    await crash('2', 2)
    await trail().deleteOne({ _id: '2' })
    expect((await walked(storage.audit, NODE)).fault).to.equal(undefined)
    await storage.audit.add([entry('3')], NODE)
    expect(await ids()).to.deep.equal(['1', '2', '3'])
    const { fault, verified } = await walked(storage.audit, NODE)
    expect({ fault, verified }).to.deep.equal({ fault: undefined, verified: 3 })
  })

  it('adds an event once that is passed on again after such an end', async () => {
    await storage.audit.add([entry('1'), entry('2')], NODE)
    await crash('2', 2)
    await trail().deleteOne({ _id: '2' })
    await storage.audit.add([entry('2'), entry('3')], NODE)
    const { fault, verified } = await walked(storage.audit, NODE)
    expect({ fault, verified }).to.deep.equal({ fault: undefined, verified: 3 })
  })

  it('seals the number of an entry that another chain has got at the same time', async () => {
    await storage.audit.add([entry('1'), entry('2')], NODE)
    await crash('2', 2)
    await trail().deleteOne({ _id: '2' })
    await storage.audit.add([entry('2')], OTHER)
    await storage.audit.add([entry('3')], NODE)
    expect(await ids()).to.deep.equal(['1', '2', '3'])
    const { fault, verified, removed } = await walked(storage.audit, NODE)
    expect({ fault, verified, removed }).to.deep.equal({
      fault: undefined,
      verified: 2,
      removed: 1,
    })
    expect((await walked(storage.audit, OTHER)).fault).to.equal(undefined)
  })

  it('R47 seals no number by entries in the head that nobody with the key has put there', async () => {
    await storage.audit.add([entry('1'), entry('2'), entry('3')], NODE)
    await storage.audit.add([entry('x')], OTHER)
    await crash('3', 3)
    const { hash, order } = (await trail().findOne({ _id: '2' }))!
    await trail().deleteOne({ _id: '2' })
    for (const waiting of [JSON.stringify([{ number: 2, hash, order, entry: entry('x') }]), '5']) {
      await heads().updateOne({ _id: 'node' }, { $set: { waiting } })
      await storage.audit.add([entry(`after ${waiting}`)], NODE)
      expect((await walked(storage.audit, NODE)).fault).to.deep.equal({
        kind: 'removed',
        number: 2,
      })
    }
  })

  it('R47 seals no number because of an entry outside of every chain', async () => {
    await storage.audit.add([entry('1'), entry('2')], NODE)
    await crash('2', 2)
    await trail().deleteOne({ _id: '2' })
    await trail().insertOne({ _id: '2', at: 1, order: 1, type: 'locked', detail: '{}' } as never)
    await storage.audit.add([entry('3')], NODE)
    expect((await walked(storage.audit, NODE)).fault).to.deep.equal({ kind: 'removed', number: 2 })
  })

  it('keeps no entry in the head longer than in the trail', async () => {
    await storage.audit.add([entry('1')], NODE)
    // The head lets go of an entry after the caller has its answer, and before the next batch.
    await storage.audit.add([entry('2')], NODE)
    await storage.audit.add([entry('2')], NODE)
    expect(await heads().countDocuments({ waiting: { $exists: true } })).to.equal(0)
  })

  it('R47 finds an entry that is removed from the trail, and one that is changed', async () => {
    await storage.audit.add([entry('1'), entry('2'), entry('3'), entry('4')], NODE)
    await trail().updateOne({ _id: '3' }, { $set: { detail: '{}' } as object })
    expect((await walked(storage.audit, NODE)).fault).to.deep.equal({ kind: 'changed', number: 3 })
    await trail().deleteOne({ _id: '2' })
    expect((await walked(storage.audit, NODE)).fault).to.deep.equal({ kind: 'removed', number: 2 })
  })

  it('R47 begins a chain anew after the steps of the guide for a lost key', async () => {
    await storage.audit.add([entry('1'), entry('2')], NODE)
    const anew = { name: 'node', mac: (text: string) => mac(`another key ${text}`) }
    expect((await walked(storage.audit, anew)).fault).to.deep.equal({ kind: 'changed', number: 1 })
    await heads().deleteMany({})
    await db.collection('mfa_audit_removed').deleteMany({})
    await db.collection('mfa_audit').updateMany({}, { $unset: { chain: 1, number: 1, hash: 1 } })
    await storage.audit.add([entry('3')], anew)
    const { fault, verified } = await walked(storage.audit, anew)
    expect({ fault, verified }).to.deep.equal({ fault: undefined, verified: 1 })
    expect(await storage.audit.unchained()).to.equal(2)
  })

  it('R18 is whole after two processes have added to one chain at once', async () => {
    const another = await openMongoStorage({ url: database.url })
    await Promise.all(
      Array.from({ length: 12 }, (_, nth) =>
        (nth % 2 === 0 ? storage : another).audit.add([entry(`e${nth}`)], NODE),
      ),
    )
    await another.close()
    const { fault, verified } = await walked(storage.audit, NODE)
    expect({ fault, verified }).to.deep.equal({ fault: undefined, verified: 12 })
  })
})
