import type { EventDetail } from '../../domain/events.ts'
import type { AuditTrail } from '../../ports/audit-trail.ts'
import type { SqliteDatabase } from './database.ts'

interface AuditRow {
  readonly id: string
  readonly at: number
  readonly type: string
  readonly account_id: string | null
  readonly detail: string
}

export function sqliteAudit(database: SqliteDatabase): AuditTrail {
  return {
    add: async (events) => {
      if (events.length === 0) return
      await database.durable((connection) => {
        const addAll = (): void => {
          for (const { id, at, type, accountId, detail } of events) {
            connection.run(
              `INSERT INTO audit (id, at, type, account_id, detail) VALUES (?, ?, ?, ?, ?)
               ON CONFLICT DO NOTHING`,
              id,
              at,
              type,
              accountId ?? null,
              JSON.stringify(detail),
            )
          }
        }
        if (events.length === 1) addAll()
        else connection.transaction(addAll)
      })
    },

    list: ({ accountId, type, before, limit }) =>
      database.durable((connection) => {
        const conditions = ['TRUE']
        const values: (string | number)[] = []
        const narrow = (condition: string, value: string | number | undefined): void => {
          if (value === undefined) return
          conditions.push(condition)
          values.push(value)
        }
        narrow('account_id = ?', accountId)
        narrow('type = ?', type)
        narrow('at < ?', before)
        return connection
          .all<AuditRow>(
            `SELECT id, at, type, account_id, detail FROM audit WHERE ${conditions.join(' AND ')}
             ORDER BY at DESC, sequence DESC LIMIT ?`,
            ...values,
            limit,
          )
          .map((row) => ({
            id: row.id,
            type: row.type,
            ...(row.account_id === null ? {} : { accountId: row.account_id }),
            at: row.at,
            detail: JSON.parse(row.detail) as EventDetail,
          }))
      }),
  }
}
