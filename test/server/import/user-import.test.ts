import { hash as bcryptHash } from '@node-rs/bcrypt'
import { createHash, randomBytes } from 'node:crypto'
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { openSqliteStorage } from '../../../src/adapters/sqlite/index.ts'
import { hashKinds } from '../../../src/server/accounts/hash-kinds.ts'
import { importPeople, type ImportServices } from '../../../src/server/import/people.ts'
import { findByName } from '../../../src/server/accounts/people.ts'
import { HttpClient, type Page } from '../../support/http-client.ts'
import { optionsOf } from '../../support/passkey-options.ts'
import { exported, registered } from '../../factors/passkey/person.ts'
import { SoftAuthenticator } from '../../support/authenticator.ts'
import { totpCode } from '../../support/totp.ts'
import { atTheApp, type TestServer } from '../support.ts'
import { setInstallation } from '../installation.ts'

/** The answer of `user list --json` where there is nobody. */
const NOBODY = { users: [], next: null }
const SECRET = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP'
const SHORT = 'JBSWY3DPEHPK3PXP'
const PASSWORD = 'the password of before'
const CODES = ['abcd-efgh-1234-5678', 'ijkl-mnop-9012-3456']
const sha256 = (code: string): string => createHash('sha256').update(code).digest('hex')

interface Summary {
  readonly imported: number
  readonly unchanged: number
  readonly bad: number
  readonly warnings: Readonly<Record<string, number>>
  readonly warning_examples: Readonly<Record<string, readonly number[]>>
  readonly faults: Readonly<Record<string, number>>
  readonly ignored_fields: readonly string[]
  readonly ignored_others: number
  readonly bad_lines: readonly { line: number; faults: { field: string; code: string }[] }[]
  readonly renew_by?: number
}

describe('user import', () => {
  const installation = setInstallation()
  const { cli, serving } = installation
  let bcrypt: string

  before(async () => {
    bcrypt = await bcryptHash(PASSWORD, 4)
  })

  const file = (name: string, content: string): string => {
    writeFileSync(join(installation.folder, name), content)
    return join(installation.folder, name)
  }
  const jsonl = (...people: object[]): string =>
    file('people.jsonl', people.map((person) => JSON.stringify(person)).join('\n'))
  const importing = async (
    ...argv: string[]
  ): Promise<{ code: number; err: string; sum: Summary }> => {
    const { code, out, err } = await cli('user', 'import', ...argv, '--json')
    return { code, err, sum: JSON.parse(out) as Summary }
  }
  const statusOf = async (name: string) =>
    JSON.parse((await cli('user', 'show', name, '--json')).out) as {
      email_verified?: boolean
      addresses: { address: string; verified_at: number }[]
      groups: string[]
      password: string
      mfa: {
        enrolled: boolean
        factors: { factor: string; remaining?: number; renew_by?: number }[]
      }
    }
  const withPassword = async (
    server: TestServer,
    username: string,
  ): Promise<[HttpClient, Page]> => {
    const browser = new HttpClient()
    const page = await browser.visit(server.authorize())
    const next = await browser.submit(page, { username, password: PASSWORD })
    return [browser, await browser.follow(next, atTheApp)]
  }

  it('brings password, authenticator and backup codes along, and all of them sign in', async () => {
    const ada = {
      username: 'ada',
      email: 'ada@example.com',
      passwordHash: bcrypt,
      groups: ['staff'],
      verifiedAddresses: ['ada@work.example'],
      totp: [{ secret: SECRET, algorithm: 'SHA1', digits: 6, period: 30, name: 'phone' }],
      backupCodes: CODES,
    }
    const { code, sum } = await importing(jsonl(ada))
    expect({ code, ...sum }).to.deep.include({ code: 0, imported: 1, bad: 0, warnings: {} })
    const shown = await statusOf('ada')
    expect(shown).to.deep.include({ groups: ['staff'], email_verified: true })
    expect(shown.addresses.map(({ address }) => address)).to.deep.equal(['ada@work.example'])
    expect((await cli('user', 'show', 'ada')).out).to.contain('ada@work.example, verified 20')

    const server = await serving()
    server.clock.ahead = 60
    const [browser, page] = await withPassword(server, 'ada')
    expect(page.name).to.equal('totp-verify')
    const answer = await browser.submit(page, {
      code: totpCode({ secret: SECRET }, server.clock.now()),
    })
    const consent = await browser.follow(answer, atTheApp)
    expect(consent.name).to.equal('consent')

    const [other, verify] = await withPassword(server, 'ada')
    const choose = await other.visit(verify.link('[data-other-way]'))
    const form = await other.follow(
      await other.submit(choose, { factor: 'imported-codes' }),
      atTheApp,
    )
    expect(form.name).to.equal('imported-codes-verify')
    expect((await other.submit(form, { backupCode: 'nonsense-0000' })).status).to.equal(422)
    const low = await other.follow(
      await other.submit(form, { backupCode: 'ABCD EFGH 1234 5678' }),
      atTheApp,
    )
    expect(low.name).to.equal('backup-codes-low')
  })

  it('R8 codes of which only a fast hash was left sign in, once each', async () => {
    const ada = { username: 'ada', passwordHash: bcrypt, totp: SECRET }
    await importing(jsonl({ ...ada, backup_codes: CODES.map(sha256).join('\n') }))
    const server = await serving()
    for (const [typed, status] of [
      ['ijkl-mnop-9012-3456', 303],
      ['ijkl-mnop-9012-3456', 422],
      [sha256(CODES[0] ?? ''), 422],
    ] as const) {
      const [browser, verify] = await withPassword(server, 'ada')
      const choose = await browser.visit(verify.link('[data-other-way]'))
      const form = await browser.follow(
        await browser.submit(choose, { factor: 'imported-codes' }),
        atTheApp,
      )
      expect((await browser.submit(form, { backupCode: typed })).status).to.equal(status)
    }
  })

  it('reads CSV, with the columns that home-made tables have', async () => {
    const content = [
      'login,email,password_hash,two_factor_enabled,two_factor_secret,backup_codes,created_at',
      `bob,bob@example.com,${bcrypt},t,${SECRET},"[""${sha256('aaaa-1111')}"", ""${sha256('bbbb-2222')}""]",2020`,
      `cyd,cyd@example.com,${bcrypt},f,${SECRET},,2020`,
      `"d,an",dan@example.com,${bcrypt},t,,,2020`,
    ].join('\n')
    const { code, sum } = await importing(file('people.csv', content))
    expect({ code, ...sum }).to.deep.include({
      code: 0,
      imported: 3,
      bad: 0,
      ignored_fields: ['created_at'],
      warnings: { 'codes-weak': 1, 'not-enabled': 1, 'must-enrol': 1, 'no-way-in': 2 },
    })
    expect((await statusOf('bob')).mfa.factors.map(({ remaining }) => remaining)).to.deep.equal([
      undefined,
      2,
    ])
    const dan = await cli('user', 'show', 'd,an')
    expect(dan.out).to.contain('no second factor\nit was on where they come from: the next sign-in')
    const bob = await cli('user', 'show', 'bob')
    expect(bob.out).to.match(/^imported-codes: added .*, weak: ends .*, last used never, 2 left$/m)
    for (const name of ['cyd', 'd,an']) expect((await statusOf(name)).mfa.enrolled).to.equal(false)
  })

  it('reads a table of a spreadsheet, with semicolons, capitals and words for nothing', async () => {
    const csv = file(
      'people.csv',
      `User Name;E-Mail;Password_Hash;Two Factor Enabled;TwoFactorSecret;Backup Codes\r\n` +
        `ada;NULL;${bcrypt};1;${SECRET};"${CODES.join(',')}"\r\n` +
        `bob;bob@example.com;\\N;NULL;undefined;null\r\n` +
        `cleo;cleo@example.com;${bcrypt};1;undefined;NULL\r\n`,
    )
    const { sum, err } = await importing(csv)
    expect(sum, err).to.include({ imported: 3, bad: 0 })
    expect(sum.ignored_fields).to.deep.equal([])
    const factors = async (name: string) =>
      (await statusOf(name)).mfa.factors.map(({ factor }) => factor)
    expect(await factors('ada')).to.deep.equal(['totp', 'imported-codes'])
    // The word `undefined` is valid base32, but here it stands for an empty field.
    for (const name of ['bob', 'cleo']) expect(await factors(name)).to.deep.equal([])
    expect(sum.warnings).to.include({ 'no-password': 1, 'must-enrol': 1 })
  })

  it('refuses a line that is not UTF-8 and a record that is too long, and imports the others', async () => {
    const long = `"${'x'.repeat(300_000)}\nadmin,admin@example.com\n"`
    const csv = join(installation.folder, 'people.csv')
    writeFileSync(
      csv,
      Buffer.from(`username,groups\nzo\u00eb,a\nada,a\nbob,${long}\ncleo,a\n`, 'latin1'),
    )
    const { code, err, sum } = await importing(csv)
    expect({ code, imported: sum.imported, bad: sum.bad }).to.deep.equal({
      code: 1,
      imported: 2,
      bad: 2,
    })
    expect(sum.bad_lines).to.deep.equal([
      { line: 2, faults: [{ field: 'line', code: 'line-encoding' }] },
      { line: 4, to: 6, faults: [{ field: 'line', code: 'line-too-long' }] },
    ])
    expect(err).not.to.contain('admin')
    const words = await cli('user', 'import', csv)
    expect(words.err).to.contain('line 2: line line-encoding (not UTF-8)')
    expect(words.err).to.contain('lines 4 to 6: line line-too-long')
  })

  it('R31 says nothing of a first person who stands where the header should', async () => {
    const content = [`alice,alice@example.com,${bcrypt},${SECRET}`, `bob,b@example.com,x,${SECRET}`]
    const people = file('people.csv', content.join('\n'))
    for (const more of [[], ['--json'], ['--dry-run']]) {
      const { code, out, err } = await cli('user', 'import', people, ...more)
      expect(code).to.equal(1)
      expect(err).to.match(/header|begins with the names/)
      for (const value of ['alice', bcrypt, SECRET]) expect(out + err).not.to.contain(value)
    }
    expect(JSON.parse((await cli('user', 'list', '--json')).out)).to.deep.equal(NOBODY)
  })

  it('R10 reads no column twice: the second would take away what the first has', async () => {
    for (const [columns, cells] of [
      ['username,otpauth_url,otpauth_url', `ada,${SECRET},`],
      ['username,two_factor_secret, two_factor_secret', `ada,${SECRET},`],
      ['username,username', 'ada,bob'],
    ]) {
      const { code, err } = await cli(
        'user',
        'import',
        file('people.csv', `${columns}\n${cells}\n`),
        '--json',
      )
      expect([code, JSON.parse(err).error.code], columns).to.deep.equal([1, 'header'])
    }
    expect(JSON.parse((await cli('user', 'list', '--json')).out)).to.deep.equal(NOBODY)
    const notes = file('notes.csv', `username,totp,note,note\nada,${SECRET},a,b\n`)
    expect((await importing(notes, '--dry-run')).sum).to.include({ imported: 1, bad: 0 })
  })

  it('R31 tells of fields that are not known by name only where they look like one', async () => {
    const people = jsonl({ username: 'ada', created_at: 1, [SECRET]: 1, [bcrypt]: 1, 'a-b-1': 1 })
    const { sum } = await importing(people, '--dry-run')
    expect(sum).to.deep.include({ ignored_fields: ['created_at'], ignored_others: 3 })
    const { out } = await cli('user', 'import', people)
    expect(out).to.contain('not known: created_at').and.to.contain('look like no name: 3')
    for (const value of [SECRET, bcrypt, 'a-b-1']) expect(out).not.to.contain(value)
  })

  it('R10 lets nobody set up a first factor with an imported password alone', async () => {
    await importing(
      jsonl(
        { username: 'ada', passwordHash: bcrypt, two_factor_enabled: true },
        { username: 'bob', passwordHash: bcrypt },
      ),
    )
    const server = await serving()
    for (const name of ['ada', 'bob']) {
      const [, page] = await withPassword(server, name)
      expect(page.name).not.to.equal('totp-enrol')
      expect(page.body).not.to.contain('totp')
      expect(page.location).to.equal(undefined)
    }
  })

  it('brings passkeys along, which sign in; a bad one makes its line bad', async () => {
    const device = new SoftAuthenticator({ counter: 3 })
    const passkey = exported(await registered(device))
    const other = exported(await registered(new SoftAuthenticator()))
    const path = jsonl(
      { username: 'ada', passwordHash: bcrypt, passkeys: [{ ...passkey, name: 'Blue key' }] },
      { username: 'bob', passwordHash: bcrypt, passkeys: [{ ...other, counter: 'many' }] },
    )
    const { code, sum } = await importing(path)
    expect([code, sum.imported, sum.bad, sum.ignored_fields]).to.deep.equal([1, 1, 1, []])
    expect(sum.bad_lines).to.deep.equal([
      { line: 2, faults: [{ field: 'passkeys[0].counter', code: 'authenticator-unfit' }] },
    ])
    // The first line is there by now, so a later file cannot have its passkey for somebody else.
    const again = await importing(jsonl({ username: 'cleo', passkeys: [passkey] }))
    expect(again.sum.faults).to.deep.equal({ 'authenticator-taken': 1 })
    const server = await serving()
    const [browser, page] = await withPassword(server, 'ada')
    expect(page.name).to.equal('passkey-verify')
    const credential = device.get(optionsOf(page), { origin: server.issuer })
    const answer = await browser.submit(page, { credential })
    expect((await browser.follow(answer, atTheApp)).name).to.equal('consent')
  })

  it('takes no passkeys where the server has them off, and says so at the line', async () => {
    const settings = file('settings.json', JSON.stringify({ passkeys: { enabled: false } }))
    installation.environment = { ...installation.environment, CONFIG_FILE: settings }
    const passkey = exported(await registered(new SoftAuthenticator()))
    const { sum } = await importing(
      jsonl({ username: 'ada', passkeys: [passkey] }, { username: 'bob', passkeys: [] }),
    )
    expect(sum.imported).to.equal(1)
    expect(sum.bad_lines).to.deep.equal([
      { line: 1, faults: [{ field: 'passkeys', code: 'factor-not-offered' }] },
    ])
  })

  it('reports each bad line by number and cause, and imports the rest', async () => {
    const lines = [
      JSON.stringify({ username: 'ada', passwordHash: bcrypt, totp: SECRET }),
      '{"username":',
      JSON.stringify({ username: 'bob', passwordHash: '$1$secret$hash' }),
      JSON.stringify({ username: 'cyd', totp: [{ secret: 'not base32!' }] }),
      JSON.stringify({ username: 'ADA', email: 'other@example.com' }),
      JSON.stringify({ username: 'dan', email: 'ada', two_factor_enabled: 'perhaps' }),
      JSON.stringify({ username: 'eve', passwordHash: bcrypt, totp: SECRET }),
    ]
    const { code, err, sum } = await importing(file('people.jsonl', lines.join('\n')))
    expect(code).to.equal(1)
    expect(sum).to.include({ imported: 2, bad: 5 })
    const causes = Object.fromEntries(
      sum.bad_lines.map(({ line, faults }) => [line, faults.map(({ code: cause }) => cause)]),
    )
    expect(causes).to.deep.equal({
      2: ['line-unreadable'],
      3: ['hash-unknown'],
      4: ['secret-unusable'],
      5: ['repeated'],
      6: ['email-unfit'],
    })
    for (const secret of [SECRET, 'not base32', '$1$', bcrypt]) expect(err).not.to.contain(secret)
    expect((await statusOf('eve')).mfa.enrolled).to.equal(true)
    const text = await cli('user', 'import', join(installation.folder, 'people.jsonl'))
    expect(text).to.include({ code: 1 })
    expect(text.err).to.contain('line 4: totp secret-unusable')
    expect(text.out).to.contain('7 read: 0 imported, 2 unchanged, 5 bad')
  })

  it('hashes the plain codes of all people, however short the queue of the server is', async () => {
    installation.environment['CONFIG_FILE'] = file(
      'c.json',
      JSON.stringify({
        passwords: { hashMemoryKib: 19_456, hashPasses: 2, hashingAtOnce: 2, hashingQueue: 1 },
      }),
    )
    const people = Array.from({ length: 5 }, (_, nth) => ({
      username: `person${nth}`,
      passwordHash: bcrypt,
      totp: SECRET,
      backupCodes: [...CODES, `${nth}${nth}${nth}${nth}-mnop-9012-7777`],
    }))
    const { code, sum } = await importing(jsonl(...people))
    expect({ code, ...sum }).to.deep.include({ code: 0, imported: 5, bad: 0 })
    for (const { username } of people) {
      const { factors } = (await statusOf(username)).mfa
      expect(factors.find(({ factor }) => factor === 'imported-codes')).to.include({ remaining: 3 })
    }
  })

  it('changes nothing the second time, not even what the file has changed', async () => {
    await importing(
      jsonl({ username: 'ada', passwordHash: bcrypt, totp: SECRET, backupCodes: CODES }),
    )
    const before = await statusOf('ada')
    const { code, sum } = await importing(
      jsonl({ username: 'Ada', passwordHash: bcrypt, totp: SHORT, groups: ['admins'] }),
    )
    expect({ code, ...sum }).to.deep.include({ code: 0, imported: 0, unchanged: 1, bad: 0 })
    expect(await statusOf('ada')).to.deep.equal(before)
  })

  it('takes nobody\u2019s name or address away', async () => {
    await importing(
      jsonl(
        { username: 'ada', email: 'ada@example.com' },
        { username: 'bea', email: 'bea@example.com' },
      ),
    )
    const { sum } = await importing(
      jsonl(
        { username: 'ada@example.com' },
        { username: 'bob', email: 'BEA@example.com', totp: SECRET },
      ),
    )
    expect(sum.bad_lines.map(({ faults }) => faults[0])).to.have.deep.members([
      { field: 'username', code: 'taken' },
      { field: 'email', code: 'taken' },
    ])
  })

  it('R10 takes nobody’s factor away by a second line about them, whichever is quicker', async () => {
    const ada = { username: 'ada', email: 'ada@example.com', passwordHash: bcrypt }
    const people = [
      // The first line takes the longest time, because its backup codes are hashed.
      { ...ada, totp: SECRET, backupCodes: CODES },
      ada,
      { ...ada, username: 'other' },
      { ...ada, email: 'ADA@EXAMPLE.com', username: 'Ada' },
      { username: 'bob', passwordHash: '$1$secret$hash', totp: SECRET },
      { username: 'bob', passwordHash: bcrypt },
    ]
    const causes = { 2: 'repeated', 3: 'repeated', 4: 'repeated', 5: 'hash-unknown', 6: 'repeated' }
    for (const dryRun of [['--dry-run'], []]) {
      const { code, sum } = await importing(jsonl(...people), ...dryRun)
      expect({ code, ...sum }).to.include({ code: 1, imported: 1, unchanged: 0, bad: 5 })
      expect(
        Object.fromEntries(sum.bad_lines.map(({ line, faults }) => [line, faults[0]?.code])),
      ).to.deep.equal(causes)
    }
    expect((await statusOf('ada')).mfa.factors).to.have.length(2)
  })

  it('R10 sees the second line of a person also where a name is hard to read', async () => {
    const email = 'ada@example.com'
    const claims = { email }
    const padded = `${' '.repeat(700)}ada`
    for (const [first, second] of [
      [{ username: 1042, email }, { username: '1042' }],
      [{ username: padded }, { username: padded }],
      [{ username: '  ', login: 'ada' }, { username: 'ada' }],
      // The address is read although another claim is unfit, and also if the claims are JSON in a text.
      [{ claims: { ...claims, foo: 1 } }, { claims }],
      [{ username: 'ada', claims: JSON.stringify({ ...claims, foo: 1 }) }, { email }],
    ]) {
      const people = jsonl({ ...first, totp: SECRET }, { ...second, passwordHash: bcrypt })
      const { sum } = await importing(people, '--dry-run')
      const causes = sum.bad_lines.find(({ line }) => line === 2)?.faults
      expect(causes, JSON.stringify(second)).to.deep.equal([
        { field: 'username', code: 'repeated' },
      ])
    }
  })

  it('takes one address for several people where it is not verified', async () => {
    const people = ['ada', 'bob'].map((username) => ({ username, email: 'us@example.com' }))
    const { sum } = await importing(jsonl(...people), '--emails-unverified')
    expect(sum).to.include({ imported: 2, bad: 0 })
  })

  it('R10 says beforehand who has no factor and no way to set one up, once, with the count', async () => {
    const people = Array.from({ length: 300 }, (_, nth) => ({
      username: `person${nth}`,
      email: `person${nth}@example.com`,
      passwordHash: bcrypt,
      groups: nth === 0 ? ['staff'] : [],
    }))
    const factors = { username: 'ada', passwordHash: bcrypt, totp: SECRET }
    const link = { username: 'bob', email: 'bob@example.com' }
    const count = async (variables: object, mfa: object, ...more: string[]) => {
      const before = installation.environment
      installation.environment = {
        ...before,
        CONFIG_FILE: file('c.json', JSON.stringify({ mfa })),
        ...variables,
      }
      const options = ['--dry-run', ...more]
      const { sum, err } = await importing(jsonl(...people, factors, link), ...options)
      installation.environment = before
      expect(err.split('\n').filter((told) => told.includes('warnings'))).to.have.length.at.most(2)
      return sum.warnings['no-way-in']
    }
    const mail = { SMTP_URL: 'smtp://localhost:1', MAIL_FROM: 'a@example.com' }
    expect(await count({}, {})).to.equal(300)
    expect(await count({}, { required: 'optional' })).to.equal(undefined)
    expect(await count({}, { required: ['staff'] })).to.equal(1)
    expect(await count({}, { firstEnrolment: 'password' })).to.equal(undefined)
    expect(await count(mail, {})).to.equal(undefined)
    expect(await count(mail, { firstEnrolment: 'first-sign-in' })).to.equal(300)
    expect(await count(mail, {}, '--emails-unverified')).to.equal(300)
  })

  it('reads people from a pipe once, and knows no total', async () => {
    const pipe = join(installation.folder, 'people.jsonl')
    execFileSync('mkfifo', [pipe])
    const people = ['ada', 'bob', 'cleo'].map((username) => ({ username, totp: SECRET }))
    const lines = people.map((person) => `${JSON.stringify(person)}\n`).join('')
    const [{ code, sum, err }] = await Promise.all([importing(pipe), writeFile(pipe, lines)])
    expect({ code, ...sum }).to.deep.include({ code: 0, imported: 3, bad: 0 })
    expect(err).not.to.contain('total')
  })

  it('says each kind of warning and of fault once, with the count and the first lines', async () => {
    const people = Array.from({ length: 5 }, (_, nth) => ({
      username: `person${nth}`,
      ...(nth === 2 ? { passwordHash: bcrypt } : {}),
      totp: nth === 4 ? SECRET : SHORT,
    }))
    const bad = [
      { username: 'x', passwordHash: 'md5' },
      { username: 'y', passwordHash: 'md5' },
    ]
    const { code, err, sum } = await importing(jsonl(...people, ...bad), '--dry-run')
    expect(code).to.equal(1)
    const told = err
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { line: number; warnings?: string[]; faults?: object[] })
    const fault = { faults: [{ field: 'passwordHash', code: 'hash-unknown' }] }
    expect(told).to.have.deep.members([
      { line: 1, warnings: ['secret-weak', 'no-password'] },
      { line: 6, ...fault },
      { line: 7, ...fault },
    ])
    expect(sum).to.deep.include({
      warnings: { 'secret-weak': 4, 'no-password': 4 },
      warning_examples: { 'secret-weak': [1, 2, 3], 'no-password': [1, 2, 4] },
      faults: { 'hash-unknown': 2 },
    })
    const plain = await cli('user', 'import', jsonl(...people, ...bad), '--dry-run')
    expect(plain.out)
      .to.contain('  hash-unknown: 2\n')
      .and.to.contain('  secret-weak: 4 (lines 1, 2, 3, ...)\n')
    expect(plain.err).to.contain('line 1 and perhaps others: warning: secret-weak, no-password\n')
  })

  it('lists a thousand bad lines, and counts the others', async () => {
    const people = Array.from({ length: 1_200 }, (_, nth) => ({
      username: `person${nth}`,
      passwordHash: 'md5',
    }))
    const { err, sum } = await importing(jsonl(...people), '--dry-run')
    expect(sum).to.deep.include({ bad: 1_200, faults: { 'hash-unknown': 1_200 } })
    expect(sum.bad_lines).to.have.length(1_000)
    const told = err.split('\n').filter((line) => line.startsWith('{"line"'))
    expect(told).to.have.length(1_000)
    expect(err.split('{"more_bad_lines":true}\n')).to.have.length(2)
  })

  it('R7 R8 warns of what is weak, and says when it ends', async () => {
    const { err, sum } = await importing(
      jsonl({ username: 'ada', passwordHash: bcrypt, totp: SHORT, backupCodes: ['12345678'] }),
    )
    expect(sum.warnings).to.deep.equal({ 'secret-weak': 1, 'codes-weak': 1 })
    expect(err).to.contain('secret-weak')
    const month = 30 * 24 * 60 * 60
    expect(sum.renew_by).to.be.closeTo(Date.now() / 1000 + month, 100)
    const { factors } = (await statusOf('ada')).mfa
    expect(factors.map(({ renew_by }) => renew_by)).to.deep.equal([sum.renew_by, sum.renew_by])
    expect((await cli('user', 'show', 'ada')).out).to.match(/weak: ends 20\d\d-/)
  })

  it('R8 says that a weak backup code ends also where few are left', async () => {
    const backupCodes = ['abcd-1234', 'efgh-5678']
    await importing(jsonl({ username: 'ada', passwordHash: bcrypt, totp: SECRET, backupCodes }))
    const server = await serving()
    const [browser, page] = await withPassword(server, 'ada')
    const choose = await browser.visit(page.link('[data-other-way]'))
    const form = await browser.follow(await browser.submit(choose, { factor: 'imported-codes' }))
    const low = await browser.follow(await browser.submit(form, { backupCode: backupCodes[0]! }))
    expect(low.name).to.equal('backup-codes-low')
    const ends = await browser.follow(await browser.submit(low))
    expect(ends.name).to.equal('factor-ends')
    expect((await browser.follow(await browser.submit(ends), atTheApp)).name).to.equal('consent')
  })

  it('show says why somebody has to wait', async () => {
    await importing(jsonl({ username: 'ada', passwordHash: bcrypt, totp: SECRET }))
    const server = await serving()
    const [browser, verify] = await withPassword(server, 'ada')
    for (let nth = 0; nth < 5; nth += 1) await browser.submit(verify, { code: `00000${nth}` })
    expect((await cli('user', 'show', 'ada')).out).to.match(
      /^too many wrong codes: strangers wait until 20\d\d-/m,
    )
  })

  it('R7 says at each sign-in with what is weak that it ends, and afterwards why it has ended', async () => {
    await importing(jsonl({ username: 'ada', passwordHash: bcrypt, totp: SHORT }))
    const server = await serving()
    server.clock.ahead = 60
    const code = () => totpCode({ secret: SHORT }, server.clock.now())
    const [browser, page] = await withPassword(server, 'ada')
    const ends = await browser.follow(await browser.submit(page, { code: code() }), atTheApp)
    expect(ends.name).to.equal('factor-ends')
    expect(ends.text).to.match(/ends in .*(29|30) days/)
    const consent = await browser.follow(await browser.submit(ends), atTheApp)
    expect(consent.name).to.equal('consent')

    server.clock.ahead = 31 * 24 * 60 * 60
    const [, ended] = await withPassword(server, 'ada')
    expect({ name: ended.name, status: ended.status }).to.deep.equal({
      name: 'locked',
      status: 403,
    })
    expect(ended.text).to.contain('has ended')
  })

  it('--dry-run says the same and changes nothing', async () => {
    const people = jsonl(
      { username: 'ada', passwordHash: bcrypt, totp: SHORT, backupCodes: CODES },
      { username: 'bob', totp: 'x!' },
    )
    const dry = await importing(people, '--dry-run')
    expect(JSON.parse((await cli('user', 'list', '--json')).out)).to.deep.equal(NOBODY)
    expect((await cli('user', 'hashes')).out).not.to.contain('bcrypt')
    const { code, sum } = await importing(people)
    const { renew_by: _, ...same } = sum
    expect(dry.code).to.equal(code)
    expect(dry.sum).to.deep.include({ ...same, dry_run: true })
  })

  it('takes what a file does not say of itself from the options', async () => {
    const people = file(
      'people.txt',
      JSON.stringify({
        username: 'ada',
        email: 'ada@example.com',
        passwordHash: bcrypt,
        two_factor_secret: '3132333435363738393031323334353637383930',
        backup_codes: [sha256('AAAA1111')],
      }),
    )
    expect((await cli('user', 'import', people)).err).to.contain('--format')
    const { sum } = await importing(
      people,
      '--format',
      'jsonl',
      '--emails-unverified',
      '--secret-encoding',
      'hex',
      '--backup-code-form',
      'upper,compact',
    )
    expect(sum).to.include({ imported: 1 })
    expect(await statusOf('ada')).to.include({ email_verified: false })
    expect((await statusOf('ada')).mfa.factors).to.have.length(2)
    for (const none of ['', ' ', '[]', null]) {
      const people = jsonl({ username: 'bob', totp: SECRET, secret_encoding: none })
      const { sum } = await importing(people, '--secret-encoding', 'rot13', '--dry-run')
      expect(sum.bad_lines[0]?.faults, String(none)).to.deep.equal([
        { field: 'secretEncoding', code: 'secret-encoding-unknown' },
      ])
    }
    // A line that names its own encoding is imported, with either spelling of the field.
    for (const field of ['secretEncoding', 'secret_encoding']) {
      const people = jsonl({ username: 'bob', two_factor_secret: SECRET, [field]: 'base32' })
      const { sum } = await importing(people, '--secret-encoding', 'hex', '--dry-run')
      expect(sum, field).to.deep.include({ imported: 1, warnings: { 'no-password': 1 } })
    }
  })

  it('refuses a seventh kind of password hash, since each costs every sign-in', async () => {
    const people = await Promise.all(
      Array.from({ length: 7 }, async (_, nth) => ({
        username: `p${nth}`,
        passwordHash: `$pbkdf2-sha256$${nth + 1}$c2FsdHNhbHQ$${'A'.repeat(43)}`,
      })),
    )
    const dry = await importing(jsonl(...people), '--dry-run')
    const { sum } = await importing(jsonl(...people))
    for (const { imported, bad_lines } of [dry.sum, sum]) {
      expect(imported).to.equal(6)
      expect(bad_lines[0]?.faults[0]).to.deep.equal({
        field: 'passwordHash',
        code: 'too-many-hash-kinds',
      })
    }
  })

  it('says that a file cannot be read, and that a folder is none', async () => {
    for (const path of [join(installation.folder, 'nowhere.csv'), installation.folder]) {
      const { code, err } = await cli('user', 'import', path, '--format', 'csv', '--json')
      expect({ code, err: JSON.parse(err) as object }).to.deep.nested.include({
        code: 1,
        'err.error.code': 'file-unreadable',
      })
    }
  })

  describe('line by line', () => {
    let services: ImportServices
    let close: () => Promise<void>
    const options = { dryRun: true, emailsVerified: true, defaults: {}, atOnce: 3, codesAtOnce: 1 }

    beforeEach(() => {
      const storage = openSqliteStorage({ path: installation.path })
      const clock = { now: () => 1_800_000_000 }
      close = () => storage.close()
      services = {
        accounts: storage.accounts,
        clock,
        todaysKind: '',
        record: async () => undefined,
        hashKinds: hashKinds({ settings: storage.settings, clock }),
        random: { bytes: (length) => randomBytes(length) },
        mfa: mfaOf(async () => ({ outcome: 'imported', factors: [], warnings: [] })),
      }
    })
    afterEach(() => close())

    const mfaOf = (
      imports: ImportServices['mfa']['accounts']['import'],
    ): ImportServices['mfa'] => ({
      settled: async () => undefined,
      accounts: { import: imports } as ImportServices['mfa']['accounts'],
    })

    it('reads no further ahead than it works', async () => {
      let [pulled, answered, furthest] = [0, 0, 0]
      const lines = (async function* () {
        for (let line = 1; line <= 1_000; line += 1) {
          pulled += 1
          furthest = Math.max(furthest, pulled - answered)
          yield { line, fields: { username: `p${line}` } }
        }
      })()
      for await (const _ of importPeople(services, lines, options)) answered += 1
      expect(answered).to.equal(1_000)
      expect(furthest).to.be.at.most(3)
    })

    it('answers about each, also where two have one number', async () => {
      const lines = (async function* () {
        for (const username of ['a', 'b', 'c']) yield { line: 7, fields: { username } }
        yield { line: 7, fault: 'line-unreadable' as const }
      })()
      const outcomes: string[] = []
      for await (const { outcome } of importPeople(services, lines, options)) outcomes.push(outcome)
      expect(outcomes).to.have.members(['imported', 'imported', 'imported', 'bad'])
    })

    it('R32 ends with the error of a storage that is away, and with that alone', async () => {
      const away = mfaOf(() => Promise.reject(new Error('away')))
      const lines = (async function* () {
        for (let line = 1; line <= 9; line += 1) yield { line, fields: { username: `p${line}` } }
      })()
      const importing = importPeople({ ...services, mfa: away }, lines, options)
      expect(await importing.next().catch((error: Error) => error.message)).to.equal('away')
    })
  })

  it('leaves a trace', async () => {
    await importing(jsonl({ username: 'ada', passwordHash: bcrypt, totp: SECRET }))
    const storage = openSqliteStorage({ path: installation.path })
    const { account } = (await findByName(storage.accounts, 'ada')) ?? {}
    const entries = await storage.audit.list({ accountId: account?.id ?? '', limit: 10 })
    await storage.close()
    expect(account).to.include({ passwordOrigin: 'import' })
    expect(entries.map(({ type }) => type)).to.include.members(['user-imported', 'factor-imported'])
  })
})
