import type { mongo } from 'mongoose'
import { AUDIT_KEYS } from '../../ports/audit-trail.ts'
import { COLLECTIONS } from './collections.ts'
import { COUNTERS } from './counters.ts'
import { HANDLES_FIELD } from './field.ts'
import { handleIndexOf } from './handle-index.ts'
import { indexesOf, isDeclared, type DeclaredIndex } from './indexes.ts'
import { ONE_TIME } from './one-time.ts'
import { RECORDS } from './records.ts'

/**
 * How long after its time a document is deleted. The clock of the database decides that, and may be ahead of ours: a
 * counter that is deleted too early would forget its failures. Nothing else depends on it: the code checks the time.
 */
const SLACK_SECONDS = 3600

const { accounts, audit, auditRemoved, hostRecords, hostSessions, nodes, outbox } = COLLECTIONS

/**
 * The indexes that the server needs, those of the plugin included. Each find of a sign-in uses one of them, or the
 * `_id`, and examines one document (test/adapters/mongoose/explain.test.ts).
 */
const SERVER_INDEXES: readonly DeclaredIndex[] = [
  ...[ONE_TIME, COUNTERS, hostRecords, hostSessions, nodes, outbox].map((collection) => ({
    collection,
    name: 'mfa_keep_until',
    key: { keepUntil: 1 as const },
    options: { expireAfterSeconds: SLACK_SECONDS },
  })),
  // The storage does not open without the unique indexes: two accounts could get one handle or one name.
  handleIndexOf(RECORDS, HANDLES_FIELD),
  { collection: accounts, name: 'mfa_names', key: { names: 1 }, options: { unique: true } },
  { collection: audit, name: 'mfa_by_time', key: { at: -1, order: -1, _id: -1 } },
  ...(['accountId', 'type', ...AUDIT_KEYS] as const).map((field) => ({
    collection: audit,
    name: `mfa_by_${field}`,
    key: { [field]: 1, at: -1, order: -1, _id: -1 } as const,
  })),
  { collection: audit, name: 'mfa_chain', key: { chain: 1, number: 1 } },
  ...(['first', 'last'] as const).map((end) => ({
    collection: auditRemoved,
    name: `mfa_${end}`,
    key: { chain: 1, [end]: 1 } as const,
  })),
  ...(['userCode', 'grant', 'account'] as const).map((field) => ({
    collection: hostRecords,
    name: `mfa_${field}`,
    key: { [field]: 1 as const },
    options: { sparse: true },
  })),
  { collection: hostSessions, name: 'mfa_ids', key: { ids: 1 } },
  {
    collection: hostSessions,
    name: 'mfa_account',
    key: { 'live.account': 1 },
    options: { sparse: true },
  },
  ...[RECORDS, accounts].map((collection) => ({
    collection,
    name: 'mfa_waiting',
    key: { waiting: 1 as const },
    options: { sparse: true },
  })),
  { collection: outbox, name: 'mfa_due', key: { dueAt: 1, order: 1 } },
  { collection: outbox, name: 'mfa_account', key: { accountId: 1 } },
]

/** Makes the missing indexes, however long it takes. An index that exists is left as it is. */
export async function makeIndexes(db: mongo.Db): Promise<void> {
  for (const { collection, name, key, options } of SERVER_INDEXES)
    await db.collection(collection).createIndex(key, { ...options, name })
}

/** The indexes that are missing, or that have the name and another effect. */
export async function missingIndexes(db: mongo.Db): Promise<readonly DeclaredIndex[]> {
  const missing: DeclaredIndex[] = []
  for (const collection of new Set(SERVER_INDEXES.map((index) => index.collection))) {
    const present = await indexesOf(db.collection(collection))
    for (const index of SERVER_INDEXES.filter((each) => each.collection === collection))
      if (!present.some((each) => isDeclared(each, index))) missing.push(index)
  }
  return missing
}

export const inWords = ({ collection, name }: DeclaredIndex): string => `${collection}.${name}`
