import type { JsonObject } from '../../domain/json.ts'
import type { MfaRecords } from '../../ports/mfa-records.ts'
import { hasEvents } from '../event-rules.ts'
import { handlesOf, handleTaken } from '../handle-rules.ts'

/** Deeds on records, which the server needs and `createMfa` does not. */
export interface Listed {
  /** The ids of records whose events wait to be passed on. */
  waiting(limit: number): readonly string[]
  /** The ids of all accounts with a record, page by page. */
  ids(page: { after?: string; limit: number }): Promise<readonly string[]>
  remove(accountId: string): void
}

export function memoryRecords(): MfaRecords & Listed {
  const stored = new Map<string, { json: string; version: number; handles: readonly string[] }>()
  /** The account of each handle. */
  const owners = new Map<string, string>()
  return {
    async load(accountId) {
      const entry = stored.get(accountId)
      return entry && { record: JSON.parse(entry.json) as JsonObject, version: entry.version }
    },

    async save(accountId, record, expectedVersion) {
      const before = stored.get(accountId)
      if ((before?.version ?? 0) !== expectedVersion) return false
      const handles = handlesOf(record)
      if (handles.some((handle) => (owners.get(handle) ?? accountId) !== accountId))
        throw handleTaken()
      for (const handle of before?.handles ?? []) owners.delete(handle)
      for (const handle of handles) owners.set(handle, accountId)
      const json = JSON.stringify(record)
      stored.set(accountId, { json, version: expectedVersion + 1, handles })
      return true
    },

    async findByHandle(handle) {
      return owners.get(handle)
    },

    remove(accountId) {
      for (const handle of stored.get(accountId)?.handles ?? []) owners.delete(handle)
      stored.delete(accountId)
    },

    waiting: (limit) =>
      [...stored]
        .filter(([, { json }]) => hasEvents(JSON.parse(json) as JsonObject))
        .map(([id]) => id)
        .slice(0, limit),

    async ids({ after, limit }) {
      return [...stored.keys()]
        .filter((id) => after === undefined || id > after)
        .sort((a, b) => (a < b ? -1 : 1))
        .slice(0, limit)
    },
  }
}
