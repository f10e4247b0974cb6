import type { ServerStorage } from '../../ports/server-storage.ts'
import type { Keyed, MongoDatabase } from './database.ts'
import { RECORDS } from './records.ts'

/** The ids of accounts with a record, page by page: for the server, the plugin never lists them. */
export function mongoRecordIds(database: MongoDatabase): ServerStorage['recordIds'] {
  return ({ after, limit }) =>
    database.on<Keyed, string[]>(RECORDS, async (records) => {
      const page = await records
        .find(after === undefined ? {} : { _id: { $gt: after } }, { projection: { _id: 1 } })
        .sort({ _id: 1 })
        .limit(limit)
        .toArray()
      return page.map(({ _id }) => _id)
    })
}
