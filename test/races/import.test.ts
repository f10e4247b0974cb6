import { spawn, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { openSqliteStorage } from '../../src/adapters/sqlite/index.ts'
import { parseRecord } from '../../src/application/record-format.ts'
import type { ServerStorage } from '../../src/ports/server-storage.ts'

const PROGRAM = fileURLToPath(new URL('../../bin/oidc-provider-mfa.mjs', import.meta.url))
const PEOPLE = 60
/** The numbers of accounts at which the process is killed, one run after the other. */
const ENDED_AT = [1, 17, 40]

describe('kill -9 in the middle of an import', function () {
  this.timeout(120_000)
  let folder: string
  let file: string
  let storage: ServerStorage
  let environment: Record<string, string>

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mfa-import-kill-'))
    file = join(folder, 'people.jsonl')
    const people = Array.from({ length: PEOPLE }, (_, nth) => ({
      username: `person${nth}`,
      two_factor_enabled: true,
      two_factor_secret: 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP',
      backup_codes: ['7KQ4MWXA9RTDHN3', '2HD8CWMXK4RTQN7'],
    }))
    await writeFile(file, people.map((person) => JSON.stringify(person)).join('\n'))
    const path = join(folder, 'server.sqlite')
    storage = openSqliteStorage({ path })
    environment = {
      ENCRYPTION_KEYS: randomBytes(32).toString('base64'),
      COOKIE_KEYS: randomBytes(32).toString('base64'),
      STORAGE_URL: `sqlite:${path}`,
    }
  })
  after(async () => {
    await storage.close()
    await rm(folder, { recursive: true })
  })

  const start = (): ChildProcess =>
    spawn(process.execPath, [PROGRAM, 'user', 'import', file, '--json'], {
      env: { ...environment, PATH: process.env['PATH'] },
      stdio: ['ignore', 'pipe', 'ignore'],
    })
  const accounts = async () =>
    (await storage.accounts.list({ limit: PEOPLE + 1 })).map(({ account }) => account)

  const expectFactors = async (): Promise<void> => {
    for (const { id, username } of await accounts()) {
      const stored = await storage.records.load(id)
      const record = stored?.record && parseRecord(stored.record, id)
      expect(
        record?.authenticators.map(({ factor }) => factor),
        username,
      ).to.deep.equal(['totp', 'imported-codes'])
    }
  }

  for (const many of ENDED_AT)
    it(`R10 with ${many} there, leaves nobody without the second factor that they had`, async () => {
      const child = start()
      const gone = once(child, 'exit')
      while ((await accounts()).length < many && child.exitCode === null) await sleep(5)
      child.kill('SIGKILL')
      await gone
      expect((await accounts()).length).to.be.within(many, PEOPLE - 1)
      await expectFactors()
    })

  it('loses nobody: the same command once more brings the rest', async () => {
    const before = await accounts()
    const child = start()
    let out = ''
    child.stdout?.on('data', (part) => (out += String(part)))
    const [code] = (await once(child, 'close')) as [number]
    expect(code).to.equal(0)
    expect(JSON.parse(out)).to.include({
      imported: PEOPLE - before.length,
      unchanged: before.length,
      bad: 0,
    })
    expect(await accounts()).to.have.length(PEOPLE)
    expect(await accounts()).to.deep.include.members(before)
    await expectFactors()
  })
})
