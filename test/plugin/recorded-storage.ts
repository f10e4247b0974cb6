import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AdapterPayload } from 'oidc-provider'
import { memoryStorage } from '../../src/adapters/memory/index.ts'
import { openSqliteStorage } from '../../src/adapters/sqlite/index.ts'
import type { Clock } from '../../src/ports/services.ts'
import type { ServerStorage } from '../../src/ports/server-storage.ts'

/** One change that was made to a storage, in the order of the changes. */
export interface Write {
  /** `Session.upsert`, `records.save`, ... */
  readonly deed: string
  readonly id: string
  readonly value?: unknown
}

export type OpenStorage = (clock: Clock) => ServerStorage

/** The storages on which the attacks that matter most are tried. */
export const STORAGES: Readonly<Record<string, OpenStorage>> = {
  memory: (clock) => memoryStorage({ clock }),
  SQLite: openTemporarySqlite,
}

/** A SQLite file that goes with its storage. */
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

/** Writes down every change, so that a test can say what was, and above all what was never, stored. */
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
      reserve: noting('counters.reserve', counters.reserve),
      release: noting('counters.release', counters.release),
      reset: noting('counters.reset', counters.reset),
    },
    hostRecords: (model) => {
      const inner = hostRecords(model)
      return {
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

/** Every form in which a session was ever stored, oldest first. */
export function storedSessions(writes: readonly Write[]): readonly AdapterPayload[] {
  return writes
    .filter(({ deed }) => deed === 'Session.upsert')
    .map(({ value }) => value as AdapterPayload)
}

/** Those of them that signed somebody in. */
export function signedInSessions(writes: readonly Write[]): readonly AdapterPayload[] {
  return storedSessions(writes).filter(({ accountId }) => accountId !== undefined)
}
