import { setTimeout as sleep } from 'node:timers/promises'
import type { mongo } from 'mongoose'
import {
  headToContinue,
  isSealedHead,
  linkAll,
  sealHead,
  sealWaiting,
  type ChainedEntry,
  type ChainHead,
  type OwnChain,
  type SealedHead,
} from '../../domain/audit-chain.ts'
import type { AuditEntry, AuditTrail, StoredChain } from '../../ports/audit-trail.ts'
import { chained, documentOf } from './audit-documents.ts'
import { removedPage, newestRemoved, storeRun } from './audit-removed.ts'
import { COLLECTIONS, is, type AuditDocument, type ChainDocument } from './collections.ts'
import type { MongoDatabase } from './database.ts'
import { isDuplicateKey, storageUnavailable } from './failure.ts'
import { nextOrder } from './order.ts'

/** How often entries are added again after another process was faster: hundreds of commands at once are unlikely. */
const MOST_ROUNDS = 200

/** The head of a chain with the entries that it already counts. */
interface Waiting extends ChainedEntry<AuditEntry> {
  readonly order: number
}

interface Head extends SealedHead {
  readonly waiting?: string
  readonly waitingSeal?: string
}

/**
 * Links entries and adds them. The head is written first, by compare-and-swap, with the entries in it: one document, so
 * no two entries get one number, and a crash loses none. Then the entries are inserted, and the head lets go of them. If
 * the process ends in between, the next addition to the chain inserts them.
 */
export async function addToChain(
  database: MongoDatabase,
  events: readonly AuditEntry[],
  chain: OwnChain,
): Promise<() => Promise<void>> {
  for (let round = 0; round < MOST_ROUNDS; round += 1) {
    const stored = await readHead(database, chain.name)
    // First of all: an event of which a crash has left only this must not be added again.
    if (stored !== undefined) await insertWaiting(database, chain, waitingIn(chain, stored))
    const fresh = await withoutKnown(database, events)
    if (fresh.length === 0) return async () => undefined
    const isSound = stored !== undefined && isSealedHead(chain, stored)
    const newest = isSound ? 0 : await newestNumber(database, chain.name)
    const linked = linkAll(
      chain,
      headToContinue(chain, stored, () => newest),
      fresh,
    )
    const waiting = linked.map((each) => ({ ...each, order: nextOrder() }))
    const last = linked.at(-1)
    if (last === undefined) continue
    const next = { ...sealHead(chain, last), ...sealedWaiting(chain, last, waiting) }
    if (await writeHead(database, chain.name, next, stored)) {
      await insertWaiting(database, chain, waiting)
      return () => letGo(database, chain.name, next)
    }
    await sleep(1 + Math.random() * 10)
  }
  throw storageUnavailable('The chain of the audit trail was changed by others again and again.')
}

async function withoutKnown(
  database: MongoDatabase,
  events: readonly AuditEntry[],
): Promise<readonly AuditEntry[]> {
  const known = await placesOf(
    database,
    events.map(({ id }) => id),
  )
  const fresh = new Map<string, AuditEntry>()
  for (const event of events)
    if (!known.has(event.id) && !fresh.has(event.id)) fresh.set(event.id, event)
  return [...fresh.values()]
}

/** The place of each entry that there is, by id. */
async function placesOf(
  database: MongoDatabase,
  ids: readonly string[],
): Promise<ReadonlyMap<string, Pick<AuditDocument, 'chain' | 'number'>>> {
  const found = await database.on<AuditDocument, AuditDocument[]>(COLLECTIONS.audit, (trail) =>
    trail.find({ _id: { $in: [...ids] } }, { projection: { chain: 1, number: 1 } }).toArray(),
  )
  return new Map(found.map(({ _id, chain, number }) => [_id, { chain, number } as AuditDocument]))
}

async function readHead(database: MongoDatabase, name: string): Promise<Head | undefined> {
  const found = await database.on<ChainDocument, ChainDocument | null>(
    COLLECTIONS.auditChains,
    (chains) => chains.findOne({ _id: is(name) }),
  )
  return found ?? undefined
}

function sealedWaiting(
  chain: OwnChain,
  head: ChainHead,
  entries: readonly Waiting[],
): Required<Pick<Head, 'waiting' | 'waitingSeal'>> {
  const waiting = JSON.stringify(entries)
  return { waiting, waitingSeal: sealWaiting(chain, head, waiting) }
}

/**
 * None where the seal does not fit: somebody has changed them. The entries that the head counts and that are missing are
 * a fault that a walk finds. Without this seal anybody who writes the database could have a number sealed as removed.
 */
function waitingIn(chain: OwnChain, head: Head): readonly Waiting[] {
  const { waiting, waitingSeal } = head
  if (waiting === undefined || waitingSeal !== sealWaiting(chain, head, waiting)) return []
  return JSON.parse(waiting) as Waiting[]
}

async function writeHead(
  database: MongoDatabase,
  name: string,
  next: Head,
  stored: Head | undefined,
): Promise<boolean> {
  return database.on<ChainDocument, boolean>(COLLECTIONS.auditChains, async (chains) => {
    if (stored !== undefined) {
      const { number, hash, seal } = stored
      const { matchedCount } = await chains.updateOne(
        { _id: is(name), number: is(number), hash: is(hash), seal: is(seal) },
        { $set: next },
      )
      return matchedCount === 1
    }
    try {
      await chains.insertOne({ _id: name, ...next })
      return true
    } catch (error) {
      if (isDuplicateKey(error)) return false
      throw error
    }
  })
}

/** The entries are in the trail, so the head need not hold them longer than the trail does. */
async function letGo(database: MongoDatabase, name: string, { seal }: Head): Promise<void> {
  await database.on<ChainDocument, unknown>(COLLECTIONS.auditChains, (chains) =>
    chains.updateOne(
      { _id: is(name), seal: is(seal) },
      { $unset: { waiting: true, waitingSeal: true } },
    ),
  )
}

/**
 * Inserts entries that the head counts. Another process may have inserted them already. If an entry is in another chain
 * by now, because its event was passed on twice at the same time, its number here is sealed as that of a removed one.
 */
async function insertWaiting(
  database: MongoDatabase,
  chain: OwnChain,
  waiting: readonly Waiting[],
): Promise<void> {
  if (waiting.length === 0) return
  const documents = waiting.map(({ entry, order, number, hash }) => ({
    ...documentOf(entry, order),
    chain: chain.name,
    number,
    hash,
  }))
  if (await insertAll(database, documents)) return
  const places = await placesOf(
    database,
    waiting.map(({ entry }) => entry.id),
  )
  for (const { entry, number, hash } of waiting) {
    const place = places.get(entry.id)
    // An entry outside of every chain shows nothing: anybody who writes the database could have put it there.
    if (place?.chain === undefined) continue
    if (place.chain === chain.name && place.number === number) continue
    await storeRun(database, chain, { first: number, last: number, hash })
  }
}

/** False: some were there. */
export async function insertAll(
  database: MongoDatabase,
  documents: readonly AuditDocument[],
): Promise<boolean> {
  return database.on<AuditDocument, boolean>(COLLECTIONS.audit, async (trail) => {
    try {
      // Unordered: an entry that exists already does not stop those after it.
      await trail.insertMany([...documents], { ordered: false })
      return true
    } catch (error) {
      if (!areDuplicatesAlone(error)) throw error
      return false
    }
  })
}

async function newestNumber(database: MongoDatabase, chain: string): Promise<number> {
  const [entry] = await database.on<AuditDocument, AuditDocument[]>(COLLECTIONS.audit, (trail) =>
    trail
      .find({ chain: is(chain) })
      .sort({ number: -1 })
      .limit(1)
      .toArray(),
  )
  return Math.max(entry?.number ?? 0, await newestRemoved(database, chain))
}

/** The part of the port that reads the chains. */
export function mongoChains(
  database: MongoDatabase,
): Pick<AuditTrail, 'chains' | 'chainPage' | 'unchained'> {
  return {
    async chains() {
      const heads = await database.on<ChainDocument, ChainDocument[]>(
        COLLECTIONS.auditChains,
        (chains) => chains.find({}).toArray(),
      )
      const named = async (collection: string): Promise<string[]> =>
        (await database.withoutLimit<mongo.Document, unknown[]>(collection, (on) =>
          on.distinct('chain'),
        )) as string[]
      const names = new Set([
        ...heads.map(({ _id }) => _id),
        ...(await named(COLLECTIONS.audit)),
        ...(await named(COLLECTIONS.auditRemoved)),
      ])
      return [...names]
        .filter((name) => typeof name === 'string')
        .sort()
        .map((name): StoredChain => {
          const head = heads.find(({ _id }) => _id === name)
          return head === undefined ? { name } : { name, head: sealedHeadOf(head) }
        })
    },

    async chainPage(chain, after, limit) {
      const { name } = chain
      // The head is read first: an entry that it lets go of meanwhile is in the trail already.
      const head = await readHead(database, name)
      const found = await database.on<AuditDocument, AuditDocument[]>(COLLECTIONS.audit, (trail) =>
        trail
          .find({ chain: is(name), number: { $gt: after } })
          .sort({ number: 1 })
          .limit(limit)
          .toArray(),
      )
      const entries = found.map(chained)
      if (entries.length === limit)
        return { entries, removed: await removedPage(database, name, after, entries) }
      const numbers = new Set(entries.map(({ number }) => number))
      const waiting = (head === undefined ? [] : waitingIn(chain, head)).filter(
        ({ number }) => number > after && !numbers.has(number),
      )
      const all = [...entries, ...waiting].sort((one, other) => one.number - other.number)
      return { entries: all, removed: await removedPage(database, name, after, undefined, limit) }
    },

    unchained: () =>
      database.withoutLimit<AuditDocument, number>(COLLECTIONS.audit, (trail) =>
        trail.countDocuments({ chain: { $exists: false } }),
      ),
  }
}

function sealedHeadOf({ number, hash, seal }: Head): SealedHead {
  return { number, hash, seal }
}

/** MongoDB's error code for a duplicate key, in the write errors of a bulk. */
const DUPLICATE_KEY = 11_000

/** The members of the driver's bulk error that are used here. */
interface BulkError {
  readonly writeErrors: unknown
  readonly result: { getWriteConcernError(): unknown }
}

/** Whether every other entry was written, by a majority. Otherwise the entries must be added again. */
function areDuplicatesAlone(error: unknown): boolean {
  if (!(error instanceof Error && error.name === 'MongoBulkWriteError')) return false
  const { writeErrors, result } = error as unknown as BulkError
  const refusals = [writeErrors].flat()
  return (
    refusals.length > 0 &&
    refusals.every((refusal) => (refusal as { code: unknown }).code === DUPLICATE_KEY) &&
    result.getWriteConcernError() === undefined
  )
}
