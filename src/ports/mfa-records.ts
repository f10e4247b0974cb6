import type { JsonObject } from '../domain/json.ts'
import type { Instant } from '../domain/time.ts'

/** A stored record and the version it had when it was read. */
export interface Versioned {
  readonly record: JsonObject
  /** 1 after the first save, one more at each save and at each change of the password that the storage sees. */
  readonly version: number
  /** Absent: none since the last save. A storage that sees no passwords never has it. */
  readonly passwordChanged?: PasswordChanged
}

/** An account that has no record yet, though its password has changed. */
export interface Unrecorded {
  readonly record?: undefined
  readonly version: number
  readonly passwordChanged: PasswordChanged
}

/**
 * What a storage that keeps the password beside the record has seen of it since the record was saved. Whoever loads
 * the record settles it, and the next save, which is of the settled record, takes it away.
 */
export interface PasswordChanged {
  /** 1 or more. */
  readonly times: number
  /** The last time. */
  readonly at: Instant
}

export type Durability = 'durable' | 'relaxed'

/**
 * One document per account with all of its MFA state, guarded by compare-and-swap.
 * The adapter knows nothing of what is inside and decides nothing.
 */
export interface MfaRecords {
  /** The account's record, or undefined when there is none yet. Never a stale replica's. */
  load(accountId: string): Promise<Versioned | Unrecorded | undefined>

  /**
   * Stores `record` as version `expectedVersion + 1` if the stored version is `expectedVersion`
   * (0: there must be none yet); answers whether it did. Atomic across processes and nodes (R18).
   * Durable when it answers true: a power cut must not bring back the version before (R5).
   * Throws when the outcome is unknown or the storage is away.
   *
   * `relaxed`: a power cut may bring back the version before, though never one before another save that was durable.
   * Only for what is merely done again then; an adapter may treat it like any other.
   */
  save(
    accountId: string,
    record: JsonObject,
    expectedVersion: number,
    durability?: Durability,
  ): Promise<boolean>
}
