import { expect } from 'chai'
import mongoose, { type Connection } from 'mongoose'
import { mfaFields, mongooseStorage } from '../../../src/adapters/mongoose/index.ts'
import type { MongooseStorage } from '../../../src/adapters/mongoose/index.ts'
import { openDatabase } from '../../support/mongodb.ts'
import { requireMongodb } from '../../support/requirements.ts'
import { MIRA, NOOR, openPeople, outcomeOf, userSchema } from './people.ts'

interface Opened {
  readonly connection: Connection
  readonly storage: MongooseStorage
  close(): Promise<void>
}

const SHAPES: Readonly<
  Record<string, { path: string; collection: string; open(url: string): Promise<Opened> }>
> = {
  'in user documents': { path: 'mfa.handles', collection: 'users', open: (url) => openPeople(url) },
  'in a collection of its own': {
    path: 'handles',
    collection: 'mfa_records',
    async open(url) {
      const database = await openDatabase(url)
      const storage = mongooseStorage(database.connection)
      for (const version of [0, 1]) await storage.records.save(String(MIRA), {}, version)
      return { ...database, storage }
    },
  },
}

const mine = { handles: ['mine'] }

describe('handles in MongoDB', () => {
  let url: string
  before(async function () {
    url = await requireMongodb(this)
  })

  for (const [shape, { path, collection, open }] of Object.entries(SHAPES))
    describe(shape, () => {
      let opened: Opened
      beforeEach(async () => {
        opened = await open(url)
      })
      afterEach(() => opened.close())

      it('have one index, unique and of those records alone that hold some', async () => {
        await opened.storage.ensureIndexes()
        await opened.storage.ensureIndexes()
        const indexes = await opened.connection.db!.collection(collection).indexes()
        expect(indexes.map(({ name }) => name)).to.deep.equal(['_id_', 'mfa_handles'])
        expect(indexes[1]).to.deep.include({
          key: { [path]: 1 },
          unique: true,
          partialFilterExpression: { [path]: { $gte: '' } },
        })
      })

      it('are beside the text of a record that holds some, and nowhere else', async () => {
        const { records } = opened.storage
        await opened.storage.ensureIndexes()
        const count = (): Promise<number> =>
          opened.connection.db!.collection(collection).countDocuments({ [path]: { $exists: true } })
        expect(await count()).to.equal(0)
        await records.save(String(MIRA), mine, 2)
        expect(await count()).to.equal(1)
        for (const [version, handles] of [[3, []], [4]] as [number, string[]?][]) {
          await records.save(String(MIRA), handles === undefined ? {} : { handles }, version)
          expect(await count()).to.equal(0)
        }
      })

      it('R18 are neither saved nor looked for without the index, and everything else is', async () => {
        const { storage } = opened
        const { records } = storage
        expect(await outcomeOf(() => records.save(String(MIRA), mine, 2))).to.equal(
          'schema-outdated',
        )
        expect(await outcomeOf(() => records.findByHandle('mine'))).to.equal('schema-outdated')
        expect(await records.save(String(MIRA), {}, 2)).to.equal(true)
        await storage.ensureIndexes()
        expect(await records.save(String(MIRA), mine, 3)).to.equal(true)
        expect(await records.findByHandle('mine')).to.equal(String(MIRA))
      })

      it('R18 are neither saved nor looked for with an index that lets two accounts have one', async () => {
        const { records } = opened.storage
        await opened.connection
          .db!.collection(collection)
          .createIndex({ [path]: 1 }, { name: 'mfa_handles' })
        expect(await outcomeOf(() => records.save(String(MIRA), mine, 2))).to.equal(
          'schema-outdated',
        )
        expect(await outcomeOf(() => records.findByHandle('mine'))).to.equal('schema-outdated')
      })

      it('are saved with the index that the storage makes where it may', async () => {
        opened.connection.set('autoIndex', true)
        const { records } = opened.storage
        expect(await records.save(String(MIRA), mine, 2)).to.equal(true)
        const indexes = await opened.connection.db!.collection(collection).indexes()
        expect(indexes.map(({ name }) => name)).to.include('mfa_handles')
      })

      it('R34 are nobody’s when what is looked for is no text', async () => {
        const { records } = opened.storage
        await opened.storage.ensureIndexes()
        await records.save(String(MIRA), mine, 2)
        for (const handle of [{ $ne: null }, { $gte: '' }, /./, ['mine'], null, undefined, 0])
          expect(await records.findByHandle(handle as never), String(handle)).to.equal(undefined)
      })
    })
})

describe('handles in the documents of an application’s users', () => {
  let url: string
  before(async function () {
    url = await requireMongodb(this)
  })

  it('have an index that Mongoose makes and keeps with those of the schema', async () => {
    const { User, connection, storage, close } = await openPeople(url)
    const names = async (): Promise<unknown[]> =>
      (await connection.db!.collection('users').indexes()).map(({ name }) => name)
    await User.createIndexes()
    expect(await names()).to.include('mfa_handles')
    await storage.ensureIndexes()
    expect(await User.syncIndexes()).to.deep.equal([])
    expect(await names()).to.include('mfa_handles')
    expect(await storage.records.save(String(MIRA), mine, 2)).to.equal(true)
    await close()
  })

  it('stay through a replaced profile and a new password, until the record drops them', async () => {
    const { User, storage, close } = await openPeople(url)
    await storage.ensureIndexes()
    await storage.records.save(String(MIRA), mine, 2)
    await User.replaceOne({ _id: MIRA }, { name: 'mira', passwordHash: 'old' })
    await User.updateOne({ _id: MIRA }, { passwordHash: 'new' })
    await User.updateOne({ _id: MIRA }, [{ $set: { passwordHash: 'newer' } }], {
      updatePipeline: true,
    })
    expect(await storage.records.findByHandle('mine')).to.equal(String(MIRA))
    const { version } = (await storage.records.load(String(MIRA)))!
    expect(await storage.records.save(String(MIRA), {}, version)).to.equal(true)
    expect(await storage.records.findByHandle('mine')).to.equal(undefined)
    await close()
  })

  it('go with a user who is deleted', async () => {
    const { User, storage, close } = await openPeople(url)
    await storage.ensureIndexes()
    await storage.records.save(String(MIRA), mine, 2)
    await User.deleteOne({ _id: MIRA })
    expect(await storage.records.findByHandle('mine')).to.equal(undefined)
    expect(await storage.records.save(String(NOOR), mine, 0)).to.equal(true)
    await close()
  })

  it('R5 are not written by the application, nor shown to it', async () => {
    const { User, storage, close } = await openPeople(url)
    await storage.ensureIndexes()
    await storage.records.save(String(MIRA), mine, 2)
    for (const write of [
      () => User.updateOne({ _id: NOOR }, { $set: { 'mfa.handles': ['mine'] } }, { strict: false }),
      () => User.updateOne({ _id: MIRA }, { $unset: { 'mfa.handles': 1 } }, { strict: false }),
    ])
      expect(await outcomeOf(write)).to.equal('fields-protected')
    expect(JSON.stringify(await User.find().lean())).not.to.contain('mine')
    await close()
  })

  it('are found with users whose schema names its ids otherwise', async () => {
    const { connection, close } = await openDatabase(url)
    const schema = new mongoose.Schema({ _id: Number, name: String })
    schema.plugin(mfaFields, { passwordPath: false })
    const User = connection.model('Member', schema, 'members')
    await User.create({ _id: 7, name: 'seven' })
    const storage = mongooseStorage(User)
    await storage.ensureIndexes()
    await storage.records.save('7', mine, 0)
    expect(await storage.records.findByHandle('mine')).to.equal('7')
    await close()
  })

  it('do not stand in the way of a schema that has indexes of its own', async () => {
    const schema = userSchema()
    schema.index({ name: 1 }, { unique: true })
    const { User, connection, close } = await openPeople(url, { schema })
    await User.createIndexes()
    const indexes = await connection.db!.collection('users').indexes()
    expect(indexes.map(({ name }) => name)).to.have.members(['_id_', 'name_1', 'mfa_handles'])
    await close()
  })
})
