import { AsyncResource } from 'node:async_hooks'
import { expect } from 'chai'
import mongoose from 'mongoose'
import { mongooseStorage } from '../../../src/adapters/mongoose/index.ts'
import { requireMongodb } from '../../support/requirements.ts'
import { MIRA, NOOR, openPeople, outcomeOf, userSchema, type People } from './people.ts'

/** Values that a request, or a forged token, may contain as an account's id. */
const NOBODY: readonly unknown[] = [
  '',
  'nobody',
  '0',
  '65000000000000000000000',
  String(MIRA).replace('1', 'g'),
  'abcdefghijkl',
  ` ${String(MIRA)}`,
  '650000000000000000000ABC',
  'ffffffffffffffffffffffff',
  undefined,
  null,
  0,
  12,
  true,
  [],
  {},
  { $ne: null },
  { $gt: '' },
  [String(MIRA)],
  MIRA,
  { toString: () => String(MIRA) },
  { _id: String(MIRA) },
  /./,
]

describe('records in user documents', () => {
  let url: string
  let people: People

  before(async function () {
    url = await requireMongodb(this)
  })
  beforeEach(async () => {
    people = await openPeople(url)
  })
  afterEach(() => people.close())

  it('R34 are nobody’s under an id that is none, and no query carries what it brings', async () => {
    const { records } = people.storage
    const before = [await people.stored(), await people.stored(NOOR)]
    for (const id of NOBODY as readonly string[]) {
      expect(await records.load(id), String(id)).to.equal(undefined)
      for (const version of [0, 2])
        expect(await outcomeOf(() => records.save(id, {}, version))).to.equal('account-unknown')
    }
    expect([await people.stored(), await people.stored(NOOR)]).to.deep.equal(before)
  })

  it('are under one spelling of an id', async () => {
    const { connection } = people
    const _id = new mongoose.mongo.ObjectId('65000000000000000000000a')
    await people.User.create({ _id, name: 'a' })
    expect(await people.storage.records.save(String(_id), { n: 1 }, 0)).to.equal(true)
    expect(await people.storage.records.load(String(_id).toUpperCase())).to.equal(undefined)
    expect(await connection.collection('users').countDocuments()).to.equal(3)
  })

  it('are not made for somebody who was deleted', async () => {
    const { User, storage } = people
    await User.deleteOne({ _id: MIRA })
    expect(await storage.records.load(String(MIRA))).to.equal(undefined)
    for (const version of [0, 2])
      expect(await outcomeOf(() => storage.records.save(String(MIRA), {}, version))).to.equal(
        'account-unknown',
      )
    expect(await User.countDocuments()).to.equal(1)
  })

  it('are saved past the application: no hook runs, no time stamp and no version of its own changes', async () => {
    await people.close()
    const heard: string[] = []
    const schema = userSchema({ optimisticConcurrency: true })
    for (const hook of ['save', 'updateOne', 'findOneAndUpdate', 'init', 'validate'] as const)
      schema.pre(hook as 'save', () => void heard.push(hook))
    people = await openPeople(url, { schema })
    heard.length = 0
    const { mfa, ...before } = await people.stored()
    const { records } = people.storage
    await records.load(String(MIRA))
    expect(await records.save(String(MIRA), { n: 3 }, mfa!.version)).to.equal(true)
    const { mfa: after, ...profile } = await people.stored()
    expect(after).to.deep.equal({ version: 3, record: '{"n":3}' })
    expect(profile).to.deep.equal(before)
    expect(heard).to.deep.equal([])
  })

  for (const options of [{}, { optimisticConcurrency: true }, { versionKey: false }])
    it(`never collide with an edit of the profile (${JSON.stringify(options)})`, async () => {
      await people.close()
      people = await openPeople(url, { schema: userSchema(options as mongoose.SchemaOptions) })
      const { User, storage } = people
      const edited = (await User.findById(MIRA))!
      const { version } = (await storage.records.load(String(MIRA)))!
      edited.profile.city = 'Basel'
      edited.profile.tags.push('b')
      expect(await storage.records.save(String(MIRA), { n: 3 }, version)).to.equal(true)
      await edited.save()
      await User.findOneAndUpdate({ _id: MIRA }, { name: 'Mira' })
      expect(await storage.records.save(String(MIRA), { n: 4 }, version + 1)).to.equal(true)
      const stored = await people.stored()
      expect(stored).to.deep.include({ name: 'Mira', mfa: { version: 4, record: '{"n":4}' } })
      expect(stored.profile).to.deep.equal({ city: 'Basel', tags: ['a', 'b'] })
    })

  it('that nobody of us has written are unreadable, never "no second factor"', async () => {
    const users = people.connection.db!.collection('users')
    for (const mfa of [
      null,
      'x',
      1,
      [],
      {},
      { version: 1 },
      { record: '{}' },
      { version: 0, record: '{}' },
      { version: 1.5, record: '{}' },
      { version: 1, record: '{' },
      { version: 1, record: {} },
      { version: 1, passwordChanged: {} },
      { passwordChanged: { times: 1, at: 1 } },
      { version: 1, record: '{}', passwordChanged: { times: 'many', at: 1 } },
    ]) {
      await users.updateOne({ _id: MIRA }, { $set: { mfa } })
      const read = await outcomeOf(() => people.storage.records.load(String(MIRA)))
      expect(read, JSON.stringify(mfa)).to.equal('record-unreadable')
    }
  })

  for (const options of [{ promoteValues: false }, { useBigInt64: true }])
    it(`are read from the primary as numbers, whatever the connection does (${JSON.stringify(options)})`, async () => {
      const { connection, User } = people
      const other = mongoose.createConnection(new URL(connection.name, url).href, {
        ...options,
        readPreference: 'secondaryPreferred',
        autoIndex: false,
        autoCreate: false,
      })
      try {
        const { records } = mongooseStorage(other.model('User', User.schema))
        await other.asPromise()
        expect(await records.load(String(MIRA))).to.deep.equal({ record: { n: 2 }, version: 2 })
        expect(await records.save(String(MIRA), { n: 3 }, 2)).to.equal(true)
      } finally {
        await other.close()
      }
    })

  describe('findUser', () => {
    it('answers the user as a query would, without the record and what is not selected', async () => {
      await people.close()
      const schema = userSchema()
      schema.path('passwordHash').select(false)
      people = await openPeople(url, { schema })
      const { storage, User } = people
      const found = await storage.findUser(String(MIRA))
      const queried = await User.findById(MIRA)
      expect(found!.toObject()).to.deep.equal(queried!.toObject())
      expect(found!.isNew).to.equal(false)
      found!.name = 'Mira'
      await found!.save()
      const { name, passwordHash, mfa } = await people.stored()
      expect({ name, passwordHash, version: mfa!.version }).to.deep.equal({
        name: 'Mira',
        passwordHash: 'old',
        version: 2,
      })
    })

    it('R34 answers nobody for an id that is none', async () => {
      for (const id of NOBODY as readonly string[])
        expect(await people.storage.findUser(id), String(id)).to.equal(undefined)
    })

    it('returns the record to the storage, although no document of the application has it', async () => {
      const { storage } = people
      await storage.duringRequest!(async () => {
        const user = await storage.findUser(String(MIRA))
        expect(user!.get('mfa')).to.equal(undefined)
        expect((await storage.records.load(String(MIRA)))?.record).to.deep.equal({ n: 2 })
      })
    })

    it('R20 sees a password that the same request has written, in each of the ways', async () => {
      const { storage, User } = people
      const changes: [string, () => Promise<unknown>][] = [
        [
          'save',
          async () => Object.assign((await User.findById(MIRA))!, { passwordHash: '1' }).save(),
        ],
        ['updateOne', () => User.updateOne({ _id: MIRA }, { passwordHash: '2' })],
        ['findByIdAndUpdate', () => User.findByIdAndUpdate(MIRA, { passwordHash: '3' })],
        [
          'bulkWrite',
          () =>
            User.bulkWrite([
              { updateOne: { filter: { _id: MIRA }, update: { $set: { passwordHash: '4' } } } },
            ]),
        ],
      ]
      let times = 0
      for (const [way, change] of changes)
        await storage.duringRequest!(async () => {
          await storage.findUser(String(MIRA))
          await change()
          const seen = await storage.records.load(String(MIRA))
          expect(seen?.passwordChanged?.times, way).to.equal((times += 1))
        })
    })

    it('R20 compares no old password under the epoch of the new one, whatever was asked before', async () => {
      const { storage, User } = people
      const elsewhere = new AsyncResource('another request')
      await storage.findUser(String(MIRA))
      await storage.duringRequest!(async () => {
        await storage.records.load(String(MIRA))
        await elsewhere.runInAsyncScope(() =>
          User.updateOne({ _id: MIRA }, { passwordHash: 'new' }).exec(),
        )
        expect((await storage.records.load(String(MIRA)))?.passwordChanged?.times).to.equal(1)
        expect((await storage.findUser(String(MIRA)))?.passwordHash).to.equal('new')
      })
    })

    for (const way of ['deleteOne', 'deleteMany', 'findOneAndDelete'] as const)
      it(`knows nobody whom the same request has deleted: ${way}`, async () => {
        const { storage, User } = people
        await storage.duringRequest!(async () => {
          await storage.findUser(String(MIRA))
          await (User[way] as (filter: object) => Promise<unknown>)({ _id: MIRA })
          expect(await storage.records.load(String(MIRA))).to.equal(undefined)
        })
      })

    it('reads no user for an application that takes its users elsewhere', async () => {
      await people.close()
      people = await openPeople(url, { options: { monitorCommands: true } })
      const { storage, connection } = people
      const projections: unknown[] = []
      connection.getClient().on('commandStarted', ({ command }) => {
        if (command.find === 'users') projections.push(command.projection)
      })
      await storage.duringRequest!(() => storage.records.load(String(MIRA)))
      expect(projections).to.deep.equal([{ _id: 0, mfa: 1 }])
    })
  })
})
