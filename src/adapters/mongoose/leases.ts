import type { mongo } from 'mongoose'
import type { Leases } from '../../ports/leases.ts'
import { latestEnd } from '../lease-rules.ts'
import { COLLECTIONS, is, type LeaseDocument } from './collections.ts'
import type { MongoDatabase } from './database.ts'
import { isDuplicateKey } from './failure.ts'

export function mongoLeases(database: MongoDatabase): Leases {
  const on = <T>(deed: (leases: mongo.Collection<LeaseDocument>) => Promise<T>): Promise<T> =>
    database.on<LeaseDocument, T>(COLLECTIONS.leases, deed)

  return {
    take: (name, holder, now, until) =>
      on(async (leases) => {
        const open = {
          _id: is(name),
          $or: [
            { holder: is(holder) },
            { until: { $lte: now } },
            { until: { $gt: latestEnd(now, until) } },
          ],
        }
        try {
          await leases.updateOne(open, { $set: { holder, until } }, { upsert: true })
          return true
        } catch (error) {
          // The lease is there and did not match, or another node has inserted it in between: it is not ours.
          if (isDuplicateKey(error)) return false
          throw error
        }
      }),

    give: (name, holder) =>
      on(async (leases) => {
        await leases.deleteOne({ _id: is(name), holder: is(holder) })
      }),
  }
}
