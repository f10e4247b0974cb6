import type { ChainMac, OwnChain, SealedHead } from '../domain/audit-chain.ts'
import type { ChainPage } from '../domain/audit-chain-walk.ts'
import type { EventDetail, MfaEventBase } from '../domain/events.ts'
import type { Instant } from '../domain/time.ts'

/** An append-only trail. Adding an event of a known id again changes nothing (events arrive at least once). */
export interface AuditTrail {
  /**
   * `chain`: the chain to which the entries are linked, each in the write that adds it or in one that a crash cannot keep
   * from being completed (domain/audit-chain.ts). Several processes may add to one chain at the same time.
   *
   * The entries are on the disk when it resolves, except where `mustSurvivePowerFailure` (domain/events.ts) asks it of none
   * of them: a power failure may undo those, and a crash of the process may not.
   */
  add(events: readonly AuditEntry[], chain?: OwnChain): Promise<void>
  /** The entries of `page`, without the way on. */
  list(query: AuditQuery): Promise<readonly AuditEntry[]>
  /** Newest first, unless `oldestFirst`. Entries that are added meanwhile move no other entry to another page. */
  page(query: AuditQuery): Promise<AuditPage>
  /** The chains that an entry, a head or a removed run names, by name. */
  chains(): Promise<readonly StoredChain[]>
  /**
   * At most `limit` entries of a chain beyond the number `after`, in order, with the removed runs beyond `after` that begin
   * before the last of them; if there are fewer entries, with `limit` of the other runs.
   */
  chainPage(chain: OwnChain, after: number, limit: number): Promise<ChainPage>
  /** The number of entries that are in no chain: they are from before there were chains. */
  unchained(): Promise<number>
}

export interface StoredChain {
  readonly name: string
  readonly head?: SealedHead
}

/** The entries that a sweep of the trail deletes. */
export interface AuditRetention {
  /** Entries from before this time. Absent: none. */
  readonly before?: Instant
  /** Types with a time of their own in place of it. Undefined: entries of the type stay. */
  readonly types?: ReadonlyMap<string, Instant | undefined>
  /** The MAC of the chains, with which the places of deleted entries are sealed. Absent: entries of chains are only deleted. */
  readonly mac?: ChainMac
}

/** Every condition that is given must hold. */
export interface AuditQuery {
  readonly accountId?: string
  /** This type, or one of these. */
  readonly type?: string | readonly string[]
  /** The members of the detail. */
  readonly clientId?: string
  readonly ip?: string
  readonly actor?: string
  readonly requestId?: string
  /** Not before this time. */
  readonly since?: Instant
  /** Before this time. */
  readonly before?: Instant
  readonly oldestFirst?: boolean
  /** The end of the page before, in the same order. */
  readonly after?: AuditPosition
  readonly limit: number
}

/** The members of the detail by which entries are found. Each storage has an index for each. */
export const AUDIT_KEYS = ['clientId', 'ip', 'actor', 'requestId'] as const

/** The place of an entry in the order of the trail. */
export interface AuditPosition {
  readonly at: Instant
  /** A number that the storage has given the entry. */
  readonly order: number
  /** Tells entries of one number apart: two nodes may give the same. */
  readonly id: string
}

export interface AuditPage {
  readonly entries: readonly AuditEntry[]
  /** Absent: there are no more. */
  readonly next?: AuditPosition
}

/** The plugin's events and the server's own (`password-refused`, `user-added`, `client-changed`, ...). */
export interface AuditEntry extends Omit<MfaEventBase, 'accountId'> {
  readonly type: string
  readonly accountId?: string
  readonly detail: EventDetail
}
