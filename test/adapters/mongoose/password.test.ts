import { expect } from 'chai'
import mongoose from 'mongoose'
import { mfaFields, mongooseStorage } from '../../../src/adapters/mongoose/index.ts'
import { requireMongodb } from '../../support/requirements.ts'
import { MIRA, NOOR, openPeople, userSchema, type People, type StoredUser } from './people.ts'

const byId = { _id: MIRA }
const passwordHash = 'new'

/** The ways in which an application writes a password. */
const CHANGES: Readonly<Record<string, (people: People) => unknown>> = {
  save: async ({ User }) => {
    const user = await User.findById(MIRA)
    user!.passwordHash = passwordHash
    return user!.save()
  },
  'save without hooks': async ({ User }) => {
    const user = await User.findById(MIRA)
    user!.passwordHash = passwordHash
    return user!.save({ middleware: false })
  },
  bulkSave: async ({ User }) => {
    const user = await User.findById(MIRA)
    user!.passwordHash = passwordHash
    return User.bulkSave([user!])
  },
  updateOne: ({ User }) => User.updateOne(byId, { passwordHash }),
  'updateOne with $unset': ({ User }) => User.updateOne(byId, { $unset: { passwordHash: 1 } }),
  'updateOne with $rename': ({ User }) =>
    User.updateOne(byId, { $rename: { name: 'passwordHash' } }),
  'updateOne beside other operators': ({ User }) =>
    User.updateOne(byId, {
      $set: { passwordHash },
      $inc: { __v: 1 },
      $push: { 'profile.tags': 'x' },
    }),
  updateMany: ({ User }) => User.updateMany(byId, { passwordHash }),
  findOneAndUpdate: ({ User }) => User.findOneAndUpdate(byId, { passwordHash }),
  findByIdAndUpdate: ({ User }) => User.findByIdAndUpdate(MIRA, { $set: { passwordHash } }),
  'a pipeline': ({ User }) =>
    User.updateOne(byId, [{ $set: { passwordHash } }], { updatePipeline: true }),
  replaceOne: ({ User }) => User.replaceOne(byId, { name: 'mira', passwordHash }),
  'replaceOne without one': ({ User }) => User.replaceOne(byId, { name: 'mira' }),
  findOneAndReplace: ({ User }) => User.findOneAndReplace(byId, { name: 'mira', passwordHash }),
  'bulkWrite with updateOne': ({ User }) =>
    User.bulkWrite([{ updateOne: { filter: byId, update: { $set: { passwordHash } } } }]),
  'bulkWrite with updateMany': ({ User }) =>
    User.bulkWrite([{ updateMany: { filter: byId, update: { $set: { passwordHash } } } }]),
  'bulkWrite with replaceOne': ({ User }) =>
    User.bulkWrite([
      { replaceOne: { filter: byId, replacement: { name: 'mira', passwordHash } as never } },
    ]),
}

/** Writes that do not change the password. */
const OTHERS: Readonly<Record<string, (people: People, now: StoredUser) => unknown>> = {
  'save of the profile': async ({ User }) => {
    const user = await User.findById(MIRA)
    user!.profile.city = 'Basel'
    return user!.save()
  },
  'updateOne of the profile': ({ User }) => User.updateOne(byId, { 'profile.city': 'Chur' }),
  'a pipeline for the profile': ({ User }) =>
    User.updateOne(byId, [{ $set: { name: 'M' } }], { updatePipeline: true }),
  'replaceOne with the same password': ({ User }, now) =>
    User.replaceOne(byId, { name: 'mira', passwordHash: now.passwordHash! }),
  'an upsert that sets it only for somebody new': ({ User }) =>
    User.updateOne(byId, { $setOnInsert: { passwordHash } }, { upsert: true }),
}

type ListModel = mongoose.Model<{ credentials: { kind: string; hash: string }[] }>

/** Ways to change a password that is in one document of a list. */
const IN_A_LIST: Readonly<Record<string, (User: ListModel) => unknown>> = {
  save: async (User) => {
    const user = await User.findById(MIRA)
    user!.credentials[0]!.hash = 'new'
    return user!.save()
  },
  'the first that was found': (User) =>
    User.updateOne(
      { ...byId, 'credentials.kind': 'pw' },
      { $set: { 'credentials.$.hash': 'new' } },
    ),
  all: (User) => User.updateOne(byId, { $set: { 'credentials.$[].hash': 'new' } }),
  'those of a filter': (User) =>
    User.updateOne(
      byId,
      { $set: { 'credentials.$[one].hash': 'new' } },
      { arrayFilters: [{ 'one.kind': 'pw' }] },
    ),
  'one as a whole': (User) =>
    User.updateOne(byId, { $set: { 'credentials.0': { kind: 'pw', hash: 'new' } } }),
  replaceOne: (User) => User.replaceOne(byId, { credentials: [{ kind: 'pw', hash: 'new' }] }),
}

/** Writes to the documents of that list that do not change the password. */
const BESIDE_IT: Readonly<Record<string, (User: ListModel) => unknown>> = {
  save: async (User) => {
    const user = await User.findById(MIRA)
    user!.credentials[0]!.kind = 'other'
    return user!.save()
  },
  'an update': (User) => User.updateOne(byId, { $set: { 'credentials.$[].kind': 'other' } }),
}

describe('a password in a user document', () => {
  let url: string
  let people: People

  before(async function () {
    url = await requireMongodb(this)
  })
  beforeEach(async () => {
    people = await openPeople(url)
  })
  afterEach(() => people.close())

  const load = (id = MIRA) => people.storage.records.load(String(id))

  for (const [name, change] of Object.entries(CHANGES))
    it(`R20 that is changed by ${name} is loaded with the record, and stops a save by a caller that has loaded the record before`, async () => {
      const before = (await load())!
      const begun = Math.floor(Date.now() / 1000)
      await change(people)
      const after = (await load())!
      expect(after.record).to.deep.equal(before.record)
      expect(after.version).to.equal(before.version + 1)
      expect(after.passwordChanged?.times).to.equal(1)
      expect(after.passwordChanged?.at).to.be.at.least(begun)
      expect(await people.storage.records.save(String(MIRA), { n: 3 }, before.version)).to.equal(
        false,
      )
    })

  for (const [name, write] of Object.entries(OTHERS))
    it(`is not changed by ${name}`, async () => {
      const before = await load()
      await write(people, await people.stored())
      expect(await load()).to.deep.equal(before)
    })

  it('R20 is told as often as it was changed, until the next save', async () => {
    for (const hash of ['a', 'b', 'c']) await people.User.updateOne(byId, { passwordHash: hash })
    const { version, passwordChanged } = (await load())!
    expect([version, passwordChanged?.times]).to.deep.equal([5, 3])
    expect(await people.storage.records.save(String(MIRA), { n: 3 }, version)).to.equal(true)
    expect(await load()).to.deep.equal({ record: { n: 3 }, version: 6 })
  })

  it('R20 is also loaded for an account without a record, and the first save must have seen it', async () => {
    const id = String(NOOR)
    expect(await load(NOOR)).to.equal(undefined)
    await people.User.updateOne({ _id: NOOR }, { passwordHash })
    const seen = (await load(NOOR))!
    expect([seen.record, seen.version, seen.passwordChanged?.times]).to.deep.equal([
      undefined,
      1,
      1,
    ])
    expect(await people.storage.records.save(id, { n: 1 }, 0)).to.equal(false)
    expect(await people.storage.records.save(id, { n: 1 }, 1)).to.equal(true)
    expect(await load(NOOR)).to.deep.equal({ record: { n: 1 }, version: 2 })
  })

  it('is nothing changed for somebody who is new', async () => {
    const { User } = people
    const one = await User.create({ name: 'one', passwordHash })
    const [two] = await User.insertMany([{ name: 'two', passwordHash }])
    for (const { _id } of [one, two!]) expect(await load(_id)).to.equal(undefined)
  })

  it('may be a part of another field', async () => {
    await people.close()
    const schema = userSchema()
    schema.add({ secrets: { password: { hash: String, salt: String } } } as object)
    people = await openPeople(url, { schema, passwordPath: 'secrets.password' })
    const times = async () => (await load())?.passwordChanged?.times
    const { User } = people
    await User.updateOne(byId, { 'secrets.password.hash': 'x' })
    expect(await times()).to.equal(1)
    await User.updateOne(byId, { $set: { secrets: { password: { hash: 'y' } } } })
    expect(await times()).to.equal(2)
    await User.updateOne(byId, { 'secrets.other': 'z' }, { strict: false })
    expect(await times()).to.equal(2)
  })

  for (const passwordPath of ['credentials.hash', 'credentials.0.hash'])
    describe(`in a list of documents, at ${passwordPath}`, () => {
      beforeEach(async () => {
        await people.close()
        const schema = userSchema()
        schema.add({ credentials: [{ kind: String, hash: String }] } as object)
        people = await openPeople(url, { schema, passwordPath })
        await people.connection
          .db!.collection('users')
          .updateOne(byId, { $set: { credentials: [{ kind: 'pw', hash: 'old' }] } })
      })

      for (const [name, change] of Object.entries(IN_A_LIST))
        it(`R20 is told with the record when it is changed by ${name}`, async () => {
          await change(people.User as unknown as ListModel)
          expect(JSON.stringify(await people.stored())).to.include('"hash":"new"')
          expect((await load())?.passwordChanged?.times).to.equal(1)
        })

      for (const [name, write] of Object.entries(BESIDE_IT))
        it(`is not changed by ${name}`, async () => {
          const before = await load()
          await write(people.User as unknown as ListModel)
          expect(JSON.stringify(await people.stored())).to.include('"kind":"other"')
          expect(await load()).to.deep.equal(before)
        })
    })

  it('is told when what an update sets turns into it', async () => {
    const { User } = people
    for (const $set of [
      new Map([['passwordHash', 'a']]),
      { toBSON: () => ({ passwordHash: 'b' }) },
    ])
      await User.collection.updateOne(byId, { $set })
    expect((await people.stored()).passwordHash).to.equal('b')
    expect((await load())?.passwordChanged?.times).to.equal(2)
  })

  it('is the business of the application where it has said so', async () => {
    await people.close()
    people = await openPeople(url, { passwordPath: false })
    const before = await load()
    await people.User.updateOne(byId, { passwordHash })
    await people.User.replaceOne(byId, { name: 'mira', passwordHash: 'another' })
    expect(await load()).to.deep.equal(before)
  })

  it('R20 is told by every model of the collection, whichever password is its own', async () => {
    const schema = new mongoose.Schema({ name: String, pin: String }, { collection: 'users' })
    schema.plugin(mfaFields, { passwordPath: 'pin' })
    const Staff = people.connection.model('Staff', schema)
    const times = async () => (await load())?.passwordChanged?.times ?? 0
    await Staff.updateOne(byId, { pin: '1' })
    expect(await times()).to.equal(1)
    await people.User.updateOne(byId, { passwordHash })
    expect(await times()).to.equal(2)
    await Staff.updateOne(byId, { name: 'x' })
    for (const [pin, hash, expected] of [
      ['1', passwordHash, 2],
      ['2', passwordHash, 3],
      ['2', 'newer', 4],
    ] as const) {
      const document = { name: 'y', pin, passwordHash: hash }
      await people.User.collection.replaceOne(byId, document)
      expect(await times()).to.equal(expected)
    }
  })

  it('R20 loses no change to a sign-in at the same moment', async () => {
    const id = String(MIRA)
    let settled = 0
    const signIn = async (): Promise<void> => {
      const seen = (await people.storage.records.load(id))!
      const saved = await people.storage.records.save(id, { n: settled }, seen.version)
      if (saved) settled += seen.passwordChanged?.times ?? 0
    }
    await Promise.all(
      Array.from({ length: 30 }, (_, n) =>
        n % 2 === 0 ? signIn() : people.User.updateOne(byId, { passwordHash: String(n) }),
      ),
    )
    await signIn()
    expect(settled).to.equal(15)
  })
})

describe('the plugin for a user schema', () => {
  const faultOf = (deed: () => unknown): string => {
    try {
      deed()
      return 'none'
    } catch (error) {
      return `${(error as { code?: string }).code}: ${(error as Error).message}`
    }
  }

  it('asks where the password is, or to be told that the application says so itself', () => {
    for (const options of [undefined, {}, { passwordPath: '' }, { passwordPath: true }])
      expect(faultOf(() => userSchema().plugin(mfaFields, options as never))).to.match(
        /^options-invalid: .*passwordPath/,
      )
  })

  it('refuses a path that the schema does not have, once all of it is there', async () => {
    const connection = mongoose.createConnection()
    const make = (passwordPath: string, change: (schema: mongoose.Schema) => unknown = () => 0) => {
      const schema = userSchema() as unknown as mongoose.Schema
      schema.plugin(mfaFields, { passwordPath })
      change(schema)
      return faultOf(() => connection.model(`User ${passwordPath}`, schema))
    }
    expect(make('pasword')).to.match(/^options-invalid: .*pasword/)
    expect(make('virtual', (schema) => schema.virtual('virtual'))).to.match(/^options-invalid/)
    expect(make('later', (schema) => schema.add({ later: String }))).to.equal('none')
    expect(make('profile')).to.equal('none')
    expect(make('anything', (schema) => schema.set('strict', false))).to.equal('none')
    await connection.close()
  })

  it('refuses a schema that has a field of this name', () => {
    for (const field of [String, { enabled: Boolean }]) {
      const schema = new mongoose.Schema({ mfa: field })
      expect(faultOf(() => schema.plugin(mfaFields, { passwordPath: false }))).to.match(
        /^options-invalid: .*mfa already/,
      )
    }
  })

  it('is missed by the storage where it is missing', async () => {
    const connection = mongoose.createConnection()
    const schema = userSchema()
    const User = connection.model('User', schema)
    expect(faultOf(() => mongooseStorage(User))).to.match(/^options-invalid: .*plugin\(mfaFields/)
    schema.plugin(mfaFields, { passwordPath: false })
    expect(faultOf(() => mongooseStorage(User))).to.match(/^options-invalid: .*before the model/)
    for (const wrong of [undefined, null, {}, 'User', () => 0])
      expect(faultOf(() => mongooseStorage(wrong as never))).to.match(/^options-invalid/)
    await connection.close()
  })
})
