import type { JsonObject } from '../../domain/json.ts'
import type { OneTime } from '../../ports/one-time.ts'
import type { SqliteDatabase } from './database.ts'

export function sqliteOneTime(database: SqliteDatabase): OneTime {
  const value = (row: { value: string } | undefined): JsonObject | undefined =>
    row && (JSON.parse(row.value) as JsonObject)
  return {
    put: (key, entry, expiresAt) =>
      database.durable((connection) => {
        connection.run(
          `INSERT INTO one_time (key, value, expires_at) VALUES (?, ?, ?)
           ON CONFLICT (key) DO UPDATE SET value = excluded.value, expires_at = excluded.expires_at`,
          key,
          JSON.stringify(entry),
          expiresAt,
        )
      }),

    take: (key, now) =>
      database.durable((connection) =>
        value(
          connection.get(
            'DELETE FROM one_time WHERE key = ? AND expires_at > ? RETURNING value',
            key,
            now,
          ),
        ),
      ),

    peek: (key, now) =>
      database.durable((connection) =>
        value(
          connection.get('SELECT value FROM one_time WHERE key = ? AND expires_at > ?', key, now),
        ),
      ),
  }
}
