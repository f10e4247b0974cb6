import type { mongo } from 'mongoose'
import {
  isSealedRun,
  joined,
  neighbours,
  removableRuns,
  type ChainedEntry,
  type OwnChain,
  type Run,
  type SealedRun,
} from '../../domain/audit-chain.ts'
import type { AuditRetention } from '../../ports/audit-trail.ts'
import { endOfType } from '../audit-pages.ts'
import { chained } from './audit-documents.ts'
import { COLLECTIONS, is, type AuditDocument, type RemovedDocument } from './collections.ts'
import type { MongoDatabase } from './database.ts'
import { isDuplicateKey, storageUnavailable } from './failure.ts'

/** How often a run is stored again after another process was faster. Two sweeps at once are rare already. */
const MOST_ROUNDS = 200

/**
 * Deletes at most `limit` old entries; answers how many. Their places are sealed first: if the process ends in between,
 * the entries are there beside their seals until the next sweep.
 */
export async function sweepAudit(
  database: MongoDatabase,
  retention: AuditRetention,
  limit: number,
): Promise<number> {
  const { mac } = retention
  const found = await oldEntries(database, retention, limit)
  if (found.length === 0) return 0
  if (mac !== undefined)
    for (const name of new Set(found.map(({ chain }) => chain)))
      if (name !== undefined) {
        const entries = found.filter(({ chain }) => chain === name).map(chained)
        for (const part of neighbours(entries)) await sealPart(database, { name, mac }, part)
      }
  return database.on<AuditDocument, number>(COLLECTIONS.audit, async (trail) => {
    const ids = found.map(({ _id }) => _id)
    return (await trail.deleteMany({ _id: { $in: ids } })).deletedCount
  })
}

async function oldEntries(
  database: MongoDatabase,
  retention: AuditRetention,
  limit: number,
): Promise<readonly AuditDocument[]> {
  const find = (filter: mongo.Filter<AuditDocument>, most: number): Promise<AuditDocument[]> =>
    database.on<AuditDocument, AuditDocument[]>(COLLECTIONS.audit, (trail) =>
      trail.find(filter).sort({ at: 1 }).limit(most).toArray(),
    )
  const { before, types } = retention
  if (types === undefined) return before === undefined ? [] : find({ at: { $lt: before } }, limit)
  const found: AuditDocument[] = []
  const present = await database.withoutLimit<AuditDocument, string[]>(COLLECTIONS.audit, (trail) =>
    trail.distinct('type'),
  )
  for (const type of present) {
    const end = endOfType(retention, type)
    if (end !== undefined && found.length < limit)
      found.push(...(await find({ type: is(type), at: { $lt: end } }, limit - found.length)))
  }
  return found
}

async function sealPart(
  database: MongoDatabase,
  chain: OwnChain,
  part: readonly [ChainedEntry, ...ChainedEntry[]],
): Promise<void> {
  const before = await hashBefore(database, chain, part[0].number)
  for (const run of removableRuns(chain, before, part)) await storeRun(database, chain, run)
}

/**
 * Undefined: the entry is not there and no run ends with it. The entry is read first: another process stores the run
 * before it deletes the entry, so an entry that is missing here has its run.
 */
async function hashBefore(
  database: MongoDatabase,
  chain: OwnChain,
  number: number,
): Promise<string | undefined> {
  if (number === 1) return ''
  const entry = await database.on<AuditDocument, AuditDocument | null>(COLLECTIONS.audit, (trail) =>
    trail.findOne({ chain: is(chain.name), number: is(number - 1) }),
  )
  const run = await runThat(database, chain.name, { last: number - 1 })
  return run !== undefined && isSealedRun(chain, run) ? run.hash : entry?.hash
}

/**
 * Stores the run, joined with its neighbours. The whole run is written before the parts of it are deleted: runs that
 * overlap are no fault. Two sweeps may do this at once, so a run is changed only as long as it is as it was read, and
 * none becomes shorter: a number without a run would look like an entry that somebody has removed.
 */
export async function storeRun(database: MongoDatabase, chain: OwnChain, run: Run): Promise<void> {
  for (let round = 0; round < MOST_ROUNDS; round += 1) {
    const earlier = await runThat(database, chain.name, { last: run.first - 1 })
    const later = await runThat(database, chain.name, { first: run.last + 1 })
    const { run: whole, replaced } = joined(chain, run, {
      ...(earlier === undefined ? {} : { earlier }),
      ...(later === undefined ? {} : { later }),
    })
    if (await writeRun(database, chain, whole)) {
      for (const each of replaced)
        if (each.first !== whole.first) await deleteRun(database, chain.name, each)
      return
    }
  }
  throw storageUnavailable('A run of removed entries was changed by others again and again.')
}

/** False: another process has changed the run that begins with this number. */
async function writeRun(
  database: MongoDatabase,
  chain: OwnChain,
  whole: SealedRun,
): Promise<boolean> {
  const _id = idOf(chain.name, whole)
  const stored = { chain: chain.name, ...whole }
  const present = await onRemoved(database, (removed) => removed.findOne({ _id: is(_id) }))
  if (present !== null && isSealedRun(chain, present) && present.last >= whole.last) return true
  return onRemoved(database, async (removed) => {
    if (present !== null) {
      const { matchedCount } = await removed.replaceOne(unchanged(chain.name, present), stored)
      return matchedCount === 1
    }
    try {
      await removed.insertOne({ _id, ...stored })
      return true
    } catch (error) {
      if (isDuplicateKey(error)) return false
      throw error
    }
  })
}

/** A run that another process has made longer meanwhile stays. */
async function deleteRun(database: MongoDatabase, chain: string, run: SealedRun): Promise<void> {
  await onRemoved(database, (removed) => removed.deleteOne(unchanged(chain, run)))
}

/** The seal covers the other members. */
function unchanged(chain: string, run: SealedRun): mongo.Filter<RemovedDocument> {
  return { _id: is(idOf(chain, run)), seal: is(run.seal) }
}

/** The runs beyond a number: those up to the last of the entries, or, without entries, at most `limit`. */
export async function removedPage(
  database: MongoDatabase,
  chain: string,
  after: number,
  entries: readonly ChainedEntry[] | undefined,
  limit = 0,
): Promise<readonly SealedRun[]> {
  const upTo = entries?.at(-1)?.number
  const found = await onRemoved(database, (removed) =>
    removed
      .find({
        chain: is(chain),
        last: { $gt: after },
        ...(upTo === undefined ? {} : { first: { $lte: upTo } }),
      })
      .sort({ last: 1 })
      .limit(upTo === undefined ? limit * 2 : 0)
      .toArray(),
  )
  return found.map(runOf)
}

export async function newestRemoved(database: MongoDatabase, chain: string): Promise<number> {
  const [newest] = await onRemoved(database, (removed) =>
    removed
      .find({ chain: is(chain) })
      .sort({ last: -1 })
      .limit(1)
      .toArray(),
  )
  return newest?.last ?? 0
}

async function runThat(
  database: MongoDatabase,
  chain: string,
  end: { readonly first: number } | { readonly last: number },
): Promise<SealedRun | undefined> {
  const found = await onRemoved(database, (removed) =>
    removed.findOne({ chain: is(chain), ...end }),
  )
  return found === null ? undefined : runOf(found)
}

function onRemoved<T>(
  database: MongoDatabase,
  deed: (removed: mongo.Collection<RemovedDocument>) => Promise<T>,
): Promise<T> {
  return database.on<RemovedDocument, T>(COLLECTIONS.auditRemoved, deed)
}

function idOf(chain: string, { first }: Run): string {
  return JSON.stringify([chain, first])
}

function runOf({ first, last, hash, seal }: RemovedDocument): SealedRun {
  return { first, last, hash, seal }
}
