import type { mongo } from 'mongoose'
import type { Account, AccountNames, Accounts, StoredAccount } from '../../ports/accounts.ts'
import type { ServerStorage } from '../../ports/server-storage.ts'
import { COLLECTIONS, is, waitingOf, type AccountDocument } from './collections.ts'
import type { MongoDatabase } from './database.ts'
import { isDuplicateKey } from './failure.ts'
import type { OneRead } from './one-read.ts'
import { RECORDS, type RecordRow } from './records.ts'

const storedAccount = ({ document, version }: AccountDocument): StoredAccount => ({
  account: JSON.parse(document) as Account,
  version,
})

const namesOf = ({ username, email }: AccountNames): string[] =>
  email === undefined || email === username ? [username] : [username, email]

/**
 * An account and its names are one document, so that one write changes both and a crash leaves nothing half-done. A
 * unique index over the names refuses a name that another account has.
 */
export function mongoAccounts(
  database: MongoDatabase,
  together: OneRead<AccountDocument | null, unknown>,
): Accounts {
  const onAccounts = <T>(
    deed: (accounts: mongo.Collection<AccountDocument>) => Promise<T>,
  ): Promise<T> => database.on<AccountDocument, T>(COLLECTIONS.accounts, deed)

  /** Answers false when another account has one of the names, or has the id. */
  async function write(
    id: string,
    deed: (accounts: mongo.Collection<AccountDocument>) => Promise<boolean>,
  ): Promise<boolean> {
    together.forget(id)
    try {
      return await onAccounts((accounts) => unlessTaken(deed(accounts)))
    } finally {
      together.forget(id)
    }
  }

  return {
    async byId(id) {
      const found = await together.account(id)
      return found === null ? undefined : storedAccount(found)
    },

    byName: (normalisedName) =>
      onAccounts(async (accounts) => {
        const found = await accounts.findOne({ names: is(normalisedName) })
        return found === null ? undefined : storedAccount(found)
      }),

    insert: (account, names) =>
      write(account.id, (accounts) => insertAccount(accounts, account, names)),

    update: (account, names, expectedVersion) =>
      write(account.id, (accounts) => updateAccount(accounts, account, names, expectedVersion)),

    list: ({ after, limit }) =>
      onAccounts(async (accounts) => {
        const page = await accounts
          .find(after === undefined ? {} : { _id: { $gt: after } })
          .sort({ _id: 1 })
          .limit(limit)
          .toArray()
        return page.map(storedAccount)
      }),
  }
}

/** The record first: a record without an account would never be found again. */
export function mongoRemoveAccount(
  database: MongoDatabase,
  together: Pick<OneRead<unknown, unknown>, 'forget'>,
): ServerStorage['removeAccount'] {
  return async (id) => {
    together.forget(id)
    try {
      await database.on<RecordRow, unknown>(RECORDS, (records) =>
        records.deleteOne({ _id: is(id) }),
      )
      return await database.on<AccountDocument, boolean>(
        COLLECTIONS.accounts,
        async (accounts) => (await accounts.deleteOne({ _id: is(id) })).deletedCount === 1,
      )
    } finally {
      together.forget(id)
    }
  }
}

async function insertAccount(
  accounts: mongo.Collection<AccountDocument>,
  account: Account,
  names: AccountNames,
): Promise<true> {
  await accounts.insertOne({
    _id: account.id,
    version: 1,
    names: namesOf(names),
    document: JSON.stringify(account),
    ...waitingOf(account),
  })
  return true
}

/** Answers false when the stored version is not `expectedVersion`. */
async function updateAccount(
  accounts: mongo.Collection<AccountDocument>,
  account: Account,
  names: AccountNames,
  expectedVersion: number,
): Promise<boolean> {
  const waiting = waitingOf(account)
  const { matchedCount } = await accounts.updateOne(
    { _id: is(account.id), version: is(expectedVersion) },
    {
      $set: { names: namesOf(names), document: JSON.stringify(account), ...waiting },
      ...('waiting' in waiting ? {} : { $unset: { waiting: 1 as const } }),
      $inc: { version: 1 },
    },
  )
  return matchedCount === 1
}

async function unlessTaken(write: Promise<boolean>): Promise<boolean> {
  try {
    return await write
  } catch (error) {
    if (isDuplicateKey(error)) return false
    throw error
  }
}
