/**
 * This is a process of faults.test.ts. It makes its database file, named in the first argument, read-only and then
 * writable again. Containers often run tests as root, to whom file permissions do not apply, so this process first
 * becomes an ordinary user.
 */
import { chmodSync, chownSync } from 'node:fs'
import { dirname } from 'node:path'
import { openSqliteStorage, schemaState } from '../../../src/adapters/sqlite/index.ts'
import { MfaError } from '../../../src/domain/errors.ts'

const ORDINARY_USER = 65534

const path = process.argv[2] ?? ''
if (process.getuid?.() === 0) {
  for (const folder of [dirname(path), dirname(dirname(path))]) {
    chownSync(folder, ORDINARY_USER, ORDINARY_USER)
  }
  process.setgid?.(ORDINARY_USER)
  process.setuid?.(ORDINARY_USER)
}

const outcomes: Record<string, string> = {}
async function attempt(name: string, work: () => unknown): Promise<void> {
  try {
    outcomes[name] = String(await work())
  } catch (error) {
    outcomes[name] = error instanceof MfaError ? error.code : String(error)
  }
}

const storage = openSqliteStorage({ path })
const save = async (n: number): Promise<boolean> =>
  storage.records.save('anna', { n }, (await storage.records.load('anna'))?.version ?? 0)

await attempt('saved before', () => save(1))
chmodSync(path, 0o400)
await attempt('saved on a read-only file', () => storage.records.save('anna', { n: 2 }, 1))
await attempt('saved again', () => storage.records.save('anna', { n: 2 }, 1))
await attempt('loaded', () => storage.records.load('anna'))
await attempt('host record', () => storage.hostRecords('Session').upsert('s', { uid: 'u' }, 60))
await attempt('writable', () => storage.checkWritable())
await attempt('opened', () => openSqliteStorage({ path }))
await attempt('state', () => schemaState(path))
chmodSync(path, 0o600)
await attempt('writable afterwards', () => storage.checkWritable())
await attempt('saved afterwards', () => save(3))

await storage.close()
process.send?.(outcomes, () => process.disconnect?.())
