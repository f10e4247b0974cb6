import { isDeepStrictEqual } from 'node:util'
import type { JsonObject } from '../../domain/json.ts'
import type { Clients } from '../../ports/clients.ts'
import type { Connection } from './connection.ts'
import type { SqliteDatabase } from './database.ts'

export function sqliteClients(database: SqliteDatabase): Clients {
  const read = (connection: Connection, clientId: string): JsonObject | undefined => {
    const row = connection.get<{ metadata: string }>(
      'SELECT metadata FROM clients WHERE client_id = ?',
      clientId,
    )
    return row && (JSON.parse(row.metadata) as JsonObject)
  }
  return {
    get: (clientId) => database.durable((connection) => read(connection, clientId)),

    put: (clientId, metadata) =>
      database.durable((connection) =>
        connection.transaction(() => {
          const json = JSON.stringify(metadata)
          const before = read(connection, clientId)
          if (before && isDeepStrictEqual(before, JSON.parse(json))) return 'unchanged'
          connection.run(
            `INSERT INTO clients (client_id, metadata) VALUES (?, ?)
             ON CONFLICT (client_id) DO UPDATE SET metadata = excluded.metadata`,
            clientId,
            json,
          )
          return before ? 'changed' : 'added'
        }),
      ),

    insert: (clientId, metadata) =>
      database.durable(
        (connection) =>
          connection.run(
            `INSERT INTO clients (client_id, metadata) VALUES (?, ?)
             ON CONFLICT (client_id) DO NOTHING`,
            clientId,
            JSON.stringify(metadata),
          ) === 1,
      ),

    replace: (clientId, metadata, expected) =>
      database.durable((connection) =>
        connection.transaction(() => {
          const present = read(connection, clientId)
          if (!isDeepStrictEqual(present, JSON.parse(JSON.stringify(expected)))) return false
          connection.run(
            'UPDATE clients SET metadata = ? WHERE client_id = ?',
            JSON.stringify(metadata),
            clientId,
          )
          return true
        }),
      ),

    remove: (clientId) =>
      database.durable(
        (connection) => connection.run('DELETE FROM clients WHERE client_id = ?', clientId) === 1,
      ),

    list: () =>
      database.durable((connection) =>
        connection
          .all<{ metadata: string }>('SELECT metadata FROM clients ORDER BY client_id')
          .map((row) => JSON.parse(row.metadata) as JsonObject),
      ),
  }
}
