import type { mongo } from 'mongoose'
import { COLLECTIONS, is, type AccountDocument } from './collections.ts'
import type { MongoDatabase } from './database.ts'
import { OneRead } from './one-read.ts'
import { readRecord, RECORDS, type RecordRow } from './records.ts'

type RecordWithAccount = RecordRow & { readonly account: readonly AccountDocument[] }
type Row = RecordWithAccount | AccountDocument

/**
 * Two collections in one read. They are two because the record is written at each sign-in and the account is not.
 *
 * The account is looked up after its record was found, so the account is never the older of the two. An account without
 * a record is found by the union; its epoch is the first one, which no change of a password has raised. It is one
 * command for every id, known or not, so that the time tells nothing (R33).
 */
export function accountsWithRecords(
  database: MongoDatabase,
): OneRead<AccountDocument | null, RecordRow | null> {
  return new OneRead<AccountDocument | null, RecordRow | null>({
    both: async (id) => {
      const rows = await database.on<RecordRow, Row[]>(RECORDS, (records) =>
        records.aggregate<Row>(pipelineOf(id)).toArray(),
      )
      const found = rows.find(isRecord)
      return found === undefined
        ? { account: rows.find(isAccount) ?? null, record: null }
        : { account: found.account[0] ?? null, record: found }
    },
    account: (id) =>
      database.on<AccountDocument, AccountDocument | null>(COLLECTIONS.accounts, (accounts) =>
        accounts.findOne({ _id: is(id) }),
      ),
    record: (id) => readRecord(database, id),
  })
}

function pipelineOf(id: string): mongo.Document[] {
  const from = COLLECTIONS.accounts
  const one = { $match: { _id: is(id) } }
  return [
    one,
    { $lookup: { from, localField: '_id', foreignField: '_id', as: 'account' } },
    { $unionWith: { coll: from, pipeline: [one] } },
  ]
}

const isRecord = (row: Row): row is RecordWithAccount => 'account' in row
const isAccount = (row: Row): row is AccountDocument => !isRecord(row)
