import { expect } from 'chai'
import type { mongo } from 'mongoose'
import {
  bringUpToDate,
  MIGRATIONS,
  readSchemaState,
  type Migration,
} from '../../../src/adapters/mongoose/migrations.ts'
import { missingIndexes } from '../../../src/adapters/mongoose/server-indexes.ts'
import { openMongoStorage } from '../../../src/adapters/mongoose/server-storage.ts'
import { openDatabase } from '../../support/mongodb.ts'
import { requireMongodb } from '../../support/requirements.ts'

const WANTED = MIGRATIONS.at(-1)!.version

describe('the schema in MongoDB', function () {
  this.timeout(30_000)
  let server: string
  let database: Awaited<ReturnType<typeof openDatabase>>
  let db: mongo.Db

  before(async function () {
    server = await requireMongodb(this)
  })
  beforeEach(async () => {
    database = await openDatabase(server)
    db = database.connection.getClient().db()
  })
  afterEach(() => database.close())

  const note = (version: unknown): Promise<unknown> =>
    db
      .collection<{ _id: string; version: unknown }>('mfa_schema')
      .updateOne({ _id: 'schema' }, { $set: { version } }, { upsert: true })
  const refusal = (work: Promise<unknown>): Promise<string> =>
    work.then(
      () => 'done',
      ({ code }: { code: string }) => code,
    )
  /** The migrations with one more of a later release. */
  const next = (apply: () => Promise<void> = async () => {}): readonly Migration[] => [
    ...MIGRATIONS,
    { version: WANTED + 1, apply },
  ]

  it('is made in an empty database, without being told to', async () => {
    expect(await readSchemaState(db)).to.deep.equal({ current: 0, wanted: WANTED })
    await bringUpToDate(db, false)
    expect(await readSchemaState(db)).to.deep.equal({ current: WANTED, wanted: WANTED })
    expect(await missingIndexes(db)).to.deep.equal([])
  })

  it('is made once by many nodes that start at once', async () => {
    const storages = await Promise.all(
      Array.from({ length: 4 }, () => openMongoStorage({ url: database.url })),
    )
    expect(await readSchemaState(db)).to.deep.equal({ current: WANTED, wanted: WANTED })
    expect(await missingIndexes(db)).to.deep.equal([])
    for (const storage of storages) await storage.close()
  })

  it('of an older version waits for migrate, and says so', async () => {
    await bringUpToDate(db, false)
    let applied = 0
    const migrations = next(async () => void (applied += 1))
    expect(await refusal(bringUpToDate(db, false, migrations))).to.equal('schema-outdated')
    expect(applied).to.equal(0)
    await bringUpToDate(db, true, migrations)
    expect(applied).to.equal(1)
    expect((await readSchemaState(db, migrations)).current).to.equal(WANTED + 1)
    await bringUpToDate(db, true, migrations)
    expect(applied).to.equal(1)
  })

  it('is brought up to date again where a migration ended half-way', async () => {
    await bringUpToDate(db, false)
    const fails = next(() => Promise.reject(new Error('the power is gone')))
    expect(await bringUpToDate(db, true, fails).catch(String)).to.contain('the power is gone')
    expect((await readSchemaState(db, fails)).current).to.equal(WANTED)
    await bringUpToDate(db, true, next())
    expect((await readSchemaState(db, next())).current).to.equal(WANTED + 1)
  })

  it('of a newer version is refused, migrate or not', async () => {
    await note(WANTED + 1)
    for (const migrate of [false, true])
      expect(await refusal(bringUpToDate(db, migrate))).to.equal('schema-newer')
  })

  it('R39 of before, with tokens in clear, is refused, migrate or not', async () => {
    await note(1)
    for (const migrate of [false, true])
      expect(await refusal(bringUpToDate(db, migrate))).to.equal('schema-too-old')
    expect(await refusal(openMongoStorage({ url: database.url }))).to.equal('schema-too-old')
  })

  it('of another application is refused', async () => {
    await note('2.0')
    expect(await refusal(bringUpToDate(db, true))).to.equal('schema-foreign')
  })

  for (const [collection, name, field] of [
    ['mfa_accounts', 'mfa_names', 'names'],
    ['mfa_records', 'mfa_handles', 'handles'],
  ] as const)
    it(`R18 is not enough without the unique index ${name}, until migrate makes it again`, async () => {
      await bringUpToDate(db, false)
      await db.collection(collection).dropIndex(name)
      expect(await refusal(bringUpToDate(db, false))).to.equal('schema-outdated')
      await db.collection(collection).createIndex({ [field]: 1 }, { name })
      expect(await refusal(bringUpToDate(db, false))).to.equal('schema-outdated')
      await db.collection(collection).dropIndex(name)
      await bringUpToDate(db, true)
      expect(await refusal(bringUpToDate(db, false))).to.equal('done')
    })
})
