import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { expect } from 'chai'
import { systemClock } from '../../../src/adapters/crypto/index.ts'
import { Connection } from '../../../src/adapters/sqlite/connection.ts'
import { openSqliteStorage } from '../../../src/adapters/sqlite/index.ts'
import { newRecord } from '../../../src/domain/mfa-record.ts'
import { formatRecord } from '../../../src/application/record-format.ts'
import { hashKinds } from '../../../src/server/accounts/hash-kinds.ts'
import { commandLine, type CommandLine } from '../command-line.ts'

const PEOPLE = 350
const ENTRIES = 2_500
const PAGE = 100
const EXPORTED_AT_ONCE = 1_000

interface Answer {
  readonly sql: string
  readonly rows: number
}

describe('a command about many people', function () {
  this.timeout(60_000)
  const { all } = Connection.prototype
  let cli: CommandLine
  let answers: Answer[] = []

  before(async () => {
    cli = commandLine()
    const storage = openSqliteStorage({ path: join(cli.folder, 'server.sqlite') })
    for (let nth = 0; nth < PEOPLE; nth += 1) {
      const id = `id-${nth}`
      const username = `person-${nth}`
      await storage.accounts.insert(
        {
          id,
          username,
          emailVerified: false,
          groups: [],
          claims: {},
          createdAt: 1,
          updatedAt: 1,
          passwordOrigin: 'none',
        },
        { username },
      )
      await storage.records.save(id, formatRecord(newRecord(id)), 0, 'relaxed')
    }
    const entries = Array.from({ length: ENTRIES }, (_, at) => ({
      id: `entry-${at}`,
      at,
      type: 'user-imported',
      accountId: 'id-1',
      detail: {},
    }))
    await storage.audit.add(entries)
    // With an imported kind of password hash, the doctor counts the accounts that have it.
    await hashKinds({ settings: storage.settings, clock: systemClock }).note('bcrypt 10')
    await storage.close()
    // The rows of an answer are the part of the storage that a command has in memory.
    Connection.prototype.all = function <Row>(
      this: Connection,
      ...given: Parameters<typeof all>
    ): Row[] {
      const rows = all.apply(this, given) as Row[]
      answers.push({ sql: given[0], rows: rows.length })
      return rows
    }
  })
  after(() => {
    Connection.prototype.all = all
    cli.remove()
  })
  beforeEach(() => {
    answers = []
  })

  const expectInPages = async (
    line: string,
    table: string,
    least: number,
    page = PAGE,
  ): Promise<void> => {
    const { code, err } = await cli.run(line)
    expect(code, err).to.equal(0)
    const large = answers.filter(({ rows }) => rows > page)
    expect(large).to.deep.equal([])
    // It has gone through all of them all the same.
    const rows = answers
      .filter(({ sql }) => sql.includes(`FROM ${table}`))
      .reduce((sum, one) => sum + one.rows, 0)
    expect(rows).to.be.at.least(least)
  }
  const readsInPages = (line: string, table: string, least: number, page = PAGE): void => {
    it(`${line} reads ${page} rows at once, at most`, () => expectInPages(line, table, least, page))
  }

  readsInPages('user list', 'accounts', PAGE)
  readsInPages('user list --mfa weak', 'accounts', PEOPLE)
  readsInPages('user hashes', 'accounts', PEOPLE)
  readsInPages('doctor', 'accounts', PEOPLE)
  readsInPages('audit', 'audit', PAGE, PAGE + 1)
  readsInPages('audit export', 'audit', ENTRIES, EXPORTED_AT_ONCE + 1)
  readsInPages('keys rotate encryption --dry-run', 'mfa_records', PEOPLE)
  readsInPages('restore --dry-run', 'accounts', PEOPLE)
  readsInPages('restore --confirm', 'accounts', PEOPLE)

  it(`policy simulate reads ${PAGE} rows at once, at most`, async () => {
    const rules = cli.file('rules.json', [{ name: 'all', require: 'multi-factor' }])
    await expectInPages(`policy simulate ${rules} --allow-lockout`, 'accounts', PEOPLE)
  })

  it('keys rotate encryption seals all of them anew, 100 rows at once, at most', async () => {
    const { environment } = cli
    const before = environment['ENCRYPTION_KEYS'] ?? ''
    environment['ENCRYPTION_KEYS'] = `${randomBytes(32).toString('base64')},${before}`
    const { code, json } = await cli.run('keys rotate encryption --json')
    expect(code).to.equal(0)
    expect(json()).to.include({ records: PEOPLE })
    expect(answers.filter(({ rows }) => rows > PAGE)).to.deep.equal([])
  })
})
