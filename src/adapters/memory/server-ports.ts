import { isDeepStrictEqual } from 'node:util'
import type { JsonObject } from '../../domain/json.ts'
import type { AccountNames, Accounts, StoredAccount } from '../../ports/accounts.ts'
import type { Clients } from '../../ports/clients.ts'
import type { Settings } from '../../ports/settings.ts'
import { hasEvents } from '../event-rules.ts'

const byCodeUnits = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

export function memoryAccounts(): Accounts & {
  waiting(limit: number): readonly string[]
  remove(id: string): boolean
} {
  const documents = new Map<string, string>()
  /** The account of each user name and verified address. They share one namespace, so a name leads to one account. */
  const owners = new Map<string, string>()

  const read = (id: string | undefined): StoredAccount | undefined => {
    const document = id === undefined ? undefined : documents.get(id)
    return document === undefined ? undefined : (JSON.parse(document) as StoredAccount)
  }
  const namesOf = (names: AccountNames): string[] =>
    names.email === undefined ? [names.username] : [names.username, names.email]
  const isTaken = (names: AccountNames, id: string): boolean =>
    namesOf(names).some((name) => (owners.get(name) ?? id) !== id)
  const write = (stored: StoredAccount, names: AccountNames): void => {
    for (const [name, owner] of owners) if (owner === stored.account.id) owners.delete(name)
    for (const name of namesOf(names)) owners.set(name, stored.account.id)
    documents.set(stored.account.id, JSON.stringify(stored))
  }

  return {
    async byId(id) {
      return read(id)
    },

    async byName(normalisedName) {
      return read(owners.get(normalisedName))
    },

    async insert(account, names) {
      if (documents.has(account.id) || isTaken(names, account.id)) return false
      write({ account, version: 1 }, names)
      return true
    },

    async update(account, names, expectedVersion) {
      if (read(account.id)?.version !== expectedVersion) return false
      if (isTaken(names, account.id)) return false
      write({ account, version: expectedVersion + 1 }, names)
      return true
    },

    remove(id) {
      for (const [name, owner] of owners) if (owner === id) owners.delete(name)
      return documents.delete(id)
    },

    waiting: (limit) =>
      [...documents.keys()].filter((id) => hasEvents(read(id)?.account ?? {})).slice(0, limit),

    async list({ after, limit }) {
      return [...documents.keys()]
        .filter((id) => after === undefined || id > after)
        .sort(byCodeUnits)
        .slice(0, limit)
        .map((id) => read(id) as StoredAccount)
    },
  }
}

export function memoryClients(): Clients {
  const stored = new Map<string, string>()
  return {
    async get(clientId) {
      const json = stored.get(clientId)
      return json === undefined ? undefined : (JSON.parse(json) as JsonObject)
    },

    async put(clientId, metadata) {
      const before = stored.get(clientId)
      const after = JSON.stringify(metadata)
      if (before !== undefined && isDeepStrictEqual(JSON.parse(before), JSON.parse(after))) {
        return 'unchanged'
      }
      stored.set(clientId, after)
      return before === undefined ? 'added' : 'changed'
    },

    async insert(clientId, metadata) {
      if (stored.has(clientId)) return false
      stored.set(clientId, JSON.stringify(metadata))
      return true
    },

    async replace(clientId, metadata, expected) {
      const json = stored.get(clientId)
      if (json === undefined) return false
      const present: unknown = JSON.parse(json)
      if (!isDeepStrictEqual(present, JSON.parse(JSON.stringify(expected)))) return false
      stored.set(clientId, JSON.stringify(metadata))
      return true
    },

    async remove(clientId) {
      return stored.delete(clientId)
    },

    async list() {
      return [...stored]
        .sort(([a], [b]) => byCodeUnits(a, b))
        .map(([, json]) => JSON.parse(json) as JsonObject)
    },
  }
}

export function memorySettings(): Settings {
  const stored = new Map<string, string>()
  return {
    async get(name) {
      const json = stored.get(name)
      return json === undefined ? undefined : (JSON.parse(json) as JsonObject)
    },

    async insert(name, value) {
      if (stored.has(name)) return false
      stored.set(name, JSON.stringify(value))
      return true
    },

    async replace(name, value, expected) {
      const json = stored.get(name)
      if (json === undefined) return false
      const present: unknown = JSON.parse(json)
      if (!isDeepStrictEqual(present, JSON.parse(JSON.stringify(expected)))) return false
      stored.set(name, JSON.stringify(value))
      return true
    },
  }
}
