import type { Instant } from '../../domain/time.ts'
import { COUNTER_KEPT_SECONDS } from '../counter-rules.ts'
import type { Connection } from './connection.ts'

/** Each statement finds its rows by an index and deletes a bounded number: other writers do not wait for long. */
export const SWEEPS = [
  `DELETE FROM host_records WHERE rowid IN
     (SELECT rowid FROM host_records WHERE keep_until <= ?1 LIMIT ?2)`,
  `DELETE FROM ended_sessions WHERE rowid IN
     (SELECT rowid FROM ended_sessions WHERE keep_until <= ?1 LIMIT ?2)`,
  `DELETE FROM one_time WHERE rowid IN
     (SELECT rowid FROM one_time WHERE expires_at <= ?1 LIMIT ?2)`,
  `DELETE FROM counters WHERE rowid IN
     (SELECT rowid FROM counters WHERE ends_at <= ?1 LIMIT ?2)`,
  `DELETE FROM counters WHERE rowid IN
     (SELECT rowid FROM counters WHERE count = 0 LIMIT ?2)`,
  `DELETE FROM counters WHERE rowid IN
     (SELECT rowid FROM counters
      WHERE ends_at IS NULL AND touched_at <= ?1 - ${COUNTER_KEPT_SECONDS} LIMIT ?2)`,
]

/** Deletes entries from before the given time. */
export const AUDIT_SWEEP = `DELETE FROM audit WHERE sequence IN
     (SELECT sequence FROM audit WHERE at < ?1 ORDER BY at LIMIT ?2)`

/** Deletes at most `limit` rows that are past their time, audit entries before `auditBefore`; answers how many. */
export function sweep(
  connection: Connection,
  limit: number,
  now: Instant,
  auditBefore?: Instant,
): number {
  let swept = 0
  for (const sql of SWEEPS) {
    if (swept < limit) swept += connection.run(sql, now, limit - swept)
  }
  if (auditBefore !== undefined && swept < limit)
    swept += connection.run(AUDIT_SWEEP, auditBefore, limit - swept)
  return swept
}
