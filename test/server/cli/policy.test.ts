import { randomBytes } from 'node:crypto'
import { hash as bcryptHash } from '@node-rs/bcrypt'
import { expect } from 'chai'
import { secretBox, systemClock } from '../../../src/adapters/crypto/index.ts'
import { openSqliteStorage } from '../../../src/adapters/sqlite/index.ts'
import type { JsonObject } from '../../../src/domain/json.ts'
import { PASSWORD_ACR, MULTI_FACTOR_ACR } from '../../../src/index.ts'
import { commandLine, type CommandLine, type Ran } from '../command-line.ts'

const SECRET = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP'
const CALLBACK = 'https://app.example/callback'
const CLIENTS = 20

interface Explained {
  readonly decision: string
  readonly acr: string
  readonly reason: string
  readonly rules: readonly {
    readonly name: string
    readonly matched: boolean
    readonly part: string
  }[]
}

interface Met {
  readonly user: string
  readonly client: string
  readonly rules: readonly string[]
  readonly reason: string
}

interface Report {
  readonly accounts: number
  readonly clients: number
  readonly newly_asked: readonly Met[]
  readonly newly_asked_count: number
  readonly must_enrol: readonly Met[]
  readonly must_enrol_count: number
  readonly locked_out: readonly Met[]
  readonly locked_out_count: number
}

/** Changes the stored record of a person, as if a key had sealed it that the server does not have. */
async function sealWithMissingKey({ environment }: CommandLine, name: string): Promise<void> {
  const path = environment['STORAGE_URL']!.replace('sqlite:', '')
  const storage = openSqliteStorage({ path, clock: systemClock })
  try {
    const { account } = (await storage.accounts.byName(name))!
    const { record, version } = (await storage.records.load(account.id))!
    const key = Buffer.from(environment['ENCRYPTION_KEYS']!, 'base64')
    const [id] = secretBox({ keys: [new Uint8Array(key)] }).keyIds
    const text = JSON.stringify(record)
    expect(text).to.contain(id)
    const changed = JSON.parse(text.replaceAll(id, 'A'.repeat(id.length))) as JsonObject
    await storage.records.save(account.id, changed, version)
  } finally {
    await storage.close()
  }
}

const EVERYBODY = { name: 'everybody', require: 'multi-factor' }

describe('policy', function () {
  this.timeout(60_000)
  let line: CommandLine

  /** Settings with these rules in force. */
  const settings = (policy: object, mfa: object = { required: 'optional' }): string =>
    line.file('settings.json', {
      passwords: { hashMemoryKib: 19_456, hashPasses: 2 },
      passkeys: { enabled: false },
      mfa,
      policy,
    })
  const explain = async (options: string): Promise<Explained> => {
    const ran = await line.run(`policy explain --json ${options}`)
    expect(ran.code, ran.err).to.equal(0)
    return ran.json<Explained>()
  }
  const simulate = (content: unknown, options = ''): Promise<Ran> =>
    line.run(`policy simulate ${line.file('proposed.json', content)} --json${options}`)
  const report = async (content: unknown): Promise<Report> => {
    const ran = await simulate(content, ' --allow-lockout')
    expect(ran.code, ran.err).to.equal(0)
    return ran.json<Report>()
  }
  const usersOf = (list: readonly Met[]): string[] => list.map(({ user }) => user).sort()

  before(async () => {
    line = commandLine()
    line.environment['CONFIG_FILE'] = settings({})
    const done = async (words: string, readLine = async () => ''): Promise<void> => {
      const { code, err } = await line.run(words, { readLine })
      expect(code, err).to.equal(0)
    }
    const password = randomBytes(12).toString('base64url')
    await done('user add fresh --password-stdin --group staff', async () => password)
    const passwordHash = await bcryptHash(password, 4)
    const people = [
      { username: 'holder', passwordHash, groups: ['staff'], totp: [{ secret: SECRET }] },
      { username: 'mailed', passwordHash, email: 'mailed@example.com', emailVerified: true },
      { username: 'stuck', passwordHash, groups: ['staff'] },
      { username: 'gone', passwordHash, groups: ['staff'] },
    ]
    const path = line.file('people.jsonl', people.map((one) => JSON.stringify(one)).join('\n'))
    await done(`user import ${path}`)
    await done('user disable gone')
    const clients = Array.from({ length: CLIENTS }, (_, nth) => ({
      client_id: `app-${String(nth).padStart(2, '0')}`,
      client_secret: 'a-long-enough-secret-of-an-app-01',
      redirect_uris: [CALLBACK],
    }))
    await done(`client apply ${line.file('clients.json', clients)}`)
  })
  after(() => line.remove())
  beforeEach(() => {
    line.environment['CONFIG_FILE'] = settings({})
    delete line.environment['SMTP_URL']
  })

  describe('explain', () => {
    it('says that a person without a factor passes where nothing is asked', async () => {
      const explained = await explain('--user fresh --client app-00')
      expect(explained).to.have.all.keys('decision', 'acr', 'reason', 'rules')
      expect(explained).to.deep.include({
        decision: 'pass',
        acr: PASSWORD_ACR,
        reason: 'nothing-asked',
      })
    })

    it('says that a person with a factor is asked by their own choice', async () => {
      expect(await explain('--user holder --client app-00')).to.deep.include({
        decision: 'verify',
        acr: MULTI_FACTOR_ACR,
        reason: 'chosen',
      })
    })

    it('has the part of each rule', async () => {
      line.environment['CONFIG_FILE'] = settings({
        rules: [
          { name: 'staff', when: { group: 'staff' }, require: 'multi-factor' },
          { name: 'elsewhere', when: { client: 'app-07' }, require: 'multi-factor' },
          { name: 'later', when: { client: 'app-00' }, require: 'multi-factor', enrol: 'optional' },
        ],
      })
      const { decision, reason, rules } = await explain('--user fresh --client app-00')
      expect({ decision, reason }).to.deep.equal({ decision: 'enrol', reason: 'policy' })
      expect(rules).to.deep.include.members([
        { name: 'staff', matched: true, part: 'counts' },
        { name: 'elsewhere', matched: false, part: 'no-match' },
        { name: 'later', matched: true, part: 'optional' },
      ])
    })

    it('takes the network, the browser and the scope from its options, and assumes the strict ones', async () => {
      line.environment['CONFIG_FILE'] = settings({
        rules: [
          { name: 'outside', when: { network: '!10.0.0.0/8' }, require: 'multi-factor' },
          { name: 'new', when: { newBrowser: true }, require: 'multi-factor' },
          { name: 'mail', when: { scope: 'email' }, require: 'multi-factor' },
        ],
      })
      const matched = async (options: string): Promise<string[]> => {
        const { rules } = await explain(`--user fresh --client app-00${options}`)
        const own = rules.filter(({ name }) => ['outside', 'new', 'mail'].includes(name))
        return own.filter((rule) => rule.matched).map(({ name }) => name)
      }
      expect(await matched('')).to.deep.equal(['outside', 'new'])
      expect(await matched(' --known-browser --network 10.1.2.3')).to.deep.equal([])
      expect(await matched(' --known-browser --network 192.0.2.7')).to.deep.equal(['outside'])
      expect(await matched(' --network 10.1.2.3')).to.deep.equal(['new'])
      expect(await matched(' --known-browser --network 10.1.2.3 --scope email')).to.deep.equal([
        'mail',
      ])
    })

    it('tells an app that asks for a level from one that insists on it', async () => {
      const asked = `--user fresh --client app-00 --acr ${MULTI_FACTOR_ACR}`
      expect((await explain(asked)).decision).to.equal('pass')
      expect(await explain(`${asked} --essential`)).to.deep.include({
        decision: 'enrol',
        reason: 'step-up',
      })
      const unknown = '--user holder --client app-00 --acr urn:nobody --essential'
      expect(await explain(unknown)).to.deep.include({
        decision: 'refuse',
        reason: 'no-such-level',
      })
    })

    it('says it as text, with the proof on which a factor could be set up', async () => {
      line.environment['CONFIG_FILE'] = settings({ rules: [EVERYBODY] })
      const text = async (user: string): Promise<string> =>
        (await line.run(`policy explain --user ${user} --client app-00 --max-age 60`)).out
      expect(await text('fresh')).to.match(
        /^fresh at app-00: enrol\nThe person has to set up a factor, because a rule asks for it\.\nThe token then has the acr /,
      )
      expect(await text('fresh')).to.contain('set-up of a factor: the password is enough\n')
      expect(await text('stuck')).to.contain('set-up of a factor: there is none')
      expect(await text('holder')).not.to.contain('set-up of a factor')
      expect(await text('holder')).to.match(/^RULE +PART$/m)
      expect(await text('holder')).to.match(/^everybody +matches, and counts$/m)
      expect(await text('gone')).to.contain('The person is disabled')
    })

    it('says each decision, each part and each reason in words', async () => {
      const text = async (options: string): Promise<string> =>
        (await line.run(`policy explain ${options}`)).out
      expect(await text('--user fresh --client app-00')).to.contain(
        'The person needs no further proof, because nothing asks for more than the password.\n',
      )
      expect(await text('--user fresh --client app-00')).not.to.contain('set-up of a factor:')
      expect(await text('--user holder --client app-00')).to.contain(
        'The person has to show one more proof, because a person who has set up a factor is asked for it.\n',
      )
      line.environment['CONFIG_FILE'] = settings({
        rules: [
          { name: 'soon', require: 'multi-factor', enrol: { graceSeconds: 600 } },
          { name: 'if any', require: 'multi-factor', enrol: 'optional' },
          { name: 'elsewhere', when: { client: 'app-07' }, require: 'multi-factor' },
          { name: 'nothing', require: 'password' },
        ],
      })
      const later = await text('--user fresh --client app-00')
      expect(later).to.contain('is asked to set up a factor and may put it off, because a rule')
      expect(later).to.match(/^soon +matches, and the time for the set-up still runs$/m)
      expect(later).to.match(/^if any +matches, but asks only people who have a fitting factor$/m)
      expect(later).to.match(/^elsewhere +does not match$/m)
      expect(later).to.match(/^nothing +matches, and asks for nothing$/m)
      const refused = await text('--user fresh --client app-00 --acr urn:nobody --essential')
      expect(refused).to.contain('The person is refused, because the app insists on a level')
      expect(refused).not.to.contain('acr')
    })

    it('knows the app of the demonstration once it was started on the storage, unless it is off', async () => {
      const about = 'policy explain --json --user fresh --client fieldnotes'
      expect((await line.run(about)).code).to.equal(1)
      const own = commandLine()
      Object.assign(own.environment, { STORAGE_URL: line.environment['STORAGE_URL'] })
      Object.assign(own.environment, { ENCRYPTION_KEYS: line.environment['ENCRYPTION_KEYS'] })
      const rules = own.file('rules.json', [{ ...EVERYBODY, when: { client: 'fieldnotes' } }])
      const simulated = async (): Promise<Report> =>
        (await own.run(`policy simulate ${rules} --json --allow-lockout`)).json<Report>()
      try {
        await line.run('user add demo')
        expect((await own.run(about)).json<Explained>()).to.deep.include({ decision: 'enrol' })
        const report = await simulated()
        expect(report.clients).to.equal(CLIENTS + 1)
        own.environment['DEMO'] = 'off'
        expect((await own.run(about)).code).to.equal(1)
        expect((await simulated()).clients).to.equal(CLIENTS)
      } finally {
        expect((await line.run('user remove demo --confirm')).code).to.equal(0)
        own.remove()
      }
    })

    it('ends with 1 for an unknown person or app', async () => {
      for (const [options, code] of [
        ['--user nobody --client app-00', 'user-unknown'],
        ['--user fresh --client nothing', 'client-unknown'],
      ] as const) {
        const ran = await line.run(`policy explain --json ${options}`)
        expect(ran.code).to.equal(1)
        expect(JSON.parse(ran.err)).to.have.nested.property('error.code', code)
      }
    })

    it('ends with 2 for a command line that is not understood', async () => {
      for (const options of [
        '--user fresh',
        '--client app-00',
        '--user fresh --client app-00 --nonsense',
        '--user fresh --client app-00 --max-age soon',
        '--user fresh --client app-00 --max-age -1',
        '--user fresh --client app-00 --network here',
        '--user fresh --client app-00 --essential',
      ])
        expect((await line.run(`policy explain ${options}`)).code, options).to.equal(2)
    })
  })

  describe('simulate', () => {
    it('names who is newly asked, who must enrol and who is locked out, each once', async () => {
      const found = await report({ rules: [EVERYBODY] })
      expect(found).to.deep.include({ accounts: 4, clients: CLIENTS })
      // The holder is asked in any case. Without mail, only a new account that an administrator has made can enrol.
      expect(usersOf(found.newly_asked)).to.deep.equal(['fresh', 'mailed', 'stuck'])
      expect(usersOf(found.must_enrol)).to.deep.equal(['fresh'])
      expect(usersOf(found.locked_out)).to.deep.equal(['mailed', 'stuck'])
      expect(found).to.deep.include({
        newly_asked_count: 3,
        must_enrol_count: 1,
        locked_out_count: 2,
      })
      expect(found.locked_out[0]).to.deep.include({
        client: 'app-00',
        rules: ['everybody'],
        reason: 'no-proof',
      })
      expect(found.must_enrol[0]).to.deep.include({ user: 'fresh', reason: 'policy' })
    })

    it('counts a verified address as a proof where mail is set', async () => {
      line.environment['SMTP_URL'] = 'smtp://127.0.0.1:9'
      const found = await report({ rules: [EVERYBODY] })
      expect(usersOf(found.must_enrol)).to.deep.equal(['fresh', 'mailed'])
      expect(usersOf(found.locked_out)).to.deep.equal(['stuck'])
    })

    it('leaves out of "newly asked" whom the rules in force ask already', async () => {
      line.environment['CONFIG_FILE'] = settings({
        rules: [{ ...EVERYBODY, name: 'staff', when: { group: 'staff' } }],
      })
      const found = await report({ rules: [EVERYBODY] })
      expect(usersOf(found.newly_asked)).to.deep.equal(['mailed'])
      expect(usersOf(found.locked_out)).to.deep.equal(['mailed', 'stuck'])
    })

    it('finds nothing where the proposed rules ask nothing more', async () => {
      const found = await report([])
      expect(found).to.deep.include({ newly_asked: [], must_enrol: [], locked_out: [] })
    })

    it('names the first of 20 apps at which it happens', async () => {
      const rule = { ...EVERYBODY, when: { client: ['app-13', 'app-07'], group: 'staff' } }
      const found = await report([rule])
      expect(found.clients).to.equal(CLIENTS)
      expect(found.newly_asked.map(({ client }) => client)).to.deep.equal(['app-07', 'app-07'])
      expect(usersOf(found.newly_asked)).to.deep.equal(['fresh', 'stuck'])
    })

    it('takes the form of CONFIG_FILE, an object with rules, and a list, in snake case too', async () => {
      const rule = { ...EVERYBODY, max_age_seconds: 600 }
      for (const content of [
        { service: { name: 'Acme' }, policy: { rules: [rule], trusted_browser_seconds: 60 } },
        { rules: [rule] },
        [rule],
      ])
        expect((await report(content)).newly_asked_count).to.equal(3)
    })

    it('ends with 1 if somebody would be locked out, unless that is allowed', async () => {
      const refused = await simulate({ rules: [EVERYBODY] })
      expect(refused.code).to.equal(1)
      expect(refused.json<Report>().locked_out_count).to.equal(2)
      expect((await simulate({ rules: [EVERYBODY] }, ' --allow-lockout')).code).to.equal(0)
      expect((await simulate([])).code).to.equal(0)
    })

    it('has these members and no others with --json', async () => {
      expect(await report([])).to.have.all.keys(
        'accounts',
        'clients',
        'newly_asked',
        'newly_asked_count',
        'must_enrol',
        'must_enrol_count',
        'locked_out',
        'locked_out_count',
        'assumed',
      )
    })

    it('ends with 1 if somebody cannot be read, unless that is allowed, and says how many', async () => {
      const own = commandLine()
      try {
        const people = ['whole', 'sealed'].map((username) => ({
          username,
          totp: [{ secret: SECRET }],
        }))
        const file = own.file('people.jsonl', people.map((one) => JSON.stringify(one)).join('\n'))
        expect((await own.run(`user import ${file}`)).code).to.equal(0)
        await sealWithMissingKey(own, 'sealed')
        const words = `policy simulate ${own.file('proposed.json', [])}`
        const ran = await own.run(`${words} --json`)
        expect(ran.code, ran.err).to.equal(1)
        expect(ran.json()).to.include({ accounts: 2, unreadable_count: 1, locked_out_count: 0 })
        const text = await own.run(words)
        expect(text.code).to.equal(1)
        expect(text.out).to.contain('\nnot judged: 1. ')
        expect((await own.run(`${words} --allow-lockout`)).code).to.equal(0)
      } finally {
        own.remove()
      }
    })

    it('refuses a file with a fault, and says each', async () => {
      const faulty = [
        { name: 'one', when: { clinet: 'app-00' } },
        { name: 'two', require: 'impossible' },
      ]
      const ran = await simulate(faulty)
      expect(ran.code).to.equal(1)
      const { error } = JSON.parse(ran.err) as { error: { code: string; faults: string[] } }
      expect(error.code).to.equal('policy-invalid')
      expect(error.faults).to.have.length(2)
      const text = await line.run(`policy simulate ${line.file('proposed.json', faulty)}`)
      expect(text.code).to.equal(1)
      expect(text.err).to.contain('"one"').and.to.contain('"two"')
      for (const content of [{}, { mfa: {} }, 'text', 5, null]) {
        const other = await simulate(JSON.stringify(content))
        expect(other.code, JSON.stringify(content)).to.equal(1)
        expect(other.err).to.contain('policy-invalid')
      }
    })

    it('says which level no factor of this server reaches, and which scope it does not offer', async () => {
      const ran = await simulate([
        { name: 'keys', require: 'phr' },
        { name: 'mail', when: { scope: 'mial' } },
      ])
      expect(ran.code).to.equal(1)
      const { error } = JSON.parse(ran.err) as { error: { faults: string[] } }
      expect(error.faults).to.deep.equal([
        'rule "keys": can never be met: no configured factor reaches the level "phishing-resistant", which needs 2 different kinds of factor, one of them phishing-resistant; the levels in reach are password, multi-factor',
        'rule "mail": when.scope names a scope that is not offered: "mial"',
      ])
    })

    it('refuses a file that is none', async () => {
      const ran = await line.run(`policy simulate ${line.folder}/nowhere.json --json`)
      expect(ran.code).to.equal(1)
      expect(ran.err).to.contain('file-unreadable')
    })

    it('says it as text, with its assumptions', async () => {
      const path = line.file('proposed.json', [EVERYBODY])
      const { code, out } = await line.run(`policy simulate ${path}`)
      expect(code).to.equal(1)
      expect(out).to.match(/^4 people, 20 apps\nAssumed: a new browser, /)
      expect(out).to.contain('\nnewly asked: 3\n').and.to.contain('\nlocked out: 2\n')
      expect(out).to.match(/^stuck +app-00 +no-proof +everybody$/m)
    })

    it('changes nothing', async () => {
      const trail = async (): Promise<string> => (await line.run('audit --json --limit 1000')).out
      const before = await trail()
      await report({ rules: [EVERYBODY] })
      await explain('--user fresh --client app-00')
      expect(await trail()).to.equal(before)
    })
  })
})
