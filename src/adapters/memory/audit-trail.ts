import {
  AUDIT_KEYS,
  type AuditEntry,
  type AuditPage,
  type AuditPosition,
  type AuditQuery,
  type AuditTrail,
} from '../../ports/audit-trail.ts'
import { auditPage, positionOf, typesIn } from '../audit-pages.ts'
import { sweepMap, type Sweepable } from './sweep-map.ts'

interface Stored {
  readonly order: number
  readonly json: string
}

export function memoryAudit(): AuditTrail & Sweepable {
  const entries = new Map<string, Stored>()
  let order = 0

  const page = async (query: AuditQuery): Promise<AuditPage> => {
    const way = query.oldestFirst === true ? 1 : -1
    const found = [...entries.values()]
      .map((stored) => ({ order: stored.order, entry: JSON.parse(stored.json) as AuditEntry }))
      .filter(({ entry }) => isWanted(entry, query))
      .filter(
        (placed) => query.after === undefined || way * compare(positionOf(placed), query.after) > 0,
      )
      .sort((one, other) => way * compare(positionOf(one), positionOf(other)))
    return auditPage(found, query.limit)
  }

  return {
    async add(events) {
      for (const event of events) {
        if (entries.has(event.id)) continue
        order += 1
        entries.set(event.id, { order, json: JSON.stringify(event) })
      }
    },

    page,
    list: async (query) => (await page(query)).entries,

    sweep: (before, limit) =>
      sweepMap(entries, limit, ({ json }) => (JSON.parse(json) as AuditEntry).at < before),
  }
}

function isWanted(entry: AuditEntry, query: AuditQuery): boolean {
  const { accountId, since, before } = query
  const types = typesIn(query)
  return (
    (accountId === undefined || entry.accountId === accountId) &&
    (types === undefined || types.includes(entry.type)) &&
    (since === undefined || entry.at >= since) &&
    (before === undefined || entry.at < before) &&
    AUDIT_KEYS.every((key) => query[key] === undefined || entry.detail[key] === query[key])
  )
}

function compare(one: AuditPosition, other: AuditPosition): number {
  return one.at - other.at || one.order - other.order
}
