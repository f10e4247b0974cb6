import type { Instant } from '../../domain/time.ts'
import { hasEvents } from '../event-rules.ts'
import type { Keyed } from './database.ts'

/**
 * The server's collections, in addition to the plugin's. Their names have a common prefix, so that the server can share
 * a database with an application. Documents that the adapter does not read are stored as JSON text, in which a key may
 * contain a dot or a dollar.
 */
export const COLLECTIONS = {
  accounts: 'mfa_accounts',
  clients: 'mfa_clients',
  settings: 'mfa_settings',
  outbox: 'mfa_outbox',
  leases: 'mfa_leases',
  nodes: 'mfa_nodes',
  audit: 'mfa_audit',
  auditChains: 'mfa_audit_chains',
  auditRemoved: 'mfa_audit_removed',
  hostRecords: 'mfa_host_records',
  hostSessions: 'mfa_host_sessions',
  schema: 'mfa_schema',
  writeChecks: 'mfa_write_checks',
} as const

export interface AccountDocument extends Keyed {
  readonly version: number
  /** Normalised user name and verified address, one namespace: a unique index gives each to one account. */
  readonly names: readonly string[]
  readonly document: string
  /** Present while events of the account wait to be passed on. */
  readonly waiting?: true
}

/** The field by which a document with waiting events is found; a sparse index has only these documents. */
export function waitingOf(stored: { readonly events?: unknown }): { readonly waiting?: true } {
  return hasEvents(stored) ? { waiting: true } : {}
}

export interface OutboxDocument extends Keyed {
  readonly accountId: string
  /** Sealed; absent when the row is finished. */
  readonly value?: string
  readonly until?: Instant
  /** Absent when the row is finished. */
  readonly dueAt?: Instant
  /** Orders rows that are due in the same second. */
  readonly order: number
  readonly claims: number
  readonly firstClaimedAt?: Instant
  /** Why the last attempt failed. Absent: none failed, or a sender has the row. */
  readonly fault?: string
  /** After this time the row is deleted. Absent: it waits until it is finished. */
  readonly keepUntil?: Date
}

/** The `_id` is the lease's name. */
export interface LeaseDocument extends Keyed {
  readonly holder: string
  readonly until: Instant
}

/** The `_id` is the node's. The text is its note. */
export interface NodeDocument extends Keyed {
  readonly text: string
  /** The last heartbeat. The TTL index deletes the note an hour after it. */
  readonly keepUntil: Date
}

export interface TextDocument extends Keyed {
  readonly text: string
}

export interface AuditDocument extends Keyed {
  readonly at: Instant
  /** Orders events of the same second. */
  readonly order: number
  readonly type: string
  readonly accountId?: string
  readonly detail: string
  /** Members of the detail by which entries are found. */
  readonly clientId?: string
  readonly ip?: string
  readonly actor?: string
  readonly requestId?: string
  /** The place in a chain. Absent: the entry is in none. */
  readonly chain?: string
  readonly number?: number
  readonly hash?: string
}

/** The head of a chain. The `_id` is the name of the chain. */
export interface ChainDocument extends Keyed {
  readonly number: number
  readonly hash: string
  readonly seal: string
  /** Entries that the head counts and that may not be in the trail yet, as JSON. */
  readonly waiting?: string
  /** The seal of `waiting`. */
  readonly waitingSeal?: string
}

/** A run of removed entries of a chain. The `_id` has the chain and `first`. */
export interface RemovedDocument extends Keyed {
  readonly chain: string
  readonly first: number
  readonly last: number
  readonly hash: string
  readonly seal: string
}

/**
 * The `_id` and the other look-up keys begin with the model: `AccessToken:...`. Hashes follow, and the payload is sealed
 * (adapters/sealed-host-records.ts).
 */
export interface HostRecordDocument extends Keyed {
  readonly payload: string
  readonly userCode?: string
  readonly grant?: string
  readonly account?: string
  readonly consumed?: Instant
  /** After this time the record is not found and is deleted. Absent or null: it is kept for ever. */
  readonly keepUntil?: Date | null
}

/** Seconds as the database's own time, which its TTL indexes understand. */
export const dateOf = (instant: Instant): Date => new Date(instant * 1000)

/** A condition that compares with a value, which is never read as an operator: `$eq` also compares objects. */
export const is = <T>(value: T): { $eq: T } => ({ $eq: value })
