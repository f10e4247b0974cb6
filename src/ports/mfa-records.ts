import type { JsonObject } from '../domain/json.ts'

/** A stored record and the version it had when it was read. */
export interface Versioned {
  readonly record: JsonObject
  /** 1 after the first save, one more at each save. */
  readonly version: number
}

export type Durability = 'durable' | 'relaxed'

/**
 * One document per account with all of its MFA state, guarded by compare-and-swap.
 * The adapter knows nothing of what is inside and decides nothing.
 */
export interface MfaRecords {
  /** The account's record, or undefined when there is none yet. Never a stale replica's. */
  load(accountId: string): Promise<Versioned | undefined>

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
