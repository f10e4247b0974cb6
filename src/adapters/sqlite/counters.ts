import type { CounterAnswer, Counters } from '../../ports/counters.ts'
import { COUNTER_KEPT_SECONDS, latestWindowEnd } from '../counter-rules.ts'
import type { SqliteDatabase } from './database.ts'

/**
 * Whether the window is over at the time of the call. The value is the latest end that the window can have. Null for a
 * counter without an end.
 */
const OVER = '(ends_at <= excluded.touched_at OR ends_at > ?)'

export function sqliteCounters(database: SqliteDatabase): Counters {
  return {
    reserve: (key, { limit, windowSeconds }, now) =>
      database.durable((connection): CounterAnswer => {
        const latest = latestWindowEnd(now, windowSeconds)
        const endsAt = windowSeconds === undefined ? null : now + windowSeconds
        // One statement, so that of any number of parallel calls `limit` are allowed. A refusal writes nothing, so that
        // a flood causes no commits.
        const reserved = connection.get<{ count: number }>(
          `INSERT INTO counters (key, count, ends_at, touched_at)
           SELECT ?, 1, ?, ? WHERE ? > 0
           ON CONFLICT (key) DO UPDATE SET
             touched_at = excluded.touched_at,
             count   = CASE WHEN count = 0 OR ${OVER} THEN 1 ELSE count + 1 END,
             ends_at = CASE WHEN count = 0 OR ${OVER} THEN excluded.ends_at ELSE ends_at END
           WHERE count < ? OR ${OVER}
           RETURNING count`,
          key,
          endsAt,
          now,
          limit,
          latest,
          latest,
          limit,
          latest,
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

    // If a power failure undoes this, a success stays counted as a failure. That is safe, and the request need not wait
    // for the disk.
    release: (key, now) =>
      database.relaxed((connection) => {
        connection.run(
          'UPDATE counters SET count = count - 1, touched_at = ? WHERE key = ? AND count > 0',
          now,
          key,
        )
      }),

    reset: (key) =>
      database.relaxed((connection) => {
        connection.run('DELETE FROM counters WHERE key = ?', key)
      }),

    read: read(database),
  }
}

function read(database: SqliteDatabase): Counters['read'] {
  return (key, now) =>
    database.durable((connection) => {
      const row = connection.get<{ count: number; endsAt: number }>(
        `SELECT count, coalesce(ends_at, touched_at + ?) AS endsAt FROM counters
         WHERE key = ? AND count > 0 AND (ends_at IS NULL OR ends_at > ?)`,
        COUNTER_KEPT_SECONDS,
        key,
        now,
      )
      return row && { ...row }
    })
}
