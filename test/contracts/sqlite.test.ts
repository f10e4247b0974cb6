import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openSqliteStorage } from '../../src/adapters/sqlite/index.ts'
import type { Clock } from '../../src/ports/services.ts'
import { describeRecordsAtRest } from '../../src/testing/records-at-rest-suite.ts'
import { describeServerStorage } from '../../src/testing/storage-suite.ts'
import { bytesOfSqlite, textsInSqlite } from '../support/stored-texts.ts'

describeServerStorage('sqlite', open)

describeRecordsAtRest('sqlite', async (given) => {
  const { store, path, close } = await open(given)
  const stored = async () => [...textsInSqlite(path), bytesOfSqlite(path)]
  return { store: { hostRecords: store.hostRecords, stored }, close }
})

async function open({ clock }: { readonly clock: Clock }) {
  const folder = await mkdtemp(join(tmpdir(), 'mfa-sqlite-'))
  const path = join(folder, 'mfa.db')
  const store = openSqliteStorage({ path, encryptionKeys: [Buffer.alloc(32, 1)], clock })
  return {
    store,
    path,
    close: async () => {
      await store.close()
      await rm(folder, { recursive: true })
    },
  }
}
