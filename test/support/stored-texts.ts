import { readFileSync, existsSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import type { Connection } from 'mongoose'

/** All texts in the tables of a SQLite database. */
export function textsInSqlite(path: string): readonly string[] {
  const database = new DatabaseSync(path, { readOnly: true })
  try {
    const tables = database
      .prepare("SELECT name FROM sqlite_schema WHERE type = 'table'")
      .all() as unknown as readonly { name: string }[]
    return tables.flatMap(({ name }) =>
      database.prepare(`SELECT * FROM "${name}"`).all().flatMap(textsIn),
    )
  } finally {
    database.close()
  }
}

/** The bytes of a SQLite database and of its log, with the rows that were deleted and not yet overwritten. */
export function bytesOfSqlite(path: string): string {
  return [path, `${path}-wal`]
    .filter((file) => existsSync(file))
    .map((file) => readFileSync(file, 'latin1'))
    .join('\n')
}

/** All texts in the collections of a MongoDB database. */
export async function textsInMongodb({ db }: Connection): Promise<readonly string[]> {
  const texts: string[] = []
  for (const { collectionName } of await db!.collections())
    texts.push(...textsIn(await db!.collection(collectionName).find().toArray()))
  return texts
}

/** The texts in a value, at any depth. */
export function textsIn(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value]
  if (typeof value !== 'object' || value === null) return []
  return Object.values(value).flatMap(textsIn)
}
