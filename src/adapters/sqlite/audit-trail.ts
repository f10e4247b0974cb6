import { mustSurvivePowerFailure } from '../../domain/events.ts'
import type { AuditEntry, AuditQuery, AuditTrail } from '../../ports/audit-trail.ts'
import { auditPage, typesIn, type PlacedEntry } from '../audit-pages.ts'
import {
  addToChain,
  entryOf,
  insertEntry,
  readChainPage,
  readChains,
  type EntryRow,
} from './audit-chains.ts'
import type { Connection } from './connection.ts'
import type { SqliteDatabase } from './database.ts'

interface AuditRow extends EntryRow {
  readonly sequence: number
}

type Value = string | number

export function sqliteAudit(database: SqliteDatabase): AuditTrail {
  const page: AuditTrail['page'] = (query) =>
    database.durable((connection) => {
      const { sql, values } = auditSelect(query)
      return auditPage(connection.all<AuditRow>(sql, ...values).map(placed), query.limit)
    })

  return {
    add: async (events, chain) => {
      if (events.length === 0) return
      const durability = events.some(mustSurvivePowerFailure) ? 'durable' : 'relaxed'
      await database[durability]((connection) => {
        if (chain === undefined && events.length === 1) addAll(connection, events)
        else
          connection.transaction(() => {
            if (chain === undefined) addAll(connection, events)
            else addToChain(connection, events, chain)
          })
      })
    },

    page,
    list: async (query) => (await page(query)).entries,

    chains: () => database.durable(readChains),
    chainPage: ({ name }, after, limit) =>
      database.durable((connection) => readChainPage(connection, name, after, limit)),
    unchained: () =>
      database.durable(
        (connection) =>
          connection.get<{ n: number }>('SELECT count(*) AS n FROM audit WHERE chain IS NULL')?.n ??
          0,
      ),
  }
}

function addAll(connection: Connection, events: readonly AuditEntry[]): void {
  for (const event of events) insertEntry(connection, event)
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
