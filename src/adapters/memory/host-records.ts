import type { AdapterPayload } from 'oidc-provider'
import type { Instant } from '../../domain/time.ts'
import type { HostRecords } from '../../ports/host-records.ts'
import type { Clock } from '../../ports/services.ts'
import {
  alreadyConsumed,
  ENDED_SESSION_SECONDS,
  HEIR_SECONDS,
  keepUntil,
  sessionEnding,
  USED_REFRESH_TOKEN_GRACE_SECONDS,
} from '../host-record-rules.ts'
import { sweepMap, type Sweepable } from './sweep-map.ts'

interface HostRecord {
  readonly json: string
  readonly uid?: string | undefined
  readonly userCode?: string | undefined
  readonly grantId?: string | undefined
  /** Undefined: for ever. */
  keepUntil: Instant | undefined
  consumed: Instant | undefined
}

/** The host's own records, each model a Map of its own; `adapters/host-record-rules.ts` says why sessions differ. */
export function memoryHostRecords(clock: Clock): { records: HostRecords } & Sweepable {
  const models = new Map<string, Map<string, HostRecord>>()
  const ended = endedSessions()

  const isOver = (record: HostRecord, now: Instant): boolean =>
    record.keepUntil !== undefined && record.keepUntil <= now

  const records: HostRecords = (model) => {
    const stored = models.get(model) ?? new Map<string, HostRecord>()
    models.set(model, stored)

    const read = (record: HostRecord | undefined): AdapterPayload | undefined => {
      if (record === undefined || isOver(record, clock.now())) return undefined
      const payload = JSON.parse(record.json) as AdapterPayload
      return record.consumed === undefined ? payload : { ...payload, consumed: record.consumed }
    }
    const last = (fits: (record: HostRecord) => boolean): HostRecord | undefined =>
      [...stored.values()].findLast(fits)
    const deleteWhere = (fits: (record: HostRecord) => boolean): void => {
      for (const [id, record] of stored) if (fits(record)) stored.delete(id)
    }

    const endSession = (id: string): void => {
      const isLive = stored.has(id)
      const uid = stored.get(id)?.uid ?? ended.uidOf(id)
      if (uid === undefined) return
      const ending = sessionEnding(id)
      const endsUid = ending === 'signed-out' || (ending === 'unknown' && isLive)
      const tombstone = ended.of(uid, clock.now())
      for (const [liveId, record] of stored) {
        if (record.uid !== uid || !(endsUid || liveId === id)) continue
        stored.delete(liveId)
        tombstone.ids.add(liveId)
      }
      if (endsUid) tombstone.over = true
      tombstone.heirUntil = ending === 'unknown' && isLive ? clock.now() + HEIR_SECONDS : 0
    }

    return {
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
          // A request in flight that writes a used code back does not make it fresh again.
          consumed: before?.consumed ?? (payload.consumed ? Number(payload.consumed) : undefined),
        })
      },

      async find(id) {
        return read(stored.get(id))
      },

      async findByUid(uid) {
        return read(last((record) => record.uid === uid))
      },

      async findByUserCode(userCode) {
        return read(last((record) => record.userCode === userCode))
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
        if (model === 'Session') endSession(id)
        else stored.delete(id)
      },

      async revokeByGrantId(grantId) {
        deleteWhere((record) => record.grantId === grantId)
      },
    }
  }

  return {
    records,
    sweep(now, limit) {
      let swept = ended.sweep(now, limit)
      for (const stored of models.values()) {
        swept += sweepMap(stored, limit - swept, (record) => isOver(record, now))
      }
      return swept
    },
  }
}

interface EndedSession {
  /** The ids that its records had: none of them is written again. */
  readonly ids: Set<string>
  /** Nothing is stored under the uid again, but for one heir until `heirUntil`. */
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

    /** Whether a session may be stored under an id that has no record now. */
    admits(id: string, uid: string, now: Instant): boolean {
      const tombstone = byUid.get(uid)
      if (!tombstone) return true
      if (tombstone.ids.has(id)) return false
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
