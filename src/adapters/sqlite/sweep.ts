import type { Instant } from '../../domain/time.ts'
import { COUNTER_KEPT_SECONDS } from '../counter-rules.ts'
import type { Connection } from './connection.ts'

/**
 * Each statement finds its rows by an index and deletes a bounded number: other writers do not wait for long. The
 * values are the present time and the limit.
 */
export const EXPIRED = [
  `DELETE FROM host_records WHERE rowid IN
     (SELECT rowid FROM host_records WHERE keep_until <= ? LIMIT ?)`,
  `DELETE FROM ended_sessions WHERE rowid IN
     (SELECT rowid FROM ended_sessions WHERE keep_until <= ? LIMIT ?)`,
  `DELETE FROM one_time WHERE rowid IN
     (SELECT rowid FROM one_time WHERE expires_at <= ? LIMIT ?)`,
  `DELETE FROM outbox WHERE rowid IN
     (SELECT rowid FROM outbox WHERE keep_until <= ? LIMIT ?)`,
  `DELETE FROM counters WHERE rowid IN
     (SELECT rowid FROM counters WHERE ends_at <= ? LIMIT ?)`,
  `DELETE FROM counters WHERE rowid IN
     (SELECT rowid FROM counters
      WHERE ends_at IS NULL AND touched_at <= ? - ${COUNTER_KEPT_SECONDS} LIMIT ?)`,
]

/** Deletes counters whose count is 0 again. The value is the limit. */
export const EMPTY_COUNTERS = `DELETE FROM counters WHERE rowid IN
     (SELECT rowid FROM counters WHERE count = 0 LIMIT ?)`

/** Deletes audit entries from before the given time. The values are that time and the limit. */
export const OLD_AUDIT = `DELETE FROM audit WHERE sequence IN
     (SELECT sequence FROM audit WHERE at < ? ORDER BY at LIMIT ?)`

/** Deletes at most `limit` expired rows, and audit entries older than `auditBefore`; returns how many. */
export function sweep(
  connection: Connection,
  limit: number,
  now: Instant,
  auditBefore?: Instant,
): number {
  let swept = 0
  for (const sql of EXPIRED) {
    if (swept < limit) swept += connection.run(sql, now, limit - swept)
  }
  if (swept < limit) swept += connection.run(EMPTY_COUNTERS, limit - swept)
  if (auditBefore !== undefined && swept < limit)
    swept += connection.run(OLD_AUDIT, auditBefore, limit - swept)
  return swept
}
