import { expect } from 'chai'
import mongoose from 'mongoose'
import { requireMongodb } from '../../support/requirements.ts'
import { changesOf, MIRA, openPeople, userSchema, type People } from './people.ts'

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
  byName: { type: Map, of: SECRET },
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
  byName: { a: secret },
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
    // MongoDB refuses a query that hides values of a map, so this query leaves the map out.
    const queried = (await User.findById(MIRA).select('-byName'))!
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
})
