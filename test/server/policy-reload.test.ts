import { expect } from 'chai'
import { setImmediate as turn } from 'node:timers/promises'
import { fileSchema } from '../../config/settings-file.ts'
import type { Difference } from '../../src/domain/drift.ts'
import { MULTI_FACTOR_ACR, PASSWORD_ACR, type PolicyOptions } from '../../src/index.ts'
import { policyReload, type PolicyReload } from '../../src/server/upkeep/policy-reload.ts'
import { settledDifferences } from '../../src/server/upkeep/settled-differences.ts'
import { HttpClient } from '../support/http-client.ts'
import {
  addPerson,
  collectingLog,
  redeem,
  signIn,
  startServer,
  stopServers,
  type TestServer,
} from './support.ts'

/** Without passkeys no factor reaches `phr`. */
const AT_START = { mfa: { required: 'optional' }, passkeys: { enabled: false } }
const STAFF = { rules: [{ name: 'staff', when: { group: 'staff' }, require: 'multi-factor' }] }
const STRICT = { rules: [{ name: 'all', require: 'multi-factor' }] }

describe('the policy of a running node', () => {
  let text: string
  let unreadable: string | undefined
  let lines: string[]
  let given: PolicyOptions[]
  let changes: number
  let reload: PolicyReload
  const plugin = { setPolicy: (policy: PolicyOptions) => void given.push(policy) }

  beforeEach(() => {
    text = JSON.stringify(AT_START)
    unreadable = undefined
    lines = []
    given = []
    changes = 0
    const config = {
      issuer: 'https://id.example',
      settings: fileSchema.parse(AT_START),
      settingsFile: { path: 'c.json', text },
    }
    reload = policyReload({
      config,
      readFile: async () => {
        if (unreadable !== undefined) throw Object.assign(new Error('no'), { code: unreadable })
        return text
      },
      onChange: async () => void (changes += 1),
      log: collectingLog(lines),
    })
    reload.follow(plugin)
  })

  const write = async (content: unknown, anew = false): Promise<void> => {
    text = typeof content === 'string' ? content : JSON.stringify(content)
    await reload.look(anew)
  }
  const rules = (): readonly unknown[] => given.map((policy) => policy.rules)

  it('stays while the file does, and is read again when it is asked for', async () => {
    await reload.look()
    expect(lines).to.deep.equal([])
    await reload.look(true)
    expect([given, lines, changes]).to.deep.equal([[], [], 0])
  })

  it('is replaced as a whole when the content of the file changes', async () => {
    await write({ ...AT_START, policy: STAFF })
    await write({ ...AT_START, policy: STRICT })
    await write(AT_START)
    expect(rules()).to.deep.equal([STAFF.rules, STRICT.rules, []])
    expect(changes).to.equal(3)
    expect(lines).to.have.length(3)
    expect(lines[0]).to.contain('"rules":["staff"]').and.contain('the policy was read')
  })

  it('is never replaced by older rules of a look that took longer', async () => {
    const waits: (() => void)[] = []
    const texts = [
      { ...AT_START, policy: STAFF },
      { ...AT_START, policy: STRICT },
    ]
    const config = {
      issuer: 'https://id.example',
      settings: fileSchema.parse(AT_START),
      settingsFile: { path: 'c.json', text },
    }
    const slow = policyReload({
      config,
      readFile: async () => {
        const content = JSON.stringify(texts.shift())
        if (texts.length === 1) await new Promise<void>((resolve) => waits.push(resolve))
        return content
      },
      log: collectingLog(lines),
    })
    slow.follow(plugin)
    const looks = [slow.look(), slow.look()]
    await turn()
    waits[0]?.()
    await Promise.all(looks)
    expect(rules()).to.deep.equal([STAFF.rules, STRICT.rules])
  })

  it('says that it is stale where the rules could not be given on, and tries again', async () => {
    let isAway = true
    const failing = new Error('away')
    reload.follow({
      setPolicy() {
        if (isAway) throw failing
      },
    })
    const thrown: unknown = await write({ ...AT_START, policy: STAFF }).catch((e: unknown) => e)
    expect([thrown, reload.isStale]).to.deep.equal([failing, true])
    isAway = false
    await reload.look()
    expect(reload.isStale).to.equal(false)
  })

  it('is that of each app which is made later', async () => {
    await write({ ...AT_START, policy: STRICT })
    given = []
    reload.follow(plugin)
    expect(rules()).to.deep.equal([STRICT.rules])
    await write({ ...AT_START, policy: STAFF })
    // The former app finishes its requests by the same rules.
    expect(rules()).to.deep.equal([STRICT.rules, STAFF.rules, STAFF.rules])
    reload.follow(plugin)
    given = []
    await write({ ...AT_START, policy: STRICT })
    // Nobody holds the first app any more.
    expect(rules()).to.deep.equal([STRICT.rules, STRICT.rules])
  })

  for (const [what, content, faults] of [
    ['no JSON', '{', ['CONFIG_FILE names a file that is not JSON']],
    ['empty', '', ['CONFIG_FILE names a file that is not JSON']],
    [
      'a misspelt setting',
      { polici: {} },
      [
        'CONFIG_FILE polici is not a setting (did you mean "policy"?): see docs/reference/configuration.md',
      ],
    ],
    [
      'rules with faults',
      {
        policy: {
          rules: [
            { name: 'a', require: 'phr' },
            { name: 'b', when: { scope: 'x' } },
          ],
        },
      },
      [
        'CONFIG_FILE policy: rule "a": can never be met: no configured factor reaches the level "phishing-resistant", which needs 2 different kinds of factor, one of them phishing-resistant; the levels in reach are password, multi-factor',
        'CONFIG_FILE policy: rule "b": when.scope names a scope that is not offered: "x"',
      ],
    ],
  ] as const)
    it(`stays while the file is broken, and the log says each fault: ${what}`, async () => {
      await write({ ...AT_START, policy: STAFF })
      const inForce = reload.settings
      lines.length = 0
      await write(content)
      expect(reload.isStale).to.equal(true)
      expect(reload.settings).to.equal(inForce)
      expect(rules()).to.deep.equal([STAFF.rules])
      const [level, about] = JSON.parse(lines[0] ?? '[]') as [string, object]
      expect([level, about]).to.deep.equal(['error', { faults }])
      await reload.look()
      expect(lines).to.have.length(1)
      await reload.look(true)
      expect(lines).to.have.length(2)
      await write({ ...AT_START, policy: STAFF })
      expect(reload.isStale).to.equal(false)
      // The rules are those of before, so the other nodes are told nothing.
      expect(changes).to.equal(1)
    })

  it('stays while the file is away', async () => {
    unreadable = 'ENOENT'
    await reload.look()
    await reload.look()
    expect(reload.isStale).to.equal(true)
    expect(lines).to.have.length(1)
    expect(lines[0]).to.contain('cannot be read: ENOENT')
    unreadable = undefined
    await reload.look()
    expect(reload.isStale).to.equal(false)
  })

  it('leaves other changed settings to a restart, and names them once', async () => {
    const changed = {
      ...AT_START,
      mfa: { required: 'everybody' },
      totp: { digits: 8 },
      policy: STAFF,
    }
    await write(changed)
    expect(rules()).to.deep.equal([STAFF.rules])
    expect(reload.settings.mfa.required).to.equal('optional')
    expect(reload.settings.totp.digits).to.equal(6)
    expect(lines[0]).to.contain('["mfa.required","totp.digits"]').and.contain('wait for a restart')
    await write({ ...changed, policy: STRICT })
    expect(lines.filter((line) => line.includes('wait for a restart'))).to.have.length(1)
  })

  it('is judged by the levels of the start, which wait for a restart too', async () => {
    const levels = [
      { name: 'low', acr: 'urn:low', kinds: 1 },
      { name: 'high', acr: 'urn:high', kinds: 2 },
    ]
    await write({ ...AT_START, levels, policy: { rules: [{ name: 'a', require: 'high' }] } })
    expect(reload.isStale).to.equal(true)
    expect(lines.join()).to.contain('rule \\"a\\": require names no level')
  })
})

describe('a server whose CONFIG_FILE changes', () => {
  afterEach(stopServers)

  const until = async (isSo: () => boolean): Promise<void> => {
    while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 20))
  }

  async function levelOf(server: TestServer, username: string): Promise<unknown> {
    const person = await addPerson(server, { username })
    const page = await signIn(new HttpClient(), server.authorize(), person, server)
    return (await redeem(server, page)).claims['acr']
  }

  it('decides by the new rules, says that it is stale, and notes its rules for the other nodes', async () => {
    const server = await startServer({ settings: AT_START })
    const ready = async (): Promise<unknown> =>
      (await new HttpClient().get(`${server.issuer}/health/ready`)).json
    const [before] = await server.storage.nodes.live(0)
    expect(await levelOf(server, 'ada')).to.equal(PASSWORD_ACR)
    server.writeSettings({ ...AT_START, policy: STRICT })
    await until(() => server.lines.some((line) => line.includes('the policy was read')))
    expect(await levelOf(server, 'bob')).to.equal(MULTI_FACTOR_ACR)
    const [after] = await server.storage.nodes.live(0)
    expect(after?.settings['policy.rules']).not.to.equal(before?.settings['policy.rules'])
    expect(await ready()).to.deep.equal({ status: 'ok' })
    server.writeSettings({ ...AT_START, policy: { rules: [{}] } })
    await until(() => server.lines.some((line) => line.includes('cannot be used')))
    expect(await ready()).to.deep.equal({ status: 'ok', policy: 'stale' })
    expect(await levelOf(server, 'cleo')).to.equal(MULTI_FACTOR_ACR)
  })
})

describe('differences of nodes in the policy', () => {
  const node = (id: string): Difference['node'] => ({ id, name: id })
  const difference = (setting: string): Difference => ({
    setting,
    severity: 'warn' as Difference['severity'],
    node: node('b'),
    value: '1',
    earlier: node('a'),
    earlierValue: '2',
  })
  const [ofPolicy, other] = [difference('policy.rules'), difference('mfa.required')]

  const look = (
    settled: ReturnType<typeof settledDifferences>,
    now: number,
    ...found: Difference[]
  ) => settled({ differences: found, live: [node('a'), node('b')], now })

  it('count when they last, since nodes read a changed file one after another', () => {
    const settled = settledDifferences()
    expect(look(settled, 90)).to.deep.equal([])
    expect(look(settled, 100, ofPolicy, other)).to.deep.equal([other])
    expect(look(settled, 129, ofPolicy)).to.deep.equal([])
    expect(look(settled, 130, ofPolicy)).to.deep.equal([ofPolicy])
    expect(look(settled, 140)).to.deep.equal([])
    expect(look(settled, 150, ofPolicy)).to.deep.equal([])
  })

  it('count at once when a node starts with them', () => {
    const settled = settledDifferences()
    settled({ differences: [], live: [node('a')], now: 90 })
    expect(look(settled, 100, ofPolicy)).to.deep.equal([ofPolicy])
    expect(look(settled, 101, ofPolicy)).to.deep.equal([ofPolicy])
  })
})
