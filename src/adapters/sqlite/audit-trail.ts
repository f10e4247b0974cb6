import type { EventDetail } from '../../domain/events.ts'
import type { AuditEntry, AuditQuery, AuditTrail } from '../../ports/audit-trail.ts'
import { auditPage, typesIn, type PlacedEntry } from '../audit-pages.ts'
import type { SqliteDatabase } from './database.ts'

interface AuditRow {
  readonly sequence: number
  readonly id: string
  readonly at: number
  readonly type: string
  readonly account_id: string | null
  readonly detail: string
}

type Value = string | number

export function sqliteAudit(database: SqliteDatabase): AuditTrail {
  const page: AuditTrail['page'] = (query) =>
    database.durable((connection) => {
      const { sql, values } = auditSelect(query)
      return auditPage(connection.all<AuditRow>(sql, ...values).map(placed), query.limit)
    })

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

    page,
    list: async (query) => (await page(query)).entries,
  }
}

/** The statement of a page. A condition on the detail is written as in the expression of its index (schema.ts). */
export function auditSelect(query: AuditQuery): {
  readonly sql: string
  readonly values: readonly Value[]
} {
  const conditions = ['TRUE']
  const values: Value[] = []
  const narrow = (condition: string, ...given: (Value | undefined)[]): void => {
    if (given.includes(undefined)) return
    conditions.push(condition)
    values.push(...(given as Value[]))
  }
  const { after } = query
  const types = typesIn(query)
  const [way, beyond] = query.oldestFirst === true ? ['ASC', '>'] : ['DESC', '<']
  narrow('account_id = ?', query.accountId)
  if (types?.length === 1) narrow('type = ?', types[0])
  else if (types !== undefined) narrow(`type IN (${types.map(() => '?').join()})`, ...types)
  narrow("json_extract(detail, '$.clientId') = ?", query.clientId)
  narrow("json_extract(detail, '$.ip') = ?", query.ip)
  narrow("json_extract(detail, '$.actor') = ?", query.actor)
  narrow("json_extract(detail, '$.requestId') = ?", query.requestId)
  narrow('at >= ?', query.since)
  narrow('at < ?', query.before)
  narrow(`(at, sequence) ${beyond} (?, ?)`, after?.at, after?.order)
  return {
    sql: `SELECT sequence, id, at, type, account_id, detail FROM audit
     WHERE ${conditions.join(' AND ')} ORDER BY at ${way}, sequence ${way} LIMIT ?`,
    values: [...values, query.limit + 1],
  }
}

function placed(row: AuditRow): PlacedEntry {
  return { order: row.sequence, entry: entryOf(row) }
}

function entryOf(row: AuditRow): AuditEntry {
  return {
    id: row.id,
    type: row.type,
    ...(row.account_id === null ? {} : { accountId: row.account_id }),
    at: row.at,
    detail: JSON.parse(row.detail) as EventDetail,
  }
}
