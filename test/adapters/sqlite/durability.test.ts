import { expect } from 'chai'
import { createHmac } from 'node:crypto'
import type { Connection } from '../../../src/adapters/sqlite/connection.ts'
import { SqliteDatabase } from '../../../src/adapters/sqlite/database.ts'
import { sqliteStorageOn } from '../../../src/adapters/sqlite/index.ts'
import type { OwnChain } from '../../../src/domain/audit-chain.ts'
import type { AuditEntry } from '../../../src/ports/audit-trail.ts'
import type { ServerStorage } from '../../../src/ports/server-storage.ts'
import { temporaryFolder } from './temporary-folder.ts'

/** Records the `synchronous` setting with which each piece of work is done. */
class ObservedDatabase extends SqliteDatabase {
  readonly levels: number[] = []

  override durable<T>(work: (connection: Connection) => T): Promise<T> {
    return super.durable(this.#observed(work))
  }

  override relaxed<T>(work: (connection: Connection) => T): Promise<T> {
    return super.relaxed(this.#observed(work))
  }

  #observed<T>(work: (connection: Connection) => T): (connection: Connection) => T {
    return (connection) => {
      this.levels.push(
        connection.get<{ synchronous: number }>('PRAGMA synchronous')?.synchronous ?? -1,
      )
      return work(connection)
    }
  }
}

/** The values of `PRAGMA synchronous`. */
const NORMAL = 1
const FULL = 2

describe('SQLite durability', () => {
  const folder = temporaryFolder()

  const levelsOf = async (
    work: (storage: ServerStorage) => Promise<unknown>,
  ): Promise<number[]> => {
    const database = new ObservedDatabase({ path: folder.file('mfa.db'), migrate: false })
    const storage = sqliteStorageOn(database, { now: () => 0 })
    await work(storage)
    await storage.close()
    return [...new Set(database.levels)]
  }

  it('R5 commits to the disk, before it answers, what a power cut must not take back', async () => {
    expect(
      await levelsOf(async ({ records, oneTime, counters, accounts, clients, settings, audit }) => {
        await records.save('anna', { n: 1 }, 0)
        await records.save('anna', { n: 2, handles: ['mine'] }, 1)
        await records.findByHandle('mine')
        await oneTime.put('link', { n: 1 }, 1)
        await oneTime.take('link', 0)
        await counters.reserve('name', { limit: 1 }, 0)
        await accounts.insert(ACCOUNT, { username: 'anna' })
        await accounts.update(ACCOUNT, { username: 'anne' }, 1)
        await clients.put('shop', { client_id: 'shop' })
        await clients.remove('shop')
        await settings.insert('jwks', { n: 1 })
        await settings.replace('jwks', { n: 2 }, { n: 1 })
        await audit.add([{ id: '1', type: 'locked', at: 0, detail: {} }])
        await audit.add([decided('2', 'refuse')])
        await audit.add([decided('3', 'verify'), { id: '4', type: 'locked', at: 0, detail: {} }])
      }),
    ).to.deep.equal([FULL])
  })

  it('spares the entry of a decision that refuses nothing the wait for the disk', async () => {
    expect(
      await levelsOf(async ({ audit }) => {
        await audit.add([decided('1', 'verify'), decided('2', 'enrol')])
        await audit.add([decided('3', 'verify')], CHAIN)
      }),
    ).to.deep.equal([NORMAL])
  })

  it('answers whether it can be written by a commit to the disk', async () => {
    expect(await levelsOf((storage) => storage.checkWritable())).to.deep.equal([FULL])
  })

  it('spares the host’s own records the wait for the disk', async () => {
    expect(
      await levelsOf(async ({ hostRecords }) => {
        await hostRecords('Session').upsert('s', { uid: 'u' }, 60)
        await hostRecords('Session').destroy('s')
        await hostRecords('AuthorizationCode').upsert('code', { grantId: 'g' }, 60)
        await hostRecords('AuthorizationCode').consume('code')
        await hostRecords('AuthorizationCode').revokeByGrantId('g')
      }),
    ).to.deep.equal([NORMAL])
  })
})

const CHAIN: OwnChain = {
  name: 'one',
  mac: (text) => createHmac('sha256', 'key of the test').update(text).digest('base64url'),
}

function decided(id: string, decision: 'verify' | 'enrol' | 'refuse'): AuditEntry {
  return { id, type: 'policy-decided', at: 0, detail: { decision } }
}

const ACCOUNT = {
  id: '1',
  username: 'Anna',
  emailVerified: false,
  groups: [],
  claims: {},
  createdAt: 0,
  updatedAt: 0,
  passwordOrigin: 'none',
} as const
