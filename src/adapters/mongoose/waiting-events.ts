import type { ServerStorage } from '../../ports/server-storage.ts'
import { COLLECTIONS } from './collections.ts'
import type { Keyed, MongoDatabase } from './database.ts'
import { RECORDS } from './records.ts'

export function mongoWaitingEvents(database: MongoDatabase): ServerStorage['waitingEvents'] {
  return (of, limit) =>
    database.on<Keyed, string[]>(
      of === 'records' ? RECORDS : COLLECTIONS.accounts,
      async (documents) => {
        const found = await documents
          .find({ waiting: true }, { projection: { _id: 1 } })
          .limit(limit)
          .toArray()
        return found.map(({ _id }) => _id)
      },
    )
}
