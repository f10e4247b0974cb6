import type { JsonObject } from '../domain/json.ts'
import type { Instant } from '../domain/time.ts'

/** A person of the server (the plugin alone does not have these: its host application does). */
export interface Account {
  readonly id: string
  /** As it was typed at creation; shown. */
  readonly username: string
  readonly email?: string
  readonly emailVerified: boolean
  /** PHC string. Absent until a set-up link was used. */
  readonly passwordHash?: string
  readonly groups: readonly string[]
  /** Standard claims (OpenID Connect Core 5.1), checked on the way in; `sub`, `email`, `email_verified` excluded. */
  readonly claims: JsonObject
  readonly createdAt: Instant
  readonly updatedAt: Instant
  readonly disabledAt?: Instant
  /** How the present password came to be: decides whether it alone may enrol a first factor (R10). */
  readonly passwordOrigin: 'none' | 'administrator' | 'set-up-link' | 'reset' | 'import'
  /** A set-up link was used: the proof for one first enrolment (R10). */
  readonly enrolmentProof?: EnrolmentProof
  /** Links made under another number are void; absent: 0. A reset raises it. */
  readonly setUpSerial?: number
}

/** Spent by a completed sign-in, and by every change that raises the epoch: an enrolment, a reset. */
export interface EnrolmentProof {
  /** When the link was used. */
  readonly usedAt: Instant
  readonly until: Instant
  /** The account's epoch when the password was set; under another one this proves nothing. */
  readonly epoch: number
  /** SHA-256 of what the browser that used the link keeps in a cookie; in another browser this proves nothing. */
  readonly browser: string
}

export interface StoredAccount {
  readonly account: Account
  readonly version: number
}

/** Names are normalised by the caller (server/accounts/name.ts); the store keeps them unique. */
export interface Accounts {
  byId(id: string): Promise<StoredAccount | undefined>
  /** By normalised user name, or by normalised verified address. */
  byName(normalisedName: string): Promise<StoredAccount | undefined>
  /** False: a normalised name or address is taken. */
  insert(account: Account, names: AccountNames): Promise<boolean>
  /** Compare-and-swap. False: changed meanwhile, or a name is taken. */
  update(account: Account, names: AccountNames, expectedVersion: number): Promise<boolean>
  /** In order of `id`, after `after`. */
  list(page: { after?: string; limit: number }): Promise<readonly StoredAccount[]>
}

export interface AccountNames {
  readonly username: string
  /** Only when verified: an unverified address signs nobody in. */
  readonly email?: string
}
