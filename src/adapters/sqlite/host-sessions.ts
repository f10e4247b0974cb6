import type { Instant } from '../../domain/time.ts'
import type { SessionEnding } from '../../host/session.ts'
import { ENDED_SESSION_SECONDS, HEIR_SECONDS } from '../host-record-rules.ts'
import type { Connection } from './connection.ts'

interface SessionRecord {
  readonly id: string
  readonly uid: string
  readonly json: string
  readonly keepUntil: number | null
}

/** Stores a session unless it has ended; `adapters/host-record-rules.ts` says when it has. */
export function upsertSession(connection: Connection, session: SessionRecord, now: Instant): void {
  if (updateSession(connection, session) === 1) return
  connection.transaction(() => {
    if (!admits(connection, session, now)) return
    connection.run(
      `INSERT INTO host_records (model, id, payload, uid, keep_until) VALUES ('Session', ?, ?, ?, ?)
       ON CONFLICT (model, id) DO UPDATE SET payload = excluded.payload, keep_until = excluded.keep_until`,
      session.id,
      session.json,
      session.uid,
      session.keepUntil,
    )
  })
}

/** Deletes a session's record, or all of its `uid`, and leaves the tombstones. */
export function destroySession(
  connection: Connection,
  id: string,
  ending: SessionEnding,
  now: Instant,
): void {
  connection.transaction(() => {
    const live = connection.get<{ uid: string }>(
      "SELECT uid FROM host_records WHERE model = 'Session' AND id = ?",
      id,
    )
    const uid = live?.uid ?? uidOfEnded(connection, id)
    if (uid === undefined) return

    const endsUid = ending === 'signed-out' || (ending === 'unknown' && live !== undefined)
    const deleted = endsUid
      ? connection.all<{ id: string }>(
          "DELETE FROM host_records WHERE model = 'Session' AND uid = ? RETURNING id",
          uid,
        )
      : connection.all<{ id: string }>(
          "DELETE FROM host_records WHERE model = 'Session' AND id = ? RETURNING id",
          id,
        )
    connection.run(
      'UPDATE ended_sessions SET heir_until = 0, over = max(over, ?) WHERE uid = ?',
      endsUid ? 1 : 0,
      uid,
    )
    for (const ended of deleted) {
      connection.run(
        'INSERT INTO ended_sessions (id, uid, over, heir_until, keep_until) VALUES (?, ?, ?, ?, ?)',
        ended.id,
        uid,
        endsUid ? 1 : 0,
        ending === 'unknown' && ended.id === id ? now + HEIR_SECONDS : 0,
        now + ENDED_SESSION_SECONDS,
      )
    }
  })
}

function updateSession(connection: Connection, session: SessionRecord): number {
  return connection.run(
    "UPDATE host_records SET payload = ?, keep_until = ? WHERE model = 'Session' AND id = ?",
    session.json,
    session.keepUntil,
    session.id,
  )
}

/**
 * Whether a session may be stored under an id that has no record now. If it is the heir, this uses up the permission
 * for one.
 */
function admits(connection: Connection, { id, uid }: SessionRecord, now: Instant): boolean {
  if (uidOfEnded(connection, id) !== undefined) return false
  const over = connection.get('SELECT 1 FROM ended_sessions WHERE uid = ? AND over = 1', uid)
  if (over === undefined) return true
  const admitted = connection.get(
    'SELECT 1 FROM ended_sessions WHERE uid = ? AND heir_until >= ?',
    uid,
    now,
  )
  if (admitted === undefined) return false
  connection.run('UPDATE ended_sessions SET over = 0, heir_until = 0 WHERE uid = ?', uid)
  return true
}

function uidOfEnded(connection: Connection, id: string): string | undefined {
  return connection.get<{ uid: string }>('SELECT uid FROM ended_sessions WHERE id = ?', id)?.uid
}
