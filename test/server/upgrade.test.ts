import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { systemClock } from '../../src/adapters/crypto/index.ts'
import {
  MIGRATIONS as MONGODB_MIGRATIONS,
  readSchemaState as readMongoState,
} from '../../src/adapters/mongoose/migrations.ts'
import { openMongoStorage } from '../../src/adapters/mongoose/server-storage.ts'
import { Connection, LOCK_WAIT_MS } from '../../src/adapters/sqlite/connection.ts'
import { SqliteDatabase } from '../../src/adapters/sqlite/database.ts'
import { sqliteStorageOn } from '../../src/adapters/sqlite/index.ts'
import {
  MIGRATIONS as SQLITE_MIGRATIONS,
  readSchemaState,
} from '../../src/adapters/sqlite/migrations.ts'
import type { MigrationPhases, SchemaState, ServerStorage } from '../../src/ports/server-storage.ts'
import { migrateDatabase } from '../../src/server/cli/migrate.ts'
import { CookieJar } from '../support/cookie-jar.ts'
import { HttpClient } from '../support/http-client.ts'
import { openDatabase } from '../support/mongodb.ts'
import { requireMongodb } from '../support/requirements.ts'
import { totpCode } from '../support/totp.ts'
import { Refusal } from '../../src/server/cli/terminal.ts'
import {
  addPerson,
  atTheApp,
  redeem,
  signIn,
  startServer,
  stopServers,
  type Person,
  type TestServer,
} from './support.ts'

const ISSUER = 'http://id.example'

/** The clock of all nodes and of the commands. */
const clock = { ahead: 0, now: () => systemClock.now() + clock.ahead }

type Release = 'old' | 'next'

/** A database, opened as the code of a release opens it. */
interface TestDatabase {
  /** The versions of the schema that the two releases know. */
  readonly versions: { readonly old: number; readonly next: number }
  open(release: Release, allowed?: MigrationPhases): Promise<ServerStorage>
  /** As the next release reads it. */
  state(): Promise<SchemaState>
  end(): Promise<void>
}

/**
 * No release has been tagged yet, so both releases are this code, with different lists of migrations: the old one with
 * those of today, the next one with an expand and a contract more. The expand gives a column to every table that the old
 * release writes. The contract removes these columns again, because the code of the next release is the same and
 * needs everything else.
 */
function sqlite(): TestDatabase {
  const folder = mkdtempSync(join(tmpdir(), 'mfa-upgrade-'))
  const old = SQLITE_MIGRATIONS
  const tables = old.flatMap(({ sql }) =>
    [...sql.matchAll(/CREATE TABLE (\w+)/g)].map(([, table]) => table),
  )
  const ofEach = (change: string): string =>
    tables.map((table) => `ALTER TABLE ${table} ${change};`).join('')
  const version = old.at(-1)!.version
  const next = [
    ...old,
    { version: version + 1, sql: ofEach("ADD COLUMN later TEXT NOT NULL DEFAULT 'x'") },
    { version: version + 2, phase: 'contract' as const, sql: ofEach('DROP COLUMN later') },
  ]
  const lists = { old, next }
  const path = join(folder, 'server.sqlite')
  return {
    versions: { old: version, next: version + 2 },
    open: async (release, migrate = false) => {
      const migrations = lists[release]
      return sqliteStorageOn(new SqliteDatabase({ path, migrate, migrations }), clock)
    },
    async state() {
      const connection = new Connection(path, 'NORMAL', LOCK_WAIT_MS)
      const state = readSchemaState(connection, next)
      connection.close()
      return state
    },
    end: async () => rmSync(folder, { recursive: true }),
  }
}

/** The same on MongoDB: the expand gives a field to every document. */
async function mongodb(server: string): Promise<TestDatabase> {
  const database = await openDatabase(server)
  const old = MONGODB_MIGRATIONS
  const version = old.at(-1)!.version
  const next: typeof old = [
    ...old,
    {
      version: version + 1,
      async apply(db) {
        for (const { name } of await db.listCollections().toArray())
          await db.collection(name).updateMany({}, { $set: { later: 'x' } })
      },
    },
    { version: version + 2, phase: 'contract', apply: async () => undefined },
  ]
  const lists = { old, next }
  return {
    versions: { old: version, next: version + 2 },
    open: (release, migrate = false) =>
      openMongoStorage({ url: database.url, clock, migrate, migrations: lists[release] }),
    state: () => readMongoState(database.connection.getClient().db(), next),
    end: () => database.close(),
  }
}

for (const name of ['SQLite', 'MongoDB'] as const)
  describe(`an upgrade while people sign in, on ${name}`, function () {
    this.timeout(60_000)
    let database: TestDatabase
    let environment: Record<string, string>

    before(async function () {
      database = name === 'SQLite' ? sqlite() : await mongodb(await requireMongodb(this))
      environment = {
        ISSUER,
        ENCRYPTION_KEYS: randomBytes(32).toString('base64'),
        COOKIE_KEYS: randomBytes(32).toString('base64'),
      }
    })
    after(async () => {
      await stopServers()
      await database?.end()
    })

    const serving = async (release: Release): Promise<TestServer> =>
      startServer({
        environment: { ...environment, NODE_NAME: release },
        storage: await database.open(release),
        clock,
        renewalMilliseconds: 10,
        heartbeatMilliseconds: 10,
      })
    /** Signs in on one node, with a code that was not used before, and returns the subject of the token. */
    const signedInAs = async (server: TestServer, person: Person): Promise<unknown> => {
      clock.ahead += 60
      const page = await signIn(browserOf(server), server.authorize(), person, server)
      return (await redeem(server, page)).claims['sub']
    }
    /** Runs the command of the next release. */
    const migrate = async (phases: 'expand' | 'contract', aheadSeconds = 0): Promise<unknown> => {
      const next = {
        state: () => database.state(),
        open: (allowed: MigrationPhases) => database.open('next', allowed),
      }
      const later = { now: () => clock.now() + aheadSeconds }
      return (await migrateDatabase(next, phases, later)).json
    }

    it('needs no moment without a node that serves, and ends what the old release may no longer do', async () => {
      const { old: known, next: wanted } = database.versions
      const old = await serving('old')
      const { readableFrom } = await old.storage.schema()
      const alice: Person & { id: string } = await addPerson(old)
      expect(await signedInAs(old, alice)).to.equal(alice.id)

      expect(await migrate('expand')).to.deep.equal({
        from: known,
        to: wanted - 1,
        readable_from: readableFrom,
        contracts_to: wanted,
      })
      expect(await signedInAs(old, alice)).to.equal(alice.id)
      const { page, jar } = await codePage(old, alice)

      const next = await serving('next')
      expect(await readiness(old)).to.deep.equal([200, undefined])
      expect(await readiness(next)).to.deep.equal([200, undefined])
      clock.ahead += 60
      const moved = browserOf(next, jar)
      const code = totpCode({ secret: alice.secret ?? '' }, next.clock.now())
      const answer = await moved.submit(page, { code })
      const back = await moved.follow(answer, atTheApp)
      expect((await redeem(next, back)).claims['sub']).to.equal(alice.id)
      const restarted = await serving('old')
      expect(restarted.lines.join()).to.contain('a newer version has expanded the schema')
      await restarted.stop()

      const refused: unknown = await migrate('contract').catch((error: unknown) => error)
      expect(refused).to.be.instanceOf(Refusal)
      expect((refused as Refusal).message)
        .to.contain('result: old (')
        .and.not.to.contain('next (')
      // A node that hangs for two minutes counts as gone. The old one works again afterwards.
      await migrate('contract', 120)
      while ((await readiness(old))[0] === 200) await sleep(10)
      expect(await readiness(old)).to.deep.equal([503, 'schema'])
      const log = old.lines.filter((line) => line.startsWith('["error"')).join()
      // A contract of MongoDB first locks the old release out, and notes its version at its end.
      expect(log)
        .to.match(new RegExp(`schema version (${wanted - 1}|${wanted})\\b`))
        .and.to.contain(`up to ${known}`)
      expect((await browserOf(old).get(old.authorize())).status).to.equal(503)
      expect((await browserOf(old).get(`${ISSUER}/health/live`)).status).to.equal(200)
      expect(await readiness(next)).to.deep.equal([200, undefined])
      expect(await signedInAs(next, alice)).to.equal(alice.id)
    })
  })

function browserOf({ url }: TestServer, jar = new CookieJar()): HttpClient {
  return new HttpClient({ jar, origins: { [ISSUER]: { url } } })
}

/** Types the password and returns the page that asks for a code. */
async function codePage(server: TestServer, { username, password }: Person) {
  const browser = browserOf(server)
  const login = await browser.visit(server.authorize(), atTheApp)
  const page = await browser.follow(await browser.submit(login, { username, password }))
  expect(page.name).to.equal('totp-verify')
  return { page, jar: browser.jar }
}

async function readiness(server: TestServer): Promise<[number, string | undefined]> {
  const { status, json } = await browserOf(server).get(`${ISSUER}/health/ready`)
  return [status, (json as { reason?: string }).reason]
}
