import { isDeepStrictEqual } from 'node:util'
import type { JsonObject } from '../../domain/json.ts'
import type { Settings } from '../../ports/settings.ts'
import type { Connection } from './connection.ts'
import type { SqliteDatabase } from './database.ts'

export function sqliteSettings(database: SqliteDatabase): Settings {
  const read = (connection: Connection, name: string): JsonObject | undefined => {
    const row = connection.get<{ value: string }>('SELECT value FROM settings WHERE name = ?', name)
    return row && (JSON.parse(row.value) as JsonObject)
  }
  return {
    get: (name) => database.durable((connection) => read(connection, name)),

    insert: (name, value) =>
      database.durable(
        (connection) =>
          connection.run(
            'INSERT INTO settings (name, value) VALUES (?, ?) ON CONFLICT DO NOTHING',
            name,
            JSON.stringify(value),
          ) === 1,
      ),

    replace: (name, value, expected) =>
      database.durable((connection) =>
        connection.transaction(() => {
          const present = read(connection, name)
          if (!isDeepStrictEqual(present, JSON.parse(JSON.stringify(expected)))) return false
          connection.run(
            'UPDATE settings SET value = ? WHERE name = ?',
            JSON.stringify(value),
            name,
          )
          return true
        }),
      ),
  }
}
