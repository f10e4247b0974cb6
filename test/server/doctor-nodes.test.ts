import { randomBytes } from 'node:crypto'
import { expect } from 'chai'
import { openSqliteStorage } from '../../src/adapters/sqlite/index.ts'
import type { Finding } from '../../src/server/upkeep/finding.ts'
import { setInstallation } from './installation.ts'
import { startServer, type TestServer } from './support.ts'

const [OLD, NEW] = [1, 2].map(() => randomBytes(32).toString('base64')) as [string, string]
/** The beginning of a fingerprint. */
const SHOWN = '[\\w-]{8}'

describe('doctor looks at the live nodes', () => {
  const installation = setInstallation()
  beforeEach(() => {
    installation.environment = { ...installation.environment, ISSUER: 'http://id.example' }
  })

  const start = (name: string, cookieKeys: string, settings: object = {}): Promise<TestServer> =>
    startServer({
      environment: { ...installation.environment, NODE_NAME: name, COOKIE_KEYS: cookieKeys },
      storage: openSqliteStorage({ path: installation.path }),
      settings,
    })

  async function findingsOf(check: string): Promise<{ code: number; findings: string[] }> {
    const { code, out } = await installation.cli('doctor', '--json')
    const findings = (JSON.parse(out) as Finding[])
      .filter((finding) => finding.check === check)
      .map(({ result, detail }) => `${result}: ${detail}`)
    return { code, findings }
  }

  it('and says that none is live', async () => {
    expect(await findingsOf('nodes')).to.deep.equal({ code: 0, findings: ['ok: none is live'] })
    expect((await findingsOf('cookie keys')).findings).to.deep.equal([])
  })

  it('and names them with their versions, and compares them with each other alone', async () => {
    const first = await start('a', OLD)
    await start('b', OLD)
    // The settings of the command are those of neither: it has other hashes and no CLIENTS_FILE.
    const { code, findings } = await findingsOf('nodes')
    expect(code).to.equal(0)
    expect(findings).to.have.length(1)
    expect(findings[0]).to.match(/^ok: 2 live: a \(\d+\.\d+\.\d+\), b \(\d+\.\d+\.\d+\)$/)

    const [note] = await first.storage.nodes.live(0)
    await first.storage.nodes.note({ ...note!, version: '99.0.0' })
    expect((await findingsOf('nodes')).findings[0]).to.match(/; the versions differ, as during/)
  })

  it('and fails with each difference, by setting and node', async () => {
    const first = await start('a', OLD)
    await start('b', OLD, { mfa: { required: 'optional' }, totp: { window: 2 } })
    const { code, findings } = await findingsOf('nodes')
    expect(code).to.equal(1)
    expect(findings.slice(0, 2)).to.deep.equal([
      'failed: b differs in mfa.required from a, which started earlier ("optional", and "everybody" there)',
      'failed: b differs in totp.window from a, which started earlier (2, and 1 there)',
    ])
    const [note] = await first.storage.nodes.live(0)
    await first.storage.nodes.note({
      ...note!,
      id: 'c',
      name: 'c',
      startedAt: 2 ** 40,
      issuer: 'x',
    })
    expect((await findingsOf('nodes')).findings.join('\n')).to.match(
      /failed: c differs in ISSUER from a, .*: sign-ins break between the two/,
    )
    await first.stop()
  })

  /** The value on node a, that on node b, that of the command, and the findings. */
  const rotation: readonly [a: string, b: string, here: string, findings: readonly string[]][] = [
    [OLD, OLD, OLD, [`${SHOWN} \\(number 1 in COOKIE_KEYS here\\) signs on every node`]],
    [
      OLD,
      `${OLD},${NEW}`,
      `${OLD},${NEW}`,
      [
        `${SHOWN} \\(number 1 in COOKIE_KEYS here\\) signs on every node`,
        `${SHOWN} \\(number 2 in COOKIE_KEYS here\\) is behind, and missing on a: put it behind there .*`,
      ],
    ],
    [
      `${OLD},${NEW}`,
      `${OLD},${NEW}`,
      OLD,
      [
        `${SHOWN} \\(number 1 in COOKIE_KEYS here\\) signs on every node`,
        `${SHOWN} is behind on every node: put it in front if it is new, or .*`,
      ],
    ],
    [
      `${OLD},${NEW}`,
      `${NEW},${OLD}`,
      NEW,
      [
        `${SHOWN} signs on a and is known to every node`,
        `${SHOWN} \\(number 1 in COOKIE_KEYS here\\) signs on b and is known to every node`,
      ],
    ],
  ]
  for (const [a, b, here, expected] of rotation) {
    const inWords = [a, b].map((keys) => keys.replaceAll(OLD, 'old').replaceAll(NEW, 'new'))
    it(`and knows how far the cookie keys are changed: ${inWords.join(' and ')}`, async () => {
      await start('a', a)
      await start('b', b)
      installation.environment = { ...installation.environment, COOKIE_KEYS: here }
      const { code, findings } = await findingsOf('cookie keys')
      expect(code).to.equal(0)
      expect(findings).to.have.length(expected.length)
      for (const [at, pattern] of expected.entries())
        expect(findings[at]).to.match(new RegExp(`^ok: ${pattern}$`))
    })
  }
})
