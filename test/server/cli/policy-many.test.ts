import { join } from 'node:path'
import { expect } from 'chai'
import { openSqliteStorage } from '../../../src/adapters/sqlite/index.ts'
import type { Terminal } from '../../../src/server/cli/terminal.ts'
import { commandLine, type CommandLine } from '../command-line.ts'

const PEOPLE = 1_050
/** The people of a list that the report names. */
const MOST_NAMED = 1_000
/** Every third person has the group. */
const GROUP_EVERY = 3

interface Met {
  readonly user: string
}

interface Report {
  readonly accounts: number
  readonly newly_asked: readonly Met[]
  readonly newly_asked_count: number
  readonly must_enrol: readonly Met[]
  readonly must_enrol_count: number
  readonly locked_out: readonly Met[]
  readonly locked_out_count: number
}

interface Progress {
  readonly progress: { readonly done: number; readonly total: number }
}

describe('policy simulate of more people than a list names', function () {
  this.timeout(60_000)
  let line: CommandLine

  before(async () => {
    line = commandLine()
    line.environment['CONFIG_FILE'] = line.file('settings.json', { mfa: { required: 'optional' } })
    const storage = openSqliteStorage({ path: join(line.folder, 'server.sqlite') })
    const people = Array.from({ length: PEOPLE }, (_, nth) => String(nth).padStart(4, '0'))
    await Promise.all(
      people.map((nth) =>
        storage.accounts.insert(
          {
            id: `id-${nth}`,
            username: `person-${nth}`,
            emailVerified: false,
            groups: Number(nth) % GROUP_EVERY === 0 ? ['staff'] : [],
            claims: {},
            createdAt: 1,
            updatedAt: 1,
            passwordOrigin: 'none',
          },
          { username: `person-${nth}` },
        ),
      ),
    )
    await storage.close()
    const client = { client_id: 'app', redirect_uris: ['https://app.example/callback'] }
    const secret = { client_secret: 'a-long-enough-secret-of-an-app-01' }
    const file = line.file('clients.json', [{ ...client, ...secret }])
    expect((await line.run(`client apply ${file}`)).code).to.equal(0)
  })
  after(() => line.remove())

  const simulate = (rule: object, options: string, terminal: Partial<Terminal> = {}) => {
    const proposed = [{ name: 'rule', require: 'multi-factor', ...rule }]
    const words = `policy simulate ${line.file('proposed.json', proposed)} --allow-lockout${options}`
    return line.run(words, terminal)
  }
  /** A clock on which each look is two seconds after the one before. */
  const steppingClock = (): (() => number) => {
    let at = 0
    return () => (at += 2_000)
  }

  it('names the first thousand of each list by id, and counts them all', async () => {
    const report = (await simulate({}, ' --json')).json<Report>()
    expect(report).to.deep.include({
      accounts: PEOPLE,
      newly_asked_count: PEOPLE,
      must_enrol: [],
      must_enrol_count: 0,
      locked_out_count: PEOPLE,
    })
    const first = Array.from(
      { length: MOST_NAMED },
      (_, nth) => `person-${String(nth).padStart(4, '0')}`,
    )
    expect(report.newly_asked.map(({ user }) => user)).to.deep.equal(first)
    expect(report.locked_out.map(({ user }) => user)).to.deep.equal(first)
  })

  it('names everybody of a list that is shorter', async () => {
    const report = (await simulate({ when: { group: 'staff' } }, ' --json')).json<Report>()
    expect(report.accounts).to.equal(PEOPLE)
    expect(report.newly_asked_count).to.equal(PEOPLE / GROUP_EVERY)
    expect(report.newly_asked).to.have.length(PEOPLE / GROUP_EVERY)
  })

  it('prints twenty names of each list as text, and the number of the others', async () => {
    const { out } = await simulate({}, '')
    expect(out).to.contain(`\nlocked out: ${PEOPLE}\n`)
    expect(out.match(/^person-\d+ /gm)).to.have.length(2 * 20)
    expect(out.split(`and ${PEOPLE - 20} more: see --json\n`)).to.have.length(3)
  })

  it('tells its progress on standard error alone, for a program and for a person', async () => {
    const { out, err } = await simulate({}, ' --json', { now: steppingClock() })
    expect(JSON.parse(out)).to.deep.include({ accounts: PEOPLE })
    const told = err
      .trimEnd()
      .split('\n')
      .map((text) => (JSON.parse(text) as Progress).progress)
    expect(told.every(({ total }) => total === PEOPLE)).to.equal(true)
    const done = told.map((one) => one.done)
    expect(done).to.deep.equal([100, 200, 300, 400, 500, 600, 700, 800, 900, 1_000, 1_050])

    const text = await simulate({}, '', { now: steppingClock(), isInteractive: true })
    expect(text.err).to.match(/^100 of 1050 people, 50 a second, about \d+ s left$/m)
    expect(text.out).not.to.contain(' a second')
  })
})
