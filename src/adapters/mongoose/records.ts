import type { mongo } from 'mongoose'
import { MfaError } from '../../domain/errors.ts'
import type { JsonObject } from '../../domain/json.ts'
import type { MfaRecords, Versioned } from '../../ports/mfa-records.ts'
import { handlesOf, handleTaken } from '../handle-rules.ts'
import { waitingOf } from './collections.ts'
import type { Keyed, MongoDatabase } from './database.ts'
import { isDuplicateKey } from './failure.ts'
import { HANDLES_FIELD } from './field.ts'
import { isHandleTaken, ownerOf, type HandleIndex } from './handle-index.ts'
import type { OneRead } from './one-read.ts'

export const RECORDS = 'mfa_records'

export interface RecordRow extends Keyed {
  readonly version: number
  readonly record: string
  /** Absent where the record has none: an empty array would be a value of the unique index. */
  readonly handles?: readonly string[]
  /** Present while events of the record wait to be passed on. */
  readonly waiting?: true
}

/**
 * Records in a collection of their own, by account id: for applications whose users are stored elsewhere. `together`:
 * how records are read where the accounts are in a collection beside them.
 */
export function mongoRecords(
  database: MongoDatabase,
  index: HandleIndex,
  together?: OneRead<unknown, RecordRow | null>,
): MfaRecords {
  return {
    async load(accountId) {
      const row = await (together?.record(accountId) ?? readRecord(database, accountId))
      return row === null ? undefined : readVersioned(row)
    },

    async save(accountId, record, expectedVersion) {
      const handles = handlesOf(record)
      if (handles.length > 0) await index.ready()
      const row = {
        version: expectedVersion + 1,
        record: JSON.stringify(record),
        ...waitingOf(record),
      }
      together?.forget(accountId)
      try {
        return await database.on<RecordRow, boolean>(RECORDS, (collection) =>
          expectedVersion === 0
            ? insertRow(collection, { _id: accountId, ...row }, handles)
            : updateRow(collection, { _id: accountId, ...row }, handles),
        )
      } finally {
        together?.forget(accountId)
      }
    },

    async findByHandle(handle) {
      await index.ready()
      return database.on<RecordRow, string | undefined>(RECORDS, (collection) =>
        ownerOf(collection, HANDLES_FIELD, handle),
      )
    },
  }
}

/** Answers false when the account has a record already. Throws MfaError `handle-taken`. */
async function insertRow(
  collection: mongo.Collection<RecordRow>,
  row: RecordRow,
  handles: readonly string[],
): Promise<boolean> {
  try {
    await collection.insertOne(handles.length === 0 ? row : { ...row, handles })
    return true
  } catch (error) {
    if (!isDuplicateKey(error)) throw error
    // Of two first saves of one account with one handle, the server may report either index. The handle belongs to
    // another account only if this one has no record.
    if (!isHandleTaken(error) || (await collection.findOne({ _id: { $eq: row._id } })) !== null)
      return false
    throw handleTaken(error)
  }
}

/** Answers false when the stored version is not the one before `version`. Throws MfaError `handle-taken`. */
async function updateRow(
  collection: mongo.Collection<RecordRow>,
  { _id, version, record, waiting }: RecordRow,
  handles: readonly string[],
): Promise<boolean> {
  const absent = {
    ...(handles.length === 0 ? { [HANDLES_FIELD]: 1 as const } : {}),
    ...(waiting === undefined ? { waiting: 1 as const } : {}),
  }
  const update = {
    $set: {
      version,
      record,
      ...(handles.length === 0 ? {} : { handles }),
      ...(waiting === undefined ? {} : { waiting }),
    },
    ...(Object.keys(absent).length === 0 ? {} : { $unset: absent }),
  }
  try {
    const { matchedCount } = await collection.updateOne(
      { _id: { $eq: _id }, version: version - 1 },
      update,
    )
    return matchedCount === 1
  } catch (error) {
    throw isHandleTaken(error) ? handleTaken(error) : error
  }
}

export function readRecord(database: MongoDatabase, accountId: string): Promise<RecordRow | null> {
  return database.on<RecordRow, RecordRow | null>(RECORDS, (collection) =>
    collection.findOne({ _id: { $eq: accountId } }),
  )
}

/** A stored record and its version. Fails closed: what this adapter has not written never counts as "no second factor". */
export function readVersioned({ record, version }: Record<string, unknown>): Versioned {
  if (typeof record !== 'string' || !isCount(version))
    throw new MfaError('record-unreadable', 'The stored MFA record has no text or no version')
  return { record: parse(record), version }
}

export function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0
}

function parse(text: string): JsonObject {
  try {
    return JSON.parse(text) as JsonObject
  } catch (cause) {
    throw new MfaError('record-unreadable', 'The stored MFA record is no JSON', { cause })
  }
}
