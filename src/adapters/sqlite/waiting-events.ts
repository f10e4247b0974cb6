import type { ServerStorage } from '../../ports/server-storage.ts'
import type { SqliteDatabase } from './database.ts'

/** Each statement reads one of the partial indexes, which has an entry only while events wait. The value is the limit. */
export const WAITING = {
  records: `SELECT account_id AS id FROM mfa_records
     WHERE json_array_length(record, '$.events') > 0 LIMIT ?`,
  accounts: "SELECT id FROM accounts WHERE json_array_length(document, '$.events') > 0 LIMIT ?",
} as const

export function sqliteWaitingEvents(database: SqliteDatabase): ServerStorage['waitingEvents'] {
  return async (of, limit) =>
    database.durable((connection) =>
      connection.all<{ id: string }>(WAITING[of], limit).map(({ id }) => id),
    )
}
