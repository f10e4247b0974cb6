import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openSqliteStorage } from '../../src/adapters/sqlite/index.ts'
import { describeServerStorage } from '../../src/testing/storage-suite.ts'

describeServerStorage('sqlite', async ({ clock }) => {
  const folder = await mkdtemp(join(tmpdir(), 'mfa-sqlite-'))
  const store = openSqliteStorage({ path: join(folder, 'mfa.db'), clock })
  return {
    store,
    close: async () => {
      await store.close()
      await rm(folder, { recursive: true })
    },
  }
})
