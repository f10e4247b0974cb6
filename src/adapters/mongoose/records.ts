import { MfaError } from '../../domain/errors.ts'
import type { JsonObject } from '../../domain/json.ts'
import type { MfaRecords, Versioned } from '../../ports/mfa-records.ts'
import type { Keyed, MongoDatabase } from './database.ts'
import { isDuplicateKey } from './failure.ts'
import type { OneRead } from './one-read.ts'

export const RECORDS = 'mfa_records'

export interface RecordRow extends Keyed {
  readonly version: number
  readonly record: string
}

/**
 * Records in a collection of their own, by account id: for applications whose people live elsewhere. `together`: how
 * they are read where the accounts are beside them.
 */
export function mongoRecords(
  database: MongoDatabase,
  together?: OneRead<unknown, RecordRow | null>,
): MfaRecords {
  return {
    async load(accountId) {
      const row = await (together?.record(accountId) ?? readRecord(database, accountId))
      return row === null ? undefined : readVersioned(row)
    },

    async save(accountId, record, expectedVersion) {
      together?.forget(accountId)
      try {
        return await database.on<RecordRow, boolean>(RECORDS, async (collection) => {
          const json = JSON.stringify(record)
          if (expectedVersion === 0) {
            try {
              await collection.insertOne({ _id: accountId, version: 1, record: json })
              return true
            } catch (error) {
              if (isDuplicateKey(error)) return false
              throw error
            }
          }
          const { matchedCount } = await collection.updateOne(
            { _id: { $eq: accountId }, version: expectedVersion },
            { $set: { version: expectedVersion + 1, record: json } },
          )
          return matchedCount === 1
        })
      } finally {
        together?.forget(accountId)
      }
    },
  }
}

export function readRecord(database: MongoDatabase, accountId: string): Promise<RecordRow | null> {
  return database.on<RecordRow, RecordRow | null>(RECORDS, (collection) =>
    collection.findOne({ _id: { $eq: accountId } }),
  )
}

/** A stored record and its version. Fails closed: what nobody of us has written is no "has no second factor". */
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
