import { expect } from 'chai'
import { onEachStorage } from './on-each-storage.ts'

interface Listed {
  readonly users: readonly {
    readonly username: string
    readonly second_factor: string
    readonly factors: readonly string[]
    readonly last_sign_in_at: number | null
  }[]
  readonly next: string | null
}

const LONG = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP'
const SHORT = 'JBSWY3DPEHPK3PXP'

onEachStorage('user list', ({ cli, file, within }) => {
  beforeEach(async () => {
    const people = [
      { username: 'none', email: 'none@example.com', groups: ['staff'] },
      { username: 'weak', email: 'weak@example.com', totp: [{ secret: SHORT }] },
      { username: 'strong', email: 's@example.com', groups: ['staff'], totp: [{ secret: LONG }] },
    ]
    const path = file('people.jsonl', people.map((one) => JSON.stringify(one)).join('\n'))
    expect((await cli(`user import ${path}`)).code).to.equal(0)
  })

  const list = async (options = ''): Promise<Listed> =>
    (await cli(`user list --json${options}`)).json<Listed>()
  const namesOf = async (options: string): Promise<string[]> =>
    (await list(options)).users.map(({ username }) => username).sort()

  it('has factors and the last sign-in of each person', async () => {
    const { users, next } = await list()
    expect(next).to.equal(null)
    const weak = users.find(({ username }) => username === 'weak')
    expect(weak).to.deep.include({
      second_factor: 'weak',
      factors: ['totp'],
      last_sign_in_at: null,
    })
    const { out } = await cli('user list')
    expect(out).to.match(/^NAME +ADDRESS +GROUPS +STATE +SECOND FACTOR +LAST SIGN-IN\n/)
    expect(out).to.match(/^weak +weak@example.com +invited +weak: totp +never$/m)
    expect(out).to.match(/^strong +s@example.com +staff +invited +totp +never$/m)
    expect(out).not.to.contain('--cursor')
  })

  it('finds people by their second factor and by group', async () => {
    expect(await namesOf(' --mfa none')).to.deep.equal(['none'])
    expect(await namesOf(' --mfa weak')).to.deep.equal(['weak'])
    expect(await namesOf(' --mfa any')).to.deep.equal(['strong', 'weak'])
    expect(await namesOf(' --group staff')).to.deep.equal(['none', 'strong'])
    expect(await namesOf(' --group staff --mfa any')).to.deep.equal(['strong'])
    expect(await namesOf(' --group nobody')).to.deep.equal([])
  })

  it('finds people by their last sign-in in UTC, and those who never signed in', async () => {
    await within(async ({ storage }, mfa) => {
      for (const [name, lastSignInAt] of [
        ['weak', Date.parse('2026-01-31T12:00:00Z') / 1000],
        ['strong', Date.parse('2026-02-01T00:00:00Z') / 1000],
      ] as const) {
        const { account } = (await storage.accounts.byName(name))!
        const { record, version } = (await storage.records.load(account.id))!
        const history = { ...(record!['history'] as object), firstSignInAt: 1, lastSignInAt }
        expect(await storage.records.save(account.id, { ...record!, history }, version)).to.equal(
          true,
        )
        expect(await mfa.accounts.status(account.id)).to.include({ lastSignInAt })
      }
    })
    const all = ['none', 'strong', 'weak']
    expect(await namesOf(' --last-before 2026-02-02')).to.deep.equal(all)
    expect(await namesOf(' --last-before 2026-02-01')).to.deep.equal(['none', 'weak'])
    expect(await namesOf(' --last-before 2026-01-31T12:00')).to.deep.equal(['none'])
    expect(await namesOf(' --last-before 2026-01-31T12:00:01Z')).to.deep.equal(['none', 'weak'])
    expect(await namesOf(' --last-before 2026-01-31T13:01+01:00')).to.deep.equal(['none', 'weak'])
    expect((await cli('user list')).out).to.match(/^weak .* 2026-01-31T12:00:00Z$/m)
  })

  it('gives the next page by its cursor, also as text', async () => {
    const seen: string[] = []
    for (let cursor = ''; ;) {
      const { users, next } = await list(` --limit 1${cursor}`)
      expect(users).to.have.lengthOf(1)
      seen.push(users[0]!.username)
      if (next === null) break
      const { out } = await cli(`user list --limit 1${cursor}`)
      expect(out).to.contain(`There are more: --cursor ${next}\n`)
      cursor = ` --cursor ${next}`
    }
    expect(seen.sort()).to.deep.equal(['none', 'strong', 'weak'])
  })

  for (const [options, code, exit] of [
    ['--limit 0', 'limit', 1],
    ['--limit many', 'limit', 1],
    ['--cursor -', 'cursor', 1],
    ['--last-before yesterday', 'date', 1],
    ['--last-before 2026-02-30', 'date', 1],
    ['--last-before 2026-02-03T25:00', 'date', 1],
    ['--mfa strong', 'usage', 2],
  ] as const)
    it(`refuses ${options}`, async () => {
      const ran = await cli(`user list --json ${options}`)
      expect(ran.failure()).to.equal(code)
      expect(ran.code).to.equal(exit)
    })
})
