import { isDeepStrictEqual } from 'node:util'
import type { Connection, mongo } from 'mongoose'
import type { MongoDatabase } from './database.ts'

export interface DeclaredIndex {
  readonly collection: string
  readonly name: string
  readonly key: mongo.IndexSpecification
  readonly options?: mongo.CreateIndexesOptions
}

/** MongoDB's error code for a collection that does not exist yet. */
const NAMESPACE_NOT_FOUND = 26

/**
 * Creates a missing index, without the time limit of other operations: with the limit, each attempt on a large
 * collection of users would fail. An existing index with the same effect stays as it is: one that Mongoose 8 has
 * created from the schema also has the option `background`, and not every server treats the two as equal.
 */
export async function ensureIndex(database: MongoDatabase, index: DeclaredIndex): Promise<void> {
  const { collection, name, key, options } = index
  await database.withoutLimit(collection, async (on) => {
    if ((await indexesOf(on)).some((present) => isDeclared(present, index))) return
    await on.createIndex(key, { ...options, name, timeoutMS: 0 })
  })
}

/** The indexes that a collection has; none where nothing was written to it yet. */
export async function indexesOf(
  collection: mongo.Collection,
): Promise<readonly mongo.IndexDescriptionInfo[]> {
  try {
    return (await collection.listIndexes().toArray()) as mongo.IndexDescriptionInfo[]
  } catch (error) {
    if ((error as { code?: unknown }).code === NAMESPACE_NOT_FOUND) return []
    throw error
  }
}

/** Whether an index that a collection has is the declared one: of the same name, and with the same effect. */
export function isDeclared(
  present: mongo.IndexDescriptionInfo,
  { name, key, options = {} }: DeclaredIndex,
): boolean {
  return (
    present.name === name &&
    isDeepStrictEqual(
      Object.entries(present.key).map(([field, way]) => [field, Number(way)]),
      Object.entries(key),
    ) &&
    Boolean(present.unique) === Boolean(options.unique) &&
    isDeepStrictEqual(present.partialFilterExpression, options.partialFilterExpression) &&
    present.expireAfterSeconds === options.expireAfterSeconds
  )
}

/** Whether indexes are made without being asked for: `autoIndex` of the users' schema, the connection or Mongoose. */
export function isAutoIndex(connection: Connection, ofSchema: unknown): boolean {
  const own = connection.get('autoIndex') as unknown
  const wanted = ofSchema ?? own ?? connection.base.get('autoIndex') ?? true
  return wanted !== false
}

/**
 * Makes the index when the connection opens, as Mongoose makes those of its models, unless `autoIndex` is off. A
 * failure is reported by the first call that depends on the index (handle-index.ts).
 */
export function indexAutomatically(
  connection: Connection,
  ensure: () => Promise<void>,
  ofSchema: unknown,
): void {
  const make = (): void => {
    if (isAutoIndex(connection, ofSchema)) ensure().catch(() => undefined)
  }
  if (connection.readyState === connection.base.STATES.connected) make()
  else connection.once('connected', make)
}
