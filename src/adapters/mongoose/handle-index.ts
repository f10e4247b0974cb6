import type { mongo } from 'mongoose'
import { MfaError } from '../../domain/errors.ts'
import type { MongoDatabase } from './database.ts'
import { isDuplicateKey } from './failure.ts'
import { ensureIndex, indexesOf, isDeclared, type DeclaredIndex } from './indexes.ts'

const INDEX_NAME = 'mfa_handles'

/**
 * The index that finds an account by a handle, and gives each handle to one account. `path`: where the handles are in
 * the documents of the collection. It is partial: most accounts have no handles and take no space in it. Its condition
 * holds for every string, and a query planner can tell that it holds for a field that equals a string.
 */
export function handleIndexOf(collection: string, path: string): DeclaredIndex {
  return {
    collection,
    name: INDEX_NAME,
    key: { [path]: 1 },
    options: { unique: true, partialFilterExpression: { [path]: { $gte: '' } } },
  }
}

export interface HandleIndex {
  /**
   * Resolves once the index exists. Without it two accounts could take one handle, and each look-up, which needs no
   * sign-in, would read the whole collection. Rejects with MfaError `schema-outdated` when the index is missing and
   * `autoIndex` is off.
   */
  ready(): Promise<void>
}

/** `isAutomatic`: whether a missing index is made. The index is checked until it exists, and not again. */
export function handleIndex(
  database: MongoDatabase,
  index: DeclaredIndex,
  isAutomatic: () => boolean,
): HandleIndex {
  const ensure = (): Promise<void> =>
    isAutomatic() ? ensureIndex(database, index) : requireIndex(database, index)
  let checked: Promise<void> | undefined
  return {
    ready() {
      checked ??= ensure().catch((error: unknown) => {
        checked = undefined
        throw error
      })
      return checked
    },
  }
}

async function requireIndex(database: MongoDatabase, index: DeclaredIndex): Promise<void> {
  const present = await database.on(index.collection, indexesOf)
  if (present.some((each) => isDeclared(each, index))) return
  throw new MfaError(
    'schema-outdated',
    `The collection ${index.collection} lacks the index ${index.name}: call ensureIndexes() of the storage when you deploy.`,
    { status: 503 },
  )
}

/**
 * The `_id` of the document that holds `handle` at `path`. A handle that is not a string has no owner and is not put
 * into a query: an array would be compared with all handles of a record together.
 */
export async function ownerOf<Row extends { readonly _id: unknown }>(
  collection: mongo.Collection<Row>,
  path: string,
  handle: unknown,
): Promise<Row['_id'] | undefined> {
  if (typeof handle !== 'string') return undefined
  const filter = { [path]: { $eq: handle } } as mongo.Filter<Row>
  return (await collection.findOne(filter, { projection: { _id: 1 } }))?._id
}

/**
 * Whether the unique index of handles refused a write, and not that of `_id`. MongoDB names the index only in its
 * message, before the value, so no text in a value can be mistaken for it.
 */
export function isHandleTaken(error: unknown): error is mongo.MongoServerError {
  if (!isDuplicateKey(error)) return false
  return / index: (\S+) dup key: /.exec(error.message)?.[1] === INDEX_NAME
}
