import { isDeepStrictEqual } from 'node:util'
import type { mongo } from 'mongoose'
import { COLLECTIONS } from './collections.ts'
import { INDEXES, type DeclaredIndex } from './indexes.ts'

/** The server's code for a collection that nothing was written to yet. */
const NAMESPACE_NOT_FOUND = 26

/** As in indexes.ts: the database's clock decides when it deletes, and may be ahead of ours. */
const SLACK_SECONDS = 3600

const { accounts, audit, hostRecords, hostSessions } = COLLECTIONS

/**
 * What the server needs, its plugin's among it. Each find of a sign-in uses one, or an `_id`, and examines one
 * document (test/adapters/mongoose/explain.test.ts).
 */
export const SERVER_INDEXES: readonly DeclaredIndex[] = [
  ...INDEXES,
  // Without this one two accounts could have one name: the storage does not open.
  { collection: accounts, name: 'mfa_names', key: { names: 1 }, options: { unique: true } },
  { collection: audit, name: 'mfa_time', key: { at: -1, order: -1 } },
  { collection: audit, name: 'mfa_account', key: { accountId: 1, at: -1, order: -1 } },
  ...(['userCode', 'grant'] as const).map((field) => ({
    collection: hostRecords,
    name: `mfa_${field}`,
    key: { [field]: 1 as const },
    options: { sparse: true },
  })),
  { collection: hostSessions, name: 'mfa_ids', key: { ids: 1 } },
  ...[hostRecords, hostSessions].map((collection) => ({
    collection,
    name: 'mfa_keep_until',
    key: { keepUntil: 1 },
    options: { expireAfterSeconds: SLACK_SECONDS },
  })),
]

/** Makes those that are not there, however long it takes; making one that is there changes nothing. */
export async function makeIndexes(db: mongo.Db): Promise<void> {
  for (const { collection, name, key, options } of SERVER_INDEXES)
    await db.collection(collection).createIndex(key, { ...options, name })
}

/** What is not there, or is there as something else. */
export async function missingIndexes(db: mongo.Db): Promise<readonly DeclaredIndex[]> {
  const missing: DeclaredIndex[] = []
  for (const collection of new Set(SERVER_INDEXES.map((index) => index.collection))) {
    const present = await indexesOf(db, collection)
    for (const index of SERVER_INDEXES.filter((each) => each.collection === collection))
      if (!present.some((each) => isThe(index, each))) missing.push(index)
  }
  return missing
}

export const inWords = ({ collection, name }: DeclaredIndex): string => `${collection}.${name}`

async function indexesOf(
  db: mongo.Db,
  collection: string,
): Promise<readonly mongo.IndexDescriptionInfo[]> {
  try {
    return (await db.collection(collection).listIndexes().toArray()) as mongo.IndexDescriptionInfo[]
  } catch (error) {
    if ((error as { code?: unknown }).code === NAMESPACE_NOT_FOUND) return []
    throw error
  }
}

function isThe(
  { name, key, options = {} }: DeclaredIndex,
  present: mongo.IndexDescriptionInfo,
): boolean {
  return (
    present.name === name &&
    isDeepStrictEqual(
      Object.entries(present.key).map(([field, way]) => [field, Number(way)]),
      Object.entries(key),
    ) &&
    Boolean(present.unique) === Boolean(options.unique) &&
    present.expireAfterSeconds === options.expireAfterSeconds
  )
}
