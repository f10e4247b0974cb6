import { isDeepStrictEqual } from 'node:util'
import type { mongo } from 'mongoose'
import type { JsonObject } from '../../domain/json.ts'
import type { Clients } from '../../ports/clients.ts'
import { COLLECTIONS, is, type TextDocument } from './collections.ts'
import type { MongoDatabase } from './database.ts'
import { isDuplicateKey } from './failure.ts'
import { replaceText } from './replace-text.ts'
import { onceMoreOnDuplicateKey } from './upsert.ts'

export function mongoClients(database: MongoDatabase): Clients {
  const onClients = <T>(
    deed: (clients: mongo.Collection<TextDocument>) => Promise<T>,
  ): Promise<T> => database.on<TextDocument, T>(COLLECTIONS.clients, deed)
  const parsed = ({ text }: Pick<TextDocument, 'text'>): JsonObject =>
    JSON.parse(text) as JsonObject

  return {
    get: (clientId) =>
      onClients(async (clients) => {
        const found = await clients.findOne({ _id: is(clientId) })
        return found === null ? undefined : parsed(found)
      }),

    put: (clientId, metadata) =>
      onClients(async (clients) => {
        const text = JSON.stringify(metadata)
        const before = await clients.findOne({ _id: is(clientId) })
        if (before !== null && isDeepStrictEqual(parsed(before), JSON.parse(text)))
          return 'unchanged'
        const { upsertedCount } = await onceMoreOnDuplicateKey(() =>
          clients.updateOne({ _id: is(clientId) }, { $set: { text } }, { upsert: true }),
        )
        return upsertedCount === 1 ? 'added' : 'changed'
      }),

    insert: (clientId, metadata) =>
      onClients(async (clients) => {
        try {
          await clients.insertOne({ _id: clientId, text: JSON.stringify(metadata) })
          return true
        } catch (error) {
          if (isDuplicateKey(error)) return false
          throw error
        }
      }),

    replace: (clientId, metadata, expected) =>
      onClients((clients) => replaceText(clients, clientId, metadata, expected)),

    remove: (clientId) =>
      onClients(async (clients) => {
        const { deletedCount } = await clients.deleteOne({ _id: is(clientId) })
        return deletedCount === 1
      }),

    list: () =>
      onClients(async (clients) => (await clients.find().sort({ _id: 1 }).toArray()).map(parsed)),
  }
}
