import type { JsonObject } from '../../domain/json.ts'
import type { MfaRecords } from '../../ports/mfa-records.ts'
import type { ServerStorage } from '../../ports/server-storage.ts'
import { handlesOf, handleTaken } from '../handle-rules.ts'
import type { Connection } from './connection.ts'
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

    // Both connections append to one log: a power cut loses the newest entries, never an older one alone.
    save: async (accountId, record, expectedVersion, durability = 'durable') => {
      const json = JSON.stringify(record)
      const handles = handlesOf(record)
      return database[durability]((connection) =>
        connection.transaction(() => {
          if (!writeRecord(connection, accountId, json, expectedVersion)) return false
          writeHandles(connection, accountId, handles)
          return true
        }),
      )
    },

    findByHandle: (handle) =>
      database.durable(
        (connection) =>
          connection.get<{ account_id: string }>(
            'SELECT account_id FROM mfa_handles WHERE handle = ?',
            handle,
          )?.account_id,
      ),
  }
}

/** Answers false, and changes nothing, when the stored version is not `expectedVersion` (0: there is no record). */
function writeRecord(
  connection: Connection,
  accountId: string,
  json: string,
  expectedVersion: number,
): boolean {
  const changed =
    expectedVersion === 0
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
        )
  return changed === 1
}

/** Deletes the handles that the account has given up and adds its new ones. Throws MfaError `handle-taken`. */
function writeHandles(connection: Connection, accountId: string, handles: readonly string[]): void {
  const present = connection
    .all<{ handle: string }>('SELECT handle FROM mfa_handles WHERE account_id = ?', accountId)
    .map(({ handle }) => handle)
  for (const handle of present)
    if (!handles.includes(handle))
      connection.run('DELETE FROM mfa_handles WHERE handle = ?', handle)
  for (const handle of handles) {
    if (present.includes(handle)) continue
    const added = connection.run(
      'INSERT INTO mfa_handles (handle, account_id) VALUES (?, ?) ON CONFLICT DO NOTHING',
      handle,
      accountId,
    )
    // The error rolls the transaction back, and the record with it.
    if (added === 0) throw handleTaken()
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
