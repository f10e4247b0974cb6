import type { AdapterPayload } from 'oidc-provider'
import type { Instant } from '../../domain/time.ts'
import { sessionEnding } from '../../host/session.ts'
import type { AccountRecords, HostAdapter, HostRecords } from '../../ports/host-records.ts'
import type { Clock } from '../../ports/services.ts'
import {
  alreadyConsumed,
  ENDED_SESSION_SECONDS,
  HEIR_SECONDS,
  keepUntil,
  USED_REFRESH_TOKEN_GRACE_SECONDS,
} from '../host-record-rules.ts'
import { sweepMap, type Sweepable } from './sweep-map.ts'

interface HostRecord {
  readonly json: string
  readonly uid?: string | undefined
  readonly userCode?: string | undefined
  readonly grantId?: string | undefined
  /** Undefined: the record never expires. */
  keepUntil: Instant | undefined
  consumed: Instant | undefined
}

/** The host's own records, with a Map for each model; `adapters/host-record-rules.ts` says why sessions differ. */
export function memoryHostRecords(
  clock: Clock,
): { records: HostRecords; ofAccounts: AccountRecords } & Sweepable {
  const models = new Map<string, ModelRecords>()
  const ended = endedSessions()
  const recordsOf = (model: string): ModelRecords => {
    const stored: ModelRecords = models.get(model) ?? new Map<string, HostRecord>()
    models.set(model, stored)
    return stored
  }
  return {
    records: (model) => modelAdapter(model, recordsOf(model), ended, clock),
    ofAccounts: {
      async list(model, accountId) {
        const payloads = [...recordsOf(model).values()].map((each) => payloadOf(each, clock.now()))
        return payloads.filter((payload) => payload?.accountId === accountId) as AdapterPayload[]
      },
      async endSession(uid) {
        return endFamily(recordsOf('Session'), ended, uid, clock.now())
      },
      async isEnded(uid) {
        return ended.isOver(uid)
      },
    },
    sweep(now, limit) {
      let swept = ended.sweep(now, limit)
      for (const stored of models.values()) {
        swept += sweepMap(stored, limit - swept, (record) => isOver(record, now))
      }
      return swept
    },
  }
}

type ModelRecords = Map<string, HostRecord>
type EndedSessions = ReturnType<typeof endedSessions>

function modelAdapter(
  model: string,
  stored: ModelRecords,
  ended: EndedSessions,
  clock: Clock,
): HostAdapter {
  const last = (fits: (record: HostRecord) => boolean): AdapterPayload | undefined =>
    payloadOf([...stored.values()].findLast(fits), clock.now())
  return {
    atomicConsume: true,

    async upsert(id, payload, expiresIn) {
      const now = clock.now()
      const before = stored.get(id)
      const uid = model === 'Session' ? payload.uid : undefined
      if (uid !== undefined && !before && !ended.admits(id, uid, now)) return
      stored.set(id, {
        json: JSON.stringify(payload),
        uid,
        userCode: payload.userCode,
        grantId: payload.grantId,
        keepUntil: keepUntil(now, expiresIn),
        // A used code stays used, also if a request in flight writes it back.
        consumed: before?.consumed ?? (payload.consumed ? Number(payload.consumed) : undefined),
      })
    },

    async find(id) {
      return payloadOf(stored.get(id), clock.now())
    },

    async findByUid(uid) {
      return last((record) => record.uid === uid)
    },

    async findByUserCode(userCode) {
      return last((record) => record.userCode === userCode)
    },

    async consume(id) {
      const record = stored.get(id)
      if (!record || record.consumed !== undefined) throw alreadyConsumed(model)
      record.consumed = clock.now()
      if (model === 'RefreshToken' && record.keepUntil !== undefined) {
        record.keepUntil += USED_REFRESH_TOKEN_GRACE_SECONDS
      }
    },

    async destroy(id) {
      if (model === 'Session') endSession(stored, ended, id, clock.now())
      else stored.delete(id)
    },

    async revokeByGrantId(grantId) {
      for (const [id, record] of stored) if (record.grantId === grantId) stored.delete(id)
    },
  }
}

function isOver(record: HostRecord, now: Instant): boolean {
  return record.keepUntil !== undefined && record.keepUntil <= now
}

function payloadOf(record: HostRecord | undefined, now: Instant): AdapterPayload | undefined {
  if (record === undefined || isOver(record, now)) return undefined
  const payload = JSON.parse(record.json) as AdapterPayload
  return record.consumed === undefined ? payload : { consumed: record.consumed, ...payload }
}

function endSession(stored: ModelRecords, ended: EndedSessions, id: string, now: Instant): void {
  const isLive = stored.has(id)
  const uid = stored.get(id)?.uid ?? ended.uidOf(id)
  if (uid === undefined) return
  const ending = sessionEnding(id)
  const endsUid = ending === 'signed-out' || (ending === 'unknown' && isLive)
  const tombstone = ended.of(uid, now)
  for (const [liveId, record] of stored) {
    if (record.uid !== uid || !(endsUid || liveId === id)) continue
    stored.delete(liveId)
    tombstone.ids.add(liveId)
  }
  if (endsUid) tombstone.over = true
  tombstone.heirUntil = ending === 'unknown' && isLive ? now + HEIR_SECONDS : 0
}

/** Ends every record of a uid, without an heir; returns the payloads as they were. */
function endFamily(
  stored: ModelRecords,
  ended: EndedSessions,
  uid: string,
  now: Instant,
): AdapterPayload[] {
  const live = [...stored].filter(([, record]) => record.uid === uid)
  if (live.length === 0 && !ended.has(uid)) return []
  const tombstone = ended.of(uid, now)
  tombstone.over = true
  tombstone.heirUntil = 0
  for (const [id] of live) {
    stored.delete(id)
    tombstone.ids.add(id)
  }
  return live.map(([, { json }]) => JSON.parse(json) as AdapterPayload)
}

interface EndedSession {
  /** The ids that its records had. No record is stored under one of them again. */
  readonly ids: Set<string>
  /** True: no session is stored under the uid again, except one heir until `heirUntil`. */
  over: boolean
  heirUntil: Instant
  keepUntil: Instant
}

/** The tombstones of sessions, by uid. */
function endedSessions() {
  const byUid = new Map<string, EndedSession>()

  return {
    uidOf(id: string): string | undefined {
      return [...byUid].find(([, tombstone]) => tombstone.ids.has(id))?.[0]
    },

    of(uid: string, now: Instant): EndedSession {
      const keepUntil = now + ENDED_SESSION_SECONDS
      const tombstone = byUid.get(uid) ?? { ids: new Set(), over: false, heirUntil: 0, keepUntil }
      tombstone.keepUntil = keepUntil
      byUid.set(uid, tombstone)
      return tombstone
    },

    has: (uid: string): boolean => byUid.has(uid),

    isOver: (uid: string): boolean => byUid.get(uid)?.over === true,

    /** Whether a session may be stored under an id that has no record now. */
    admits(id: string, uid: string, now: Instant): boolean {
      if (this.uidOf(id) !== undefined) return false
      const tombstone = byUid.get(uid)
      if (!tombstone) return true
      if (!tombstone.over) return true
      if (tombstone.heirUntil < now) return false
      tombstone.over = false
      tombstone.heirUntil = 0
      return true
    },

    sweep: (now: Instant, limit: number) =>
      sweepMap(byUid, limit, (tombstone) => tombstone.keepUntil <= now),
  }
}
