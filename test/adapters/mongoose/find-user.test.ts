import { expect } from 'chai'
import mongoose, { type HydratedDocument, type Model } from 'mongoose'
import type { UserStorage } from '../../../src/adapters/mongoose/index.ts'
import { requireMongodb } from '../../support/requirements.ts'
import {
  changesOf,
  MIRA,
  NOOR,
  openPeople,
  outcomeOf,
  userSchema,
  type People,
  type User,
} from './people.ts'

const { Schema } = mongoose
const id = String(MIRA)
const SECRET = { type: String, select: false }

/** The fields of a user of an application, with a secret at each depth at which a schema can hide it. */
const FIELDS = {
  secret: { type: String, select: false, default: 'none' },
  secrets: { type: [String], select: false },
  words: [SECRET],
  plain: { secret: SECRET, note: String },
  one: new Schema({ secret: { ...SECRET, default: 'none' }, note: String }),
  many: [new Schema({ secret: SECRET, note: String, deep: new Schema({ secret: SECRET }) })],
  inline: [{ secret: SECRET, note: String }],
  whole: { type: new Schema({ secret: SECRET }), select: false },
}

const note = 'seen'
const secret = 'hidden'
const STORED = {
  secret,
  secrets: [secret],
  words: [secret],
  plain: { secret, note },
  one: { secret, note },
  many: [{ secret, note, deep: { secret } }],
  inline: [{ secret, note }],
  whole: { secret },
}

describe('findUser', () => {
  let url: string
  let people: People

  before(async function () {
    url = await requireMongodb(this)
  })
  beforeEach(async () => {
    const schema = userSchema({ minimize: false, timestamps: false })
    schema.add(FIELDS as object)
    people = await openPeople(url, { schema })
    await people.User.updateOne({ _id: MIRA }, { $set: STORED })
  })
  afterEach(() => people.close())

  it('R31 answers what a query would, without what a schema inside the schema does not select', async () => {
    const { storage, User } = people
    const found = (await storage.findUser(id))!
    const queried = (await User.findById(MIRA))!
    expect(found.toObject()).to.deep.equal(queried.toObject())
    expect(JSON.stringify(found))
      .to.match(/seen/)
      .and.not.match(/hidden/)
  })

  it('puts no default over what the schema does not select', async () => {
    const before = await people.stored()
    const found = (await people.storage.findUser(id))!
    expect(changesOf(found)).to.deep.equal({})
    found.profile.city = 'Basel'
    await found.save()
    const profile = { city: 'Basel', tags: ['a'] }
    expect(await people.stored()).to.deep.equal({ ...before, profile })
  })

  it('R31 answers nothing that a derived schema does not select, of the user or inside of it', async () => {
    await people.close()
    const schema = userSchema()
    const events = new Schema({ at: Number }, { discriminatorKey: 'kind' })
    schema.add({ events: [events] } as object)
    people = await openPeople(url, { schema })
    const { User, storage } = people
    const list = User.schema.path('events') as unknown as mongoose.Schema.Types.DocumentArray
    list.discriminator('Visit', new Schema({ secret: SECRET, note: String }))
    const Staff = User.discriminator(
      'Staff',
      new Schema({ secret: { ...SECRET, default: 'none' }, badge: new Schema({ secret: SECRET }) }),
    )
    const { _id } = await Staff.create({
      name: 'stef',
      secret,
      badge: { secret },
      events: [{ kind: 'Visit', at: 1, secret, note }],
    } as never)
    const found = (await storage.findUser(String(_id)))!
    expect(found.constructor).to.equal(Staff)
    expect(JSON.stringify(found))
      .to.match(/seen/)
      .and.not.match(/hidden|none/)
    expect(changesOf(found)).to.deep.equal({})
  })

  describe('is a query of the application', () => {
    /** Opens the application anew, with a schema that marks users as deleted, and the reads that it makes. */
    async function openWith(
      prepare: (schema: mongoose.Schema<Deletable>) => void,
    ): Promise<Deletables> {
      await people.close()
      const schema = userSchema() as unknown as mongoose.Schema<Deletable>
      schema.add({ deleted: Boolean, tenant: String } as object)
      prepare(schema)
      people = await openPeople(url, {
        schema: schema as never,
        options: { monitorCommands: true },
      })
      await people.User.updateOne({ _id: MIRA }, { $set: { deleted: true, tenant: 'a' } })
      const reads: unknown[] = []
      people.connection.getClient().on('commandStarted', ({ command }) => {
        if (command.find === 'users') reads.push(command.projection)
      })
      return { ...people, reads }
    }

    const notDeleted = { $ne: true }
    const WAYS: Readonly<Record<string, (schema: mongoose.Schema<Deletable>) => void>> = {
      'a hook of findOne': (schema) =>
        void schema.pre('findOne', function () {
          void this.where({ deleted: notDeleted })
        }),
      'a hook of all queries': (schema) =>
        void schema.pre(/^find/, function (this: mongoose.Query<unknown, unknown>) {
          void this.where({ deleted: notDeleted })
        }),
      // As mongoose-delete does with `overrideMethods`.
      'a findOne of its own': (schema) =>
        schema.static('findOne', function (this: Model<Deletable>, filter: object) {
          return mongoose.Model.findOne.call(this, filter as never).where({ deleted: notDeleted })
        } as never),
    }
    for (const [way, prepare] of Object.entries(WAYS))
      it(`finds nobody whom the application has marked as deleted, by ${way}`, async () => {
        const { storage, User } = await openWith(prepare)
        const during = await storage.duringRequest!(async () => [
          await storage.findUser(id),
          (await storage.records.load(id))?.version,
        ])
        expect([await storage.findUser(id), ...during]).to.deep.equal([undefined, undefined, 2])
        await User.collection.updateOne({ _id: MIRA }, { $set: { deleted: false } })
        expect((await storage.findUser(id))?.name).to.equal('mira')
      })

    it('passes on the error of a hook, which the record does not depend on', async () => {
      let tenant: string | undefined = 'a'
      const { storage } = await openWith((schema) =>
        schema.pre('findOne', function () {
          if (tenant === undefined) throw new Error('no tenant')
          void this.where({ tenant })
        }),
      )
      expect((await storage.findUser(id))?.name).to.equal('mira')
      tenant = undefined
      await storage.duringRequest!(async () => {
        expect((await storage.records.load(id))?.version).to.equal(2)
        const refused = await storage.findUser(id).catch((error: Error) => error)
        expect(refused).to.be.an('error').with.property('message', 'no tenant')
      })
    })

    it('runs each hook once, and reads the user once, whichever half is asked for first', async () => {
      const heard: string[] = []
      const { storage, reads } = await openWith((schema) => {
        schema.pre('findOne', () => void heard.push('pre'))
        schema.post('findOne', () => void heard.push('post'))
      })
      await storage.findUser(id)
      for (const first of ['findUser', 'load'] as const) {
        heard.length = reads.length = 0
        await storage.duringRequest!(async () => {
          if (first === 'findUser') expect((await storage.findUser(id))?.name).to.equal('mira')
          expect((await storage.records.load(id))?.version).to.equal(2)
          if (first === 'load') expect((await storage.findUser(id))?.name).to.equal('mira')
        })
        expect([heard, reads], first).to.deep.equal([['pre', 'post'], [{}]])
      }
    })

    it('takes a query of the application, which stays as it is, and reads the user once', async () => {
      const { storage, User, reads } = await openWith(() => undefined)
      const ofTenant = User.findOne({ tenant: 'a' })
      for (let time = 0; time < 2; time += 1) {
        reads.length = 0
        await storage.duringRequest!(async () => {
          expect((await storage.findUser(id, ofTenant))?.name).to.equal('mira')
          expect((await storage.records.load(id))?.version).to.equal(2)
        })
        expect(reads).to.have.lengthOf(1)
      }
      for (const [query, name] of [
        [User.findOne({ tenant: 'b' }), undefined],
        [User.findOne({ tenant: 'b' }).lean(), undefined],
        [User.findById(NOOR), undefined],
        [User.findById(MIRA), 'mira'],
        [User.findOne(), 'mira'],
        [User.findOne({ $or: [{ tenant: 'a' }, { tenant: 'c' }] }), 'mira'],
        [User.findOne({ _id: { $in: [MIRA, NOOR] } }), 'mira'],
      ] as const)
        expect((await storage.findUser(id, query as typeof ofTenant))?.name).to.equal(name)
      // The user that the model's own query has found before is not given for another query.
      await storage.findUser(id)
      await storage.duringRequest!(async () => {
        await storage.records.load(id)
        expect(await storage.findUser(id, User.findOne({ tenant: 'b' }))).to.equal(undefined)
      })
    })

    it('R31 keeps the record out of what any projection answers, and reads it with each', async () => {
      const { storage, User } = await openWith(() => undefined)
      const chosen: Record<string, (query: AnyQuery) => AnyQuery> = {
        'a field': (query) => query.select('name'),
        'a field that is left out': (query) => query.select('-passwordHash'),
        'the id alone': (query) => query.select('_id'),
        'part of a list': (query) => query.select({ 'profile.tags': { $slice: 1 } }),
        'the record': (query) => query.select('+mfa'),
        'the record alone': (query) => query.select({ mfa: 1 }),
        'a part of the record': (query) => query.select('mfa.version name'),
        'a lean object': (query) => query.lean(),
        'a lean object with the record': (query) => query.select('+mfa').lean(),
        'a secondary': (query) => query.read('secondaryPreferred'),
        'friends too': (query) => query.populate('friends'),
      }
      for (const [what, choose] of Object.entries(chosen))
        await storage.duringRequest!(async () => {
          const found = await storage.findUser(id, choose(User.findOne() as AnyQuery))
          expect(found, what).to.be.an('object')
          expect(JSON.stringify(found), what).not.to.match(/mfa|record/)
          expect((found as { mfa?: unknown }).mfa, what).to.equal(undefined)
          expect((await storage.records.load(id))?.record, what).to.deep.equal({ n: 2 })
        })
    })

    it('R20 trusts no reading that is not the only one of this user', async () => {
      let during = async (): Promise<unknown> => undefined
      const { storage, User, reads } = await openWith((schema) =>
        schema.post('findOne', async () => {
          const once = during
          during = async () => undefined
          await once()
        }),
      )
      const changes: Record<string, () => Promise<unknown>> = {
        'a hook that reads the user again': () => User.findById(MIRA),
        'a hook that writes the password': () =>
          User.updateOne({ _id: MIRA }, { passwordHash: 'new' }),
      }
      for (const [what, change] of Object.entries(changes)) {
        during = change
        await storage.duringRequest!(async () => {
          await storage.findUser(id)
          reads.length = 0
          const seen = await storage.records.load(id)
          expect(reads, what).to.deep.equal([{ _id: 0, mfa: 1 }])
          expect(seen?.passwordChanged?.times, what).to.equal(
            what.includes('password') ? 1 : undefined,
          )
        })
      }
    })

    it('refuses what is no query for one user of this model', async () => {
      const { storage, User, connection } = await openWith(() => undefined)
      const Other = connection.model('Other', new Schema({ name: String }))
      for (const query of [
        null,
        {},
        { name: 'mira' },
        User.find(),
        User.countDocuments(),
        User.findOneAndUpdate({}, { name: 'x' }),
        User.findOneAndDelete({}),
        User.deleteOne({}),
        Other.findOne(),
      ] as never[])
        expect(await outcomeOf(() => storage.findUser(id, query))).to.equal('options-invalid')
      expect((await people.stored()).name).to.equal('mira')
    })
  })
})

interface Deletable extends User {
  deleted?: boolean
  tenant?: string
}

type AnyQuery = mongoose.Query<unknown, object>

interface Deletables {
  readonly User: Model<Deletable>
  readonly storage: UserStorage<HydratedDocument<Deletable>>
  readonly connection: mongoose.Connection
  /** The projection of each reading of users. */
  readonly reads: unknown[]
}
