import { DatabaseSync } from 'node:sqlite'
import type { Storage } from '../../src/ports/storage.ts'
import { describeStorage } from '../../src/testing/index.ts'
import { exampleWith, importCode } from './examples.ts'

const { sqlStorage } = await importCode<{ sqlStorage: (database: DatabaseSync) => Storage }>(
  exampleWith('docs/guides/write-a-storage-adapter.md', 'js', 'export function sqlStorage'),
)

describeStorage('the example of docs/guides/write-a-storage-adapter.md', () => {
  const database = new DatabaseSync(':memory:')
  return { store: sqlStorage(database), close: async () => database.close() }
})
