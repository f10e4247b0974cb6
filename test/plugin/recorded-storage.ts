import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AdapterPayload } from 'oidc-provider'
import { memoryStorage } from '../../src/adapters/memory/index.ts'
import { openSqliteStorage } from '../../src/adapters/sqlite/index.ts'
import type { Clock } from '../../src/ports/services.ts'
import type { ServerStorage } from '../../src/ports/server-storage.ts'

/** One change that was made to a storage. */
export interface Write {
  /** The storage operation, such as `Session.upsert` or `records.save`. */
  readonly deed: string
  readonly id: string
  readonly value?: unknown
}

export type OpenStorage = (clock: Clock) => ServerStorage

/** The storages on which the most important attacks are tried. */
export const STORAGES: Readonly<Record<string, OpenStorage>> = {
  memory: (clock) => memoryStorage({ clock }),
  SQLite: openTemporarySqlite,
}

/** Opens a SQLite storage in a temporary file, which is deleted when the storage is closed. */
function openTemporarySqlite(clock: Clock): ServerStorage {
  const folder = mkdtempSync(join(tmpdir(), 'mfa-plugin-'))
  const storage = openSqliteStorage({ path: join(folder, 'mfa.db'), migrate: true, clock })
  return {
    ...storage,
    async close() {
      await storage.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Records every change, so that a test can check what was stored and, above all, what was never stored. */
export function recordWrites(storage: ServerStorage, writes: Write[]): ServerStorage {
  const noting =
    <Rest extends unknown[], T>(deed: string, change: (id: string, ...rest: Rest) => Promise<T>) =>
    (id: string, ...rest: Rest): Promise<T> => {
      writes.push({ deed, id, value: structuredClone(rest[0]) })
      return change(id, ...rest)
    }
  const { records, oneTime, counters, hostRecords } = storage
  return {
    ...storage,
    records: { ...records, save: noting('records.save', records.save) },
    oneTime: {
      peek: oneTime.peek,
      put: noting('oneTime.put', oneTime.put),
      take: noting('oneTime.take', oneTime.take),
    },
    counters: {
      read: counters.read,
      reserve: noting('counters.reserve', counters.reserve),
      release: noting('counters.release', counters.release),
      reset: noting('counters.reset', counters.reset),
    },
    hostRecords: (model) => {
      const inner = hostRecords(model)
      return {
        atomicConsume: inner.atomicConsume === true,
        find: inner.find.bind(inner),
        findByUid: inner.findByUid.bind(inner),
        findByUserCode: inner.findByUserCode.bind(inner),
        upsert: noting(`${model}.upsert`, inner.upsert.bind(inner)),
        consume: noting(`${model}.consume`, inner.consume.bind(inner)),
        destroy: noting(`${model}.destroy`, inner.destroy.bind(inner)),
        revokeByGrantId: noting(`${model}.revoke`, inner.revokeByGrantId.bind(inner)),
      }
    },
  }
}

/** Every session payload that was stored, oldest first. */
export function storedSessions(writes: readonly Write[]): readonly AdapterPayload[] {
  return writes
    .filter(({ deed }) => deed === 'Session.upsert')
    .map(({ value }) => value as AdapterPayload)
}

/** The stored session payloads that signed somebody in. */
export function signedInSessions(writes: readonly Write[]): readonly AdapterPayload[] {
  return storedSessions(writes).filter(({ accountId }) => accountId !== undefined)
}
