import type { mongo } from 'mongoose'
import type { OwnChain } from '../../domain/audit-chain.ts'
import {
  AUDIT_KEYS,
  type AuditEntry,
  type AuditPage,
  type AuditQuery,
  type AuditTrail,
} from '../../ports/audit-trail.ts'
import { auditPage, typesIn } from '../audit-pages.ts'
import { addToChain, insertAll, mongoChains } from './audit-chains.ts'
import { documentOf, entryOf } from './audit-documents.ts'
import { COLLECTIONS, is, type AuditDocument } from './collections.ts'
import type { MongoDatabase } from './database.ts'

export function mongoAudit(database: MongoDatabase): AuditTrail {
  const inTurn = turns(database)
  const page = (query: AuditQuery): Promise<AuditPage> =>
    database.on<AuditDocument, AuditPage>(COLLECTIONS.audit, async (trail) => {
      const way = query.oldestFirst === true ? 1 : -1
      const found = await trail
        .find(auditFilter(query))
        .sort({ at: way, order: way, _id: way })
        .limit(query.limit + 1)
        .toArray()
      const placed = found.map((each) => ({ order: each.order, entry: entryOf(each) }))
      return auditPage(placed, query.limit)
    })

  return {
    async add(events, chain) {
      if (events.length === 0) return
      if (chain !== undefined) return inTurn(events, chain)
      await insertAll(
        database,
        [...firstOfEach(events).values()].map((event) => documentOf(event)),
      )
    },

    page,
    list: async (query) => (await page(query)).entries,
    ...mongoChains(database),
  }
}

interface Addition {
  readonly events: readonly AuditEntry[]
  readonly chain: OwnChain
  readonly done: PromiseWithResolvers<void>
}

/**
 * Adds to a chain one batch after another. Entries that arrive while a batch is written are the next batch, so that many
 * sign-ins at once wait for few writes.
 */
function turns(
  database: MongoDatabase,
): (events: readonly AuditEntry[], chain: OwnChain) => Promise<void> {
  let arrived: Addition[] = []
  let isRunning = false

  async function addTogether(chain: OwnChain, additions: readonly Addition[]): Promise<void> {
    try {
      const events = additions.flatMap((each) => each.events)
      const letGo = await addToChain(database, events, chain)
      for (const { done } of additions) done.resolve()
      // Nobody waits for it. If it fails, the next addition does it.
      await letGo().catch(() => undefined)
    } catch (error) {
      for (const { done } of additions) done.reject(error)
    }
  }

  async function run(): Promise<void> {
    isRunning = true
    while (arrived.length > 0) {
      const batch = arrived
      arrived = []
      const names = new Set(batch.map(({ chain }) => chain.name))
      for (const name of names) {
        const own = batch.filter(({ chain }) => chain.name === name)
        const [first] = own
        if (first !== undefined) await addTogether(first.chain, own)
      }
    }
    isRunning = false
  }

  return (events, chain) => {
    const done = Promise.withResolvers<void>()
    arrived.push({ events, chain, done })
    if (!isRunning) void run()
    return done.promise
  }
}

function auditFilter(query: AuditQuery): mongo.Filter<AuditDocument> {
  const { accountId, since, before, after } = query
  const types = typesIn(query)
  const beyond = query.oldestFirst === true ? '$gt' : '$lt'
  const keys = AUDIT_KEYS.filter((key) => query[key] !== undefined)
  const [type] = types ?? []
  return {
    ...(accountId === undefined ? {} : { accountId: is(accountId) }),
    ...(types === undefined
      ? {}
      : { type: types.length === 1 && type !== undefined ? is(type) : { $in: [...types] } }),
    ...Object.fromEntries(keys.map((key) => [key, is(query[key])])),
    ...(since === undefined && before === undefined
      ? {}
      : {
          at: {
            ...(since === undefined ? {} : { $gte: since }),
            ...(before === undefined ? {} : { $lt: before }),
          },
        }),
    ...(after === undefined
      ? {}
      : {
          $or: [
            { at: { [beyond]: after.at } },
            { at: is(after.at), order: { [beyond]: after.order } },
            { at: is(after.at), order: is(after.order), _id: { [beyond]: after.id } },
          ],
        }),
  }
}

function firstOfEach(events: readonly AuditEntry[]): Map<string, AuditEntry> {
  const first = new Map<string, AuditEntry>()
  for (const event of events) if (!first.has(event.id)) first.set(event.id, event)
  return first
}
