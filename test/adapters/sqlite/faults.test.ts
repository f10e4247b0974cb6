import { fork } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { SqliteDatabase } from '../../../src/adapters/sqlite/database.ts'
import { failed } from '../../../src/adapters/sqlite/failure.ts'
import {
  openSqliteStorage,
  schemaState,
  sqliteStorageOn,
} from '../../../src/adapters/sqlite/index.ts'
import type { ServerStorage } from '../../../src/ports/server-storage.ts'
import { lockFromAnotherProcess } from './other-process.ts'
import { expectRefusal } from './refusal.ts'
import { temporaryFolder } from './temporary-folder.ts'

const UNAVAILABLE = 'storage-unavailable'
const REFUSED = 'storage-refused'
const FILES = ['mfa.db', 'mfa.db-wal', 'mfa.db-shm']

describe('SQLite storage in trouble', () => {
  const folder = temporaryFolder()
  const opened: ServerStorage[] = []

  const open = (): ServerStorage => {
    const storage = openSqliteStorage({ path: folder.file('data/mfa.db') })
    opened.push(storage)
    return storage
  }
  const moveFiles = (from: string, to: string): void => {
    mkdirSync(folder.file(to), { recursive: true })
    for (const name of FILES) {
      if (existsSync(folder.file(`${from}/${name}`))) {
        renameSync(folder.file(`${from}/${name}`), folder.file(`${to}/${name}`))
      }
    }
  }

  afterEach(async () => {
    for (const storage of opened.splice(0)) await storage.close()
  })

  /** Calls of every port, reads included: without its file the storage must not answer from memory. */
  const everyPort: readonly ((storage: ServerStorage) => Promise<unknown>)[] = [
    (storage) => storage.records.load('anna'),
    (storage) => storage.records.save('anna', { n: 9 }, 1),
    (storage) => storage.records.findByHandle('mine'),
    (storage) => storage.oneTime.take('link', 0),
    (storage) => storage.counters.reserve('name', { limit: 1 }, 0),
    (storage) => storage.counters.release('name', 0),
    (storage) => storage.accounts.byName('anna'),
    (storage) => storage.clients.get('shop'),
    (storage) => storage.settings.get('jwks'),
    (storage) => storage.audit.list({ limit: 1 }),
    async (storage) => storage.hostRecords('Session').find('s'),
    async (storage) => storage.hostRecords('Session').upsert('s', { uid: 'u' }, 60),
    (storage) => storage.leases.take('sweep', 'node', 0, 1),
    (storage) => storage.sweep(1),
    async (storage) => storage.giveBackSpace?.(1),
    (storage) => storage.checkWritable(),
  ]

  it('R32 refuses everything while the folder is away, and goes on with what was there when it returns', async () => {
    const storage = open()
    await storage.records.save('anna', { n: 1 }, 0)
    renameSync(folder.file('data'), folder.file('away'))
    for (const call of everyPort) await expectRefusal(UNAVAILABLE, () => call(storage))
    expect(existsSync(folder.file('data'))).to.equal(false)

    renameSync(folder.file('away'), folder.file('data'))
    await storage.checkWritable()
    expect(await storage.records.load('anna')).to.deep.equal({ record: { n: 1 }, version: 1 })
  })

  it('R5 R32 does not take a deleted file’s word for a commit, and makes no empty database in its place', async () => {
    const storage = open()
    await storage.records.save('anna', { code: 'fresh' }, 0)
    for (const name of FILES) rmSync(folder.file(`data/${name}`))

    await expectRefusal(UNAVAILABLE, () => storage.records.save('anna', { code: 'spent' }, 1))
    await expectRefusal(UNAVAILABLE, () => storage.records.load('anna'))
    expect(existsSync(folder.file('data/mfa.db'))).to.equal(false)

    open()
    expect(await storage.records.load('anna')).to.equal(undefined)
    expect(await storage.records.save('anna', { n: 1 }, 0)).to.equal(true)
  })

  it('R5 R32 refuses what it wrote to a file that was replaced, and goes on with the new one unharmed', async () => {
    const storage = open()
    await storage.records.save('anna', { of: 'old' }, 0)
    moveFiles('data', 'old')
    const other = open()
    await other.records.save('anna', { of: 'new' }, 0)

    await expectRefusal(UNAVAILABLE, () => storage.records.save('anna', { of: 'old', n: 2 }, 1))
    expect(await storage.records.load('anna')).to.deep.equal({ record: { of: 'new' }, version: 1 })
    expect(await storage.records.save('anna', { of: 'new', n: 2 }, 1)).to.equal(true)
    expect((await other.records.load('anna'))?.version).to.equal(2)
  })

  it('R5 R32 does not take the word of a database whose log was deleted', async () => {
    const storage = open()
    await storage.records.save('anna', { n: 1 }, 0)
    rmSync(folder.file('data/mfa.db-wal'))
    await expectRefusal(UNAVAILABLE, () => storage.records.save('anna', { n: 2 }, 1))
    await storage.checkWritable()
  })

  it('R32 refuses an empty or older database that takes the place of the file while it runs', async () => {
    const storage = open()
    moveFiles('data', 'old')
    writeFileSync(folder.file('data/mfa.db'), '')
    await expectRefusal(UNAVAILABLE, () => storage.records.load('anna'))
    await expectRefusal('schema-outdated', () => storage.records.load('anna'))

    rmSync(folder.file('data/mfa.db'))
    moveFiles('old', 'data')
    await storage.checkWritable()
  })

  it('R32 refuses everything on a read-only file, and recovers when it is writable again', async () => {
    mkdirSync(folder.file('data'))
    const session = fork(join(import.meta.dirname, 'read-only-session.ts'), [
      folder.file('data/mfa.db'),
    ])
    const [outcomes] = (await once(session, 'message')) as [Record<string, string>]
    expect(outcomes).to.deep.equal({
      'saved before': 'true',
      'saved on a read-only file': UNAVAILABLE,
      'saved again': UNAVAILABLE,
      loaded: UNAVAILABLE,
      'host record': UNAVAILABLE,
      writable: UNAVAILABLE,
      opened: UNAVAILABLE,
      state: UNAVAILABLE,
      'writable afterwards': 'undefined',
      'saved afterwards': 'true',
    })
  })

  it('R32 refuses at start where nothing can be made, or the file is no database', async () => {
    writeFileSync(folder.file('file'), 'this is no database, it only says so at some length')
    await expectRefusal(UNAVAILABLE, () => openSqliteStorage({ path: folder.file('file/mfa.db') }))
    await expectRefusal(REFUSED, () => openSqliteStorage({ path: folder.file('file') }))
    await expectRefusal(REFUSED, () => schemaState(folder.file('file')))
  })

  it('R32 says of a damaged file that waiting does not help, and goes on when it was restored', async () => {
    const storage = open()
    await storage.records.save('anna', { n: 1 }, 0)
    await storage.close()
    const file = folder.file('data/mfa.db')
    const sound = readFileSync(file)
    const PAGE_BYTES = 4096
    const page = Math.floor(sound.indexOf('anna') / PAGE_BYTES) * PAGE_BYTES
    const damagedFrom = (from: number, to?: number): Buffer =>
      Buffer.from(sound).fill(0xff, from, to)
    // The page of one table, and everything but the first page, which has the schema.
    writeFileSync(file, damagedFrom(page, page + PAGE_BYTES))
    const again = open()
    const calls = [() => again.records.load('anna'), () => again.records.save('anna', { n: 2 }, 1)]
    for (const call of calls) {
      const { message } = await expectRefusal(REFUSED, call)
      expect(message).to.match(/damaged: restore it from a backup/)
    }
    writeFileSync(file, damagedFrom(PAGE_BYTES))
    await expectRefusal(REFUSED, open)
    writeFileSync(file, sound)
    expect((await again.records.load('anna'))?.record).to.deep.equal({ n: 1 })
  })

  it('R32 names a table that somebody has dropped', async () => {
    const database = new SqliteDatabase({ path: folder.file('mfa.db'), migrate: false })
    const storage = sqliteStorageOn(database, { now: () => 0 })
    opened.push(storage)
    await database.durable((connection) => connection.exec('DROP TABLE clients'))
    const { message } = await expectRefusal(REFUSED, () => storage.clients.get('shop'))
    expect(message).to.match(/: clients$/)
    await storage.checkWritable()
  })

  it('R32 refuses a write for which there is no room, and recovers when there is', async () => {
    const database = new SqliteDatabase({ path: folder.file('mfa.db'), migrate: false })
    const storage = sqliteStorageOn(database, { now: () => 0 })
    opened.push(storage)
    const big = { text: 'x'.repeat(100_000) }
    const limitPages = (pages: number): Promise<void[]> =>
      Promise.all(
        (['durable', 'relaxed'] as const).map((kind) =>
          database[kind]((connection) => connection.exec(`PRAGMA max_page_count = ${pages}`)),
        ),
      )
    await storage.records.save('anna', { n: 1 }, 0)

    await limitPages(1)
    const full = await expectRefusal(UNAVAILABLE, () => storage.records.save('anna', big, 1))
    expect(full.message).to.match(/disk of the database .* is full/)
    await expectRefusal(UNAVAILABLE, async () =>
      storage.hostRecords('Session').upsert('s', { uid: 'u', ...big }, 60),
    )
    await expectRefusal(UNAVAILABLE, () =>
      storage.clients.put('shop', { client_id: 'shop', ...big }),
    )
    expect(await storage.records.load('anna')).to.deep.equal({ record: { n: 1 }, version: 1 })
    expect(await storage.hostRecords('Session').find('s')).to.equal(undefined)

    await limitPages(100_000)
    expect(await storage.records.save('anna', big, 1)).to.equal(true)
    expect(await storage.clients.put('shop', { client_id: 'shop', ...big })).to.equal('added')
  })

  it('R32 refuses a write while another process holds the lock, keeps reading meanwhile, and recovers', async () => {
    const storage = open()
    await storage.records.save('anna', { n: 1 }, 0)
    const lock = await lockFromAnotherProcess(folder.file('data/mfa.db'))
    const order: string[] = []
    try {
      const refused = [
        expectRefusal(UNAVAILABLE, () => storage.records.save('anna', { n: 2 }, 1)),
        expectRefusal(UNAVAILABLE, async () =>
          storage.hostRecords('Session').upsert('s', { uid: 'u' }, 60),
        ),
        expectRefusal(UNAVAILABLE, () => storage.checkWritable()),
      ]
      void Promise.race(refused).then(() => order.push('write refused'))
      await sleep(50)
      expect((await storage.records.load('anna'))?.record).to.deep.equal({ n: 1 })
      order.push('read')
      await Promise.all(refused)
    } finally {
      await lock.release()
    }
    expect(order).to.deep.equal(['read', 'write refused'])
    expect(await storage.records.save('anna', { n: 2 }, 1)).to.equal(true)
  })

  it('waits for another process’s short transaction', async () => {
    const storage = open()
    const lock = await lockFromAnotherProcess(folder.file('data/mfa.db'))
    const saved = storage.records.save('anna', { n: 1 }, 0)
    await sleep(100)
    await lock.release()
    expect(await saved).to.equal(true)
  })

  it('waits at start for another process that makes or migrates the database', async () => {
    await lockFromAnotherProcess(folder.file('new.db'), 300)
    const made = openSqliteStorage({ path: folder.file('new.db') })
    await made.checkWritable()
    await lockFromAnotherProcess(folder.file('new.db'), 300)
    const second = openSqliteStorage({ path: folder.file('new.db') })
    await second.checkWritable()
    opened.push(made, second)
  })

  it('waits at start for another process that puts the new file in WAL mode, and so locks all of it', async () => {
    await lockFromAnotherProcess(folder.file('new.db'), 300, 'EXCLUSIVE')
    const storage = openSqliteStorage({ path: folder.file('new.db') })
    opened.push(storage)
    await storage.checkWritable()
  })

  it('R32 refuses everything once it is closed', async () => {
    const storage = open()
    await storage.close()
    for (const call of everyPort) await expectRefusal(UNAVAILABLE, () => call(storage))
  })

  it('keeps the driver’s own error as a private cause and out of the message', async () => {
    writeFileSync(folder.file('file'), 'this is no database, it only says so at some length')
    const error = await expectRefusal(REFUSED, () =>
      openSqliteStorage({ path: folder.file('file') }),
    )
    expect(error.cause).to.be.instanceOf(Error).with.property('code', 'ERR_SQLITE_ERROR')
    expect(error.message).not.to.contain((error.cause as Error).message)
  })

  it('makes no new file beside the log of one that went away, which would lose what the log holds', async () => {
    const storage = open()
    await storage.records.save('anna', { n: 1 }, 0)
    const file = folder.file('data/mfa.db')
    renameSync(file, folder.file('away.db'))
    expect(() => openSqliteStorage({ path: file }))
      .to.throw(/is missing/)
      .with.property('code', UNAVAILABLE)
    expect(existsSync(file)).to.equal(false)
    renameSync(folder.file('away.db'), file)
    expect((await open().records.load('anna'))?.record).to.deep.equal({ n: 1 })
  })

  it('says which file it is, and why the system or SQLite refuses it', () => {
    const path = '/var/lib/server.sqlite'
    const of = (more: object): string =>
      failed(Object.assign(new Error('secret'), more), path).message
    const sqlite = (errcode: number) =>
      of({ code: 'ERR_SQLITE_ERROR', errcode, errstr: 'its text' })
    const system = (code: string) => of({ code, syscall: 'open', path: '/var/lib' })
    expect(system('EACCES')).to.equal(
      `The database ${path} cannot be opened: the user of this process may not use /var/lib (EACCES).`,
    )
    const readOnly = `The database ${path} cannot be written: the file or its disk is read-only.`
    expect([system('EROFS'), sqlite(8)]).to.deep.equal([readOnly, readOnly])
    const full = `The disk of the database ${path} is full.`
    expect([system('ENOSPC'), sqlite(13)]).to.deep.equal([full, full])
    expect(system('EMFILE')).to.equal(
      `The database ${path} cannot be opened: EMFILE at open /var/lib.`,
    )
    expect(sqlite(14)).to.equal(`The database ${path} cannot be opened: SQLite says "its text".`)
    expect(sqlite(5)).to.equal(`The database ${path} was locked by another process for too long.`)
    expect(sqlite(11)).to.equal(`The database file ${path} is damaged: restore it from a backup.`)
  })
})
