import type { AdapterPayload } from 'oidc-provider'
import type { Clock } from '../../ports/services.ts'
import {
  alreadyConsumed,
  keepUntil,
  USED_REFRESH_TOKEN_GRACE_SECONDS,
} from '../host-record-rules.ts'
import type {
  SealedPayload,
  StoredAdapter,
  StoredHostRecords,
  StoredSessions,
} from '../sealed-host-records.ts'
import type { Connection } from './connection.ts'
import type { SqliteDatabase } from './database.ts'
import { destroySession, endFamily, isFamilyOver, upsertSession } from './host-sessions.ts'

/** The rows of the host's own records; `host-sessions.ts` has the rules of sessions. */
export function sqliteHostRecords(database: SqliteDatabase, clock: Clock): StoredHostRecords {
  return (model): StoredAdapter => {
    const findBy = (column: Column) => finder(database, clock, model, column)

    return {
      atomicConsume: true,
      find: findBy('id'),
      findByUid: findBy('uid'),
      findByUserCode: findBy('user_code'),

      findByAccount: ofAccount(database, clock, model),

      upsert(id, payload: SealedPayload, expiresIn) {
        const json = JSON.stringify(payload)
        const now = clock.now()
        const keep = keepUntil(now, expiresIn) ?? null
        return database.relaxed((connection) => {
          if (model === 'Session' && payload.uid !== undefined) {
            const { uid, account = null } = payload
            upsertSession(connection, { id, uid, account, json, keepUntil: keep }, now)
          } else {
            upsertRecord(connection, model, id, payload, json, keep)
          }
        })
      },

      consume: (id) =>
        database.relaxed((connection) => {
          const consumed = connection.run(
            `UPDATE host_records SET consumed = ?, keep_until = keep_until + ?
             WHERE model = ? AND id = ? AND consumed IS NULL`,
            clock.now(),
            model === 'RefreshToken' ? USED_REFRESH_TOKEN_GRACE_SECONDS : 0,
            model,
            id,
          )
          if (consumed === 0) throw alreadyConsumed(model)
        }),

      destroy: (id, ending) =>
        database.relaxed((connection) => {
          if (model === 'Session') destroySession(connection, id, ending, clock.now())
          else connection.run('DELETE FROM host_records WHERE model = ? AND id = ?', model, id)
        }),

      // Deletes records of its own model only: interactions carry a grant's id too, and deleting them would break
      // switching accounts.
      revokeByGrantId: (grantId) =>
        database.relaxed((connection) => {
          connection.run(
            'DELETE FROM host_records WHERE model = ? AND grant_id = ?',
            model,
            grantId,
          )
        }),
    }
  }
}

/** The end of all records of a session at once. */
export function sqliteHostSessions(database: SqliteDatabase, clock: Clock): StoredSessions {
  return {
    endSession: (uid) => database.relaxed((connection) => endFamily(connection, uid, clock.now())),
    isEnded: (uid) => database.relaxed((connection) => isFamilyOver(connection, uid, clock.now())),
  }
}

type Column = 'id' | 'uid' | 'user_code'

/** Finds the last record of a model whose `column` has a value, unless it has expired. */
function finder(
  database: SqliteDatabase,
  clock: Clock,
  model: string,
  column: Column,
): (value: string) => Promise<AdapterPayload | undefined> {
  const sql = `SELECT payload, consumed FROM host_records
    WHERE model = ? AND ${column} = ? AND (keep_until IS NULL OR keep_until > ?)
    ORDER BY rowid DESC LIMIT 1`
  return (value) =>
    database.relaxed((connection) => {
      const row = connection.get<{ payload: string; consumed: number | null }>(
        sql,
        model,
        value,
        clock.now(),
      )
      if (!row) return undefined
      const payload = JSON.parse(row.payload) as AdapterPayload
      if (row.consumed !== null) payload.consumed ??= row.consumed
      return payload
    })
}

/** Finds the records of a model that belong to an account, unless they have expired. */
function ofAccount(
  database: SqliteDatabase,
  clock: Clock,
  model: string,
): StoredAdapter['findByAccount'] {
  const sql = `SELECT payload FROM host_records
    WHERE model = ? AND account = ? AND (keep_until IS NULL OR keep_until > ?)`
  return (account) =>
    database.relaxed((connection) =>
      connection
        .all<{ payload: string }>(sql, model, account, clock.now())
        .map(({ payload }) => JSON.parse(payload) as AdapterPayload),
    )
}

/** Replaces the record, but a used code stays used, also if a request in flight writes it back. */
function upsertRecord(
  connection: Connection,
  model: string,
  id: string,
  payload: SealedPayload,
  json: string,
  keep: number | null,
): void {
  connection.run(
    `INSERT INTO host_records (model, id, payload, user_code, grant_id, account, consumed, keep_until)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (model, id) DO UPDATE SET
       payload = excluded.payload, user_code = excluded.user_code, grant_id = excluded.grant_id,
       account = excluded.account, consumed = coalesce(consumed, excluded.consumed), keep_until = excluded.keep_until`,
    model,
    id,
    json,
    payload.userCode ?? null,
    payload.grantId ?? null,
    payload.account ?? null,
    payload.consumed ? Number(payload.consumed) : null,
    keep,
  )
}
