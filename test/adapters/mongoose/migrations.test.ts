import { expect } from 'chai'
import type { mongo } from 'mongoose'
import { inspect } from '../../../src/adapters/mongoose/inspect.ts'
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

const FIRST = MIGRATIONS[0]!.version
const WANTED = MIGRATIONS.at(-1)!.version
/** The state of a database that this code has made. */
const MADE = { current: WANTED, wanted: WANTED, readableFrom: FIRST }

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
    expect(await readSchemaState(db)).to.deep.equal({ current: 0, wanted: WANTED, readableFrom: 0 })
    await bringUpToDate(db, false)
    expect(await readSchemaState(db)).to.deep.equal(MADE)
    expect(await missingIndexes(db)).to.deep.equal([])
  })

  it('is made once by many nodes that start at once', async () => {
    const storages = await Promise.all(
      Array.from({ length: 4 }, () => openMongoStorage({ url: database.url })),
    )
    expect(await readSchemaState(db)).to.deep.equal(MADE)
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

  it('of a newer version that notes no phases is refused, migrate or not', async () => {
    await note(WANTED + 1)
    for (const migrate of [false, true])
      expect(await refusal(bringUpToDate(db, migrate))).to.equal('schema-newer')
  })

  describe('that a newer release expands and contracts', () => {
    const expanded = next()
    /** The list of a release that has one migration of each phase more. */
    const later = (contract: () => Promise<void> = async () => {}): readonly Migration[] => [
      ...expanded,
      { version: WANTED + 2, phase: 'contract', apply: contract },
    ]

    it('is used by this release until it is contracted, by a storage that is open too', async () => {
      const storage = await openMongoStorage({ url: database.url })
      await bringUpToDate(db, 'expand', later())
      expect(await storage.schema()).to.deep.equal({ ...MADE, current: WANTED + 1 })
      expect(await refusal(bringUpToDate(db, true))).to.equal('done')
      expect(await readSchemaState(db, later())).to.deep.equal({
        current: WANTED + 1,
        wanted: WANTED + 2,
        readableFrom: FIRST,
        contractsTo: WANTED + 2,
      })
      await bringUpToDate(db, 'contract', later())
      expect(await refusal(storage.schema())).to.equal('schema-newer')
      expect(await refusal(bringUpToDate(db, false))).to.equal('schema-newer')
      expect(await refusal(bringUpToDate(db, false, later()))).to.equal('done')
      await storage.close()
    })

    it('keeps older releases out where it notes the version alone', async () => {
      await bringUpToDate(db, true)
      await db
        .collection<{ _id: string }>('mfa_schema')
        .updateOne({ _id: 'schema' }, { $unset: { readableFrom: 1, contracted: 1 } })
      await bringUpToDate(db, 'expand', expanded)
      expect((await readSchemaState(db)).readableFrom).to.equal(WANTED)
    })

    it('is not contracted before it is expanded', async () => {
      await bringUpToDate(db, false)
      let applied = 0
      const migrations = later(async () => void (applied += 1))
      expect(await refusal(bringUpToDate(db, 'contract', migrations))).to.equal('schema-outdated')
      expect(applied).to.equal(0)
    })

    it('locks this release out before a contract begins, and repeats one that ended half-way', async () => {
      await bringUpToDate(db, false)
      await bringUpToDate(db, 'expand', later())
      const seen: string[] = []
      const fails = later(async () => {
        seen.push(await refusal(bringUpToDate(db, false)))
        throw new Error('the power is gone')
      })
      expect(await bringUpToDate(db, true, fails).catch(String)).to.contain('the power is gone')
      expect(seen).to.deep.equal(['schema-newer'])
      expect(await refusal(bringUpToDate(db, false))).to.equal('schema-newer')
      expect((await readSchemaState(db, later())).contractsTo).to.equal(WANTED + 2)
      let applied = 0
      const succeeds = later(async () => void (applied += 1))
      await bringUpToDate(db, 'contract', succeeds)
      await bringUpToDate(db, true, succeeds)
      expect(applied).to.equal(1)
      expect(await readSchemaState(db, succeeds)).to.deep.equal({
        current: WANTED + 2,
        wanted: WANTED + 2,
        readableFrom: WANTED + 2,
      })
    })

    it('is not contracted again by a command that another one has overtaken', async () => {
      await bringUpToDate(db, false)
      const done: string[] = []
      const contract = (who: string) => async (): Promise<void> => void done.push(who)
      const overtaken: readonly Migration[] = [
        ...next(() => bringUpToDate(db, true, later(contract('other')))),
        { version: WANTED + 2, phase: 'contract', apply: contract('own') },
      ]
      await bringUpToDate(db, true, overtaken)
      expect(done).to.deep.equal(['other'])
      expect(await readSchemaState(db, later())).to.deep.equal({
        current: WANTED + 2,
        wanted: WANTED + 2,
        readableFrom: WANTED + 2,
      })
    })

    it('is the same after two commands at the same time', async () => {
      await bringUpToDate(db, false)
      await Promise.all([bringUpToDate(db, true, later()), bringUpToDate(db, 'expand', later())])
      await Promise.all([bringUpToDate(db, true, later()), bringUpToDate(db, true, later())])
      expect(await readSchemaState(db, later())).to.include({ readableFrom: WANTED + 2 })
    })
  })

  it('R39 of before, with tokens in clear, is refused, migrate or not', async () => {
    await note(1)
    for (const migrate of [false, true])
      expect(await refusal(bringUpToDate(db, migrate))).to.equal('schema-too-old')
    expect(await refusal(openMongoStorage({ url: database.url }))).to.equal('schema-too-old')
  })

  it('makes entries of the trail of before searchable, each filter by an index', async () => {
    await bringUpToDate(db, false)
    const detail = { clientId: 'shop', ip: '192.0.2.1', actor: 'anna', requestId: 'r.1', count: 2 }
    await db.collection<{ _id: string; [member: string]: unknown }>('mfa_audit').insertMany([
      { _id: 'old', at: 1, order: 1, type: 'locked', detail: JSON.stringify(detail) },
      { _id: 'plain', at: 2, order: 2, type: 'reset', detail: '{}' },
    ])
    await note(5)
    const storage = await openMongoStorage({ url: database.url, migrate: true })
    for (const query of [
      { clientId: 'shop' },
      { ip: '192.0.2.1' },
      { actor: 'anna' },
      { requestId: 'r.1' },
      { type: 'locked' },
    ]) {
      const entries = await storage.audit.list({ ...query, limit: 9 })
      expect(entries, JSON.stringify(query)).to.deep.equal([
        { id: 'old', at: 1, type: 'locked', detail },
      ])
      const plan = await db
        .collection('mfa_audit')
        .find(query)
        .sort({ at: -1, order: -1, _id: -1 })
        .explain('queryPlanner')
      expect(JSON.stringify(plan), JSON.stringify(query)).to.contain('IXSCAN')
    }
    expect(await storage.audit.list({ limit: 9 })).to.have.length(2)
    await storage.close()
  })

  for (const allowed of [true, 'contract'] as const)
    it(`makes searchable what a node of the former release has added since, at migrate ${allowed}`, async () => {
      await bringUpToDate(db, 'expand')
      const storage = await openMongoStorage({ url: database.url })
      const detail = { ip: '192.0.2.7', requestId: 'r.1' }
      const old = { _id: 'old', at: 5, order: 5, type: 'locked', detail: JSON.stringify(detail) }
      await db.collection<typeof old>('mfa_audit').insertOne(old)
      const remarks = async () => (await inspect(db)).map(({ about }) => about)
      expect(await remarks()).to.deep.equal(['audit trail'])
      await bringUpToDate(db, 'expand')
      expect(await storage.audit.list({ ip: '192.0.2.7', limit: 9 })).to.deep.equal([])
      expect(await remarks()).to.deep.equal(['audit trail'])
      await bringUpToDate(db, allowed)
      expect(await remarks()).to.deep.equal([])
      for (const query of [{ ip: '192.0.2.7' }, { requestId: 'r.1' }])
        expect(await storage.audit.list({ ...query, limit: 9 })).to.deep.equal([
          { id: 'old', at: 5, type: 'locked', detail },
        ])
      await storage.close()
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
