import { expect } from 'chai'
import mongoose from 'mongoose'
import { mfaFields } from '../../../src/adapters/mongoose/index.ts'
import { requireMongodb } from '../../support/requirements.ts'
import { changesOf, MIRA, NOOR, openPeople, userSchema, type People } from './people.ts'

/** The ways in which a record could get into a response of the application. */
const ANSWERS: Readonly<Record<string, (people: People) => unknown>> = {
  'a document': ({ User }) => User.findById(MIRA),
  'a document that has selected it': ({ User }) => User.findById(MIRA).select('+mfa'),
  'a document that has selected nothing else': ({ User }) => User.findById(MIRA).select('mfa'),
  'a document that has selected a part of it': ({ User }) =>
    User.findById(MIRA).select('mfa.record'),
  'toJSON with options': async ({ User }) =>
    (await User.findById(MIRA).select('+mfa'))!.toJSON({
      virtuals: true,
      getters: true,
      flattenMaps: true,
      transform: (_doc, json) => json,
    }),
  'toObject with options': async ({ User }) =>
    (await User.findById(MIRA).select('+mfa'))!.toObject({ depopulate: true, transform: false }),
  'a field that is asked for': async ({ User }) =>
    (await User.findById(MIRA).select('+mfa'))!.get('mfa'),
  'people behind people': ({ User }) =>
    User.findById(NOOR).populate({ path: 'friends', select: '+mfa' }),
  'a document that was updated': ({ User }) =>
    User.findOneAndUpdate({ _id: MIRA }, { name: 'x' }, { returnDocument: 'after' }),
  'a document that was replaced': ({ User }) =>
    User.findOneAndReplace({ _id: MIRA }, { name: 'x' }, { returnDocument: 'after' }),
  'a document made of a raw one': async ({ User, stored }) => User.hydrate(await stored()),
  lean: ({ User }) => User.find().lean(),
  'lean people behind people': ({ User }) => User.findById(NOOR).populate('friends').lean(),
  'a lean document that was updated': ({ User }) =>
    User.findOneAndUpdate({ _id: MIRA }, { passwordHash: 'x' }, { returnDocument: 'after' }).lean(),
  'an aggregation': ({ User }) => User.aggregate([{ $match: { _id: MIRA } }]),
  'an aggregation with a projection': ({ User }) =>
    User.aggregate([{ $sort: { name: 1 } }, { $project: { mfa: 1, name: 1 } }]),
  'an aggregation that wraps everything': ({ User }) =>
    User.aggregate([{ $group: { _id: null, all: { $push: '$$ROOT' } } }]),
  'an aggregation without hooks': ({ User }) =>
    User.aggregate([{ $match: { _id: MIRA } }], { middleware: false }),
  "an aggregation of the model's collection": ({ User }) => User.collection.aggregate([]).toArray(),
  'an aggregation by a cursor': async ({ User }) => {
    const seen: unknown[] = []
    for await (const user of User.aggregate([{ $limit: 9 }]).cursor()) seen.push(user)
    return seen
  },
  'a document after a save': async ({ User }) => {
    const user = (await User.findById(MIRA).select('+mfa'))!
    user.passwordHash = 'new'
    return user.save()
  },
  'the audit of changes': async ({ User }) => {
    const user = (await User.findById(MIRA))!
    user.passwordHash = 'newer'
    return [changesOf(user), user.modifiedPaths()]
  },
}

describe('what is ours in a user document, in answers of the application', () => {
  let url: string
  let people: People

  before(async function () {
    url = await requireMongodb(this)
  })
  beforeEach(async () => {
    people = await openPeople(url)
  })
  afterEach(() => people.close())

  for (const [name, answer] of Object.entries(ANSWERS))
    it(`R31 is not in ${name}`, async () => {
      const given: unknown = await answer(people)
      expect(JSON.stringify(given ?? null)).not.to.match(/mfa|version|record/)
      expect((await people.stored()).mfa?.record).to.equal('{"n":2}')
    })

  it('R31 is not in a document of a discriminator', async () => {
    const { User, storage } = people
    const Staff = User.discriminator('Staff', new mongoose.Schema({ desk: String }))
    const { _id } = await Staff.create({ name: 'stef', passwordHash: 'p', desk: '4' } as never)
    const id = String(_id)
    expect(await storage.records.save(id, { n: 1 }, 0)).to.equal(true)
    for (const model of [User, Staff as unknown as typeof User])
      expect(JSON.stringify(await model.findById(_id).select('+mfa'))).not.to.match(/mfa|record/)
    const refused = await Staff.updateOne({ _id }, { mfa: {} }).catch(
      (error: { code: string }) => error.code,
    )
    expect(refused).to.equal('fields-protected')
    await Staff.updateOne({ _id }, { passwordHash: 'q' })
    expect((await storage.records.load(id))?.passwordChanged?.times).to.equal(1)
  })

  it('R31 is in no document of another connection either', async () => {
    const other = people.connection.useDb(people.connection.name, { useCache: false })
    const schema = userSchema()
    schema.plugin(mfaFields, { passwordPath: 'passwordHash' })
    const User = other.model('User', schema)
    expect(JSON.stringify(await User.findById(MIRA).select('+mfa'))).not.to.match(/mfa|record/)
    const refused = await User.updateOne({ _id: MIRA }, { $unset: { mfa: 1 } }).catch(
      (error: { code: string }) => error.code,
    )
    expect(refused).to.equal('fields-protected')
  })
})
