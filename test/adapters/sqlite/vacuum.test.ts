import { statSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { expect } from 'chai'
import { openSqliteStorage } from '../../../src/adapters/sqlite/index.ts'
import type { ServerStorage } from '../../../src/ports/server-storage.ts'
import { temporaryFolder } from './temporary-folder.ts'

const MIB = 2 ** 20

describe('SQLite free pages', () => {
  const folder = temporaryFolder()
  const path = (): string => folder.file('mfa.db')
  let now = 1_700_000_000
  const open = (options: { migrate?: boolean } = {}): ServerStorage =>
    openSqliteStorage({ path: path(), clock: { now: () => now }, ...options })

  /** Fills the file with rows that are over, deletes them, and gives back all that can be given back. */
  async function fillAndSweep(storage: ServerStorage): Promise<{ before: number; after: number }> {
    const tokens = storage.hostRecords('AccessToken')
    const payload = { scope: 'x'.repeat(20_000) }
    for (let n = 0; n < 200; n += 1) await tokens.upsert(`token ${n}`, payload, 60)
    now += 3 * 3600
    await storage.sweep(1)
    const before = statSync(path()).size
    while ((await storage.sweep(100)) > 0);
    while (((await storage.giveBackSpace?.(100)) ?? 0) > 0);
    return { before, after: statSync(path()).size }
  }

  /** Makes a file as it was made before incremental vacuum. */
  async function makeOldFile(): Promise<void> {
    await open().close()
    const database = new DatabaseSync(path())
    database.exec('PRAGMA journal_mode = DELETE; PRAGMA auto_vacuum = NONE; VACUUM')
    database.close()
  }

  it('are given back after a sweep, except for a part that new rows use', async () => {
    const storage = open()
    const { before, after } = await fillAndSweep(storage)
    expect(before).to.be.above(3 * MIB)
    expect(after)
      .to.be.above(MIB)
      .and.below(1.5 * MIB)
    expect(await storage.inspect?.()).to.deep.equal([])
    await storage.close()
  })

  it('stay in a file of an earlier version until migrate converts it, and doctor says so', async () => {
    await makeOldFile()
    const storage = open()
    const { before, after } = await fillAndSweep(storage)
    expect(after).to.be.at.least(before)
    expect((await storage.inspect?.())?.map(({ problem }) => problem).join()).to.contain(
      'oidc-provider-mfa migrate',
    )
    await storage.records.save('anna', { n: 1 }, 0)
    await storage.close()

    const converted = open({ migrate: true })
    expect(await converted.inspect?.()).to.deep.equal([])
    expect((await converted.records.load('anna'))?.record).to.deep.equal({ n: 1 })
    const again = await fillAndSweep(converted)
    expect(again.after).to.be.below(1.5 * MIB)
    await converted.close()
  })

  it('R5 a conversion beside a process that serves loses none of its commits', async () => {
    await makeOldFile()
    const serving = open()
    await serving.records.save('anna', { n: 1 }, 0)
    await open({ migrate: true }).close()
    await serving.records.save('anna', { n: 2 }, 1)
    await serving.close()
    const storage = open()
    expect(await storage.records.load('anna')).to.deep.equal({ record: { n: 2 }, version: 2 })
    await storage.close()
  })
})
