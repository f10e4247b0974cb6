import type { Connection, Model, mongo } from 'mongoose'
import { MfaError } from '../../domain/errors.ts'
import type { Storage } from '../../ports/storage.ts'
import { MongoDatabase } from '../../adapters/mongoose/database.ts'
import { MFA_FIELD } from '../../adapters/mongoose/field.ts'
import { mongooseStorage } from '../../adapters/mongoose/index.ts'
import { mfaFields } from '../../adapters/mongoose/mfa-fields.ts'

/** A user of an application as the database has it: only `_id` and what was asked for. */
export type UserDocument = Readonly<Record<string, unknown>> & { readonly _id: unknown }

/** The types of `_id` that an account id, which is text, can stand for. */
export type IdType = 'ObjectId' | 'String' | 'UUID' | 'Number'

/** An application's collection of users, whose model is not known here. */
export interface ApplicationUsers {
  /** About how many there are. */
  count(): Promise<number>
  /**
   * All users, in batches, in the order of `_id`. Users that are added meanwhile are included if they come later in
   * that order.
   */
  batches(size: number): AsyncGenerator<readonly UserDocument[]>
  /** The present document. Undefined: it was deleted. */
  read(id: unknown): Promise<UserDocument | undefined>
  /** Where `mongooseStorage(User)` keeps the record of a user with such an `_id`. */
  storage(type: IdType): Storage
  /**
   * Removes fields from a document. `withRecord`: only if it holds a record of the second factor, checked in the same
   * atomic step. Returns whether the document was found.
   */
  remove(id: unknown, paths: readonly string[], withRecord: boolean): Promise<boolean>
}

/** `paths`: the fields to read. Each deed throws MfaError `storage-unavailable`. */
export function applicationUsers(
  connection: Connection,
  name: string,
  paths: readonly string[],
): ApplicationUsers {
  const database = new MongoDatabase(connection)
  const users = <T>(deed: (collection: mongo.Collection<UserDocument>) => Promise<T>): Promise<T> =>
    database.on<UserDocument, T>(name, deed)
  const projection = Object.fromEntries(['_id', ...paths].map((path) => [path, 1]))
  const storages = new Map<IdType, Storage>()

  return {
    count: () => users((collection) => collection.estimatedDocumentCount()),

    /**
     * A query for each batch, not one cursor: what is done with a batch may take longer than a cursor lives. A
     * comparison finds values of its own type alone, so each type of `_id` is gone through by itself.
     */
    async *batches(size) {
      const done = new Set<string>()
      for (let last: unknown = undefined; ;) {
        const from = last === undefined ? ofOtherTypes(done) : { _id: { $gt: last } }
        const batch = await users((collection) =>
          collection.find(from, { projection }).sort({ _id: 1 }).limit(size).toArray(),
        )
        if (batch.length > 0) yield batch
        else if (last === undefined) return
        else done.add(bsonType(last))
        last = batch.at(-1)?._id
        // Sorted by type first: of those before the last one there is nothing left.
        for (const { _id } of batch) if (bsonType(_id) !== bsonType(last)) done.add(bsonType(_id))
      }
    },

    async read(id) {
      const found = await users((collection) =>
        collection.findOne({ _id: { $eq: id } } as object, { projection }),
      )
      return found ?? undefined
    },

    storage(type) {
      const known = storages.get(type) ?? mongooseStorage(modelOf(connection, name, type))
      storages.set(type, known)
      return known
    },

    remove: (id, gone, withRecord) =>
      users(async (collection) => {
        const guard = withRecord ? { [`${MFA_FIELD}.record`]: { $type: 'string' } } : {}
        const $unset = Object.fromEntries(gone.map((path) => [path, '']))
        const { matchedCount } = await collection.updateOne(
          { _id: { $eq: id }, ...guard } as object,
          { $unset } as object,
        )
        return matchedCount === 1
      }),
  }
}

/** The account id that an application has for a user; undefined for an `_id` of a type that none stands for. */
export function readUserId(id: unknown): { type: IdType; accountId: string } | undefined {
  if (typeof id === 'string') return id === '' ? undefined : { type: 'String', accountId: id }
  if (typeof id === 'number') return { type: 'Number', accountId: String(id) }
  switch (bsonName(id)) {
    case 'ObjectId':
      return { type: 'ObjectId', accountId: String(id) }
    case 'Binary': {
      const binary = id as mongo.Binary
      if (binary.sub_type !== UUID_SUBTYPE) return undefined
      return { type: 'UUID', accountId: String(binary.toUUID()) }
    }
    default:
      return undefined
  }
}

const UUID_SUBTYPE = 4

/** Of a model of its own, for the application's is in another process: the same collection, the same `_id`. */
function modelOf(connection: Connection, collection: string, type: IdType): Model<never> {
  const schema = new connection.base.Schema({ _id: type }, { collection })
  mfaFields(schema, { passwordPath: false })
  return connection.model(`${collection} by ${type}`, schema) as unknown as Model<never>
}

function ofOtherTypes(done: ReadonlySet<string>): object {
  if (done.size === 0) return {}
  return { $nor: [...done].map((type) => ({ _id: { $type: type } })) }
}

function bsonType(id: unknown): string {
  const plain = { string: 'string', number: 'number', boolean: 'bool' }[typeof id as 'string']
  if (plain !== undefined) return plain
  if (id instanceof Date) return 'date'
  const named = { ObjectId: 'objectId', Binary: 'binData', Long: 'number' }[bsonName(id) ?? '']
  if (named !== undefined) return named
  if (id === null) return 'null'
  if (bsonName(id) === undefined && typeof id === 'object') return 'object'
  throw new MfaError('options-invalid', 'The collection has an _id of a type that no user has')
}

/** The driver's class, by the name that it gives itself: there may be more than one copy of the driver. */
function bsonName(value: unknown): string | undefined {
  const { _bsontype: name } = (value ?? {}) as { _bsontype?: unknown }
  return typeof name === 'string' ? name : undefined
}
