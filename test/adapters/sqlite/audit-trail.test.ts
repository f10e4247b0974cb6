import { DatabaseSync } from 'node:sqlite'
import { expect } from 'chai'
import { auditSelect } from '../../../src/adapters/sqlite/audit-trail.ts'
import { SqliteDatabase } from '../../../src/adapters/sqlite/database.ts'
import { openSqliteStorage } from '../../../src/adapters/sqlite/index.ts'
import type { AuditQuery } from '../../../src/ports/audit-trail.ts'
import { walked } from '../../../src/testing/audit-trail-suite.ts'
import { temporaryFolder } from './temporary-folder.ts'

const QUERIES: Readonly<Record<string, Omit<AuditQuery, 'limit'>>> = {
  audit_time: {},
  audit_account: { accountId: 'anna' },
  audit_type: { type: 'locked' },
  audit_client: { clientId: 'shop' },
  audit_ip: { ip: '192.0.2.1' },
  audit_actor: { actor: 'anna' },
  audit_request: { requestId: 'r' },
}

describe('SQLite audit trail', () => {
  const folder = temporaryFolder()

  it('finds the entries of each filter by its index, in order, from the place of a cursor on', async () => {
    const database = new SqliteDatabase({ path: folder.file('mfa.db'), migrate: false })
    const after = { at: 5, order: 5, id: 'x' }
    for (const [index, query] of Object.entries(QUERIES))
      for (const more of [{}, { after }, { since: 1, before: 9 }, { oldestFirst: true, after }]) {
        const { sql, values } = auditSelect({ ...query, ...more, limit: 10 })
        const plan = await database.relaxed((connection) =>
          connection.all<{ detail: string }>(`EXPLAIN QUERY PLAN ${sql}`, ...values),
        )
        const steps = plan.map(({ detail }) => detail).join('\n')
        expect(steps, sql).to.contain(`INDEX ${index}`)
        expect(steps, sql).not.to.contain('TEMP B-TREE')
        if (!('audit_time' === index && Object.keys(more).length === 0))
          expect(steps, sql).to.match(/^SEARCH/)
      }
    database.close()
  })
})

describe('the chains of the trail in SQLite', () => {
  const folder = temporaryFolder()

  it('R47 add an entry and its head together or not at all', async () => {
    const path = folder.file('chains.db')
    const storage = openSqliteStorage({ path })
    const chain = { name: 'node', mac: (text: string) => `${text.length}${text.slice(-60)}` }
    const entry = (id: string) => ({ id, type: 'locked', at: 1, detail: {} })
    await storage.audit.add([entry('1')], chain)
    const database = new DatabaseSync(path)
    database.exec(
      "CREATE TRIGGER stop BEFORE UPDATE ON audit_heads BEGIN SELECT raise(ABORT, 'stop'); END",
    )
    expect(await storage.audit.add([entry('2')], chain).catch(() => 'failed')).to.equal('failed')
    expect(await storage.audit.list({ limit: 9 })).to.have.length(1)
    database.exec('DROP TRIGGER stop')
    database.close()
    await storage.audit.add([entry('2')], chain)
    const { fault, verified } = await walked(storage.audit, chain)
    expect({ fault, verified }).to.deep.equal({ fault: undefined, verified: 2 })
    await storage.close()
  })
})
