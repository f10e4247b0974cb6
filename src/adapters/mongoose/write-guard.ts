import type { Connection, Model, mongo } from 'mongoose'
import { MfaError } from '../../domain/errors.ts'
import { guardedAggregate, guardedCursor } from './aggregates.ts'
import { MFA_FIELD } from './field.ts'
import {
  checkFilter,
  checkInsert,
  guardedReplacement,
  guardedUpdate,
  type WriteRule,
} from './guarded-update.ts'
import { onlyOnce, withCallback, type Calls, type Once } from './kept-calls.ts'

type Collection = Pick<
  mongo.Collection,
  | 'insertOne'
  | 'insertMany'
  | 'updateOne'
  | 'updateMany'
  | 'replaceOne'
  | 'findOneAndUpdate'
  | 'findOneAndReplace'
  | 'deleteOne'
  | 'deleteMany'
  | 'findOneAndDelete'
  | 'bulkWrite'
  | 'aggregate'
  | 'initializeOrderedBulkOp'
  | 'initializeUnorderedBulkOp'
>
type Operation = mongo.AnyBulkWriteOperation
type Options = Record<string, unknown>

interface UpdateOperation {
  readonly filter: unknown
  readonly update: unknown
  readonly upsert?: boolean
}

interface Guard {
  readonly passwordPaths: Set<string>
  /** The listeners for writes of the collection. */
  readonly listeners: (() => void)[]
}

const guards = new WeakMap<object, Guard>()
const guardedConnections = new WeakSet<Connection>()

export function isGuarded(model: Model<never>): boolean {
  return guards.has(model.collection)
}

/** Calls `listener` before and after each write of the model, also after one that failed. */
export function onWrite(model: Model<never>, listener: () => void): void {
  guards.get(model.collection)?.listeners.push(listener)
}

/**
 * Wraps the methods of the collection between Mongoose and the driver, which every write of a model calls: `save`,
 * queries, bulk writes, aggregations, with or without hooks. Hooks of a schema would miss many of them, and a call with
 * `{ middleware: false }` would skip the others.
 *
 * Several models may share one collection, each with a password path of its own. Each write is checked for all of these
 * paths, since the documents are the same.
 */
export function guardWrites(
  model: Model<never>,
  passwordPath: string | false,
  now: WriteRule['now'],
): void {
  guardConnection(model.db)
  const collection = model.collection as unknown as Collection
  const known = guards.get(collection)
  const { passwordPaths, listeners } = known ?? { passwordPaths: new Set(), listeners: [] }
  if (passwordPath !== false) passwordPaths.add(passwordPath)
  if (known !== undefined) return
  guards.set(collection, { passwordPaths, listeners })
  const rule: WriteRule = { passwordPaths, now }
  const native = nativeWrites(collection)
  const once = onlyOnce()
  Object.assign(collection, {
    ...withCallback(told(guardedWrites(native, rule, once), listeners)),
    // An aggregation also writes, with `$out` and `$merge`. Returns a cursor at once.
    aggregate(pipeline: mongo.Document[] = [], ...rest: unknown[]) {
      try {
        const users = model.collection.name
        const guarded = once(pipeline, () => guardedAggregate(pipeline, users))
        return guardedCursor(native.aggregate(guarded, ...rest), users)
      } catch (error) {
        if (error instanceof MfaError) return refusedCursor(native, error)
        throw error
      }
    },
    initializeOrderedBulkOp: refuseBuilder,
    initializeUnorderedBulkOp: refuseBuilder,
  })
}

/** The collection's own methods, as they were before the guard replaced them. */
function nativeWrites(collection: Collection) {
  type Answering = (...given: unknown[]) => Promise<never>
  type Reading = (...given: unknown[]) => mongo.AggregationCursor
  return {
    insertOne: collection.insertOne.bind(collection),
    insertMany: collection.insertMany.bind(collection),
    updateOne: collection.updateOne.bind(collection),
    updateMany: collection.updateMany.bind(collection),
    findOneAndUpdate: collection.findOneAndUpdate.bind(collection) as Answering,
    deleteOne: collection.deleteOne.bind(collection),
    deleteMany: collection.deleteMany.bind(collection),
    findOneAndDelete: collection.findOneAndDelete.bind(collection) as Answering,
    bulkWrite: collection.bulkWrite.bind(collection),
    aggregate: collection.aggregate.bind(collection) as Reading,
  }
}

/**
 * A cursor that rejects each read with the refusal. Mongoose 8 creates a cursor where no code catches an error, so a
 * thrown error would end the application.
 */
function refusedCursor(native: ReturnType<typeof nativeWrites>, refusal: MfaError) {
  return native.aggregate([{ $limit: 1 }, { $unset: MFA_FIELD }], {
    signal: AbortSignal.abort(refusal),
  })
}

function guardedWrites(native: ReturnType<typeof nativeWrites>, rule: WriteRule, once: Once) {
  const update = <T>(given: T): T => once(given, () => guardedUpdate(given, rule))
  const replacement = (given: mongo.Document): mongo.Document =>
    once(given, () => guardedReplacement(given, rule))
  return {
    async insertOne(document: mongo.Document, options?: Options) {
      checkInsert(document)
      return native.insertOne(document, options)
    },
    async insertMany(documents: mongo.Document[], options?: Options) {
      documents.forEach(checkInsert)
      return native.insertMany(documents, options)
    },
    async updateOne(filter: mongo.Document, given: mongo.Document, options?: Options) {
      checkFilter(filter, options?.['upsert'])
      return native.updateOne(filter, update(given), options)
    },
    async updateMany(filter: mongo.Document, given: mongo.Document, options?: Options) {
      checkFilter(filter, options?.['upsert'])
      return native.updateMany(filter, update(given), options)
    },
    async replaceOne(filter: mongo.Document, document: mongo.Document, options?: Options) {
      checkFilter(filter, options?.['upsert'])
      return native.updateOne(filter, update(replacement(document)), options)
    },
    async findOneAndUpdate(filter: mongo.Document, given: mongo.Document, options?: Options) {
      checkFilter(filter, options?.['upsert'])
      return native.findOneAndUpdate(filter, update(given), options)
    },
    async findOneAndReplace(filter: mongo.Document, document: mongo.Document, options?: Options) {
      checkFilter(filter, options?.['upsert'])
      return native.findOneAndUpdate(filter, replacement(document), options)
    },
    // Not guarded: the record is to be deleted with its user.
    deleteOne: native.deleteOne,
    deleteMany: native.deleteMany,
    findOneAndDelete: native.findOneAndDelete,
    async bulkWrite(operations: Operation[], options?: Options) {
      const safe = once(operations, () => operations.map((each) => guardedOperation(each, rule)))
      return native.bulkWrite(safe, options)
    },
  }
}

function told<T extends Calls>(writes: T, listeners: readonly (() => void)[]): T {
  const telling = Object.entries(writes).map(([name, write]) => [
    name,
    async (...given: never[]) => {
      const tell = (): void => listeners.forEach((listener) => listener())
      tell()
      return write(...given).finally(tell)
    },
  ])
  return Object.fromEntries(telling) as T
}

function guardedOperation(operation: Operation, rule: WriteRule): Operation {
  if ('insertOne' in operation) {
    // The driver also accepts a document that is not wrapped in `document`.
    checkInsert(
      (operation.insertOne as Partial<typeof operation.insertOne>).document ?? operation.insertOne,
    )
    return operation
  }
  if ('replaceOne' in operation) {
    const { replacement, ...rest } = operation.replaceOne
    checkFilter(rest.filter, rest.upsert)
    return { updateOne: { ...rest, update: guardedReplacement(replacement, rule) } }
  }
  if ('updateOne' in operation) return { updateOne: settledIn(operation.updateOne, rule) }
  if ('updateMany' in operation) return { updateMany: settledIn(operation.updateMany, rule) }
  return operation
}

function settledIn<T extends UpdateOperation>(operation: T, rule: WriteRule): T {
  checkFilter(operation.filter, operation.upsert)
  return { ...operation, update: guardedUpdate(operation.update, rule) }
}

/** Bulk writes of several collections do not call the methods of the collection. */
function guardConnection(connection: Connection): void {
  if (guardedConnections.has(connection)) return
  guardedConnections.add(connection)
  const native = connection.bulkWrite.bind(connection) as (...given: unknown[]) => Promise<unknown>
  Object.assign(connection, {
    async bulkWrite(operations: readonly { readonly model: unknown }[], options?: Options) {
      for (const { model } of operations) {
        const named = typeof model === 'string' ? connection.model(model) : model
        if (isGuarded(named as Model<never>))
          throw new MfaError(
            'fields-protected',
            'connection.bulkWrite does not keep what is ours in a user: call bulkWrite of the model',
          )
      }
      return native(operations, options)
    },
  })
}

function refuseBuilder(): never {
  throw new MfaError(
    'fields-protected',
    'A bulk builder does not keep what is ours in a user: call bulkWrite of the model',
  )
}
