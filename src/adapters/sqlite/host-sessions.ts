import type { AdapterPayload } from 'oidc-provider'
import type { Instant } from '../../domain/time.ts'
import type { SessionEnding } from '../../host/session.ts'
import { ENDED_SESSION_SECONDS, HEIR_SECONDS } from '../host-record-rules.ts'
import type { Connection } from './connection.ts'

interface SessionRecord {
  readonly id: string
  readonly uid: string
  readonly account: string | null
  readonly json: string
  readonly keepUntil: number | null
}

/** Stores a session unless it has ended; `adapters/host-record-rules.ts` says when it has. */
export function upsertSession(connection: Connection, session: SessionRecord, now: Instant): void {
  if (updateSession(connection, session) === 1) return
  connection.transaction(() => {
    if (!admits(connection, session, now)) return
    connection.run(
      `INSERT INTO host_records (model, id, payload, uid, account, keep_until)
       VALUES ('Session', ?, ?, ?, ?, ?)
       ON CONFLICT (model, id) DO UPDATE SET
         payload = excluded.payload, account = excluded.account, keep_until = excluded.keep_until`,
      session.id,
      session.json,
      session.uid,
      session.account,
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
      const heirUntil = ending === 'unknown' && ended.id === id ? now + HEIR_SECONDS : 0
      leaveTombstone(connection, { id: ended.id, uid, over: endsUid ? 1 : 0, heirUntil }, now)
    }
  })
}

/** Ends every record of a `uid`, without an heir; returns the payloads as they were. */
export function endFamily(connection: Connection, uid: string, now: Instant): AdapterPayload[] {
  return connection.transaction(() => {
    const deleted = connection.all<{ id: string; payload: string }>(
      "DELETE FROM host_records WHERE model = 'Session' AND uid = ? RETURNING id, payload",
      uid,
    )
    connection.run('UPDATE ended_sessions SET heir_until = 0, over = 1 WHERE uid = ?', uid)
    for (const { id } of deleted)
      leaveTombstone(connection, { id, uid, over: 1, heirUntil: 0 }, now)
    return deleted.map(({ payload }) => JSON.parse(payload) as AdapterPayload)
  })
}

export function isFamilyOver(connection: Connection, uid: string, now: Instant): boolean {
  const over = 'SELECT 1 FROM ended_sessions WHERE uid = ? AND over = 1 AND keep_until > ?'
  return connection.get(over, uid, now) !== undefined
}

interface Tombstone {
  readonly id: string
  readonly uid: string
  readonly over: 0 | 1
  readonly heirUntil: Instant
}

function leaveTombstone(connection: Connection, tombstone: Tombstone, now: Instant): void {
  const { id, uid, over, heirUntil } = tombstone
  connection.run(
    'INSERT INTO ended_sessions (id, uid, over, heir_until, keep_until) VALUES (?, ?, ?, ?, ?)',
    id,
    uid,
    over,
    heirUntil,
    now + ENDED_SESSION_SECONDS,
  )
}

function updateSession(connection: Connection, session: SessionRecord): number {
  return connection.run(
    "UPDATE host_records SET payload = ?, account = ?, keep_until = ? WHERE model = 'Session' AND id = ?",
    session.json,
    session.account,
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
