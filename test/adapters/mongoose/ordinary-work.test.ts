import { expect } from 'chai'
import mongoose, { type Connection, type Model } from 'mongoose'
import { mfaFields, mongooseStorage } from '../../../src/adapters/mongoose/index.ts'
import { openDatabase } from '../../support/mongodb.ts'
import { requireMongodb } from '../../support/requirements.ts'
import { MIRA, NOOR, userSchema, type User } from './people.ts'

const NEW = new mongoose.mongo.ObjectId('650000000000000000000003')
const NEWER = new mongoose.mongo.ObjectId('650000000000000000000004')

/** The operations of an application on its users, in order; each returns its result. */
const WORK: Readonly<Record<string, (User: Model<User>) => unknown>> = {
  find: (User) => User.find().sort('name'),
  'find, chosen fields': (User) => User.find({}, { name: 1 }).sort('name'),
  'find, without a field': (User) => User.find().select('-passwordHash').sort('name'),
  'find by a nested field': (User) => User.find({ 'profile.city': 'Bern' }),
  findOne: (User) => User.findOne({ name: 'mira' }),
  findById: (User) => User.findById(MIRA),
  exists: (User) => User.exists({ name: 'mira' }),
  lean: (User) => User.find().sort('name').lean(),
  countDocuments: (User) => User.countDocuments(),
  estimatedDocumentCount: (User) => User.estimatedDocumentCount(),
  distinct: (User) => User.distinct('name').then((names) => names.sort()),
  'distinct in a list': (User) => User.distinct('profile.tags').then((tags) => tags.sort()),
  cursor: (User) => all(User.find().sort('name').cursor()),
  'lean cursor': (User) => all(User.find().sort('name').lean().cursor()),
  aggregate: (User) => User.aggregate([{ $sort: { name: 1 } }]),
  'aggregate with a match': (User) => User.aggregate([{ $match: { name: 'mira' } }]),
  'aggregate with groups': (User) =>
    User.aggregate([{ $group: { _id: '$profile.city', n: { $sum: 1 } } }, { $sort: { _id: 1 } }]),
  'aggregate with facets': (User) =>
    User.aggregate([{ $facet: { all: [{ $sort: { name: 1 } }], n: [{ $count: 'n' }] } }]),
  'aggregate of nothing': (User) => messageOf(User.aggregate([]).exec()),
  'aggregate by a cursor': (User) => all(User.aggregate([{ $sort: { name: 1 } }]).cursor()),
  populate: (User) => User.findById(NOOR).populate('friends'),
  'lean populate': (User) => User.findById(NOOR).populate('friends').lean(),
  toJSON: async (User) => (await User.findById(MIRA))!.toJSON(),
  toObject: async (User) => (await User.findById(MIRA))!.toObject(),
  create: (User) => User.create({ _id: NEW, name: 'new', passwordHash: 'p' }),
  insertMany: (User) => User.insertMany([{ _id: NEWER, name: 'newer' }]),
  save: async (User) => {
    const user = (await User.findById(MIRA))!
    user.profile.city = 'Chur'
    user.profile.tags.push('b')
    await user.save()
    return user
  },
  'save of nothing': async (User) => (await User.findById(MIRA))!.save(),
  'save of a password': async (User) => {
    const user = (await User.findById(MIRA))!
    user.passwordHash = 'changed'
    await user.save()
    return [user.isModified(), user]
  },
  updateOne: (User) => User.updateOne({ _id: MIRA }, { name: 'Mira' }),
  'updateOne of a password': (User) => User.updateOne({ _id: MIRA }, { passwordHash: 'again' }),
  'updateOne of nobody': (User) => User.updateOne({ name: 'nobody' }, { passwordHash: 'x' }),
  updateMany: (User) => User.updateMany({}, { $set: { 'profile.city': 'Genf' } }),
  findOneAndUpdate: (User) =>
    User.findOneAndUpdate({ _id: MIRA }, { name: 'M' }, { returnDocument: 'after' }),
  'findByIdAndUpdate of a password': (User) =>
    User.findByIdAndUpdate(MIRA, { passwordHash: 'third' }, { returnDocument: 'after' }).lean(),
  'a pipeline': (User) =>
    User.updateOne({ _id: MIRA }, [{ $set: { name: { $toUpper: '$name' } } }], {
      updatePipeline: true,
    }),
  upsert: (User) =>
    User.findOneAndUpdate({ _id: NEW }, { name: 'upserted' }, { upsert: true }).lean(),
  replaceOne: (User) => User.replaceOne({ _id: MIRA }, { name: 'replaced', passwordHash: 'r' }),
  'replaceOne of nobody': (User) => User.replaceOne({ name: 'nobody' }, { name: 'x' }),
  findOneAndReplace: (User) =>
    User.findOneAndReplace({ _id: MIRA }, { name: 'mira' }, { returnDocument: 'after' }),
  bulkWrite: async (User) => {
    const { insertedCount, matchedCount, modifiedCount, deletedCount } = await User.bulkWrite([
      { updateOne: { filter: { _id: MIRA }, update: { $set: { name: 'bulk' } } } },
      { replaceOne: { filter: { _id: NOOR }, replacement: { name: 'noor' } as never } },
      { deleteOne: { filter: { _id: NEWER } } },
    ])
    return { insertedCount, matchedCount, modifiedCount, deletedCount }
  },
  bulkSave: async (User) => {
    const users = await User.find().sort('_id')
    for (const user of users) user.name += '!'
    const { matchedCount, modifiedCount } = await User.bulkSave(users)
    return { matchedCount, modifiedCount }
  },
  'a save that is too late': async (User) => {
    const [one, other] = [(await User.findById(MIRA))!, (await User.findById(MIRA))!]
    one.name = 'one'
    other.name = 'other'
    await one.save()
    return other.save().then(
      () => 'saved',
      (error: Error) => error.name,
    )
  },
  'a save that is not valid': async (User) => {
    const user = (await User.findById(MIRA))!
    user.set('name', undefined)
    return messageOf(user.save())
  },
  findOneAndDelete: (User) => User.findOneAndDelete({ _id: NEW }),
  'deleteOne of a document': async (User) => (await User.findById(NOOR))!.deleteOne(),
  'what is left': (User) => User.find().sort('name').lean(),
}

describe('an application’s ordinary work with its users', () => {
  let url: string
  before(async function () {
    url = await requireMongodb(this)
  })

  for (const [name, options] of Object.entries({
    'as schemas are by default': {},
    'with optimistic concurrency': { optimisticConcurrency: true },
    'without a version key': { versionKey: false },
    'without strictness': { strict: false },
  } as Record<string, mongoose.SchemaOptions>))
    it(`has the same results before and after the plugin, ${name}`, async () => {
      const [before, after] = [await openDatabase(url), await openDatabase(url)]
      try {
        const plain = before.connection.model('User', userSchema(options))
        const expected = await walk(plain)
        const found = await walk(withRecords(after.connection, options))
        expect(Object.keys(found)).to.deep.equal(Object.keys(WORK))
        for (const deed of Object.keys(WORK))
          expect(found[deed], deed).to.deep.equal(expected[deed])
      } finally {
        await before.close()
        await after.close()
      }
    })
})

/** A model with the plugin. Each call of its `signIn` saves a record for every user. */
function withRecords(connection: Connection, options: mongoose.SchemaOptions) {
  const schema = userSchema(options)
  schema.plugin(mfaFields, { passwordPath: 'passwordHash' })
  const User = connection.model('User', schema)
  const { records } = mongooseStorage(User)
  return Object.assign(User, {
    async signIn() {
      for (const { _id } of await User.find().lean()) {
        const seen = await records.load(String(_id))
        await records.save(String(_id), { secret: 'sealed' }, seen?.version ?? 0)
      }
    },
  })
}

async function walk(User: Model<User> & { signIn?: () => Promise<void> }) {
  await User.create([
    { _id: MIRA, name: 'mira', passwordHash: 'old', profile: { city: 'Bern', tags: ['a'] } },
    { _id: NOOR, name: 'noor', friends: [MIRA] },
  ])
  const results: Record<string, unknown> = {}
  for (const [deed, work] of Object.entries(WORK)) {
    await User.signIn?.()
    results[deed] = plain(await work(User))
  }
  return results
}

/** The result as JSON, with the type of each time instead of its value, which differs in each run. */
function plain(result: unknown): unknown {
  return JSON.parse(
    JSON.stringify(result ?? null, (key, value: unknown) =>
      key === 'createdAt' || key === 'updatedAt' ? typeof value : value,
    ),
  )
}

/** The message of the error with which an operation is refused. */
function messageOf(deed: Promise<unknown>): Promise<unknown> {
  return deed.catch((error: Error) => error.message)
}

async function all(cursor: AsyncIterable<unknown>): Promise<unknown[]> {
  const found: unknown[] = []
  for await (const each of cursor) found.push(each)
  return found
}
