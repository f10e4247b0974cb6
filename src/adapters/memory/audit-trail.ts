import {
  AUDIT_KEYS,
  type AuditEntry,
  type AuditPage,
  type AuditPosition,
  type AuditQuery,
  type AuditRetention,
  type AuditTrail,
} from '../../ports/audit-trail.ts'
import { MemoryChains, type StoredEntry } from './audit-chains.ts'
import { auditPage, endOfType, positionOf, typesIn } from '../audit-pages.ts'

export interface MemoryAudit extends AuditTrail {
  /** Deletes at most `limit` old entries; returns how many. */
  sweep(retention: AuditRetention, limit: number): number
}

export function memoryAudit(): MemoryAudit {
  const entries = new Map<string, StoredEntry>()
  const chains = new MemoryChains(entries)
  let order = 0

  const insert = (entry: AuditEntry, place?: StoredEntry['place']): void => {
    order += 1
    entries.set(entry.id, { order, json: JSON.stringify(entry), ...(place && { place }) })
  }

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
    async add(events, chain) {
      const fresh = new Map<string, AuditEntry>()
      for (const event of events)
        if (!entries.has(event.id) && !fresh.has(event.id)) fresh.set(event.id, event)
      if (fresh.size === 0) return
      if (chain === undefined) for (const event of fresh.values()) insert(event)
      else
        for (const { entry, number, hash } of chains.link([...fresh.values()], chain))
          insert(entry, { chain: chain.name, number, hash })
    },

    page,
    list: async (query) => (await page(query)).entries,

    chains: async () => chains.all(),

    async chainPage({ name }, after, limit) {
      const found = chains.entriesOf(name).filter(({ number }) => number > after)
      return {
        entries: found.slice(0, limit),
        removed: chains.removedOf(name).filter(({ last }) => last > after),
      }
    },

    async unchained() {
      return [...entries.values()].filter(({ place }) => place === undefined).length
    },

    sweep(retention, limit) {
      const { mac } = retention
      const due = [...entries]
        .filter(([, { json }]) => isOver(JSON.parse(json) as AuditEntry, retention))
        .slice(0, limit)
      if (mac !== undefined)
        chains.sealRemoved(
          due.map(([, stored]) => stored),
          mac,
        )
      for (const [id] of due) entries.delete(id)
      return due.length
    },
  }
}

function isOver({ at, type }: AuditEntry, retention: AuditRetention): boolean {
  const end = endOfType(retention, type)
  return end !== undefined && at < end
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
