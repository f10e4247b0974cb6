import { createHash } from 'node:crypto'
import type { AdapterPayload, Provider } from 'oidc-provider'
import type { Instant } from '../../domain/time.ts'
import { endGrant } from '../../host/grant.ts'
import { appsIn, epochIn, isPast, seenIn, signInTimeOf } from '../../host/session.ts'
import { tellApp, type EndedAtApp } from '../../host/sign-out.ts'
import type { AccountRecords } from '../../ports/host-records.ts'
import type { Clock } from '../../ports/services.ts'
import type { Record } from '../observe/audit.ts'
import type { SessionSeen } from './seen-sessions.ts'

/** A session that a person is signed in with. */
export interface LiveSession {
  /** The name of the session in pages and commands. It is worth nothing to a person who learns it. */
  readonly id: string
  readonly firstAt: Instant
  readonly lastAt: Instant
  readonly browser?: SessionSeen['browser']
  readonly network?: SessionSeen['network']
  /** The apps that the person has signed in to in it. */
  readonly clientIds: readonly string[]
}

/** Who ends a session or revokes an access, and from where, for the audit trail. */
export interface EndedBy {
  readonly reason: 'owner' | 'administrator'
  readonly ip?: string
  readonly userAgent?: string
}

export interface LiveSessions {
  /** The live sessions of an account, the one that was used last first. */
  list(accountId: string): Promise<readonly LiveSession[]>
  /**
   * Ends one session of the account for good, with everything that apps have got in it. False: the account has no such
   * session.
   */
  end(accountId: string, id: string, by: EndedBy): Promise<boolean>
  /** Ends all sessions of the account but `kept`, the id of one; answers how many. */
  endOthers(accountId: string, kept: string | undefined, by: EndedBy): Promise<number>
}

export interface LiveSessionServices {
  readonly provider: Provider
  readonly records: AccountRecords
  readonly epochOf: (accountId: string) => Promise<number>
  readonly clock: Clock
  readonly record: Record
  /** Called for an app that could not be told of the end. */
  readonly notTold: (ended: EndedAtApp, error: unknown) => Promise<void>
}

/** The name of a session in pages and commands: a hash, because the `uid` finds the session in the storage. */
export function sessionIdOf(uid: string): string {
  return createHash('sha256')
    .update(JSON.stringify(['session', uid]))
    .digest('base64url')
}

export function liveSessions(services: LiveSessionServices): LiveSessions {
  const endAll = (accountId: string, families: readonly Family[], by: EndedBy): Promise<unknown> =>
    Promise.all(families.map((family) => endFamily(services, accountId, family, by)))
  return {
    async list(accountId) {
      const families = await familiesOf(services, accountId)
      return families.map(shown).toSorted((one, other) => other.lastAt - one.lastAt)
    },

    async end(accountId, id, by) {
      const families = await familiesOf(services, accountId)
      const ended = families.filter(({ uid }) => sessionIdOf(uid) === id)
      await endAll(accountId, ended, by)
      return ended.length > 0
    },

    async endOthers(accountId, kept, by) {
      const families = await familiesOf(services, accountId)
      const others = families.filter(({ uid }) => sessionIdOf(uid) !== kept)
      await endAll(accountId, others, by)
      return others.length
    },
  }
}

/** The stored records of one session: parallel requests that move it may leave more than one. */
interface Family {
  readonly uid: string
  readonly records: readonly AdapterPayload[]
}

/** Sessions of an earlier epoch count nowhere (R20), so they are left out. */
async function familiesOf(
  { records, epochOf, clock }: LiveSessionServices,
  accountId: string,
): Promise<readonly Family[]> {
  const [stored, epoch] = await Promise.all([
    records.list('Session', accountId),
    epochOf(accountId),
  ])
  const live = stored.filter((record) => epochIn(record) === epoch && !isPast(record, clock.now()))
  const uids = new Set(live.flatMap(({ uid }) => uid ?? []))
  return [...uids].map((uid) => ({ uid, records: live.filter((record) => record.uid === uid) }))
}

function shown({ uid, records }: Family): LiveSession {
  const notes = records
    .flatMap((record) => seenIn<SessionSeen>(record) ?? [])
    .toSorted((one, other) => other.lastAt - one.lastAt)
  const signedInAt = Math.min(...records.map((record) => signInTimeOf(record) ?? 0))
  const { browser, network, firstAt = signedInAt, lastAt = signedInAt } = notes[0] ?? {}
  return {
    id: sessionIdOf(uid),
    firstAt,
    lastAt,
    ...(browser === undefined ? {} : { browser }),
    ...(network === undefined ? {} : { network }),
    clientIds: [...new Set(records.flatMap(appsIn).map(({ clientId }) => clientId))],
  }
}

/**
 * Ends a session, and then every grant that was made in it: an app's refresh token for `offline_access` would otherwise
 * outlive the session. The records as they were at the end name the grants of requests that were in flight; a code that
 * such a request issues afterwards is refused, because its session has ended (`codesOfLiveSessions`).
 *
 * The grants that are known before go first: if the process dies between the two steps, the session is still listed.
 */
async function endFamily(
  services: LiveSessionServices,
  accountId: string,
  { uid, records }: Family,
  by: EndedBy,
): Promise<void> {
  const { provider } = services
  await endGrants(provider, records)
  const ended = await services.records.endSession(uid)
  await endGrants(provider, [...records, ...ended])
  await services.record('session-ended', { accountId, detail: by })
  await tellApps(services, accountId, [...records, ...ended])
}

async function endGrants(provider: Provider, records: readonly AdapterPayload[]): Promise<void> {
  const grantIds = new Set(records.flatMap(appsIn).flatMap(({ grantId }) => grantId ?? []))
  await Promise.all([...grantIds].map((grantId) => endGrant(provider, grantId)))
}

async function tellApps(
  { provider, notTold }: LiveSessionServices,
  accountId: string,
  records: readonly AdapterPayload[],
): Promise<void> {
  const apps = new Map(
    records.flatMap(appsIn).map(({ clientId, sid }) => [clientId, { accountId, clientId, sid }]),
  )
  await Promise.all(
    [...apps.values()].map((ended) =>
      tellApp(provider, ended).catch((error: unknown) => notTold(ended, error)),
    ),
  )
}
