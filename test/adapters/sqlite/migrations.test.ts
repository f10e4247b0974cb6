import { once } from 'node:events'
import { mkdirSync, readdirSync, statSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { Worker } from 'node:worker_threads'
import { expect } from 'chai'
import { SqliteDatabase } from '../../../src/adapters/sqlite/database.ts'
import { openSqliteStorage, schemaState } from '../../../src/adapters/sqlite/index.ts'
import { MIGRATIONS } from '../../../src/adapters/sqlite/migrations.ts'
import type { Migration } from '../../../src/adapters/sqlite/migrations.ts'
import type { MigrationPhases, SchemaState } from '../../../src/ports/server-storage.ts'
import { expectRefusal } from './refusal.ts'
import { temporaryFolder } from './temporary-folder.ts'

const FIRST = 2
const WANTED = FIRST + MIGRATIONS.length - 1
/** The migrations of a later release, which adds a column. */
const NEXT: readonly Migration[] = [
  ...MIGRATIONS,
  { version: WANTED + 1, sql: 'ALTER TABLE mfa_records ADD COLUMN note TEXT' },
]
/** Those of the release after it, which removes the column. */
const CONTRACTED: readonly Migration[] = [
  ...NEXT,
  { version: WANTED + 2, phase: 'contract', sql: 'ALTER TABLE mfa_records DROP COLUMN note' },
]
/** The state of a database that this code has made. */
const MADE: SchemaState = { current: WANTED, wanted: WANTED, readableFrom: FIRST }

describe('SQLite schema', () => {
  const folder = temporaryFolder()
  const path = (): string => folder.file('mfa.db')
  const makeCurrent = async (): Promise<void> => {
    const storage = openSqliteStorage({ path: path() })
    await storage.records.save('anna', { n: 1 }, 0)
    await storage.close()
  }
  const openWith = (migrate: MigrationPhases, migrations: readonly Migration[]): void => {
    new SqliteDatabase({ path: path(), migrate, migrations }).close()
  }
  /** Makes the database as a release made it that noted the version alone. */
  const makeUnphased = async (): Promise<void> => {
    await makeCurrent()
    const database = new DatabaseSync(path())
    database.exec("DELETE FROM settings WHERE name = 'schema-readable-from'")
    database.close()
  }

  it('numbers its migrations from 2 without a gap', () => {
    expect(MIGRATIONS.map((migration) => migration.version)).to.deep.equal(
      MIGRATIONS.map((_, index) => FIRST + index),
    )
  })

  it('makes an empty database whether or not migrating is allowed', async () => {
    for (const migrate of [false, true]) {
      const file = folder.file(`${migrate}.db`)
      expect(schemaState(file)).to.deep.equal({ current: 0, wanted: WANTED, readableFrom: 0 })
      await openSqliteStorage({ path: file, migrate }).close()
      expect(schemaState(file)).to.deep.equal(MADE)
    }
  })

  it('lists a session of an older database once the host has stored it again', async () => {
    openWith(false, MIGRATIONS.slice(0, 1))
    const database = new DatabaseSync(path())
    database.exec("INSERT INTO host_records (model, id, payload) VALUES ('Grant', 'old', '{}')")
    database.close()
    const storage = openSqliteStorage({
      path: path(),
      migrate: true,
      encryptionKeys: [Buffer.alloc(32, 1)],
    })
    const list = () => storage.accountRecords.list('Session', 'anna')
    expect(await list()).to.deep.equal([])
    await storage.hostRecords('Session').upsert('s', { uid: 'u', accountId: 'anna' }, 60)
    expect(await list()).to.deep.equal([{ uid: 'u', accountId: 'anna' }])
    await storage.close()
  })

  it('asking for the state makes no file', () => {
    schemaState(path())
    expect(readdirSync(folder.path)).to.deep.equal([])
  })

  it('refuses an older database and names the command that mends it', async () => {
    await makeCurrent()
    const error = await expectRefusal('schema-outdated', () => openWith(false, NEXT))
    expect(error.message).to.contain('oidc-provider-mfa migrate')
    expect(schemaState(path()).current).to.equal(WANTED)
  })

  it('migrates an older database when it may, and keeps what is in it', async () => {
    await makeCurrent()
    openWith(true, NEXT)
    openWith(false, NEXT)
    const database = new DatabaseSync(path())
    const row = database.prepare('SELECT record, note FROM mfa_records').get()
    database.close()
    expect({ ...row }).to.deep.equal({ record: '{"n":1}', note: null })
  })

  it('works with a database that a newer release has expanded, and says so', async () => {
    await makeCurrent()
    openWith('expand', NEXT)
    const storage = openSqliteStorage({ path: path() })
    await storage.records.save('anna', { n: 2 }, 1)
    const state = { ...MADE, current: WANTED + 1 }
    expect(await storage.schema()).to.deep.equal(state)
    await storage.close()
    expect(schemaState(path())).to.deep.equal(state)
  })

  it('notes of a database of before phases that no older release works with it', async () => {
    await makeUnphased()
    expect(schemaState(path()).readableFrom).to.equal(WANTED)
    openWith('expand', NEXT)
    expect(schemaState(path()).readableFrom).to.equal(WANTED)
    expect(schemaState(path()).current).to.equal(WANTED + 1)
  })

  it('refuses a database that a newer release has contracted, also when it may migrate', async () => {
    await makeCurrent()
    openWith(true, CONTRACTED)
    for (const migrate of [false, true, 'expand', 'contract'] as const) {
      const error = await expectRefusal('schema-newer', () =>
        openSqliteStorage({ path: path(), migrate }),
      )
      expect(error.message).to.contain(`schema version ${WANTED + 2}`)
      expect(error.message).to.contain(`this one knows versions up to ${WANTED}`)
    }
    await expectRefusal('schema-newer', () => schemaState(path()))
  })

  it('expands and contracts one after the other, and works in between', async () => {
    await makeCurrent()
    await expectRefusal('schema-outdated', () => openWith('contract', CONTRACTED))
    openWith('expand', CONTRACTED)
    const between = new SqliteDatabase({ path: path(), migrate: false, migrations: CONTRACTED })
    expect(await between.schema()).to.deep.equal({
      current: WANTED + 1,
      wanted: WANTED + 2,
      readableFrom: FIRST,
      contractsTo: WANTED + 2,
    })
    openWith('contract', CONTRACTED)
    const state = { current: WANTED + 2, wanted: WANTED + 2, readableFrom: WANTED + 2 }
    expect(await between.schema()).to.deep.equal(state)
    between.close()
  })

  it('is refused by a process that works with it, once a newer release has contracted it', async () => {
    await makeCurrent()
    const storage = openSqliteStorage({ path: path() })
    expect(await storage.schema()).to.deep.equal(MADE)
    openWith('expand', CONTRACTED)
    expect((await storage.schema()).current).to.equal(WANTED + 1)
    openWith('contract', CONTRACTED)
    await expectRefusal('schema-newer', () => storage.schema())
    await storage.close()
  })

  it('is migrated once by two processes that do it at the same time', async () => {
    await makeCurrent()
    const workers = Array.from(
      { length: 3 },
      () =>
        new Worker(new URL('migrate-worker.ts', import.meta.url), {
          workerData: { path: path(), migrations: CONTRACTED },
        }),
    )
    const codes = await Promise.all(workers.map((worker) => once(worker, 'exit')))
    expect(codes).to.deep.equal([[0], [0], [0]])
    const database = new SqliteDatabase({ path: path(), migrate: false, migrations: CONTRACTED })
    expect((await database.schema()).readableFrom).to.equal(WANTED + 2)
    database.close()
  })

  it('R39 refuses a database of before, which has tokens in clear, also when it may migrate', async () => {
    await makeCurrent()
    const database = new DatabaseSync(path())
    database.exec('PRAGMA user_version = 1')
    for (const migrate of [false, true]) {
      const error = await expectRefusal('schema-too-old', () =>
        openSqliteStorage({ path: path(), migrate }),
      )
      expect(error.message).to.contain('schema version 1')
    }
    await expectRefusal('schema-too-old', () => schemaState(path()))
    expect(database.prepare('PRAGMA user_version').get()).to.include({ user_version: 1 })
    database.close()
  })

  it('refuses another application’s database by name, and does not touch it', async () => {
    const database = new DatabaseSync(path())
    database.exec('CREATE TABLE recipes (name TEXT)')
    for (const version of [0, 1]) {
      database.exec(`PRAGMA user_version = ${version}`)
      await expectRefusal('schema-foreign', () =>
        openSqliteStorage({ path: path(), migrate: true }),
      )
    }
    const tables = database.prepare('SELECT name FROM sqlite_schema').all()
    database.close()
    expect(tables.map((table) => table['name'])).to.deep.equal(['recipes'])
  })

  it('leaves the database as it was when a migration fails half-way', async () => {
    await makeCurrent()
    const broken = [...NEXT, { version: WANTED + 2, sql: 'CREATE TABLE x (y TEXT); NONSENSE' }]
    await expectRefusal('storage-unavailable', () => openWith(true, broken))
    expect(schemaState(path())).to.deep.equal(MADE)
    openWith(true, NEXT)
  })

  it('R35 makes its files readable by their owner alone, in a folder of the owner’s', async () => {
    const storage = openSqliteStorage({ path: folder.file('a/b/mfa.db') })
    for (const name of ['mfa.db', 'mfa.db-wal', 'mfa.db-shm']) {
      expect(statSync(folder.file(`a/b/${name}`)).mode & 0o777, name).to.equal(0o600)
    }
    for (const name of ['a', 'a/b']) {
      expect(statSync(folder.file(name)).mode & 0o777, name).to.equal(0o700)
    }
    await storage.close()
  })

  it('leaves the mode of a folder that exists', async () => {
    mkdirSync(folder.file('shared'), { mode: 0o755 })
    await openSqliteStorage({ path: folder.file('shared/mfa.db') }).close()
    expect(statSync(folder.file('shared')).mode & 0o777).to.equal(0o755)
  })
})
