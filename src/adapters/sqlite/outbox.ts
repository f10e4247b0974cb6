import type { Outbox, OutboxRow, WaitingRow } from '../../ports/outbox.ts'
import type { SqliteDatabase } from './database.ts'

interface Row {
  readonly id: string
  readonly account_id: string
  readonly value: string
  readonly until: number | null
}

interface Waiting extends Row {
  readonly claims: number
  readonly due_at: number
  readonly fault: string | null
}

interface Claimed extends Row {
  readonly claims: number
  readonly first_claimed_at: number
}

const WAITING = 'id, account_id, value, until, claims, due_at, fault'

const rowOf = ({ id, account_id: accountId, value, until }: Row): OutboxRow => ({
  id,
  accountId,
  value,
  ...(until === null ? {} : { until }),
})

const waitingRowOf = (row: Waiting): WaitingRow => ({
  ...rowOf(row),
  claims: row.claims,
  dueAt: row.due_at,
  ...(row.fault === null ? {} : { fault: row.fault }),
})

export function sqliteOutbox(database: SqliteDatabase): Outbox {
  return { ...writes(database), ...reads(database), ...claims(database), ...changes(database) }
}

function writes(database: SqliteDatabase): Pick<Outbox, 'add' | 'withdraw' | 'replaceValue'> {
  return {
    add: async (rows, now) => {
      if (rows.length === 0) return
      await database.durable((connection) =>
        connection.transaction(() => {
          for (const { id, accountId, value, until = null } of rows)
            connection.run(
              `INSERT INTO outbox (id, account_id, value, until, keep_until, due_at, claims)
               VALUES (?, ?, ?, ?, ?, ?, 0) ON CONFLICT DO NOTHING`,
              id,
              accountId,
              value,
              until,
              until,
              now,
            )
        }),
      )
    },

    withdraw: (accountId) =>
      database.durable((connection) =>
        connection.run('DELETE FROM outbox WHERE account_id = ? AND until IS NOT NULL', accountId),
      ),

    replaceValue: (id, value, expected) =>
      database.durable(
        (connection) =>
          connection.run(
            'UPDATE outbox SET value = ? WHERE id = ? AND value = ? AND due_at IS NOT NULL',
            value,
            id,
            expected,
          ) === 1,
      ),
  }
}

function reads(database: SqliteDatabase): Pick<Outbox, 'find' | 'list' | 'waiting'> {
  return {
    find: (id) =>
      database.durable((connection) => {
        const row = connection.get<Waiting>(
          `SELECT ${WAITING} FROM outbox WHERE id = ? AND due_at IS NOT NULL`,
          id,
        )
        return row && waitingRowOf(row)
      }),

    list: ({ after, limit }) =>
      database.durable((connection) =>
        connection
          .all<Waiting>(
            `SELECT ${WAITING} FROM outbox
             WHERE id > ? AND due_at IS NOT NULL ORDER BY id LIMIT ?`,
            after ?? '',
            limit,
          )
          .map(waitingRowOf),
      ),

    waiting: () =>
      database.durable(
        (connection) =>
          connection.get<{ rows: number }>(
            'SELECT count(*) AS rows FROM outbox WHERE due_at IS NOT NULL',
          )?.rows ?? 0,
      ),
  }
}

/** The steps of a sender. */
function claims(database: SqliteDatabase): Pick<Outbox, 'claim' | 'postpone' | 'finish'> {
  return {
    claim: (now, claimedUntil, latest = Infinity) =>
      database.durable((connection) => {
        const claimed = connection.get<Claimed>(
          `UPDATE outbox
           SET due_at = ?, claims = claims + 1, fault = NULL,
             first_claimed_at = coalesce(first_claimed_at, ?)
           WHERE sequence = (
             SELECT sequence FROM outbox
             WHERE (due_at <= ? OR due_at > ?) AND (until IS NULL OR until > ?)
             ORDER BY due_at, sequence LIMIT 1)
           RETURNING id, account_id, value, until, claims, first_claimed_at`,
          claimedUntil,
          now,
          now,
          latest,
          now,
        )
        return (
          claimed && {
            ...rowOf(claimed),
            claims: claimed.claims,
            firstClaimedAt: claimed.first_claimed_at,
          }
        )
      }),

    postpone: ({ id, claims }, dueAt, fault) =>
      database.durable(
        (connection) =>
          connection.run(
            `UPDATE outbox SET due_at = ?, fault = ?
             WHERE id = ? AND claims = ? AND due_at IS NOT NULL`,
            dueAt,
            fault,
            id,
            claims,
          ) === 1,
      ),

    finish: ({ id, claims }, knownUntil) =>
      database.durable(
        (connection) =>
          connection.run(
            `UPDATE outbox SET value = '', until = NULL, due_at = NULL, keep_until = ?
             WHERE id = ? AND claims = ? AND due_at IS NOT NULL`,
            knownUntil,
            id,
            claims,
          ) === 1,
      ),
  }
}

/** The changes that an operator makes. */
function changes(database: SqliteDatabase): Pick<Outbox, 'hasten' | 'drop'> {
  return {
    hasten: (id, now) =>
      database.durable(
        (connection) =>
          connection.run(
            `UPDATE outbox SET due_at = ?
             WHERE id = ? AND due_at IS NOT NULL AND (claims = 0 OR fault IS NOT NULL)`,
            now,
            id,
          ) === 1,
      ),

    drop: (id, knownUntil) =>
      database.durable(
        (connection) =>
          connection.run(
            `UPDATE outbox SET value = '', until = NULL, due_at = NULL, fault = NULL, keep_until = ?
             WHERE id = ? AND due_at IS NOT NULL`,
            knownUntil,
            id,
          ) === 1,
      ),
  }
}
