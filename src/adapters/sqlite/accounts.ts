import type { Account, AccountNames, Accounts, StoredAccount } from '../../ports/accounts.ts'
import type { ServerStorage } from '../../ports/server-storage.ts'
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
        connection.transaction(() => insert(connection, account, names)),
      ),

    update: (account, names, expectedVersion) =>
      database.durable((connection) =>
        connection.transaction(() => update(connection, account, names, expectedVersion)),
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

export function sqliteRemoveAccount(database: SqliteDatabase): ServerStorage['removeAccount'] {
  return async (id) =>
    database.durable((connection) =>
      connection.transaction(() => {
        connection.run('DELETE FROM mfa_handles WHERE account_id = ?', id)
        connection.run('DELETE FROM mfa_records WHERE account_id = ?', id)
        connection.run('DELETE FROM account_names WHERE account_id = ?', id)
        return connection.run('DELETE FROM accounts WHERE id = ?', id) === 1
      }),
    )
}

/** Runs inside a transaction. Returns false if a name or the id is taken. */
function insert(connection: Connection, account: Account, names: AccountNames): boolean {
  if (isTaken(connection, account.id, names)) return false
  const inserted = connection.run(
    'INSERT INTO accounts (id, version, document) VALUES (?, 1, ?) ON CONFLICT DO NOTHING',
    account.id,
    JSON.stringify(account),
  )
  if (inserted === 0) return false
  putNames(connection, account.id, names)
  return true
}

/** Runs inside a transaction. Returns false if a name is taken or the stored version is another. */
function update(
  connection: Connection,
  account: Account,
  names: AccountNames,
  expectedVersion: number,
): boolean {
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
}

function isTaken(connection: Connection, id: string, names: AccountNames): boolean {
  const other = connection.get(
    'SELECT 1 FROM account_names WHERE name IN (?, ?) AND account_id <> ?',
    names.username,
    names.email ?? null,
    id,
  )
  return other !== undefined
}

function putNames(connection: Connection, id: string, names: AccountNames): void {
  for (const name of [names.username, names.email]) {
    if (name === undefined) continue
    connection.run(
      'INSERT INTO account_names (name, account_id) VALUES (?, ?) ON CONFLICT DO NOTHING',
      name,
      id,
    )
  }
}
