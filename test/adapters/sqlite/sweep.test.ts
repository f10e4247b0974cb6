import { expect } from 'chai'
import { SqliteDatabase } from '../../../src/adapters/sqlite/database.ts'
import { sqliteStorageOn } from '../../../src/adapters/sqlite/index.ts'
import { OLD_AUDIT, OLD_OF_TYPE } from '../../../src/adapters/sqlite/audit-sweep.ts'
import { EMPTY_COUNTERS, EXPIRED } from '../../../src/adapters/sqlite/sweep.ts'
import { WAITING } from '../../../src/adapters/sqlite/waiting-events.ts'
import { temporaryFolder } from './temporary-folder.ts'

describe('SQLite sweep', () => {
  const folder = temporaryFolder()
  let database: SqliteDatabase

  beforeEach(() => {
    database = new SqliteDatabase({ path: folder.file('mfa.db'), migrate: false })
  })
  afterEach(() => {
    database.close()
  })

  it('deletes a counter of which everything was given back', async () => {
    const storage = sqliteStorageOn(database, { now: () => 0 })
    await storage.counters.reserve('returned', { limit: 5 }, 0)
    await storage.counters.reserve('kept', { limit: 5 }, 0)
    await storage.counters.release('returned', 0)
    expect(await storage.sweep(10)).to.equal(1)
    expect(await storage.sweep(10)).to.equal(0)
  })

  it('finds by an index what it deletes and whose events wait, also in a large table', async () => {
    const ofLimit = [EMPTY_COUNTERS, ...Object.values(WAITING)]
    for (const sql of [...EXPIRED.flat(), OLD_AUDIT, OLD_OF_TYPE, ...ofLimit]) {
      const values = Array.from(sql.matchAll(/\?/g), () => 1)
      const plan = await database.relaxed((connection) =>
        connection.all<{ detail: string }>(`EXPLAIN QUERY PLAN ${sql}`, ...values),
      )
      const steps = plan
        .map((step) => step.detail)
        .filter((detail) => /^(SCAN|SEARCH)/.test(detail))
      expect(steps).not.to.deep.equal([])
      for (const step of steps) expect(step).to.match(/ USING /)
    }
  })
})
