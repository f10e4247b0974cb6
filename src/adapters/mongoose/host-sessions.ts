import { setTimeout as sleep } from 'node:timers/promises'
import type { mongo } from 'mongoose'
import type { AdapterPayload } from 'oidc-provider'
import type { Instant } from '../../domain/time.ts'
import type { Clock } from '../../ports/services.ts'
import { alreadyConsumed, keepUntil } from '../host-record-rules.ts'
import type { SealedPayload, StoredAdapter, StoredSessions } from '../sealed-host-records.ts'
import { COLLECTIONS, dateOf, is } from './collections.ts'
import type { Keyed, MongoDatabase } from './database.ts'
import { isDuplicateKey, storageUnavailable } from './failure.ts'
import { endedFamily, keptUntil, withoutSession, withSession } from './session-family.ts'
import type { LiveSession, SessionFamily } from './session-family.ts'

/** How long a change is tried again if other requests have changed the family meanwhile. */
const CONTENTION_MS = 2_000

/** Its `_id` is the uid. */
interface FamilyDocument extends SessionFamily, Keyed {
  readonly version: number
  /** The ids of `live` and of `ended`, for look-ups. The index is not unique: one write changes one family. */
  readonly ids: readonly string[]
  readonly keepUntil: Date | null
}

/**
 * The host's sessions: a document for each `uid` with all its ids (`session-family.ts`), changed by compare-and-swap.
 * Neither a transaction nor an order of writes is needed: a sign-out is one write, before which the session lives and
 * after which no request in flight brings it back.
 */
export function mongoHostSessions(database: MongoDatabase, clock: Clock): MongoHostSessions {
  const families = familiesIn(database)
  const { onFamilies, byId, byUid, save } = families

  return {
    async find(id) {
      const family = await byId(id)
      return payloadOf(family?.live.find((session) => session.id === id && isKept(session, clock)))
    },

    async findByUid(uid) {
      const family = await byUid(uid)
      return payloadOf(family?.live.findLast((session) => isKept(session, clock)))
    },

    findByUserCode: () => Promise.resolve(undefined),

    async upsert(id, payload: SealedPayload, expiresIn) {
      const uid = payload.uid ?? id
      const now = clock.now()
      const session = {
        id,
        payload: JSON.stringify(payload),
        account: payload.account ?? null,
        keepUntil: keepUntil(now, expiresIn) ?? null,
      }
      if (await onFamilies((families) => changeInPlace(families, uid, session))) return
      await untilSaved(async () => {
        const [before, holder] = await Promise.all([byUid(uid), byId(id)])
        // An id belongs to one session. Under another uid it is that of a session which has ended.
        if (holder !== null && holder._id !== uid) return true
        const family = withSession(before ?? undefined, session, now)
        return family === undefined || (await save(uid, before, family))
      })
    },

    async destroy(id, ending) {
      const now = clock.now()
      await untilSaved(async () => {
        const before = await byId(id)
        if (before === null) return true
        const family = withoutSession(before, id, ending, now)
        return family === undefined || (await save(before._id, before, family))
      })
    },

    ...endedIn(families, clock),
    findByAccount: (account) => ofAccount(families, clock, account),

    // The host never calls these two functions for a session.
    async consume() {
      throw alreadyConsumed('Session')
    },
    async revokeByGrantId() {},
  }
}

type Families = ReturnType<typeof familiesIn>

function familiesIn(database: MongoDatabase) {
  const onFamilies = <T>(
    deed: (families: mongo.Collection<FamilyDocument>) => Promise<T>,
  ): Promise<T> => database.on<FamilyDocument, T>(COLLECTIONS.hostSessions, deed)
  const save: SaveFamily = (uid, before, family) =>
    onFamilies((families) => saveFamily(families, uid, before, family))
  return {
    onFamilies,
    save,
    byId: (id: string) => onFamilies((families) => families.findOne({ ids: is(id) })),
    byUid: (uid: string) => onFamilies((families) => families.findOne({ _id: is(uid) })),
  }
}

/** The sessions that an account is signed in with. */
async function ofAccount(
  { onFamilies }: Families,
  clock: Clock,
  account: string,
): Promise<AdapterPayload[]> {
  const families = await onFamilies((all) => all.find({ 'live.account': is(account) }).toArray())
  return families
    .flatMap(({ live }) => live)
    .filter((session) => session.account === account && isKept(session, clock))
    .map(read)
}

/** The end of a whole family. The payloads that it returns are those of the document that its save replaces. */
function endedIn({ byUid, save }: Families, clock: Clock): StoredSessions {
  return {
    async endSession(uid) {
      let ended: SessionFamily['live'] = []
      await untilSaved(async () => {
        const before = await byUid(uid)
        if (before === null) return true
        ended = before.live
        return save(uid, before, endedFamily(before, clock.now()))
      })
      return ended.map(read)
    },

    async isEnded(uid) {
      return (await byUid(uid))?.over === true
    },
  }
}

/** The host's adapter for its sessions, and the end of all ids of one. */
export type MongoHostSessions = StoredAdapter & StoredSessions

/** Returns false if another request has changed the family since it was read. */
type SaveFamily = (
  uid: string,
  before: FamilyDocument | null,
  family: SessionFamily,
) => Promise<boolean>

async function saveFamily(
  families: mongo.Collection<FamilyDocument>,
  ...[uid, before, family]: Parameters<SaveFamily>
): Promise<boolean> {
  const { _id, ...content } = documentOf(uid, (before?.version ?? 0) + 1, family)
  if (before !== null) {
    const { matchedCount } = await families.updateOne(
      { _id: is(uid), version: is(before.version) },
      { $set: content },
    )
    return matchedCount === 1
  }
  try {
    await families.insertOne({ _id, ...content })
    return true
  } catch (error) {
    if (isDuplicateKey(error)) return false
    throw error
  }
}

/** Most saves change an existing session: this takes one write, without a read before it. */
async function changeInPlace(
  families: mongo.Collection<FamilyDocument>,
  uid: string,
  { id, payload, account, keepUntil: until }: LiveSession,
): Promise<boolean> {
  if (until === null) return false
  const { matchedCount } = await families.updateOne(
    { _id: is(uid), 'live.id': is(id), keepUntil: { $type: 'date' } },
    {
      $set: { 'live.$.payload': payload, 'live.$.account': account, 'live.$.keepUntil': until },
      $max: { keepUntil: dateOf(until) },
      $inc: { version: 1 },
    },
  )
  return matchedCount === 1
}

async function untilSaved(attempt: () => Promise<boolean>): Promise<void> {
  const giveUpAt = performance.now() + CONTENTION_MS
  while (!(await attempt())) {
    if (performance.now() >= giveUpAt)
      throw storageUnavailable('The session kept being changed by other requests.')
    // Random delay, so that each of many requests that change one session succeeds in time.
    await sleep(Math.random() * 10)
  }
}

function documentOf(uid: string, version: number, family: SessionFamily): FamilyDocument {
  const { live, ended, over, heirUntil } = family
  const until = keptUntil(family)
  return {
    _id: uid,
    version,
    live,
    ended,
    over,
    heirUntil,
    ids: [...live, ...ended].map(({ id }) => id),
    keepUntil: until === null ? null : dateOf(until),
  }
}

function isKept({ keepUntil: until }: { keepUntil: Instant | null }, clock: Clock): boolean {
  return until === null || until > clock.now()
}

function payloadOf(session: LiveSession | undefined): AdapterPayload | undefined {
  return session && read(session)
}

function read({ payload }: LiveSession): AdapterPayload {
  return JSON.parse(payload) as AdapterPayload
}
