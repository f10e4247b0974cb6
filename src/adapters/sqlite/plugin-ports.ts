import type { JsonObject } from '../../domain/json.ts'
import type { CounterAnswer, Counters } from '../../ports/counters.ts'
import type { MfaRecords } from '../../ports/mfa-records.ts'
import type { OneTime } from '../../ports/one-time.ts'
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

    save: (accountId, record, expectedVersion) => {
      const json = JSON.stringify(record)
      return database.durable(
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

export function sqliteCounters(database: SqliteDatabase): Counters {
  return {
    reserve: (key, { limit, windowSeconds }, now) =>
      database.durable((connection): CounterAnswer => {
        const endsAt = windowSeconds === undefined ? null : now + windowSeconds
        // One statement, so that of any number of parallel calls `limit` are allowed. In a refusal nothing is
        // written, so that a flood costs no commit.
        const reserved = connection.get<{ count: number }>(
          `INSERT INTO counters (key, count, ends_at) SELECT ?1, 1, ?2 WHERE ?3 > 0
           ON CONFLICT (key) DO UPDATE SET
             count   = CASE WHEN count = 0 OR ends_at <= ?4 THEN 1 ELSE count + 1 END,
             ends_at = CASE WHEN count = 0 OR ends_at <= ?4 THEN excluded.ends_at ELSE ends_at END
           WHERE count < ?3 OR ends_at <= ?4
           RETURNING count`,
          key,
          endsAt,
          limit,
          now,
        )
        if (reserved) return { allowed: true, count: reserved.count }
        const present = connection.get<{ count: number; ends_at: number | null }>(
          'SELECT count, ends_at FROM counters WHERE key = ?',
          key,
        )
        const retryAt = present ? present.ends_at : endsAt
        return {
          allowed: false,
          count: present?.count ?? 0,
          ...(retryAt === null ? {} : { retryAt }),
        }
      }),

    // What a power cut takes back here counts a failure that was none: on the safe side, and sooner done.
    release: (key, now) =>
      database.relaxed((connection) => {
        connection.run(
          'UPDATE counters SET count = count - 1 WHERE key = ? AND count > 0 AND (ends_at IS NULL OR ends_at > ?)',
          key,
          now,
        )
      }),

    reset: (key) =>
      database.relaxed((connection) => {
        connection.run('DELETE FROM counters WHERE key = ?', key)
      }),
  }
}
