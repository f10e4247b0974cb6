import { expect } from 'chai'
import mongoose, { type Connection, type mongo } from 'mongoose'
import { mongooseStorage } from '../../../src/adapters/mongoose/index.ts'
import type { Storage } from '../../../src/ports/storage.ts'
import { openDatabase } from '../../support/mongodb.ts'
import { requireMongodb } from '../../support/requirements.ts'
import { MIRA, NOOR, openPeople, outcomeOf, userSchema } from './people.ts'
import { serverPortsOn, type ServerPorts } from './server-ports.ts'

const NOW = 1_800_000_000

/** Calls every operation of the ports in every case that sends a different query. */
async function useEverything(
  { records, oneTime, counters }: ServerPorts,
  id: string,
): Promise<void> {
  const { version = 0 } = (await records.load(id)) ?? {}
  await records.save(id, { n: 1 }, version)
  await records.save(id, { n: 2 }, version)
  await records.save(id, { n: 2 }, version + 1)
  await records.load(id)
  await records.save(id, { n: 3, handles: ['mine'] }, version + 2)
  await records.findByHandle('mine')
  await records.findByHandle('nobody’s')
  await oneTime.put('link', { n: 1 }, NOW + 60)
  await oneTime.put('link', { n: 2 }, NOW + 60)
  await oneTime.peek('link', NOW)
  await oneTime.take('link', NOW)
  for (const _ of [1, 2, 3]) await counters.reserve('name', { limit: 2, windowSeconds: 60 }, NOW)
  await counters.reserve('name', { limit: 2, windowSeconds: 60 }, NOW + 60)
  await counters.reserve('never', { limit: 0 }, NOW)
  await counters.release('name', NOW + 60)
  await counters.reset('name')
}

/** A command that the driver has sent. */
interface Sent {
  readonly name: string
  readonly command: mongo.Document
}

/** The commands that a connection sends from now on. */
function watch(connection: Connection): Sent[] {
  const sent: Sent[] = []
  connection.getClient().on('commandStarted', ({ commandName: name, command }) => {
    sent.push({ name, command })
  })
  return sent
}

/** The filter of a command that finds documents, or undefined for other commands. */
function filterOf({ name, command }: Sent): mongo.Document | undefined {
  switch (name) {
    case 'find':
      return command.filter as mongo.Document
    case 'findAndModify':
      return command.query as mongo.Document
    case 'update':
    case 'delete':
      return (command[`${name}s`] as { q: mongo.Document }[])[0]!.q
    default:
      return undefined
  }
}

describe('what the ports ask of MongoDB', () => {
  let url: string
  before(async function () {
    url = await requireMongodb(this)
  })

  for (const [kind, open] of Object.entries({
    'in user documents': async () => {
      const people = await openPeople(url, { options: { monitorCommands: true } })
      const others = Array.from({ length: 20 }, (_, n) => ({ name: `other ${n}` }))
      await people.User.insertMany(others)
      return { ...people, id: String(MIRA) }
    },
    'in a collection of its own': async () => {
      const database = await openDatabase(url, { monitorCommands: true })
      return { ...database, storage: mongooseStorage(database.connection), id: 'mira' }
    },
  }))
    describe(kind, () => {
      let opened: Awaited<ReturnType<typeof open>>
      let sent: Sent[]

      before(async () => {
        opened = await open()
        const { connection } = opened
        await opened.storage.ensureIndexes()
        const storage = { ...opened.storage, ...serverPortsOn(connection) }
        for (let n = 0; n < 20; n += 1) {
          await holdHandle(opened, n)
          await storage.oneTime.put(`other ${n}`, {}, NOW + 60)
          await storage.counters.reserve(`other ${n}`, { limit: 9 }, NOW)
        }
        sent = watch(connection)
        await useEverything(storage, opened.id)
        connection.getClient().removeAllListeners('commandStarted')
      })
      after(() => opened?.close())

      it('finds one document, by an index', async () => {
        const filters = sent.filter((each) => filterOf(each) !== undefined)
        expect(filters.length).to.be.greaterThan(12)
        for (const each of filters) {
          const filter = filterOf(each)!
          const collection = opened.connection.db!.collection(each.command[each.name] as string)
          const found = collection.find(filter)
          if ('_id' in filter) {
            await collection.insertOne({ ...lookedFor(filter) }).catch(() => undefined)
            // A mongod uses this index for each equality of `_id`; the stand-in needs a hint.
            found.hint({ _id: 1 })
          }
          const { queryPlanner, executionStats } = await found.explain('executionStats')
          const plan = JSON.stringify(queryPlanner.winningPlan)
          const what = `${each.name} ${JSON.stringify(filter)} ${plan}`
          expect(plan, what).to.match(/IXSCAN|IDHACK|EXPRESS/)
          expect(plan, what).not.to.match(/COLLSCAN/)
          expect(executionStats.totalDocsExamined, what).to.be.at.most(1)
        }
      })

      it('finds the owner of a handle by the index of handles, and reads one document for it', async () => {
        const asked = sent
          .map(filterOf)
          .filter((filter) => filter !== undefined && !('_id' in filter))
        expect(asked).to.have.length(2)
        for (const filter of asked) {
          const collection = opened.connection.db!.collection(recordsOf(opened))
          const { queryPlanner, executionStats } = await collection
            .find(filter!)
            .explain('executionStats')
          expect(JSON.stringify(queryPlanner.winningPlan)).to.contain('"indexName":"mfa_handles"')
          expect(await collection.countDocuments()).to.be.greaterThan(20)
          expect(executionStats.totalDocsExamined).to.equal(executionStats.nReturned)
        }
      })

      it('R5 R18 waits for the disks of a majority with every write, and reads from the primary', () => {
        const writes = sent.filter(({ name }) => /insert|update|delete|findAndModify/.test(name))
        expect(writes.length).to.be.greaterThan(10)
        for (const { command } of writes)
          expect(command.writeConcern).to.deep.equal({ w: 'majority', j: true })
        const reads = sent.filter(({ name }) => name === 'find')
        expect(reads.length).to.be.greaterThan(3)
        for (const { command } of reads) {
          expect(command.readConcern).to.deep.equal({ level: 'local' })
          expect(command.$readPreference?.mode ?? 'primary').to.match(/^primary/)
        }
      })

      it('lets the driver try a write again that may be lost, and no more than that', () => {
        for (const { name, command } of sent)
          if (filterOf({ name, command }) !== undefined && name !== 'find')
            expect(command.txnNumber, name).not.to.equal(undefined)
      })

      it('compares a key for equality, and takes none for an operator', () => {
        const filters = sent.map(filterOf).filter((filter) => filter !== undefined)
        for (const filter of filters) {
          const key: unknown = filter._id ?? Object.values(filter)[0]
          expect(Object.keys(key as object)).to.deep.equal(['$eq'])
        }
      })
    })

  it('reads and writes a user without looking at any other', async () => {
    const people = await openPeople(url, { options: { monitorCommands: true } })
    try {
      const sent = watch(people.connection)
      await people.storage.records.load(String(NOOR))
      const [{ command }] = sent as [Sent]
      expect(command.projection).to.deep.equal({ _id: 0, mfa: 1 })
      expect(sent).to.have.length(1)
    } finally {
      await people.close()
    }
  })
})

/** The name of the collection that has the records. */
function recordsOf(opened: object): string {
  return 'User' in opened ? 'users' : 'mfa_records'
}

/** Saves a record of another person, with its own handle. */
async function holdHandle(
  { storage, ...opened }: { readonly storage: Storage; readonly connection: Connection },
  nth: number,
): Promise<void> {
  const users = opened.connection.db!.collection(recordsOf(opened))
  const user = 'User' in opened ? await users.findOne({ name: `other ${nth}` }) : undefined
  const id = String(user?._id ?? `other ${nth}`)
  expect(await storage.records.save(id, { handles: [`handle ${nth}`] }, 0)).to.equal(true)
}

/** A document that matches the `_id` of the filter, so that the query examines one. */
function lookedFor(filter: mongo.Document): mongo.Document {
  const { $eq } = filter._id as { $eq: unknown }
  return { _id: $eq }
}

describe('the collections and indexes of the storage', () => {
  let url: string
  before(async function () {
    url = await requireMongodb(this)
  })

  /** Each index of each collection, as `collection.index`. */
  async function indexesIn(connection: Connection): Promise<string[]> {
    const collections = await connection.db!.listCollections({}, { nameOnly: true }).toArray()
    const found = await Promise.all(
      collections.map(async ({ name }) => {
        const indexes = await connection.db!.collection(name).indexes()
        return indexes.map((index) => `${name}.${index.name ?? ''}`)
      }),
    )
    return found.flat().sort()
  }

  /** The calls that the plugin makes to a storage during the life of an account. */
  async function use({ records }: Storage, id: string): Promise<void> {
    const { version = 0 } = (await records.load(id)) ?? {}
    expect(await records.save(id, { handles: ['key'] }, version)).to.equal(true)
    expect(await records.findByHandle('key')).to.equal(id)
  }

  it('are the records and their handles, and nothing that the plugin does not read', async () => {
    const { connection, close } = await openDatabase(url)
    const storage = mongooseStorage(connection)
    expect(Object.keys(storage)).to.have.members(['records', 'ensureIndexes'])
    await storage.ensureIndexes()
    await use(storage, 'mira')
    expect(await indexesIn(connection)).to.deep.equal([
      'mfa_records._id_',
      'mfa_records.mfa_handles',
    ])
    await close()
  })

  it('are the application’s users alone where the records are in their documents', async () => {
    const { connection, storage, close } = await openPeople(url)
    expect(Object.keys(storage)).to.have.members([
      'records',
      'ensureIndexes',
      'findUser',
      'duringRequest',
    ])
    await storage.ensureIndexes()
    await use(storage, String(MIRA))
    expect(await indexesIn(connection)).to.deep.equal(['users._id_', 'users.mfa_handles'])
    await close()
  })

  for (const [where, open] of Object.entries({
    'of the connection': async () => {
      const database = await openDatabase(url)
      return { ...database, storage: mongooseStorage(database.connection) }
    },
    'of the schema': () =>
      openPeople(url, { schema: userSchema({ autoIndex: false }), options: { autoIndex: true } }),
  }))
    it(`are not indexed without a call of ensureIndexes where the autoIndex ${where} is off`, async () => {
      const { connection, storage, close } = await open()
      await outcomeOf(() => storage.records.findByHandle('key'))
      await outcomeOf(() => storage.records.save(String(MIRA), { handles: ['key'] }, 2))
      const indexes = await indexesIn(connection)
      expect(indexes.filter((name) => !name.endsWith('._id_'))).to.deep.equal([])
      await close()
    })

  it('are indexed when the connection opens where autoIndex is on', async () => {
    const { connection: own, close } = await openDatabase(url)
    const connection = mongoose.createConnection()
    mongooseStorage(connection)
    await connection.openUri(new URL(own.name, url).href)
    const until = performance.now() + 10_000
    while ((await indexesIn(own)).length < 2 && performance.now() < until)
      await new Promise((resolve) => setTimeout(resolve, 20))
    expect(await indexesIn(own)).to.deep.equal(['mfa_records._id_', 'mfa_records.mfa_handles'])
    await connection.close()
    await close()
  })

  it('of the server have as dates the times that the code checks', async () => {
    const { connection, close } = await openDatabase(url)
    const { oneTime, counters } = serverPortsOn(connection)
    const kept = async (collection: string, key: string) => {
      const row = await connection.db!.collection<{ _id: string }>(collection).findOne({ _id: key })
      return (row as unknown as { keepUntil: Date }).keepUntil.getTime() / 1000 - NOW
    }
    const days = 90 * 24 * 3600
    await oneTime.put('link', {}, NOW + 60)
    await oneTime.put('link', {}, NOW + 90)
    expect(await kept('mfa_one_time', 'link')).to.equal(90)
    for (const at of [0, 10])
      await counters.reserve('window', { limit: 9, windowSeconds: 60 }, NOW + at)
    expect(await kept('mfa_counters', 'window')).to.equal(60)
    await counters.reserve('window', { limit: 9, windowSeconds: 60 }, NOW + 60)
    expect(await kept('mfa_counters', 'window')).to.equal(120)
    await counters.release('window', NOW + 70)
    expect(await kept('mfa_counters', 'window')).to.equal(120)
    await counters.reserve('never', { limit: 9 }, NOW)
    expect(await kept('mfa_counters', 'never')).to.equal(days)
    await counters.reserve('never', { limit: 9 }, NOW + 10)
    expect(await kept('mfa_counters', 'never')).to.equal(days + 10)
    await counters.release('never', NOW + 20)
    expect(await kept('mfa_counters', 'never')).to.equal(days + 20)
    await close()
  })
})
