import type { mongo } from 'mongoose'
import type { ClaimedRow, Outbox, OutboxRow, WaitingRow } from '../../ports/outbox.ts'
import { COLLECTIONS, dateOf, is, type OutboxDocument } from './collections.ts'
import type { MongoDatabase } from './database.ts'
import { isDuplicateKey } from './failure.ts'
import { nextOrder } from './order.ts'

const rowOf = ({ _id: id, accountId, value = '', until }: OutboxDocument): OutboxRow => ({
  id,
  accountId,
  value,
  ...(until === undefined ? {} : { until }),
})

const waitingRowOf = (document: OutboxDocument): WaitingRow => {
  const { claims = 0, dueAt = 0, fault } = document
  return { ...rowOf(document), claims, dueAt, ...(fault === undefined ? {} : { fault }) }
}

const waitingOf = (id: string): mongo.Filter<OutboxDocument> => ({
  _id: is(id),
  dueAt: { $exists: true },
})

/** The row in the hands of the sender that has this claim. */
const claimOf = ({ id, claims }: ClaimedRow): mongo.Filter<OutboxDocument> => ({
  _id: is(id),
  claims: is(claims),
  dueAt: { $exists: true },
})

type OnOutbox = <T>(deed: (outbox: mongo.Collection<OutboxDocument>) => Promise<T>) => Promise<T>

export function mongoOutbox(database: MongoDatabase): Outbox {
  const on: OnOutbox = (deed) => database.on(COLLECTIONS.outbox, deed)
  return { ...contents(on), ...claims(on), ...changes(on) }
}

function contents(
  on: OnOutbox,
): Pick<Outbox, 'add' | 'withdraw' | 'find' | 'list' | 'waiting' | 'replaceValue'> {
  return {
    async add(rows, now) {
      for (const row of rows) await on((outbox) => insertNew(outbox, row, now))
    },

    withdraw: (accountId) =>
      on(async (outbox) => {
        const { deletedCount } = await outbox.deleteMany({
          accountId: is(accountId),
          until: { $exists: true },
        })
        return deletedCount
      }),

    find: (id) =>
      on(async (outbox) => {
        const found = await outbox.findOne(waitingOf(id))
        return found === null ? undefined : waitingRowOf(found)
      }),

    list: ({ after, limit }) =>
      on(async (outbox) => {
        const page = await outbox
          .find({
            dueAt: { $exists: true },
            ...(after === undefined ? {} : { _id: { $gt: after } }),
          })
          .sort({ _id: 1 })
          .limit(limit)
          .toArray()
        return page.map(waitingRowOf)
      }),

    waiting: () => on((outbox) => outbox.countDocuments({ dueAt: { $exists: true } })),

    replaceValue: (id, value, expected) =>
      on(async (outbox) => {
        const { matchedCount } = await outbox.updateOne(
          { _id: is(id), value: is(expected) },
          { $set: { value } },
        )
        return matchedCount === 1
      }),
  }
}

/** The steps of a sender. */
function claims(on: OnOutbox): Pick<Outbox, 'claim' | 'postpone' | 'finish'> {
  return {
    claim: (now, claimedUntil, latest = Infinity) =>
      on(async (outbox) => {
        const claimWhere = (dueAt: mongo.Condition<number>) =>
          outbox.findOneAndUpdate(
            // `$not` also takes the rows that have no `until`.
            { dueAt, until: { $not: { $lte: now } } },
            // `$min` sets the time of the first claim alone: later claims come later.
            {
              $set: { dueAt: claimedUntil },
              $inc: { claims: 1 },
              $min: { firstClaimedAt: now },
              $unset: { fault: 1 },
            },
            { sort: { dueAt: 1, order: 1 }, returnDocument: 'after' },
          )
        // Two queries and no `$or`: the index answers each of them.
        const claimed =
          (await claimWhere({ $lte: now })) ??
          (latest === Infinity ? null : await claimWhere({ $gt: latest }))
        if (claimed === null) return undefined
        const { claims, firstClaimedAt = now } = claimed
        return { ...rowOf(claimed), claims, firstClaimedAt }
      }),

    postpone: (row, dueAt, fault) =>
      on(async (outbox) => {
        const { matchedCount } = await outbox.updateOne(claimOf(row), { $set: { dueAt, fault } })
        return matchedCount === 1
      }),

    finish: (row, knownUntil) =>
      on(async (outbox) => {
        const { matchedCount } = await outbox.updateOne(claimOf(row), {
          $set: { keepUntil: dateOf(knownUntil) },
          $unset: { dueAt: 1, value: 1, until: 1 },
        })
        return matchedCount === 1
      }),
  }
}

/** The changes that an operator makes. */
function changes(on: OnOutbox): Pick<Outbox, 'hasten' | 'drop'> {
  return {
    hasten: (id, now) =>
      on(async (outbox) => {
        const { matchedCount } = await outbox.updateOne(
          { ...waitingOf(id), $or: [{ claims: is(0) }, { fault: { $exists: true } }] },
          { $set: { dueAt: now } },
        )
        return matchedCount === 1
      }),

    drop: (id, knownUntil) =>
      on(async (outbox) => {
        const { matchedCount } = await outbox.updateOne(waitingOf(id), {
          $set: { keepUntil: dateOf(knownUntil) },
          $unset: { dueAt: 1, value: 1, until: 1, fault: 1 },
        })
        return matchedCount === 1
      }),
  }
}

/** Leaves a row of that id as it is. */
async function insertNew(
  outbox: mongo.Collection<OutboxDocument>,
  { id, accountId, value, until }: OutboxRow,
  now: number,
): Promise<void> {
  try {
    await outbox.insertOne({
      _id: id,
      accountId,
      value,
      dueAt: now,
      order: nextOrder(),
      claims: 0,
      ...(until === undefined ? {} : { until, keepUntil: dateOf(until) }),
    })
  } catch (error) {
    if (!isDuplicateKey(error)) throw error
  }
}
