import type { JsonObject } from '../../domain/json.ts'
import type { MfaRecords } from '../../ports/mfa-records.ts'
import type { ServerStorage } from '../../ports/server-storage.ts'
import type { SqliteDatabase } from './database.ts'

export function sqliteRecords(database: SqliteDatabase): MfaRecords {
  return {
    load: (accountId) =>
      database.durable((connection) => {
        const row = connection.get<{ record: string; version: number }>(
          'SELECT record, version FROM mfa_records WHERE account_id = ?',
          accountId,
        )
        return row && { record: JSON.parse(row.record) as JsonObject, version: row.version }
      }),

    // Both connections write one log, in one order: what a power cut takes is its end.
    save: (accountId, record, expectedVersion, durability = 'durable') => {
      const json = JSON.stringify(record)
      return database[durability](
        (connection) =>
          (expectedVersion === 0
            ? connection.run(
                'INSERT INTO mfa_records (account_id, version, record) VALUES (?, 1, ?) ON CONFLICT DO NOTHING',
                accountId,
                json,
              )
            : connection.run(
                'UPDATE mfa_records SET record = ?, version = version + 1 WHERE account_id = ? AND version = ?',
                json,
                accountId,
                expectedVersion,
              )) === 1,
      )
    },
  }
}

export function sqliteRecordIds(database: SqliteDatabase): ServerStorage['recordIds'] {
  return async ({ after, limit }) =>
    database.durable((connection) =>
      connection
        .all<{ account_id: string }>(
          'SELECT account_id FROM mfa_records WHERE account_id > ? ORDER BY account_id LIMIT ?',
          after ?? '',
          limit,
        )
        .map((row) => row.account_id),
    )
}
