import type { mongo } from 'mongoose'
import type { JsonObject } from '../../domain/json.ts'
import type { Settings } from '../../ports/settings.ts'
import { COLLECTIONS, is, type TextDocument } from './collections.ts'
import type { MongoDatabase } from './database.ts'
import { isDuplicateKey } from './failure.ts'
import { replaceText } from './replace-text.ts'

export function mongoSettings(database: MongoDatabase): Settings {
  const onSettings = <T>(
    deed: (settings: mongo.Collection<TextDocument>) => Promise<T>,
  ): Promise<T> => database.on<TextDocument, T>(COLLECTIONS.settings, deed)

  return {
    get: (name) =>
      onSettings(async (settings) => {
        const found = await settings.findOne({ _id: is(name) })
        return found === null ? undefined : (JSON.parse(found.text) as JsonObject)
      }),

    insert: (name, value) =>
      onSettings(async (settings) => {
        try {
          await settings.insertOne({ _id: name, text: JSON.stringify(value) })
          return true
        } catch (error) {
          if (isDuplicateKey(error)) return false
          throw error
        }
      }),

    replace: (name, value, expected) =>
      onSettings((settings) => replaceText(settings, name, value, expected)),
  }
}
