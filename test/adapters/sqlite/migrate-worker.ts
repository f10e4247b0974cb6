/** Migrates a database in a thread of its own: the data are a path and a list of migrations. */
import { workerData } from 'node:worker_threads'
import { SqliteDatabase } from '../../../src/adapters/sqlite/database.ts'
import type { Migration } from '../../../src/adapters/sqlite/migrations.ts'

const { path, migrations } = workerData as {
  readonly path: string
  readonly migrations: readonly Migration[]
}
new SqliteDatabase({ path, migrate: true, migrations }).close()
