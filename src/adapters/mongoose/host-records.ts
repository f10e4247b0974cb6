import type { mongo } from 'mongoose'
import type { AdapterPayload } from 'oidc-provider'
import type { Instant } from '../../domain/time.ts'
import type { Clock } from '../../ports/services.ts'
import {
  alreadyConsumed,
  keepUntil,
  USED_REFRESH_TOKEN_GRACE_SECONDS,
} from '../host-record-rules.ts'
import type { SealedPayload, StoredAdapter, StoredHostRecords } from '../sealed-host-records.ts'
import { COLLECTIONS, dateOf, is, type HostRecordDocument } from './collections.ts'
import type { MongoDatabase } from './database.ts'
import type { MongoHostSessions } from './host-sessions.ts'
import { onceMoreOnDuplicateKey } from './upsert.ts'

type Records = mongo.Collection<HostRecordDocument>

/** The documents of the host's own records; `host-sessions.ts` has its sessions. */
export function mongoHostRecords(
  database: MongoDatabase,
  clock: Clock,
  sessions: MongoHostSessions,
): StoredHostRecords {
  return (model) => (model === 'Session' ? sessions : recordsOf(database, clock, model))
}

function recordsOf(database: MongoDatabase, clock: Clock, model: string): StoredAdapter {
  const onRecords = <T>(deed: (records: Records) => Promise<T>): Promise<T> =>
    database.on<HostRecordDocument, T>(COLLECTIONS.hostRecords, deed)
  /** Look-up keys belong to one model, because records of several models have the id of a grant. */
  const key = (id: string): string => `${model}:${id}`
  const find = (
    filter: mongo.Filter<HostRecordDocument>,
    options?: mongo.FindOptions,
  ): Promise<AdapterPayload | undefined> =>
    onRecords(async (records) => payloadOf(await records.findOne(filter, options), clock))

  return {
    atomicConsume: true,
    find: (id) => find({ _id: is(key(id)) }),
    findByUid: () => Promise.resolve(undefined),
    // All codes of a model live equally long: the one that ends last is the newest.
    findByUserCode: (userCode) =>
      find({ userCode: is(key(userCode)) }, { sort: { keepUntil: -1 } }),

    findByAccount: (account) =>
      onRecords(async (records) => {
        const found = await records.find({ account: is(key(account)) }).toArray()
        return found
          .map((document) => payloadOf(document, clock))
          .filter((payload) => payload !== undefined)
      }),

    upsert: (id, payload: SealedPayload, expiresIn) =>
      onRecords(async (records) => {
        const content = contentOf(payload, key, keepUntil(clock.now(), expiresIn))
        const absent = REPLACED.filter((field) => !(field in content))
        await onceMoreOnDuplicateKey(() =>
          records.updateOne(
            { _id: is(key(id)) },
            {
              $set: content,
              $unset: Object.fromEntries(absent.map((field) => [field, ''])),
              // The mark is never removed: a used code stays used, also if a request in flight writes it back.
              ...(payload.consumed ? { $min: { consumed: Number(payload.consumed) } } : {}),
            },
            { upsert: true },
          ),
        )
      }),

    consume: (id) =>
      onRecords(async (records) => {
        const grace = model === 'RefreshToken' ? USED_REFRESH_TOKEN_GRACE_SECONDS * 1000 : 0
        const { matchedCount } = await records.updateOne(
          { _id: is(key(id)), consumed: { $exists: false } },
          [{ $set: { consumed: clock.now(), keepUntil: { $add: ['$keepUntil', grace] } } }],
        )
        if (matchedCount === 0) throw alreadyConsumed(model)
      }),

    destroy: (id) =>
      onRecords(async (records) => {
        await records.deleteOne({ _id: is(key(id)) })
      }),

    // Deletes records of its own model only: interactions carry a grant's id too, and deleting them would break
    // switching accounts.
    revokeByGrantId: (grantId) =>
      onRecords(async (records) => {
        await records.deleteMany({ grant: is(key(grantId)) })
      }),
  }
}

/** The fields of a document. `key`: adds the model to a look-up key. */
function contentOf(
  payload: SealedPayload,
  key: (name: string) => string,
  until: Instant | undefined,
): Omit<HostRecordDocument, '_id'> {
  const { userCode, grantId, account } = payload
  return {
    payload: JSON.stringify(payload),
    ...(userCode === undefined ? {} : { userCode: key(userCode) }),
    ...(grantId === undefined ? {} : { grant: key(grantId) }),
    ...(account === undefined ? {} : { account: key(account) }),
    ...(until === undefined ? {} : { keepUntil: dateOf(until) }),
  }
}

/** The fields that `upsert` removes if the new payload has none: it replaces and never merges. */
const REPLACED = ['userCode', 'grant', 'account', 'keepUntil']

function payloadOf(found: HostRecordDocument | null, clock: Clock): AdapterPayload | undefined {
  if (found === null) return undefined
  // The code checks the time too, because the database deletes expired documents late.
  const { keepUntil: until } = found
  if (until && until.getTime() <= clock.now() * 1000) return undefined
  const payload = JSON.parse(found.payload) as AdapterPayload
  if (found.consumed !== undefined) payload.consumed ??= found.consumed
  return payload
}
