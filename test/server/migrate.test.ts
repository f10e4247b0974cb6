import { DatabaseSync } from 'node:sqlite'
import { expect } from 'chai'
import { openSqliteStorage, sqliteStorageOn } from '../../src/adapters/sqlite/index.ts'
import { Connection, LOCK_WAIT_MS } from '../../src/adapters/sqlite/connection.ts'
import { SqliteDatabase } from '../../src/adapters/sqlite/database.ts'
import {
  MIGRATIONS,
  readSchemaState,
  type Migration,
} from '../../src/adapters/sqlite/migrations.ts'
import type { NodeNote } from '../../src/ports/nodes.ts'
import { migrateDatabase, type Phases } from '../../src/server/cli/migrate.ts'
import { Refusal } from '../../src/server/cli/terminal.ts'
import { setInstallation } from './installation.ts'

const WANTED = MIGRATIONS.at(-1)!.version
/** The migrations of a later release. */
const NEXT: readonly Migration[] = [
  ...MIGRATIONS,
  { version: WANTED + 1, sql: 'ALTER TABLE mfa_records ADD COLUMN note TEXT' },
  { version: WANTED + 2, phase: 'contract', sql: 'ALTER TABLE mfa_records DROP COLUMN note' },
]
const READABLE_FROM = MIGRATIONS[0]!.version
const NOW = 1_700_000_000

const NODE: NodeNote = {
  id: 'n1',
  name: 'berlin-1',
  version: '0.1.0',
  schema: WANTED,
  startedAt: NOW - 3600,
  beatAt: NOW - 10,
  issuer: 'https://id.example.com',
  cookieKeys: [],
  settings: {},
}

describe('migrate', () => {
  const installation = setInstallation()
  const cli = async (line: string) => {
    const ran = await installation.cli(...line.split(' '))
    return { ...ran, json: () => JSON.parse(ran.out || ran.err) as Record<string, unknown> }
  }
  const make = async (): Promise<void> => openSqliteStorage({ path: installation.path }).close()

  /** Runs the command of a later release. */
  const later = (phases: Phases, now = NOW) => {
    const { path } = installation
    return migrateDatabase(
      {
        async state() {
          const connection = new Connection(path, 'NORMAL', LOCK_WAIT_MS)
          const state = readSchemaState(connection, NEXT)
          connection.close()
          return state
        },
        open: async (migrate) =>
          sqliteStorageOn(new SqliteDatabase({ path, migrate, migrations: NEXT }), {
            now: () => now,
          }),
      },
      phases,
      { now: () => now },
    )
  }
  const noteNode = async (about: Partial<NodeNote> = {}): Promise<void> => {
    const storage = openSqliteStorage({ path: installation.path })
    await storage.nodes.note({ ...NODE, ...about })
    await storage.close()
  }
  const refusalOf = async (work: Promise<unknown>): Promise<Refusal> => {
    const outcome = await work.catch((error: unknown) => error)
    if (outcome instanceof Refusal) return outcome
    throw new Error('It was not refused.', { cause: outcome })
  }

  for (const command of ['migrate', 'migrate expand', 'migrate contract'])
    it(`${command} has nothing to do in a database of this version`, async () => {
      await make()
      const { code, json } = await cli(`${command} --json`)
      expect(code).to.equal(0)
      expect(json()).to.deep.equal({ from: WANTED, to: WANTED, readable_from: READABLE_FROM })
      expect((await cli(command)).out).to.equal(`The database has version ${WANTED} already.\n`)
    })

  it('fills an empty database, whichever phase is asked for first', async () => {
    const { json } = await cli('migrate expand --json')
    expect(json()).to.deep.equal({ from: 0, to: WANTED, readable_from: READABLE_FROM })
  })

  for (const command of ['migrate', 'migrate expand'])
    it(`${command} brings a database of the former version to this one; other commands wait for it`, async () => {
      const { path } = installation
      new SqliteDatabase({ path, migrate: false, migrations: MIGRATIONS.slice(0, -1) }).close()
      for (const waiting of ['user list', 'migrate contract'])
        expect((await cli(waiting)).err).to.contain('run `oidc-provider-mfa migrate`')
      const { from, to } = (await cli(`${command} --json`)).json()
      expect([from, to]).to.deep.equal([WANTED - 1, WANTED])
      expect((await cli('user list')).code).to.equal(0)
    })

  it('expands, says that the contract is left, and contracts', async () => {
    await make()
    const expanded = await later('expand')
    expect(expanded.text).to.equal(
      `The database went from version ${WANTED} to ${WANTED + 1}.\n` +
        'Run `oidc-provider-mfa migrate contract` when no node of the former version runs any more.\n',
    )
    expect((await later('expand')).json).to.deep.equal({
      from: WANTED + 1,
      to: WANTED + 1,
      readable_from: READABLE_FROM,
      contracts_to: WANTED + 2,
    })
    const doctor = (await cli('doctor')).out
    expect(doctor).to.contain(`has version ${WANTED + 1}, by a newer version`)
    const contracted = await later('contract')
    expect(contracted.json).to.deep.equal({
      from: WANTED + 1,
      to: WANTED + 2,
      readable_from: WANTED + 2,
    })
    expect(contracted.text).to.contain(`only versions that know ${WANTED + 2} work with it`)
    const refused = await cli('user list')
    expect(refused.code).to.equal(1)
    expect(refused.err).to.contain(`schema version ${WANTED + 2}`)
  })

  it('alone does both', async () => {
    await make()
    const { json } = await later(true)
    expect(json).to.deep.equal({ from: WANTED, to: WANTED + 2, readable_from: WANTED + 2 })
  })

  it('contract waits for expand', async () => {
    await make()
    const error = (await later('contract').catch((fault: unknown) => fault)) as { code: string }
    expect(error.code).to.equal('schema-outdated')
  })

  for (const phases of [true, 'contract'] as const)
    it(`${phases === true ? 'alone' : phases} contracts nothing while a node of the former version is live`, async () => {
      await make()
      await noteNode()
      await noteNode({ id: 'n2', name: 'berlin-2', version: '0.2.0', schema: WANTED + 2 })
      await later('expand')
      const { code, message } = await refusalOf(later(phases))
      expect(code).to.equal('nodes-live')
      expect(message).to.contain('berlin-1 (0.1.0)').and.not.to.contain('berlin-2')
      expect(message).to.contain(`has version ${WANTED + 1} and is not contracted`)
      // The code of the former version still opens the database, and the note lapses after a minute.
      await make()
      await noteNode({ beatAt: NOW - 60 })
      expect((await refusalOf(later(phases))).code).to.equal('nodes-live')
      expect((await later(phases, NOW + 1)).json).to.include({ readable_from: WANTED + 2 })
    })

  it('expands beside a live node of the former version', async () => {
    await make()
    await noteNode()
    expect((await refusalOf(later(true))).code).to.equal('nodes-live')
    expect((await later('expand')).json).to.include({ from: WANTED + 1, to: WANTED + 1 })
  })

  it('says that it has rewritten a file that kept its free pages; expand leaves such a file', async () => {
    await make()
    const database = new DatabaseSync(installation.path)
    database.exec('PRAGMA journal_mode = DELETE; PRAGMA auto_vacuum = NONE; VACUUM')
    database.close()
    expect((await cli('migrate expand --json')).json()).not.to.have.property('rewritten')
    expect((await cli('migrate')).out).to.contain('The file was rewritten')
    expect((await cli('migrate --json')).json()).not.to.have.property('rewritten')
  })
})
