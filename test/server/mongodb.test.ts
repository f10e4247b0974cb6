import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { MIGRATIONS } from '../../src/adapters/mongoose/migrations.ts'
import { run } from '../../src/server/cli/index.ts'
import type { Finding } from '../../src/server/upkeep/finding.ts'
import { openDatabase, startStandIn } from '../support/mongodb.ts'
import {
  credentialsOf,
  startProtectedMongodb,
  type ProtectedMongodb,
} from '../support/protected-mongodb.ts'
import { requireMongodb, requireOwnMongodb } from '../support/requirements.ts'

const CREDENTIALS = credentialsOf({ name: 'mfa' })

describe('the command line on MongoDB', function () {
  this.timeout(60_000)
  const keys = {
    ENCRYPTION_KEYS: randomBytes(32).toString('base64'),
    COOKIE_KEYS: randomBytes(32).toString('base64'),
  }
  let database: Awaited<ReturnType<typeof openDatabase>>

  before(async function () {
    database = await openDatabase(await requireMongodb(this))
  })
  after(() => database?.close())
  afterEach(() => database.connection.dropDatabase())

  async function cli(line: string, url = database.url) {
    let [out, err] = ['', '']
    const code = await run(line.split(' '), {
      out: (text) => void (out += text),
      err: (text) => void (err += text),
      readLine: async () => 'a long walk in the rain',
      readFile: async () => '',
      environment: { ...keys, ISSUER: 'https://id.example.com', STORAGE_URL: url },
    })
    expect(out + err).not.to.contain('hush')
    return { code, out, err }
  }

  async function doctor(url?: string): Promise<readonly Finding[]> {
    return JSON.parse((await cli('doctor --json', url)).out) as Finding[]
  }
  const ofStorage = (findings: readonly Finding[]): readonly Finding[] =>
    findings.filter(({ check }) => check.startsWith('storage'))

  it('migrate makes the indexes of an empty database, and says when there is nothing to do', async () => {
    const first = JSON.parse((await cli('migrate --json')).out) as { from: number; to: number }
    expect(first).to.deep.equal({ from: 0, to: MIGRATIONS.at(-1)?.version, readable_from: 2 })
    for (const command of ['migrate', 'migrate expand', 'migrate contract'])
      expect(JSON.parse((await cli(`${command} --json`)).out)).to.deep.equal({
        ...first,
        from: first.to,
      })
    const indexes = await database.connection.collection('mfa_accounts').listIndexes().toArray()
    expect(indexes.map(({ name }) => name as string)).to.include('mfa_names')
  })

  it('every command makes an empty database ready, and keeps people in it', async () => {
    expect((await cli('user add alice --password-stdin')).code).to.equal(0)
    const { err, code } = await cli('user add ALICE --password-stdin')
    expect({ code, err }).to.deep.equal({
      code: 1,
      err: 'This name or address belongs to somebody already.\n',
    })
    expect((await cli('user list')).out).to.contain('alice')
  })

  it('changes an app and rotates its secret', async () => {
    await cli('client add app --redirect-uri https://app.example/cb --name App')
    expect((await cli('client update app --name Notes --unset tos_uri')).out).to.equal(
      'app: changed\n  client_name: "App" -> "Notes"\n',
    )
    const rotated = await cli('client rotate-secret app --overlap 2')
    expect(rotated.code, rotated.err).to.equal(0)
    expect((await cli('client update app --refresh')).code).to.equal(0)
    const { out } = await cli('client show app')
    expect(out)
      .to.match(/client_name +Notes\n/)
      .and.to.match(/\(former secret\) +holds until 20/)
  })

  it('R37 restore makes a backup that was put back safe, here as elsewhere', async () => {
    await cli('user add alice --password-stdin')
    const restored = await cli('restore --confirm')
    expect(restored.code, restored.err).to.equal(0)
    expect((await cli('user show alice')).code).to.equal(0)
  })

  it('an older database waits for migrate and a newer one is refused, and both say so', async () => {
    await cli('migrate')
    const schema = database.connection.collection<{ _id: string }>('mfa_schema')
    await schema.updateOne({ _id: 'schema' }, { $set: { version: 99, readableFrom: 99 } })
    const newer = await cli('user list')
    expect(newer.code).to.equal(1)
    expect(newer.err).to.contain('schema version 99')
  })

  it('doctor is content with a database in order', async () => {
    expect(ofStorage(await doctor())).to.deep.equal([
      { check: 'storage', result: 'ok', detail: '' },
    ])
  })

  it('doctor names indexes that are missing, migrate makes them, and without names apart nothing starts', async () => {
    await cli('migrate')
    await database.connection.collection('mfa_host_sessions').dropIndex('mfa_ids')
    expect(ofStorage(await doctor())).to.deep.include({
      check: 'storage: indexes',
      result: 'warning',
      detail: 'mfa_host_sessions.mfa_ids missing: run `oidc-provider-mfa migrate`',
    })
    await database.connection.collection('mfa_accounts').dropIndex('mfa_names')
    const refused = await cli('user list')
    expect(refused.code).to.equal(1)
    expect(refused.err).to.match(/lacks the index mfa_accounts\.mfa_names.*migrate/)
    expect((await cli('migrate')).code).to.equal(0)
    expect(ofStorage(await doctor())).to.deep.equal([
      { check: 'storage', result: 'ok', detail: '' },
    ])
  })

  it('R31 doctor names a server that is not there, and not the password', async () => {
    const [finding] = ofStorage(await doctor(`mongodb://${CREDENTIALS}@127.0.0.1:1/mfa`))
    expect(finding).to.deep.equal({
      check: 'storage',
      result: 'failed',
      detail: 'STORAGE_URL: The database cannot be reached at 127.0.0.1:1 (ECONNREFUSED).',
    })
  })

  it('R31 says of options that nobody understands what to look at, and repeats nothing of them', async () => {
    const [finding] = ofStorage(await doctor(`${database.url}?hushOption=hush`))
    expect(finding?.result).to.equal('failed')
    expect(finding?.detail).to.match(/^STORAGE_URL is no address/)
  })

  it('doctor warns of a server that is no member of a replica set', async function () {
    requireOwnMongodb(this)
    const alone = await startStandIn({ args: ['--standalone'] })
    const findings = ofStorage(await doctor(`${alone.url}mfa`))
    await alone.stop()
    expect(findings.map(({ check, result }) => [check, result])).to.deep.equal([
      ['storage: replica set', 'warning'],
      ['storage', 'ok'],
    ])
  })

  it('doctor warns of a way across the network that is not encrypted', async () => {
    const findings = await doctor('mongodb://db.invalid/mfa')
    expect(findings.find(({ check }) => check === 'STORAGE_URL')).to.include({ result: 'warning' })
    const encrypted = await doctor('mongodb://db.invalid/mfa?tls=true')
    expect(encrypted.find(({ check }) => check === 'STORAGE_URL')).to.equal(undefined)
  })

  it('loads Mongoose for MongoDB alone: a command on SQLite does without', () => {
    const hooks = `
      import { registerHooks } from 'node:module'
      registerHooks({ resolve(specifier, context, next) {
        if (specifier !== 'mongoose') return next(specifier, context)
        throw Object.assign(new Error("Cannot find package 'mongoose'"), { code: 'ERR_MODULE_NOT_FOUND' })
      } })`
    const start = (url: string) =>
      spawnSync(
        process.execPath,
        [
          '--import',
          `data:text/javascript,${encodeURIComponent(hooks)}`,
          join(import.meta.dirname, '../../bin/oidc-provider-mfa.mjs'),
          'user',
          'list',
        ],
        {
          encoding: 'utf8',
          env: { PATH: process.env.PATH, ...keys, STORAGE_URL: url },
        },
      )
    // The command fails on MongoDB, which shows that the hook is in effect.
    expect(start(database.url).status).to.equal(1)
    const folder = mkdtempSync(join(tmpdir(), 'mfa-without-mongoose-'))
    const sqlite = start(`sqlite:${join(folder, 'server.sqlite')}`)
    rmSync(folder, { recursive: true })
    expect(sqlite.status, sqlite.stderr).to.equal(0)
  })

  describe('that asks for a password and TLS', () => {
    let server: ProtectedMongodb
    const at = (credentials: string, options: Readonly<Record<string, string>> = {}): string =>
      server.url('mfa', credentials, options)

    before(async function () {
      requireOwnMongodb(this)
      server = await startProtectedMongodb([
        { name: 'mfa', role: { role: 'readWrite', db: 'mfa' } },
        { name: 'reader', role: { role: 'read', db: 'mfa' } },
      ])
    })
    after(() => server?.stop())

    const detail = async (url: string): Promise<string | undefined> =>
      ofStorage(await doctor(url)).find(({ result }) => result === 'failed')?.detail

    it('works with the right password, over TLS, with an authority of one’s own', async () => {
      expect(ofStorage(await doctor(at(CREDENTIALS)))).to.deep.equal([
        { check: 'storage', result: 'ok', detail: '' },
      ])
      expect((await cli('user add alice --password-stdin', at(CREDENTIALS))).code).to.equal(0)
    })

    it('R31 tells a wrong password from a server that is away, and repeats neither', async () => {
      expect(await detail(at('mfa:hush-wrong'))).to.match(/does not accept the user and password/)
      expect(await detail(at('nobody:hush'))).to.match(/does not accept the user and password/)
    })

    it('names a role that is missing', async () => {
      expect(await detail(at(credentialsOf({ name: 'reader' })))).to.match(/role readWrite/)
    })

    it('trusts no certificate that it does not know', async () => {
      const url = new URL(at(CREDENTIALS))
      url.searchParams.delete('tlsCAFile')
      expect(await detail(url.href)).to.match(
        /TLS connection to the database failed \(.*SELF_SIGNED.*\)/,
      )
    })

    it('names a file that is not there', async () => {
      const tlsCAFile = `${server.tlsCAFile}.gone`
      expect(await detail(at(CREDENTIALS, { tlsCAFile }))).to.match(
        /cannot be read: check tlsCAFile/,
      )
    })

    it('does not send the password where TLS is missing', async () => {
      const url = new URL(at(CREDENTIALS, { tls: 'false' }))
      url.searchParams.delete('tlsCAFile')
      expect(await detail(url.href)).to.match(/cannot be reached/)
    })
  })
})
