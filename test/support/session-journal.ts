import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import type { ServerStorage } from '../../src/ports/server-storage.ts'

/**
 * The ids of all sessions that sign somebody in, in a file that several processes share. A database has only hashes of
 * the ids, and opens a session to nobody without its id.
 */
export class SessionJournal {
  readonly path: string

  constructor(path: string) {
    this.path = path
  }

  /** A storage that notes each session before it is stored. A process that is killed afterwards has noted it. */
  noting(storage: ServerStorage): ServerStorage {
    return {
      ...storage,
      hostRecords: (model) => {
        const records = storage.hostRecords(model)
        if (model !== 'Session') return records
        return {
          ...records,
          upsert: (id, payload, expiresIn) => {
            if (payload.accountId !== undefined) appendFileSync(this.path, `${id}\n`)
            return records.upsert(id, payload, expiresIn)
          },
        }
      },
    }
  }

  /** The number of stored sessions that sign somebody in. */
  async signedInSessions({ hostRecords }: Pick<ServerStorage, 'hostRecords'>): Promise<number> {
    if (!existsSync(this.path)) return 0
    const ids = new Set(readFileSync(this.path, 'utf8').split('\n').filter(Boolean))
    const sessions = await Promise.all([...ids].map(async (id) => hostRecords('Session').find(id)))
    return sessions.filter((session) => session?.accountId !== undefined).length
  }
}
