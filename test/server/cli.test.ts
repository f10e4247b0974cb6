import { randomBytes } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { readFile } from 'node:fs/promises'
import { DatabaseSync } from 'node:sqlite'
import { readCatalogues } from '../../src/http/messages.ts'
import { builtInViews } from '../../src/http/templates.ts'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { openSqliteStorage } from '../../src/adapters/sqlite/index.ts'
import type { JsonObject } from '../../src/domain/json.ts'
import { loadConfig } from '../../config/load.ts'
import { run } from '../../src/server/cli/index.ts'
import manifest from '../../package.json' with { type: 'json' }
import { hashKinds } from '../../src/server/accounts/hash-kinds.ts'
import { layFoundation } from '../../src/server/boot/foundation.ts'
import { makeSigningKey } from '../../src/server/keys/jwks.ts'
import { setUpLinksOf } from '../../src/server/pages/links.ts'
import { serverMfa } from '../../src/server/boot/mfa.ts'
import type { Terminal } from '../../src/server/cli/terminal.ts'

const COMMANDS = [
  'serve',
  'user add',
  'user list',
  'user show',
  'user disable',
  'user enable',
  'user unlock',
  'user remove',
  'user set',
  'user reset-mfa',
  'user link',
  'user sessions',
  'user end-sessions',
  'user hashes',
  'user import',
  'client add',
  'client list',
  'client show',
  'client update',
  'client rotate-secret',
  'client apply',
  'client remove',
  'policy explain',
  'policy simulate',
  'keys add',
  'keys list',
  'keys rotate encryption',
  'keys rotate signing',
  'mail list',
  'mail retry',
  'mail drop',
  'migrate',
  'migrate expand',
  'migrate contract',
  'migrate legacy',
  'audit',
  'audit export',
  'audit verify',
  'config check',
  'init',
  'doctor',
  'backup',
  'restore',
]

/** The output of `audit --json`. */
interface Trail {
  readonly entries: readonly { readonly type: string }[]
}

const GOOD = 'correct horse battery staple'
const APP = {
  client_id: 'app',
  client_secret: 'a secret in a file that nobody else reads',
  redirect_uris: ['https://app.example/callback'],
}

/** Where the first page of a table begins and ends in a SQLite file. */
function pageOf(path: string, table: string): [from: number, to: number] {
  const database = new DatabaseSync(path)
  const [size, root] = [
    'PRAGMA page_size',
    `SELECT rootpage FROM sqlite_schema WHERE name = '${table}'`,
  ].map((sql) => Number(Object.values(database.prepare(sql).get() ?? {})[0])) as [number, number]
  database.close()
  return [(root - 1) * size, root * size]
}

describe('the command line', () => {
  let folder: string
  let environment: Record<string, string>

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'mfa-cli-'))
    environment = {
      ENCRYPTION_KEYS: randomBytes(32).toString('base64'),
      COOKIE_KEYS: randomBytes(32).toString('base64'),
      STORAGE_URL: `sqlite:${join(folder, 'server.sqlite')}`,
      ISSUER: 'https://id.example.com',
    }
  })
  afterEach(() => {
    rmSync(folder, { recursive: true })
  })

  interface Ran {
    readonly code: number
    readonly out: string
    readonly err: string
    json<T = JsonObject>(): T
  }
  const cli = async (line: string, stdin = ''): Promise<Ran> => {
    let [out, err] = ['', '']
    const terminal: Terminal = {
      out: (text) => {
        out += text
      },
      err: (text) => {
        err += text
      },
      readLine: async () => stdin,
      readFile: (path) => readFile(path, 'utf8'),
      environment,
    }
    const code = await run(line.split(' '), terminal)
    return { code, out, err, json: <T>() => JSON.parse(out) as T }
  }
  const file = (name: string, content: unknown): string => {
    const path = join(folder, name)
    writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content))
    return path
  }

  for (const name of COMMANDS)
    it(`${name} explains itself and offers JSON`, async () => {
      const { code, out } = await cli(`${name} --help`)
      expect(code).to.equal(0)
      expect(out).to.contain('--json').and.to.contain('Usage')
    })

  describe('in production', () => {
    beforeEach(() => {
      const { STORAGE_URL, ENCRYPTION_KEYS } = environment
      environment = { NODE_ENV: 'production', STORAGE_URL, ENCRYPTION_KEYS } as typeof environment
    })

    it('needs no more than the storage and its keys for people, apps, keys and the trail', async () => {
      const added = await cli('user add mira --password-stdin', GOOD)
      expect(added).to.include({ code: 0, err: '' })
      const lines = ['user list', 'user show mira', 'user disable mira', 'audit', 'client list']
      for (const line of [...lines, 'keys list', 'migrate', 'user hashes'])
        expect(await cli(line), line).to.include({ code: 0, err: '' })
      const apps = file('apps.json', [{ ...APP, redirect_uris: ['https://app.example/back'] }])
      expect((await cli(`client apply ${apps}`)).code).to.equal(0)
    })

    it('asks for the issuer where it makes a link, before it changes anything', async () => {
      await cli('user add mira --password-stdin', GOOD)
      const before = (await cli('audit --json')).out
      for (const line of ['user add nele', 'user link mira', 'user reset-mfa mira']) {
        const { code, err } = await cli(line)
        expect({ line, code }).to.deep.equal({ line, code: 1 })
        expect(err).to.contain('ISSUER is missing')
        expect(err).not.to.match(/SMTP_URL|COOKIE_KEYS/)
      }
      expect((await cli('audit --json')).out).to.equal(before)
      expect((await cli('user list')).out).not.to.contain('nele')
    })

    it('refuses a setting that it does not need and that is wrong', async () => {
      for (const issuer of ['no address', 'http://id.example.com']) {
        environment = { ...environment, ISSUER: issuer }
        expect((await cli('user list')).err, issuer).to.contain('ISSUER')
      }
    })
  })

  it('reads settings from a file too, and the environment wins', async () => {
    const { STORAGE_URL, ...others } = environment
    const other = `sqlite:${join(folder, 'other.sqlite')}`
    const path = file('settings', `\uFEFFSTORAGE_URL=${STORAGE_URL}\n# a remark\nPORT="no port"\n`)
    environment = { ...others, PORT: '3000', STORAGE_URL: '' }
    await cli(`user add mira --password-stdin --env-file ${path}`, GOOD)
    expect((await cli(`user list --env-file=${path}`)).out).to.contain('mira')
    environment = { ...environment, STORAGE_URL: other }
    expect((await cli(`user list --env-file ${path}`)).out).not.to.contain('mira')
    const missing = await cli(`user list --json --env-file ${path}.not`)
    expect({ code: missing.code, ...JSON.parse(missing.err) }).to.deep.equal({
      code: 1,
      error: { code: 'file-unreadable', message: `${path}.not cannot be read: ENOENT` },
    })
  })

  it('reads several files of settings, and the later one wins', async () => {
    const { STORAGE_URL, ...others } = environment
    const other = `sqlite:${join(folder, 'other.sqlite')}`
    const first = file('first', `STORAGE_URL=${other}\nPORT=3000\n`)
    const second = file('second', `STORAGE_URL=${STORAGE_URL}\n`)
    const empty = file('empty', 'STORAGE_URL=\n')
    await cli('user add mira --password-stdin', GOOD)
    environment = others
    const list = (files: string) => cli(`user list ${files}`)
    expect((await list(`--env-file ${first} --env-file ${second}`)).out).to.contain('mira')
    expect((await list(`--env-file=${second} --env-file=${empty}`)).out).to.contain('mira')
    expect((await list(`--env-file ${second} --env-file ${first}`)).out).not.to.contain('mira')
    environment = { ...others, STORAGE_URL: STORAGE_URL as string }
    expect((await list(`--env-file ${second} --env-file ${first}`)).out).to.contain('mira')
  })

  it('config check and doctor tell where browsers know no passkeys, and of an rpId that does not fit', async () => {
    const settings = file('settings.json', { passkeys: { rpId: 'example.com' } })
    const { CONFIG_FILE: _, ...others } = environment
    for (const command of ['config check', 'doctor']) {
      environment = { ...others, ISSUER: 'http://127.0.0.1:3000' }
      const unfit = await cli(command)
      expect(unfit.code).to.equal(0)
      expect(unfit.out, command).to.match(/passkeys +warning +are not offered: /)
      environment = { ...others, ISSUER: 'https://id.example.org', CONFIG_FILE: settings }
      const { code, out } = await cli(command)
      expect(code).to.equal(1)
      expect(out, command).to.match(
        /CONFIG_FILE passkeys\.rpId +failed +example\.com is neither the host of the issuer, id\.example\.org, .* correct ISSUER/,
      )
    }
  })

  it('config check tells every fault of the settings, and opens no storage', async () => {
    const jwks = file('jwks.json', { keys: [{ kty: 'RSA', n: 'x', e: 'AQAB' }] })
    environment = {
      ...environment,
      STORAGE_URL: 'mongodb://127.0.0.1:1/mfa',
      SMTP_URI: 'smtps://x',
    }
    const good = await cli('config check')
    expect(good).to.include({ code: 0, err: '' })
    expect(good.out)
      .to.match(/settings +ok/)
      .and.match(/SMTP_URI +warning/)
    environment = { ...environment, JWKS_FILE: jwks }
    expect(await cli('config check')).to.have.property('code', 1)
    expect((await cli('config check')).out).to.match(
      /JWKS_FILE +failed +.*key 1 is not a private key/,
    )
    environment = { NODE_ENV: 'production', PORT: 'no port' }
    const { code, json } = await cli('config check --json')
    expect(code).to.equal(1)
    const faults = json<{ check: string; result: string }[]>()
    const settings = ['PORT', 'ISSUER', 'ENCRYPTION_KEYS', 'COOKIE_KEYS', 'STORAGE_URL', 'SMTP_URL']
    expect(faults.map(({ check }) => check)).to.have.members(settings)
    expect(readdirSync(folder)).to.deep.equal(['jwks.json'])
  })

  it('backup copies the database while the server runs, and never replaces a file', async () => {
    await cli('user add mira --password-stdin', GOOD)
    const running = openSqliteStorage({ path: join(folder, 'server.sqlite') })
    const copy = join(folder, 'copy.sqlite')
    const original = environment
    try {
      environment = { STORAGE_URL: original['STORAGE_URL'] as string, NODE_ENV: 'production' }
      const { code, err, json } = await cli(`backup ${copy} --json`)
      expect({ code, err }).to.deep.equal({ code: 0, err: '' })
      expect(json()).to.deep.equal({ file: copy, bytes: statSync(copy).size, drafts: [] })
      const draft = `${copy}.draft-0123456789ab`
      writeFileSync(draft, '')
      const second = await cli(`backup ${join(folder, 'second.sqlite')}`)
      expect(second.out).to.contain(`${draft} is left of a backup that was killed`)
      expect(existsSync(draft)).to.equal(true)
      expect(statSync(copy).mode & 0o777).to.equal(0o600)
      expect(await cli(`backup ${copy}`)).to.include({
        code: 1,
        err: `${copy} exists already: a backup never replaces a file.\n`,
      })
      const nowhere = join(folder, 'none', 'copy.sqlite')
      expect((await cli(`backup ${nowhere}`)).err).to.equal(`${nowhere} cannot be made: ENOENT\n`)
    } finally {
      await running.close()
    }
    environment = { ...original, STORAGE_URL: `sqlite:${copy}` }
    expect((await cli('user list')).out).to.contain('mira')
  })

  it('backup names the database where that is damaged, and not the copy', async () => {
    await cli('user add mira --password-stdin', GOOD)
    const source = join(folder, 'server.sqlite')
    const bytes = readFileSync(source)
    bytes.fill(0xff, ...pageOf(source, 'accounts'))
    writeFileSync(source, bytes)
    const copy = join(folder, 'copy.sqlite')
    expect((await cli(`backup ${copy}`)).err).to.equal(
      `The database file ${source} is damaged: restore it from a backup.\n`,
    )
    expect(existsSync(copy)).to.equal(false)
  })

  it('backup leaves no file behind where the copy fails, and refuses MongoDB', async () => {
    const words = file('words.sqlite', 'words, and many more of them than a header of a file has')
    const copy = join(folder, 'copy.sqlite')
    environment = { ...environment, STORAGE_URL: `sqlite:${words}` }
    expect((await cli(`backup ${copy}`)).err).to.equal(`The file ${words} is no SQLite database.\n`)
    environment = { ...environment, STORAGE_URL: `sqlite:${join(folder, 'gone.sqlite')}` }
    expect((await cli(`backup ${copy}`)).code).to.equal(1)
    environment = { ...environment, STORAGE_URL: 'mongodb://127.0.0.1:1/mfa' }
    expect((await cli(`backup ${copy}`)).err).to.contain('docs/guides/mongodb-in-production.md')
    expect(readdirSync(folder)).to.deep.equal(['words.sqlite'])
  })

  it('says which setting names a database that cannot be opened, which file it is, and why', async () => {
    const words = file('other.sqlite', 'words, and many more of them than a header of a file has')
    const faults = [
      [words, `The file ${words} is no SQLite database.`],
      [folder, `The database ${folder} cannot be opened: this is a folder.`],
      [
        `${words}/x.sqlite`,
        `The database ${words}/x.sqlite cannot be opened: a part of this path is a file and no folder.`,
      ],
      // Nobody can make a folder there, and the system does not say so: a search for the missing folder never ends.
      [
        '/proc/nowhere/x.sqlite',
        'The database /proc/nowhere/x.sqlite cannot be opened: ENOENT at mkdir /proc/nowhere.',
      ],
    ] as const
    for (const [path, why] of faults) {
      environment = { ...environment, STORAGE_URL: `sqlite:${path}` }
      expect(await cli('user list')).to.include({ code: 1, err: `STORAGE_URL: ${why}\n` })
      expect((await cli('doctor')).out).to.contain(`STORAGE_URL: ${why}`)
    }
    environment = { ...environment, STORAGE_URL: `sqlite:${words}` }
    expect((await cli('migrate')).err).to.equal(
      `STORAGE_URL: The file ${words} is no SQLite database.\n`,
    )
  })

  it('doctor names a misspelt variable, and the messages that a third language lacks', async () => {
    const views = join(folder, 'views')
    mkdirSync(join(views, 'messages'), { recursive: true })
    const { 'login.title': _left, ...most } = readCatalogues(builtInViews()).get('de') ?? {}
    writeFileSync(join(views, 'messages/fr.json'), JSON.stringify(most))
    environment = {
      ...environment,
      CONFIG_FILE: file('config.json', { service: { views } }),
      SMTP_URI: 'smtps://hush',
    }
    const { out } = await cli('doctor')
    expect(out)
      .to.match(/SMTP_URI +warning +is not a setting .*"SMTP_URL"/)
      .and.not.contain('hush')
    expect(out).to.match(/messages\/fr\.json +warning +lacks login\.title\n/)
    expect(out).to.match(/languages +ok +(?=.*de)(?=.*en)(?=.*fr)/)
  })

  it('says its version', async () => {
    const { code, out } = await cli('--version')
    expect({ code, out }).to.deep.equal({ code: 0, out: `${manifest.version}\n` })
  })

  it('answers 2 to what it does not understand, and changes nothing', async () => {
    for (const line of [
      'frobnicate',
      'user',
      'user add',
      'user add alice --passwort x',
      'keys add --algorithm ROT13',
    ])
      expect(await cli(line), line).to.deep.include({ code: 2, out: '' })
  })

  it('says in JSON, too, what it did not understand', async () => {
    for (const line of [
      'user add --json',
      'user find --json',
      'keys add --algorithm none --json',
    ]) {
      const ran = await cli(line)
      expect({ code: ran.code, out: ran.out }, line).to.deep.equal({ code: 2, out: '' })
      const { error } = JSON.parse(ran.err) as { error: { code: string; message: string } }
      expect(error.code, line).to.equal('usage')
      expect(error.message, line).to.match(/argument|command|algorithm/)
    }
  })

  it('names every fault of the settings and answers 1', async () => {
    environment = { ...environment, PORT: 'x', LOG_LEVEL: 'loud' }
    const { code, err } = await cli('user list')
    expect(code).to.equal(1)
    expect(err).to.contain('PORT').and.to.contain('LOG_LEVEL')
    const failure = JSON.parse((await cli('user list --json')).err) as {
      error: { faults: unknown[] }
    }
    expect(failure.error.faults).to.have.length(2)
  })

  it('R35 names an encryption key that is missing', async () => {
    await cli('user list')
    environment = { ...environment, ENCRYPTION_KEYS: randomBytes(32).toString('base64') }
    const { code, err } = await cli('user list')
    expect(code).to.equal(1)
    expect(err).to.match(/ENCRYPTION_KEYS lacks the key/)
  })

  describe('user hashes and doctor', () => {
    beforeEach(async () => {
      await cli('user add alice --password-stdin', GOOD)
      const foundation = await layFoundation(loadConfig(environment))
      const yesterday = { now: () => foundation.clock.now() - 24 * 60 * 60 }
      const kinds = hashKinds({ settings: foundation.storage.settings, clock: yesterday })
      await kinds.note('bcrypt 12')
      await foundation.storage.close()
    })

    it('say which kinds of hashes there are, and that they cost', async () => {
      const { kinds } = (await cli('user hashes --json')).json<{ kinds: JsonObject[] }>()
      expect(kinds).to.deep.equal([
        { kind: 'argon2id v=19,m=65536,t=3,p=1', accounts: 1, state: 'today' },
        { kind: 'bcrypt 12', accounts: 0, state: 'held' },
      ])
      const { out } = await cli('doctor')
      expect(out).to.match(/password hashes +ok +every sign-in computes one of each kind/)
      expect(out).to.match(/password hashes +warning +nobody has bcrypt 12 any more/)
    })

    it('--prune drops those that nobody has', async () => {
      const pruned = (await cli('user hashes --prune --json')).json<{ dropped: string[] }>()
      expect(pruned.dropped).to.deep.equal(['bcrypt 12'])
      expect((await cli('user hashes')).out).not.to.contain('bcrypt')
      expect((await cli('doctor')).out).not.to.contain('bcrypt')
    })
  })

  describe('user', () => {
    it('R36 add prints a one-time link and no password', async () => {
      const { code, out } = await cli('user add alice --email alice@example.com --group staff')
      expect(code).to.equal(0)
      expect(out).to.match(/https:\/\/id\.example\.com\/set-up\/[\w-]{43}\n/)
      const shown = (await cli('user show ALICE --json')).json()
      expect(shown).to.deep.include({
        username: 'alice',
        email: 'alice@example.com',
        email_verified: true,
        groups: ['staff'],
        password: 'none',
        disabled: false,
      })
      expect(shown['mfa']).to.deep.include({ enrolled: false, factors: [] })
    })

    it('add --password-stdin reads the password where no process list shows it', async () => {
      const { code, out } = await cli('user add alice --password-stdin --json', GOOD)
      expect(code).to.equal(0)
      expect(out).not.to.contain(GOOD).and.not.to.contain('set-up')
      const { users } = (await cli('user list --json')).json<{ users: JsonObject[] }>()
      expect(users[0]).to.include({ password: 'set' })
    })

    for (const [password, why] of [
      ['', 'password-missing'],
      ['short', 'password-too-short'],
      ['Password123!', 'password-blocked'],
      ['alice-2026', 'password-contains-name'],
      ['x1'.repeat(600), 'password-too-long'],
    ] as const)
      it(`R16 add refuses a password: ${why} (${password.length})`, async () => {
        const { code, err } = await cli('user add alice --password-stdin --json', password)
        expect(code).to.equal(1)
        expect(JSON.parse(err)).to.have.nested.property('error.code', why)
        expect((await cli('user list --json')).json()).to.deep.equal({ users: [], next: null })
      })

    it('R16 add wants 15 characters where no second factor is required', async () => {
      environment = {
        ...environment,
        CONFIG_FILE: file('c.json', { mfa: { required: 'optional' } }),
      }
      expect((await cli('user add alice --password-stdin', 'vqzkxwjpnmlrt4')).code).to.equal(1)
      expect((await cli('user add alice --password-stdin', 'vqzkxwjpnmlrt4u')).code).to.equal(0)
    })

    it('add keeps standard claims and names those that are not', async () => {
      const claims = { name: 'Alice A.', birthdate: '1990-01-02', address: { country: 'FR' } }
      const added = await cli(`user add alice --claims ${file('good.json', claims)} --json`)
      expect(added.json()).to.deep.include({ claims })
      const bad = file('bad.json', { sub: 'admin', name: 5 })
      const { code, err } = await cli(`user add bob --claims ${bad}`)
      expect(code).to.equal(1)
      expect(err).to.contain('sub:').and.to.contain('name:')
    })

    it('add takes the address of the claims, verified or not, and no second one', async () => {
      const path = file('c.json', { email: 'a@example.com', email_verified: false })
      expect((await cli(`user add alice --claims ${path} --json`)).json()).to.deep.include({
        email: 'a@example.com',
        email_verified: false,
      })
      expect((await cli(`user add bob --email b@example.com --claims ${path}`)).code).to.equal(1)
    })

    it('add refuses a name or address that somebody has, in any spelling', async () => {
      await cli('user add alice --email alice@example.com')
      for (const line of [
        'user add ALICE',
        'user add bob --email Alice@Example.com',
        'user add alice@example.com',
      ]) {
        const { code, err } = await cli(`${line} --json`)
        expect(code, line).to.equal(1)
        expect(JSON.parse(err)).to.have.nested.property('error.code', 'taken')
      }
    })

    it('R20 disable ends everything live, again and again, and enable lets sign in anew', async () => {
      await cli('user add alice --password-stdin', GOOD)
      const epochOf = async (): Promise<number> =>
        (await cli('user show alice --json')).json<{ mfa: { epoch: number } }>().mfa.epoch
      const before = await epochOf()
      expect((await cli('user disable alice --json')).json()).to.include({ disabled: true })
      const after = await epochOf()
      expect(after).to.be.greaterThan(before)
      expect((await cli('user enable alice --json')).json()).to.include({ disabled: false })
      expect(await epochOf()).to.be.at.least(after)
    })

    it('R20 sessions lists where a person is signed in, and end-sessions ends one or all', async () => {
      await cli('user add alice --password-stdin', GOOD)
      await cli('user add bob --password-stdin', GOOD)
      const { id: sub } = (await cli('user show alice --json')).json<{ id: string }>()
      const foundation = await layFoundation(loadConfig(environment))
      const sessions = foundation.storage.hostRecords('Session')
      const now = foundation.clock.now()
      for (const uid of ['u1', 'u2', 'u3']) {
        const seen = { accountId: sub, firstAt: now, lastAt: now, network: '203.0.113.0/24' }
        const session = { accountId: sub, uid, jti: uid, mfaEpoch: 1, mfaSeen: seen }
        await sessions.upsert(uid, { ...session, exp: now + 60 }, 60)
      }
      await foundation.storage.close()

      const listed = (await cli('user sessions alice --json')).json<{ id: string }[]>()
      expect(listed).to.have.length(3)
      expect(listed[0]).to.deep.include({ network: '203.0.113.0/24', browser: null, clients: [] })
      expect((await cli('user sessions alice')).out).to.contain(listed[0]?.id)
      const end = (line: string) => cli(`user end-sessions ${line} --json`)
      const hers = `--session ${listed[0]?.id}`
      expect(JSON.parse((await end(`bob ${hers}`)).err)).to.have.nested.property(
        'error.code',
        'session-unknown',
      )
      expect((await end('bob')).json()).to.deep.equal({ ended: 0 })
      expect((await end(`alice ${hers}`)).json()).to.deep.equal({ ended: 1 })
      expect((await end('alice')).json()).to.deep.equal({ ended: 2 })
      expect((await cli('user sessions alice --json')).json()).to.deep.equal([])
      expect((await cli('audit --type session-ended')).out).to.contain('administrator')
    })

    it('R36 link invites anew, and leaves password, factors and sessions until it is used', async () => {
      await cli('user add alice')
      await cli('user add bob --password-stdin', GOOD)
      for (const [name, days] of [
        ['alice', 3],
        ['bob', 1],
      ] as const) {
        const before = (await cli(`user show ${name} --json`)).json()
        const { set_up_link: link, expires_at: until } = (
          await cli(`user link ${name} --json`)
        ).json<{ set_up_link: string; expires_at: number }>()
        expect(link).to.match(/\/set-up\/[\w-]{43}$/)
        expect(Math.round((until - Date.now() / 1000) / 86_400)).to.equal(days)
        expect((await cli(`user show ${name} --json`)).json()).to.deep.equal(before)
      }
      expect(await cli('user link nobody')).to.include({ code: 1 })
    })

    it('R36 reset-mfa prints a link and leaves a trace', async () => {
      await cli('user add alice --password-stdin', GOOD)
      const { code, out } = await cli('user reset-mfa alice')
      expect(code).to.equal(0)
      expect(out).to.match(/\/set-up\/[\w-]{43}\n/)
      const types = (await cli('audit --user alice --json'))
        .json<Trail>()
        .entries.map(({ type }) => type)
      expect(types).to.include.members(['user-added', 'reset', 'set-up-link-made'])
    })

    it('R10 R36 reset-mfa keeps the password, and takes it away when asked', async () => {
      await cli('user add bob --password-stdin', GOOD)
      const kept = await cli('user reset-mfa bob --json')
      expect(kept.json()).to.include({ password: 'set' })
      expect((await cli('user reset-mfa bob --password --json')).json()).to.include({
        password: 'none',
      })
      const unknown = await cli('user reset-mfa bob --factor totp --json')
      expect(unknown.code).to.equal(1)
      expect(JSON.parse(unknown.err)).to.have.nested.property('error.code', 'factor-unknown')
    })

    it('R10 R36 reset-mfa voids every earlier link', async () => {
      const invited = (await cli('user add alice --json')).json<{ set_up_link: string }>()
      const reset = (await cli('user reset-mfa alice --json')).json<{ set_up_link: string }>()
      expect(reset).to.include({ password: 'none' })
      const tokenOf = (url: string): string => url.slice(-43)
      const foundation = await layFoundation(loadConfig(environment))
      const links = setUpLinksOf(foundation, serverMfa(foundation))
      const seen = [invited, reset].map(({ set_up_link: url }) => links.look(tokenOf(url)))
      const [before, after] = await Promise.all(seen)
      await foundation.storage.close()
      expect(before).to.equal(undefined)
      expect(after).to.include({ username: 'alice' })
    })

    it('does nothing to nobody', async () => {
      for (const name of ['show', 'disable', 'enable', 'reset-mfa']) {
        const { code, err } = await cli(`user ${name} nobody --json`)
        expect(code).to.equal(1)
        expect(JSON.parse(err)).to.have.nested.property('error.code', 'user-unknown')
      }
    })
  })

  describe('client', () => {
    it('add makes the secret and prints it this once', async () => {
      const line =
        'client add app --redirect-uri https://app.example/cb --name App --first-party --json'
      const [added] = (await cli(line)).json<JsonObject[]>()
      expect(added).to.include({ client_id: 'app', result: 'added' })
      expect(added?.['client_secret']).to.match(/^[\w-]{43}$/)
      expect((await cli('client list --json')).out).not.to.contain(added?.['client_secret'])
      expect((await cli(line)).code).to.equal(1)
    })

    it('says where a code would cross the network readable', async () => {
      const line =
        'client add dev --redirect-uri http://app.example:81/cb --redirect-uri http://localhost:1/cb'
      const { code, err } = await cli(`${line} --redirect-uri https://app.example/cb`)
      expect([code, err]).to.deep.equal([
        0,
        'dev: http://app.example:81 is not encrypted: codes cross the network readable\n',
      ])
      const uris = ['http://127.0.0.1.evil.example/', 'http://127.0.0.1.evil.example/\u009b2J']
      const apps = file('apps.json', [{ ...APP, client_id: 'x', redirect_uris: uris }])
      expect(JSON.parse((await cli(`client apply ${apps} --json`)).err)).to.deep.equal({
        client_id: 'x',
        field: 'redirect_uris',
        warning: 'not-encrypted',
        origin: 'http://127.0.0.1.evil.example',
      })
    })

    it('R31 says nothing of a password in an address', async () => {
      const { err } = await cli('client add dev --redirect-uri http://me:hunter2@app.example/cb')
      expect(err).to.equal(
        'dev: http://app.example is not encrypted: codes cross the network readable\n',
      )
    })

    it('add takes public apps, which get no secret', async () => {
      const line =
        'client add spa --public --redirect-uri https://spa.example/cb --redirect-uri https://spa.example/two --json'
      expect((await cli(line)).json()).to.deep.equal([{ client_id: 'spa', result: 'added' }])
      expect((await cli('client list --json')).json<JsonObject[]>()[0]).to.deep.include({
        redirect_uris: ['https://spa.example/cb', 'https://spa.example/two'],
        source: 'storage',
      })
      expect(
        (await cli('client add s --public --no-pkce --redirect-uri https://s.example/')).code,
      ).to.equal(2)
    })

    it('add takes every member of client metadata, as JSON or as text', async () => {
      const jwks = `{"keys":[{"kty":"EC","crv":"P-256","x":"${'A'.repeat(43)}","y":"${'A'.repeat(
        43,
      )}"}]}`
      const line = [
        'client add app --redirect-uri https://app.example/cb',
        `--set token_endpoint_auth_method=private_key_jwt --set jwks=${jwks}`,
        '--set policy_uri=https://app.example/privacy?a=b --set default_max_age=300',
        '--set contacts=["it@app.example"] --set dpop_bound_access_tokens=true',
        '--set backchannel_logout_session_required=true',
      ]
      const { code, err } = await cli(line.join(' '))
      expect(code, err).to.equal(0)
      const [app] = (await cli('client list --json')).json<JsonObject[]>()
      expect(app).to.deep.include({
        token_endpoint_auth_method: 'private_key_jwt',
        jwks: JSON.parse(jwks) as JsonObject,
        policy_uri: 'https://app.example/privacy?a=b',
        default_max_age: 300,
        contacts: ['it@app.example'],
        dpop_bound_access_tokens: true,
        backchannel_logout_session_required: true,
      })
    })

    it('add refuses a member that it has already, that is no member, or that is the secret', async () => {
      const line = 'client add app --redirect-uri https://app.example/cb --name App --set'
      for (const given of ['client_name=Other', 'client_secret=hush', 'noValue', '=x'])
        expect((await cli(`${line} ${given}`)).code, given).to.equal(2)
      const { code, err } = await cli(`${line} default_max_age=soon --json`)
      expect(code).to.equal(1)
      expect(err).to.contain('default_max_age')
      const missing = await cli('client add app --json')
      expect(missing.code).to.equal(1)
      expect(missing.err).to.contain('redirect_uris')
      expect((await cli('client list --json')).json()).to.deep.equal([])
    })

    it('apply is idempotent, and all or nothing with each fault named', async () => {
      const path = file('clients.json', [APP])
      expect((await cli(`client apply ${path} --json`)).json<JsonObject[]>()[0]).to.include({
        client_id: 'app',
        result: 'added',
      })
      expect((await cli(`client apply ${path} --json`)).json()).to.deep.equal([
        { client_id: 'app', result: 'unchanged', changes: [], keeps: [] },
      ])
      const bad = file('bad.json', [
        { ...APP, client_name: 'New' },
        { client_id: 'bad', redirect_uris: ['x'], logo_uri: 'y' },
      ])
      const { code, err } = await cli(`client apply ${bad} --json`)
      expect(code).to.equal(1)
      const { error } = JSON.parse(err) as {
        error: { faults: { client: string; field: string }[] }
      }
      expect(error.faults.map(({ client, field }) => `${client} ${field}`)).to.have.members([
        'bad client_secret',
        'bad logo_uri',
        'bad redirect_uris',
      ])
      expect((await cli('client list')).out).not.to.contain('New')
    })

    it('leaves the clients of CLIENTS_FILE alone', async () => {
      environment = { ...environment, CLIENTS_FILE: file('file.json', [APP]) }
      expect((await cli('client list --json')).json<JsonObject[]>()[0]).to.include({
        source: 'file',
      })
      expect((await cli('client remove app')).code).to.equal(1)
      expect((await cli(`client apply ${file('again.json', [APP])}`)).err).to.match(/CLIENTS_FILE/)
    })

    it('remove removes', async () => {
      await cli(`client apply ${file('clients.json', [APP])}`)
      expect((await cli('client remove app')).code).to.equal(0)
      expect((await cli('client remove app')).code).to.equal(1)
    })

    it('R31 says nothing of what is in a file that it cannot read', async () => {
      for (const content of ['[{"client_secret": hush', '{"client_secret": "hush"}']) {
        const { code, out, err } = await cli(`client apply ${file('x.json', content)}`)
        expect(code).to.equal(1)
        expect(out + err).not.to.contain('hush')
      }
      expect((await cli(`client apply ${join(folder, 'gone.json')}`)).code).to.equal(1)
    })
  })

  describe('keys', () => {
    interface Listed {
      signing: ({ kid: string; algorithm: string; state: string } & Record<string, unknown>)[]
      encryption: { id: string; state: string }[]
    }
    const list = async (): Promise<Listed> => (await cli('keys list --json')).json<Listed>()
    const putInFront = (): void => {
      const added = randomBytes(32).toString('base64')
      environment = {
        ...environment,
        ENCRYPTION_KEYS: `${added},${environment['ENCRYPTION_KEYS']}`,
      }
    }

    it('add makes a signing key that signs at once', async () => {
      const made = (await cli('keys add --algorithm ES256 --json')).json()
      expect(made).to.include({ algorithm: 'ES256' })
      expect(made['kid']).to.be.a('string')
      expect((await cli('doctor')).out).to.contain(made['kid'])
      const { signing } = await list()
      const states = signing.filter(({ algorithm }) => algorithm === 'ES256')
      expect(states.map(({ state }) => state)).to.deep.equal(['signs', 'published'])
      expect(states[1]).to.include.keys('until')
    })

    it('rotate signing makes keys that are published first, and list shows since when', async () => {
      const [made] = (await cli('keys rotate signing --algorithm RS256 --overlap 2 --json')).json<
        { kid: string; result: string; signs_from: number }[]
      >()
      expect(made).to.include({ result: 'made' })
      const next = (await list()).signing.find(({ kid }) => kid === made?.kid)
      expect(next).to.include({ state: 'next', signs_from: made?.signs_from })
      expect((await cli('doctor')).out).to.contain(`${made?.kid} (does not sign yet)`)
      expect(Number(next?.['signs_from']) - Number(next?.['added_at'])).to.equal(2 * 3600)
      const shown = await cli('keys list')
      expect(shown.out).to.match(new RegExp(`${String(made?.kid)} +RS256 +next`))

      const all = await cli('keys rotate signing')
      expect(all.out)
        .to.match(/RS256: .* waits already/)
        .and.to.match(/ES256: .* was made/)
      expect((await list()).signing).to.have.length(6)
    })

    it('add, rotate signing and list know that the keys may be in a file', async () => {
      const jwks = await Promise.all([makeSigningKey('RS256')])
      environment = { ...environment, JWKS_FILE: file('jwks.json', { keys: jwks }) }
      for (const line of ['keys add', 'keys rotate signing']) {
        const { code, err } = await cli(`${line} --json`)
        expect(code, line).to.equal(1)
        expect(JSON.parse(err)).to.have.nested.property('error.code', 'keys-read-only')
      }
      expect((await list()).signing).to.equal(null)
    })

    it('rotate signing refuses an overlap that is none', async () => {
      for (const overlap of ['0', '1.5', '721', 'x']) {
        const { code, err } = await cli(`keys rotate signing --json --overlap ${overlap}`)
        expect(code, overlap).to.equal(1)
        expect(JSON.parse(err)).to.have.nested.property('error.code', 'overlap')
      }
      expect((await list()).signing).to.have.length(3)
    })

    it('R35 rotate encryption retires the old key, and a start without it succeeds', async () => {
      const secret = 'a secret in a file that nobody else reads'
      await cli(`client apply ${file('app.json', [APP])}`)
      putInFront()
      const dry = (await cli('keys rotate encryption --dry-run --json')).json()
      expect(dry).to.deep.include({ dry_run: true, resealed: 0, faults: [] })
      expect((await cli('doctor --json')).out).to.contain('keys rotate encryption')
      expect((await list()).encryption.map(({ state }) => state)).to.deep.equal([
        'newest',
        'in-use',
      ])

      const { code, out, err } = await cli('keys rotate encryption')
      expect({ code, err }).to.deep.equal({ code: 0, err: '' })
      expect(out).to.match(/ retired {2}0 values/)
      expect(out + err).not.to.contain(secret)
      expect((await list()).encryption.map(({ state }) => state)).to.deep.equal([
        'newest',
        'unused',
      ])
      expect((await cli('doctor')).out).to.contain('can be taken out')
      const [newest = ''] = (environment['ENCRYPTION_KEYS'] ?? '').split(',')
      environment = { ...environment, ENCRYPTION_KEYS: newest }
      expect((await cli('doctor')).code).to.equal(0)
    })

    it('R35 rotate encryption names what does not open, and answers 1', async () => {
      const { storage } = await layFoundation(loadConfig(environment))
      await storage.records.save('broken', { schema: 1 }, 0)
      await storage.close()
      putInFront()
      const plain = await cli('keys rotate encryption')
      expect(plain.code).to.equal(1)
      expect(plain.out).to.contain('account broken: record-unreadable')

      const { code, json } = await cli('keys rotate encryption --json')
      expect(code).to.equal(1)
      expect(json()['more_faults']).to.equal(false)
      expect(json()['faults']).to.deep.equal([
        { where: 'account', id: 'broken', code: 'record-unreadable' },
      ])
    })
  })

  it('audit shows the newest first, of one type and so many', async () => {
    await cli('user add alice')
    await cli('user add bob')
    const all = (await cli('audit --json')).json<Trail>().entries
    expect(all.map(({ type }) => type).sort()).to.deep.equal([
      'set-up-link-made',
      'set-up-link-made',
      'user-added',
      'user-added',
    ])
    const one = (await cli('audit --type user-added --limit 1 --json')).json<Trail>()
    expect(one.entries).to.have.length(1)
    expect((await cli('audit --limit 0')).code).to.equal(1)
    const unknown = await cli('audit --type user-add')
    expect(unknown.code).to.equal(1)
    expect(unknown.err).to.contain('user-added').and.to.contain('factor-accepted')
    expect((await cli('audit --type user-added')).out).to.match(
      / user-added +bob\b[^]* user-added +alice\b/,
    )
  })

  it('R31 prints nothing that steers a terminal, turns text around or forges a line', async () => {
    const name = 'a\u202Eb'
    expect((await cli(`user add ${name} --group \u009b2J`)).err).to.contain('group')
    await cli(`user add ${name}`)
    const app = { ...APP, client_name: 'x\u009b2J\nforged  forged' }
    expect((await cli(`client apply ${file('apps.json', [app])}`)).code).to.equal(0)
    const { storage } = await layFoundation(loadConfig(environment))
    const detail = { userAgent: '\u009b31mroot reason=none', ip: '192.0.2.1' }
    await storage.audit.add([{ id: 'x', at: 1, type: 'password-refused', detail }])
    await storage.close()
    for (const line of ['user list', `user show ${name}`, 'client list', 'audit', `x${name}`])
      for (const json of ['', ' --json']) {
        const { out, err } = await cli(line + json)
        expect(out + err, line).to.not.match(/(?!\n)[\p{Cc}\u202E]/u)
        expect(out + err, line).to.match(/\\u(?:202e|009b)/)
      }
    expect((await cli('client list')).out.trimEnd().split('\n')).to.have.length(2)
    expect((await cli('audit --type password-refused')).out).to.contain(
      String.raw`userAgent="\u009b31mroot reason=none" ip=192.0.2.1`,
    )
    const [shown] = (await cli('user list --json')).json<{ users: JsonObject[] }>().users
    expect(shown).to.include({ username: name })
  })

  it('migrate makes an empty database and says when there is nothing to do', async () => {
    const first = (await cli('migrate --json')).json<{ from: number; to: number }>()
    expect(first.from).to.equal(0)
    expect(first.to).to.be.greaterThan(0)
    expect((await cli('migrate --json')).json()).to.deep.equal({ ...first, from: first.to })
  })

  it('doctor counts the mails that wait', async () => {
    const foundation = await layFoundation(loadConfig(environment))
    const letter = { accountId: 'mira', template: 'locked', values: {}, languages: '' }
    await foundation.letters.put([
      { ...letter, about: 'e1', to: 'mira@example.com' },
      { ...letter, about: 'e1', to: 'second@example.com' },
    ])
    await foundation.storage.close()
    const findings = (await cli('doctor --json')).json<{ check: string; detail: string }[]>()
    expect(findings.find(({ check }) => check === 'outbox')).to.deep.equal({
      check: 'outbox',
      result: 'ok',
      detail: 'mails that wait to be sent: 2',
    })
  })

  it('doctor says what is well, what is not fit for production, and what has failed', async () => {
    const well = await cli('doctor --json')
    expect(well.code).to.equal(0)
    const findings = well.json<{ check: string; result: string }[]>()
    expect(findings).to.deep.include.members([
      { check: 'storage', result: 'ok', detail: '' },
      { check: 'clients', result: 'ok', detail: '0' },
    ])
    expect(findings.find(({ check }) => check === 'SMTP_URL')).to.include({ result: 'warning' })
    environment = {
      ...environment,
      SMTP_URL: 'smtp://127.0.0.1:1',
      CLIENTS_FILE: file('c.json', [{ client_id: 'x' }]),
    }
    const ill = await cli('doctor --json')
    expect(ill.code).to.equal(1)
    const failed = ill
      .json<{ check: string; result: string; detail: string }[]>()
      .filter(({ result }) => result === 'failed')
    expect(failed.map(({ check }) => check)).to.have.members(['clients', 'mail'])
    expect(failed.find(({ check }) => check === 'mail')?.detail).to.equal(
      'The mail server 127.0.0.1:1 does not take mail (ECONNREFUSED).',
    )
    environment = { ...environment, PORT: 'x' }
    expect(await cli('doctor')).to.deep.include({ code: 1 })
  })
})
