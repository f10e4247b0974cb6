import { isDeepStrictEqual } from 'node:util'
import type { EventDetail } from '../../domain/events.ts'
import type { JsonObject } from '../../domain/json.ts'
import type { Account, AccountNames, Accounts, StoredAccount } from '../../ports/accounts.ts'
import type { AuditTrail } from '../../ports/audit-trail.ts'
import type { Clients } from '../../ports/clients.ts'
import type { Settings } from '../../ports/settings.ts'
import type { Connection } from './connection.ts'
import type { SqliteDatabase } from './database.ts'

interface AccountRow {
  readonly version: number
  readonly document: string
}

const storedAccount = (row: AccountRow): StoredAccount => ({
  account: JSON.parse(row.document) as Account,
  version: row.version,
})

export function sqliteAccounts(database: SqliteDatabase): Accounts {
  const isTaken = (connection: Connection, id: string, names: AccountNames): boolean =>
    connection.get(
      'SELECT 1 FROM account_names WHERE name IN (?, ?) AND account_id <> ?',
      names.username,
      names.email ?? null,
      id,
    ) !== undefined
  const putNames = (connection: Connection, id: string, names: AccountNames): void => {
    for (const name of [names.username, names.email]) {
      if (name === undefined) continue
      connection.run(
        'INSERT INTO account_names (name, account_id) VALUES (?, ?) ON CONFLICT DO NOTHING',
        name,
        id,
      )
    }
  }

  return {
    byId: (id) =>
      database.durable((connection) => {
        const row = connection.get<AccountRow>(
          'SELECT version, document FROM accounts WHERE id = ?',
          id,
        )
        return row && storedAccount(row)
      }),

    byName: (normalisedName) =>
      database.durable((connection) => {
        const row = connection.get<AccountRow>(
          `SELECT version, document FROM account_names JOIN accounts ON accounts.id = account_id
           WHERE name = ?`,
          normalisedName,
        )
        return row && storedAccount(row)
      }),

    insert: (account, names) =>
      database.durable((connection) =>
        connection.transaction(() => {
          if (isTaken(connection, account.id, names)) return false
          const inserted = connection.run(
            'INSERT INTO accounts (id, version, document) VALUES (?, 1, ?) ON CONFLICT DO NOTHING',
            account.id,
            JSON.stringify(account),
          )
          if (inserted === 0) return false
          putNames(connection, account.id, names)
          return true
        }),
      ),

    update: (account, names, expectedVersion) =>
      database.durable((connection) =>
        connection.transaction(() => {
          if (isTaken(connection, account.id, names)) return false
          const updated = connection.run(
            'UPDATE accounts SET document = ?, version = version + 1 WHERE id = ? AND version = ?',
            JSON.stringify(account),
            account.id,
            expectedVersion,
          )
          if (updated === 0) return false
          connection.run(
            'DELETE FROM account_names WHERE account_id = ? AND name <> ? AND name <> ?',
            account.id,
            names.username,
            names.email ?? names.username,
          )
          putNames(connection, account.id, names)
          return true
        }),
      ),

    list: ({ after, limit }) =>
      database.durable((connection) =>
        connection
          .all<AccountRow>(
            'SELECT version, document FROM accounts WHERE id > ? ORDER BY id LIMIT ?',
            after ?? '',
            limit,
          )
          .map(storedAccount),
      ),
  }
}

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

interface AuditRow {
  readonly id: string
  readonly at: number
  readonly type: string
  readonly account_id: string | null
  readonly detail: string
}

export function sqliteAudit(database: SqliteDatabase): AuditTrail {
  return {
    add: async (events) => {
      if (events.length === 0) return
      await database.durable((connection) => {
        const addAll = (): void => {
          for (const { id, at, type, accountId, detail } of events) {
            connection.run(
              `INSERT INTO audit (id, at, type, account_id, detail) VALUES (?, ?, ?, ?, ?)
               ON CONFLICT DO NOTHING`,
              id,
              at,
              type,
              accountId ?? null,
              JSON.stringify(detail),
            )
          }
        }
        if (events.length === 1) addAll()
        else connection.transaction(addAll)
      })
    },

    list: ({ accountId, type, before, limit }) =>
      database.durable((connection) => {
        const conditions = ['TRUE']
        const values: (string | number)[] = []
        const narrow = (condition: string, value: string | number | undefined): void => {
          if (value === undefined) return
          conditions.push(condition)
          values.push(value)
        }
        narrow('account_id = ?', accountId)
        narrow('type = ?', type)
        narrow('at < ?', before)
        return connection
          .all<AuditRow>(
            `SELECT id, at, type, account_id, detail FROM audit WHERE ${conditions.join(' AND ')}
             ORDER BY at DESC, sequence DESC LIMIT ?`,
            ...values,
            limit,
          )
          .map((row) => ({
            id: row.id,
            type: row.type,
            ...(row.account_id === null ? {} : { accountId: row.account_id }),
            at: row.at,
            detail: JSON.parse(row.detail) as EventDetail,
          }))
      }),
  }
}
