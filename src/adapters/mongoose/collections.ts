import type { Instant } from '../../domain/time.ts'
import type { Keyed } from './database.ts'

/**
 * What the server keeps beside the plugin's own collections. Their names begin alike, so that the server can share a
 * database with an application. Documents that the adapter does not look into are JSON text: a key with a dot or a
 * dollar in it is a letter among others there, and comes back as it went in.
 */
export const COLLECTIONS = {
  accounts: 'mfa_accounts',
  clients: 'mfa_clients',
  settings: 'mfa_settings',
  audit: 'mfa_audit',
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
}

export interface TextDocument extends Keyed {
  readonly text: string
}

export interface AuditDocument extends Keyed {
  readonly at: Instant
  /** Tells events of one second apart. */
  readonly order: number
  readonly type: string
  readonly accountId?: string
  readonly detail: string
}

/** Its `_id`, and what it is found by besides, are the model and the host's own: `AccessToken:...`. */
export interface HostRecordDocument extends Keyed {
  readonly payload: string
  readonly userCode?: string
  readonly grant?: string
  readonly consumed?: Instant
  /** Past it the record is neither found nor kept; absent or null: for ever. */
  readonly keepUntil?: Date | null
}

/** Seconds as the database's own time, which its TTL indexes understand. */
export const dateOf = (instant: Instant): Date => new Date(instant * 1000)

/** A value and never an operator, whatever it is: `$eq` compares with what it is given, objects too. */
export const is = <T>(value: T): { $eq: T } => ({ $eq: value })
