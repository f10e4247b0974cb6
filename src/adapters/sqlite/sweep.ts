import type { Instant } from '../../domain/time.ts'
import type { AuditRetention } from '../../ports/audit-trail.ts'
import { COUNTER_KEPT_SECONDS } from '../counter-rules.ts'
import { NODE_KEPT_SECONDS } from '../node-rules.ts'
import { sweepInShares } from '../sweep-shares.ts'
import { sweepAudit } from './audit-sweep.ts'
import type { SqliteDatabase } from './database.ts'
import { hasIncrementalVacuum } from './vacuum.ts'

/**
 * The kinds of rows that end by time, each with its statements. A statement finds its rows by an index and deletes a
 * bounded number, so that other writers do not wait for long. The values are the present time and the limit.
 */
export const EXPIRED: readonly (readonly string[])[] = [
  [
    `DELETE FROM host_records WHERE rowid IN
     (SELECT rowid FROM host_records WHERE keep_until <= ? LIMIT ?)`,
  ],
  [
    `DELETE FROM ended_sessions WHERE rowid IN
     (SELECT rowid FROM ended_sessions WHERE keep_until <= ? LIMIT ?)`,
  ],
  [
    `DELETE FROM one_time WHERE rowid IN
     (SELECT rowid FROM one_time WHERE expires_at <= ? LIMIT ?)`,
  ],
  [
    `DELETE FROM outbox WHERE rowid IN
     (SELECT rowid FROM outbox WHERE keep_until <= ? LIMIT ?)`,
  ],
  [
    `DELETE FROM counters WHERE rowid IN
     (SELECT rowid FROM counters WHERE ends_at <= ? LIMIT ?)`,
    `DELETE FROM counters WHERE rowid IN
     (SELECT rowid FROM counters
      WHERE ends_at IS NULL AND touched_at <= ? - ${COUNTER_KEPT_SECONDS} LIMIT ?)`,
  ],
  [
    `DELETE FROM nodes WHERE rowid IN
     (SELECT rowid FROM nodes WHERE beat_at <= ? - ${NODE_KEPT_SECONDS} LIMIT ?)`,
  ],
]

/** Deletes counters whose count is 0 again. The value is the limit. */
export const EMPTY_COUNTERS = `DELETE FROM counters WHERE rowid IN
     (SELECT rowid FROM counters WHERE count = 0 LIMIT ?)`

/**
 * Deletes at most `limit` expired rows, and the audit entries that `audit` names; answers how many.
 *
 * The pages of the deleted rows are copied from the log into the file at once. Otherwise a commit of a sign-in would copy the pages
 * of a thousand deleted rows, and block the process for about 20 ms.
 */
export async function sweep(
  database: SqliteDatabase,
  limit: number,
  now: Instant,
  audit?: AuditRetention,
): Promise<number> {
  const kinds = EXPIRED.map(
    (statements) => (most: number) =>
      database.relaxed((connection) => {
        let swept = 0
        for (const sql of statements)
          if (swept < most) swept += connection.run(sql, now, most - swept)
        return swept
      }),
  )
  kinds.push((most) => database.relaxed((connection) => connection.run(EMPTY_COUNTERS, most)))
  if (audit !== undefined)
    kinds.push((most) => database.relaxed((connection) => sweepAudit(connection, audit, most)))
  const swept = await sweepInShares(kinds, limit)
  if (swept > 0) await copyLog(database)
  return swept
}

/** Copies the log into the file as far as no reader needs it, without waiting for anybody. */
function copyLog(database: SqliteDatabase): Promise<void> {
  return database.relaxed((connection) => {
    connection.get('PRAGMA wal_checkpoint(PASSIVE)')
  })
}

/** At most this part of the file stays free for new rows: a file that shrinks and grows each minute costs writes. */
const FREE_PART = 0.1
/** 1 MiB with SQLite's usual pages. */
const LEAST_FREE_PAGES = 256

/**
 * Gives at most `limit` free pages back to the file system; answers how many. A file that was made before incremental
 * vacuum, and not converted by `migrate`, keeps them.
 */
export async function giveBackPages(database: SqliteDatabase, limit: number): Promise<number> {
  const given = await database.relaxed((connection) => {
    const before = connection.pragma('freelist_count')
    const kept = Math.max(LEAST_FREE_PAGES, connection.pragma('page_count') * FREE_PART)
    const pages = Math.min(limit, Math.floor(before - kept))
    if (pages <= 0 || !hasIncrementalVacuum(connection)) return 0
    connection.exec(`PRAGMA incremental_vacuum(${pages})`)
    return before - connection.pragma('freelist_count')
  })
  if (given > 0) await copyLog(database)
  return given
}
