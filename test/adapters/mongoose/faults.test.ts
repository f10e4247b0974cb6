import { expect } from 'chai'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import mongoose, { type Connection } from 'mongoose'
import { mongooseStorage } from '../../../src/adapters/mongoose/index.ts'
import { openMongoStorage } from '../../../src/adapters/mongoose/server-storage.ts'
import { patientStorage } from '../../../src/application/patient-storage.ts'
import { MfaError } from '../../../src/domain/errors.ts'
import type { Storage } from '../../../src/ports/storage.ts'
import { freePort, openDatabase, startStandIn, type MongoServer } from '../../support/mongodb.ts'
import { requireMongodb, requireOwnMongodb } from '../../support/requirements.ts'
import { MIRA, openPeople, outcomeOf } from './people.ts'
import { serverPortsOn, type ServerPorts } from './server-ports.ts'

const NOW = 1_800_000_000
const LIMIT = { limit: 3, windowSeconds: 600 }

type Deeds<Ports> = Readonly<Record<string, (ports: Ports) => Promise<unknown>>>

/** Every operation of the plugin's port. */
const RECORD_DEEDS: Deeds<Storage> = {
  'records.load': ({ records }) => records.load(String(MIRA)),
  'records.save': ({ records }) => records.save(String(MIRA), { n: 3 }, 2),
  'records.findByHandle': ({ records }) => records.findByHandle('mine'),
}

/** Every operation of the ports. */
const DEEDS: Deeds<ServerPorts> = {
  ...RECORD_DEEDS,
  'oneTime.put': ({ oneTime }) => oneTime.put('link', { n: 1 }, NOW + 60),
  'oneTime.take': ({ oneTime }) => oneTime.take('link', NOW),
  'oneTime.peek': ({ oneTime }) => oneTime.peek('link', NOW),
  'counters.reserve': ({ counters }) => counters.reserve('name', LIMIT, NOW),
  'counters.release': ({ counters }) => counters.release('name', NOW),
  'counters.reset': ({ counters }) => counters.reset('name'),
}

const WRITES = ['insert', 'update', 'delete', 'findAndModify']

/** Makes the next commands with these names fail in the way that `data` describes. */
async function failNext(
  connection: Connection,
  failCommands: readonly string[],
  data: object,
  times = 1,
): Promise<void> {
  await connection.db!.admin().command({
    configureFailPoint: 'failCommand',
    mode: { times },
    data: { failCommands, ...data },
  })
}

async function faultOf(deed: Promise<unknown>): Promise<MfaError> {
  try {
    throw new Error(`It was answered: ${JSON.stringify(await deed)}`)
  } catch (error) {
    if (error instanceof MfaError) return error
    throw error
  }
}

describe('a MongoDB that fails', () => {
  let server: MongoServer
  let url: string

  before(async function () {
    requireOwnMongodb(this)
    server = await startStandIn()
    url = server.url
  })
  after(() => server?.stop())

  for (const [kind, open] of Object.entries({
    'with records in user documents': () => openPeople(url),
    'with records of its own': async () => {
      const database = await openDatabase(url)
      const storage = mongooseStorage(database.connection)
      for (const version of [0, 1]) await storage.records.save(String(MIRA), { n: 2 }, version)
      return { ...database, storage }
    },
  }))
    describe(kind, () => {
      let opened: Awaited<ReturnType<typeof open>>
      let storage: ServerPorts
      const fail = (commands: readonly string[], data: object, times?: number) =>
        failNext(opened.connection, commands, data, times)

      beforeEach(async () => {
        opened = await open()
        storage = { ...opened.storage, ...serverPortsOn(opened.connection) }
        await opened.storage.ensureIndexes()
        await storage.oneTime.put('link', { n: 1 }, NOW + 60)
        await storage.counters.reserve('name', LIMIT, NOW)
      })
      afterEach(async () => {
        await opened.connection.db!.admin().command({
          configureFailPoint: 'failCommand',
          mode: 'off',
        })
        await opened.close()
      })

      for (const [name, deed] of Object.entries(DEEDS))
        it(`R32 refuses ${name} by name, and does it when the fault is over`, async () => {
          await fail([...WRITES, 'find'], { errorCode: 8 }, 3)
          const fault = await faultOf(deed(storage))
          expect([fault.code, fault.status]).to.deep.equal(['storage-unavailable', 503])
          expect(fault.cause).to.be.instanceOf(Error)
          await fail([...WRITES, 'find'], { errorCode: 8 }, 0)
          await deed(storage)
        })

      it('R32 refuses every deed that is not answered within five seconds', async function () {
        this.timeout(30_000)
        await fail([...WRITES, 'find'], { blockConnection: true, blockTimeMS: 8_000 }, 1_000)
        const begun = performance.now()
        const faults = Object.values(DEEDS).map((deed) => faultOf(deed(storage)))
        for (const { code } of await Promise.all(faults))
          expect(code).to.equal('storage-unavailable')
        expect(performance.now() - begun).to.be.lessThan(6_000)
      })

      it('R32 answers whether it can be written within five seconds, whatever hangs', async function () {
        this.timeout(30_000)
        const server = await openMongoStorage({ url: new URL(opened.connection.name, url).href })
        try {
          await server.checkWritable()
          await fail(['update'], { blockConnection: true, blockTimeMS: 8_000 }, 1_000)
          const begun = performance.now()
          expect((await faultOf(server.checkWritable())).code).to.equal('storage-unavailable')
          expect(performance.now() - begun).to.be.lessThan(6_000)
        } finally {
          await server.close()
        }
      })

      it('R5 R18 rejects after a save that was applied and not confirmed, and returns it at the next load', async () => {
        await fail(WRITES, { writeConcernError: { code: 64, errmsg: 'waiting timed out' } })
        const save = storage.records.save(String(MIRA), { n: 3 }, 2)
        expect((await faultOf(save)).code).to.equal('storage-unavailable')
        expect(await storage.records.load(String(MIRA))).to.deep.equal({
          record: { n: 3 },
          version: 3,
        })
        // A decision on the version from before the fault must not be saved, because it could spend a code twice.
        expect(await storage.records.save(String(MIRA), { n: 4 }, 2)).to.equal(false)
      })

      it('R5 does not answer a value that was taken and not confirmed, and gives it to nobody else', async () => {
        await fail(WRITES, { writeConcernError: { code: 64, errmsg: 'waiting timed out' } })
        expect((await faultOf(storage.oneTime.take('link', NOW))).code).to.equal(
          'storage-unavailable',
        )
        expect(await storage.oneTime.take('link', NOW)).to.equal(undefined)
      })

      it('R18 gives no guess away when a count is not confirmed', async () => {
        await fail(WRITES, { writeConcernError: { code: 64, errmsg: 'waiting timed out' } })
        expect((await faultOf(storage.counters.reserve('name', LIMIT, NOW))).code).to.equal(
          'storage-unavailable',
        )
        expect(await storage.counters.reserve('name', LIMIT, NOW)).to.deep.equal({
          allowed: true,
          count: 3,
        })
        expect((await storage.counters.reserve('name', LIMIT, NOW)).allowed).to.equal(false)
      })

      for (const [fault, data] of Object.entries({
        'a lost connection': { closeConnection: true },
        'a node that shuts down': { errorCode: 91, errorLabels: ['RetryableWriteError'] },
        'a node that is no primary any more': {
          errorCode: 10_107,
          errorLabels: ['RetryableWriteError'],
        },
      }))
        it(`R18 counts once, saves once and takes once over ${fault}`, async () => {
          await fail(WRITES, data)
          expect(await storage.counters.reserve('name', LIMIT, NOW)).to.deep.equal({
            allowed: true,
            count: 2,
          })
          await fail(WRITES, data)
          expect(await storage.records.save(String(MIRA), { n: 3 }, 2)).to.equal(true)
          await fail(WRITES, data)
          expect(await storage.oneTime.take('link', NOW)).to.deep.equal({ n: 1 })
          await fail(['find'], data)
          expect(await storage.records.load(String(MIRA))).to.deep.equal({
            record: { n: 3 },
            version: 3,
          })
        })
    })
})

describe('a connection to MongoDB', () => {
  it('R32 that was never opened is refused at once, by name', async () => {
    const connection = mongoose.createConnection()
    const storage = { ...mongooseStorage(connection), ...serverPortsOn(connection) }
    for (const deed of Object.values(DEEDS))
      expect((await faultOf(deed(storage))).message).to.match(/connection is not open/)
    await connection.close()
  })

  it('R32 that was closed is refused at once, by name', async function () {
    const { connection, close } = await openDatabase(await requireMongodb(this))
    const storage = { ...mongooseStorage(connection), ...serverPortsOn(connection) }
    await close()
    for (const [name, deed] of Object.entries(DEEDS))
      expect((await faultOf(deed(storage))).code, name).to.equal('storage-unavailable')
  })

  it('R32 that finds no server is refused while it looks for one', async () => {
    const connection = mongoose.createConnection(`mongodb://127.0.0.1:${await freePort()}/x`, {
      serverSelectionTimeoutMS: 2_000,
      autoIndex: false,
    })
    connection.asPromise().catch(() => undefined)
    const storage = patientStorage(mongooseStorage(connection), 50)
    for (const [name, deed] of Object.entries(RECORD_DEEDS))
      expect((await faultOf(deed(storage))).code, name).to.equal('storage-unavailable')
    await connection.close(true)
  })

  it('R32 that is being opened is waited for', async function () {
    const { connection: own, url, close } = await openDatabase(await requireMongodb(this))
    const connection = mongoose.createConnection(url, { autoIndex: false })
    const { records } = mongooseStorage(connection)
    expect(connection.readyState).to.equal(mongoose.STATES.connecting)
    expect(await records.save('mira', { n: 1 }, 0)).to.equal(true)
    expect(await own.db!.collection('mfa_records').countDocuments()).to.equal(1)
    await connection.close()
    await close()
  })

  it('R32 whose server went away comes back by itself, with what was confirmed', async function () {
    this.timeout(60_000)
    requireOwnMongodb(this)
    const path = await mkdtemp(join(tmpdir(), 'mfa-mongo-'))
    const port = await freePort()
    let server = await startStandIn({ path, port })
    const { connection, close } = await openDatabase(server.url)
    const storage = mongooseStorage(connection)
    try {
      expect(await storage.records.save('mira', { n: 1 }, 0)).to.equal(true)
      await server.stop()
      for (const [name, deed] of Object.entries(RECORD_DEEDS)) {
        const impatient = patientStorage(storage, 200)
        expect((await faultOf(deed(impatient))).code, name).to.equal('storage-unavailable')
      }
      server = await startStandIn({ path, port })
      let answer = 'storage-unavailable'
      for (let n = 0; n < 10 && answer !== 'done'; n += 1)
        answer = await outcomeOf(() => storage.records.load('mira'))
      expect(await storage.records.load('mira')).to.deep.equal({ record: { n: 1 }, version: 1 })
      expect(await storage.records.save('mira', { n: 2 }, 1)).to.equal(true)
    } finally {
      await close()
      await server.stop()
      await rm(path, { recursive: true })
    }
  })
})
