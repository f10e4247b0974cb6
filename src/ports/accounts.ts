import type { EventDetail } from '../domain/events.ts'
import type { JsonObject } from '../domain/json.ts'
import type { Instant } from '../domain/time.ts'

/** A person of the server. The plugin alone has no accounts: its host application has them. */
export interface Account {
  readonly id: string
  /** The name as it was typed at creation, and as pages show it. */
  readonly username: string
  readonly email?: string
  readonly emailVerified: boolean
  /** When the present address was verified. Absent: it was verified at the creation of the account. */
  readonly emailVerifiedAt?: Instant
  /** Up to two more verified addresses, for notices and recovery. Nobody signs in by them. */
  readonly addresses?: readonly AddedAddress[]
  /** PHC string. Absent until a set-up link was used. */
  readonly passwordHash?: string
  readonly groups: readonly string[]
  /** Standard claims (OpenID Connect Core 5.1), checked on the way in; `sub`, `email`, `email_verified` excluded. */
  readonly claims: JsonObject
  readonly createdAt: Instant
  readonly updatedAt: Instant
  readonly disabledAt?: Instant
  /** The origin of the present password, which decides whether it alone may enrol a first factor (R10). */
  readonly passwordOrigin:
    'none' | 'administrator' | 'set-up-link' | 'reset' | 'import' | 'mail' | 'owner'
  /** The address whose mailbox set the password. It is no second proof (R9, R10). Present with the origin `mail`. */
  readonly passwordMailedTo?: string
  /** The proof that a set-up link was used, for one first enrolment (R10). */
  readonly enrolmentProof?: EnrolmentProof
  /** The serial number that a valid set-up link carries; absent: 0. A reset raises it and so ends earlier links. */
  readonly setUpSerial?: number
  /** The language of the pages when the owner was last recognised (BCP 47), for mails. */
  readonly locale?: string
  /** Events that were stored with a change of the account and are not passed on yet. */
  readonly events?: readonly AccountEvent[]
}

/** An event of the server that is a part of a change of the account: what changed and its notice are one write. */
export interface AccountEvent {
  /** Unique: made from the version of the account that the change has made. */
  readonly id: string
  readonly type: string
  readonly at: Instant
  readonly detail: EventDetail
  /** The addresses for notices that the account had before the change, and those after it. */
  readonly to: readonly string[]
}

/** A proof that is spent by a completed sign-in, and by every change that raises the epoch: a first factor, a reset. */
export interface EnrolmentProof {
  /** When the link was used. */
  readonly usedAt: Instant
  readonly until: Instant
  /** The account's epoch when the password was set; under another epoch the proof does not count. */
  readonly epoch: number
  /**
   * SHA-256 of the value that the browser which used the link keeps in a cookie. In another browser the proof does not
   * count.
   */
  readonly browser: string
}

/** An address whose mailbox the owner has shown to read. */
export interface AddedAddress {
  readonly address: string
  readonly verifiedAt: Instant
}

export interface StoredAccount {
  readonly account: Account
  readonly version: number
}

/** Names are normalised by the caller (server/accounts/name.ts); the store keeps them unique. */
export interface Accounts {
  byId(id: string): Promise<StoredAccount | undefined>
  /** Finds an account by its normalised user name, or by its normalised verified address. */
  byName(normalisedName: string): Promise<StoredAccount | undefined>
  /** Inserts an account. False: a normalised name or address is taken. */
  insert(account: Account, names: AccountNames): Promise<boolean>
  /** Compare-and-swap. False: changed meanwhile, or a name is taken. */
  update(account: Account, names: AccountNames, expectedVersion: number): Promise<boolean>
  /** Lists accounts in order of `id`, after `after`. */
  list(page: { after?: string; limit: number }): Promise<readonly StoredAccount[]>
}

export interface AccountNames {
  readonly username: string
  /** Present only when verified: an unverified address signs nobody in. */
  readonly email?: string
}
