import { expect } from 'chai'
import mongoose from 'mongoose'
import { requireMongodb } from '../../support/requirements.ts'
import { MIRA, NOOR, openPeople, outcomeOf, type People, type StoredUser } from './people.ts'

type Deed = (people: People) => unknown

const SPENT = { version: 1, record: '{"n":1}' }
const mfa = SPENT as never
const byId = { _id: MIRA }
const UPSERT = { upsert: true }
/** Two values with a member `mfa` that is not a key of the object itself. */
const MAP = new Map([['mfa', SPENT]]) as never
const TURNS = { toBSON: () => ({ mfa: SPENT }) } as never

/** Writes that name the field, because of an unfiltered request body or of code that knows the field. */
const WRITES: Readonly<Record<string, Deed>> = {
  'findByIdAndUpdate with a body': ({ User }) =>
    User.findByIdAndUpdate(MIRA, { name: 'x', mfa: SPENT }),
  'updateOne with a body': ({ User }) => User.updateOne(byId, { mfa: SPENT }),
  'updateMany with $set of a part': ({ User }) =>
    User.updateMany({}, { $set: { 'mfa.version': 9 } }),
  '$set of a part': ({ User }) => User.updateOne(byId, { $set: { 'mfa.record': '{}' } }),
  $unset: ({ User }) => User.updateOne(byId, { $unset: { mfa: 1 } }),
  '$unset of a part': ({ User }) => User.updateOne(byId, { $unset: { 'mfa.record': 1 } }),
  $inc: ({ User }) => User.updateOne(byId, { $inc: { 'mfa.version': 1 } }),
  '$rename away': ({ User }) => User.updateOne(byId, { $rename: { mfa: 'gone' } }),
  '$rename over it': ({ User }) => User.updateOne(byId, { $rename: { profile: 'mfa' } }),
  $setOnInsert: ({ User }) =>
    User.updateOne({ name: 'new' }, { $setOnInsert: { mfa: SPENT } }, { upsert: true }),
  'a pipeline with $set': ({ User }) =>
    User.updateOne(byId, [{ $set: { mfa: SPENT } }], { updatePipeline: true }),
  'a pipeline with $addFields of a part': ({ User }) =>
    User.updateOne(byId, [{ $addFields: { 'mfa.version': 1 } }], { updatePipeline: true }),
  'a pipeline with $unset': ({ User }) =>
    User.updateOne(byId, [{ $unset: 'mfa' }], { updatePipeline: true }),
  'a pipeline with $unset of a list': ({ User }) =>
    User.updateOne(byId, [{ $unset: ['name', 'mfa.record'] }], { updatePipeline: true }),
  'a pipeline with $project': ({ User }) =>
    User.updateOne(byId, [{ $project: { name: 1 } }], { updatePipeline: true }),
  'a pipeline with $replaceRoot': ({ User }) =>
    User.updateOne(byId, [{ $replaceRoot: { newRoot: { name: 'x' } } }], { updatePipeline: true }),
  'a pipeline with $replaceWith': ({ User }) =>
    User.findOneAndUpdate(byId, [{ $replaceWith: { name: 'x' } }], { updatePipeline: true }),
  replaceOne: ({ User }) => User.replaceOne(byId, { name: 'x', mfa }),
  findOneAndReplace: ({ User }) => User.findOneAndReplace(byId, { name: 'x', mfa }),
  insertMany: ({ User }) => User.insertMany([{ name: 'new', mfa }]),
  create: ({ User }) => User.create({ name: 'new', mfa } as object),
  'bulkWrite with updateOne': ({ User }) =>
    User.bulkWrite([{ updateOne: { filter: byId, update: { $set: { mfa } } } }]),
  'bulkWrite with updateMany': ({ User }) =>
    User.bulkWrite([{ updateMany: { filter: {}, update: { $unset: { mfa: 1 } } } }]),
  'bulkWrite with replaceOne': ({ User }) =>
    User.bulkWrite([{ replaceOne: { filter: byId, replacement: { name: 'x', mfa } as never } }]),
  'bulkWrite with insertOne': ({ User }) =>
    User.bulkWrite([{ insertOne: { document: { name: 'new', mfa } as never } }]),
  bulkSave: async ({ User }) => {
    const user = await User.findById(MIRA)
    user!.set('mfa', SPENT)
    return User.bulkSave([user!])
  },
  save: async ({ User }) => {
    const user = await User.findById(MIRA).select('+mfa')
    user!.set('mfa', SPENT)
    return user!.save()
  },
  'save without hooks': async ({ User }) => {
    const user = await User.findById(MIRA).select('+mfa')
    user!.set('mfa', undefined)
    user!.markModified('mfa')
    return user!.save({ middleware: false })
  },
  'save of a part': async ({ User }) => {
    const user = await User.findById(MIRA).select('+mfa')
    user!.set('mfa.version', 1, { strict: false })
    return user!.save()
  },
  'an update without strict': ({ User }) =>
    User.updateOne(byId, { 'mfa.record': '{}' }, { strict: false }),
  'an upsert by a filter that has it': ({ User }) =>
    User.updateOne({ name: 'new', mfa }, { $set: { passwordHash: 'x' } }, { upsert: true }),
  'an upsert by a filter that has a part of it': ({ User }) =>
    User.findOneAndUpdate({ 'mfa.version': 1, 'mfa.record': '{}' } as never, { name: 'x' }, UPSERT),
  'an upsert by a filter that has it deeper': ({ User }) =>
    User.updateMany({ $and: [{ name: 'new' }, { $or: [{ mfa }] }] }, { name: 'x' }, UPSERT),
  'an upsert by a filter that is a map': ({ User }) =>
    User.collection.updateOne(new Map([['mfa', SPENT]]), { $set: { name: 'x' } }, UPSERT),
  'an upsert by replaceOne': ({ User }) =>
    User.replaceOne({ name: 'new', mfa }, { name: 'x' }, UPSERT),
  'an upsert by findOneAndReplace': ({ User }) =>
    User.findOneAndReplace({ name: 'new', mfa }, { name: 'x' }, UPSERT),
  'an upsert by bulkWrite with updateOne': ({ User }) =>
    User.bulkWrite([{ updateOne: { filter: { mfa }, update: { name: 'x' }, upsert: true } }]),
  'an upsert by bulkWrite with updateMany': ({ User }) =>
    User.bulkWrite([{ updateMany: { filter: { mfa }, update: { name: 'x' }, upsert: true } }]),
  'an upsert by bulkWrite with replaceOne': ({ User }) =>
    User.bulkWrite([
      { replaceOne: { filter: { mfa }, replacement: { name: 'x' } as never, upsert: true } },
    ]),
  '$set of a map': ({ User }) => User.collection.updateOne(byId, { $set: MAP }),
  '$set of what turns into it': ({ User }) => User.collection.updateOne(byId, { $set: TURNS }),
  '$set of what turns into a map': ({ User }) =>
    User.collection.updateOne(byId, { $set: { toBSON: () => MAP } }),
  'an update that turns into it': ({ User }) =>
    User.collection.updateOne(byId, { $set: {}, toBSON: () => ({ $set: { mfa } }) }),
  'a pipeline with a map': ({ User }) =>
    User.collection.updateOne(byId, [{ $addFields: MAP }] as never),
  'a pipeline of what turns into it': ({ User }) =>
    User.collection.updateOne(byId, [{ $set: {}, toBSON: () => ({ $unset: 'mfa' }) }] as never),
  'replaceOne with what turns into it': ({ User }) => User.collection.replaceOne(byId, TURNS),
  'insertOne of a map': ({ User }) => User.collection.insertOne(MAP),
  'insertMany of what turns into it': ({ User }) => User.collection.insertMany([TURNS]),
  'bulkWrite with $set of a map': ({ User }) =>
    User.collection.bulkWrite([{ updateOne: { filter: byId, update: { $set: MAP } } }] as never),
  'bulkWrite with insertOne, not wrapped': ({ User }) =>
    User.collection.bulkWrite([{ insertOne: { name: 'new', mfa } }] as never),
  "the model's collection": ({ User }) => User.collection.updateOne(byId, { $unset: { mfa: 1 } }),
  'a bulk builder': ({ User }) =>
    (User.collection as unknown as mongoose.mongo.Collection).initializeOrderedBulkOp(),
  'connection.bulkWrite': ({ connection }) =>
    connection.bulkWrite([
      { model: 'User', name: 'updateOne', filter: byId, update: { $unset: { mfa: 1 } } } as never,
    ]),
  '$out into the users': ({ User }) => User.aggregate([{ $match: {} }, { $out: 'users' }]),
  '$merge into the users': ({ User }) =>
    User.aggregate([{ $match: {} }, { $merge: { into: 'users', whenMatched: 'replace' } }]),
  '$merge into the users without hooks': ({ User }) =>
    User.aggregate([{ $set: { mfa } }, { $merge: { into: 'users' } }], { middleware: false }),
  '$merge into the users by a cursor without hooks': async ({ User }) => {
    const stages = [{ $set: { mfa } }, { $merge: { into: 'users' } } as never]
    for await (const _ of User.aggregate(stages, { middleware: false }).cursor()) continue
  },
  "$merge into the users by the model's collection": ({ User }) =>
    User.collection.aggregate([{ $set: { mfa } }, { $merge: { into: 'users' } }]).toArray(),
  '$merge into the users in a map': ({ User }) =>
    User.collection.aggregate([{ $merge: new Map([['into', 'users']]) }]).toArray(),
  '$out that is added to a cursor': ({ User }) =>
    User.collection.aggregate([]).out('users').toArray(),
  '$merge that is added to a cursor': ({ User }) =>
    User.collection
      .aggregate([])
      .match({})
      .addStage({ $merge: { into: 'users' } })
      .toArray(),
  '$out that is added to a copy of a cursor': ({ User }) =>
    User.collection.aggregate([]).clone().clone().out('users').toArray(),
  '$merge into the users, spelt out': ({ User }) =>
    User.aggregate([{ $merge: { into: { db: User.db.name, coll: 'users' } } }]),
}

/** Writes of a whole user that was read earlier, without the field. */
const REPLACEMENTS: Readonly<Record<string, (people: People, stale: StoredUser) => unknown>> = {
  replaceOne: ({ User }, stale) => User.replaceOne(byId, stale),
  'replaceOne of a query': ({ User }, stale) => User.findOne(byId).replaceOne(stale),
  findOneAndReplace: ({ User }, stale) => User.findOneAndReplace(byId, stale),
  bulkWrite: ({ User }, stale) =>
    User.bulkWrite([{ replaceOne: { filter: byId, replacement: stale } }]),
  "replaceOne of the model's collection": ({ User }, stale) =>
    User.collection.replaceOne(byId, stale),
  'save of a whole document': async ({ User }, stale) => {
    const user = await User.findById(MIRA)
    user!.overwrite(stale)
    return user!.save()
  },
}

/** The ways to read the result of an aggregation, each of which starts the aggregation. */
const READS: Readonly<Record<string, (cursor: mongoose.mongo.AggregationCursor) => unknown>> = {
  next: (cursor) => cursor.next(),
  tryNext: (cursor) => cursor.tryNext(),
  hasNext: (cursor) => cursor.hasNext(),
  toArray: (cursor) => cursor.toArray(),
  forEach: (cursor) => cursor.forEach(() => undefined),
  'a stream': (cursor) => cursor.stream().toArray(),
  'a loop': async (cursor) => {
    for await (const _ of cursor) continue
  },
  'a copy': (cursor) => cursor.clone().toArray(),
  'one with more stages': (cursor) => cursor.match({}).addStage({ $limit: 1 }).toArray(),
  explain: (cursor) => cursor.explain(),
}

describe('what is ours in a user document', () => {
  let url: string
  let people: People

  before(async function () {
    url = await requireMongodb(this)
    people = await openPeople(url)
  })
  after(() => people?.close())

  for (const [name, write] of Object.entries(WRITES))
    it(`R5 is not written by ${name}`, async () => {
      const before = [await people.stored(), await people.stored(NOOR)]
      expect(await outcomeOf(() => write(people))).to.equal('fields-protected')
      expect([await people.stored(), await people.stored(NOOR)]).to.deep.equal(before)
      expect(await people.User.countDocuments()).to.equal(2)
    })

  for (const [name, replace] of Object.entries(REPLACEMENTS))
    it(`R5 is kept by ${name}`, async () => {
      const { mfa: before } = await people.stored()
      expect(before?.record).to.be.a('string')
      const stale = (await people.User.findById(MIRA).lean()) as StoredUser
      const city = `a town for ${name}`
      await replace(people, { ...stale, profile: { city, tags: [] } })
      const { mfa: after, profile } = await people.stored()
      expect(after).to.deep.equal(before)
      expect(profile.city).to.equal(city)
    })

  it('R5 is kept as it is at the moment of a replacement, not as it was before', async () => {
    const { User, storage, stored } = people
    const id = String(MIRA)
    const count = async () => (await storage.records.load(id))!.version
    const begun = await count()
    let saved = 0
    const signIn = async (): Promise<void> => {
      const { version } = (await storage.records.load(id))!
      if (await storage.records.save(id, { spent: version }, version)) saved += 1
    }
    const stale = (await User.findById(MIRA).lean()) as StoredUser
    await Promise.all(
      Array.from({ length: 30 }, (_, n) =>
        n % 2 === 0 ? signIn() : User.replaceOne(byId, { ...stale, name: `mira ${n}` }),
      ),
    )
    expect(saved).to.be.greaterThan(0)
    expect(await count()).to.equal(begun + saved)
    expect((await stored()).mfa?.record).to.equal(JSON.stringify({ spent: begun + saved - 1 }))
  })

  it('R5 is not written by a model that was made anew, nor by another of the same collection', async () => {
    const { connection, User } = people
    const before = await people.stored()
    const other = connection.model('Member', new mongoose.Schema({}, { strict: false }), 'users')
    connection.deleteModel('User')
    const again = connection.model('User', User.schema)
    for (const model of [User, again, other] as (typeof User)[])
      for (const write of [
        () => model.updateOne(byId, { $unset: { mfa: 1 } }),
        () => model.replaceOne(byId, { name: 'x', mfa }),
      ])
        expect(await outcomeOf(write)).to.equal('fields-protected')
    expect(await people.stored()).to.deep.equal(before)
  })

  for (const [name, read] of Object.entries(READS))
    it(`R5 a refused aggregation answers ${name} with the refusal, and does not end the process`, async () => {
      const before = await people.stored()
      const cursor = people.User.collection.aggregate([{ $set: { mfa } }, { $merge: 'users' }])
      await new Promise(setImmediate)
      expect(await outcomeOf(() => read(cursor))).to.equal('fields-protected')
      await cursor.close()
      expect(await people.stored()).to.deep.equal(before)
    })

  it('R5 is not written by what was called before the connection opened', async () => {
    const connection = mongoose.createConnection()
    connection.set('autoIndex', false)
    connection.set('autoCreate', false)
    const User = connection.model('User', people.User.schema)
    const before = await people.stored()
    const refused = [
      User.updateOne(byId, { mfa: SPENT }),
      User.replaceOne(byId, { name: 'kept', mfa }),
    ].map((call) => outcomeOf(() => call))
    const kept = User.replaceOne(byId, { name: 'early', passwordHash: 'old' }).exec()
    const changed = User.updateOne({ _id: NOOR }, { passwordHash: 'new' }).exec()
    await connection.openUri(new URL(people.connection.name, url).href)
    try {
      expect(await Promise.all(refused)).to.deep.equal(['fields-protected', 'fields-protected'])
      await Promise.all([kept, changed])
      expect(await people.stored()).to.deep.include({ name: 'early', mfa: before.mfa })
      expect((await people.stored(NOOR)).mfa?.passwordChanged?.times).to.equal(1)
    } finally {
      await connection.close()
    }
  })

  it('R5 R31 is neither written nor shown by any other call that was made before that', async () => {
    const connection = mongoose.createConnection()
    connection.set('autoIndex', false)
    connection.set('autoCreate', false)
    const User = connection.model('User', people.User.schema)
    const before = await people.stored()
    const id = new mongoose.mongo.ObjectId()
    const calls = [
      User.create({ _id: id, name: 'new', passwordHash: 'p' }).then(() => 'done'),
      User.bulkWrite([{ updateOne: { filter: byId, update: { $set: { name: 'bulk' } } } }]),
      User.findOneAndUpdate({ _id: NOOR }, { passwordHash: 'newer' }).lean(),
      User.aggregate([{ $match: byId }]),
    ]
    const refused = [
      User.create({ name: 'x', mfa } as never),
      User.bulkWrite([{ updateOne: { filter: byId, update: { $unset: { mfa: 1 } } } }]),
      User.collection.insertMany([{ name: 'x', mfa }]),
      User.aggregate([{ $set: { mfa } }, { $merge: { into: 'users' } }]).exec(),
    ].map((call) => outcomeOf(() => call))
    const times = (await people.stored(NOOR)).mfa?.passwordChanged?.times ?? 0
    await connection.openUri(new URL(people.connection.name, url).href)
    try {
      expect(await Promise.all(refused)).to.deep.equal(refused.map(() => 'fields-protected'))
      expect(JSON.stringify(await Promise.all(calls))).not.to.match(/mfa|record/)
      expect(await people.stored()).to.deep.include({ name: 'bulk', mfa: before.mfa })
      expect((await people.stored(NOOR)).mfa?.passwordChanged?.times).to.equal(times + 1)
      expect(await people.stored(id)).to.not.have.property('mfa')
    } finally {
      await User.deleteOne({ _id: id })
      await connection.close()
    }
  })
})
