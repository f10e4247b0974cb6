import type { JsonObject } from '../domain/json.ts'
import type { Instant } from '../domain/time.ts'

/** A stored record and the version it had when it was read. */
export interface Versioned {
  readonly record: JsonObject
  /** 1 after the first save; each save, and each change of the password that the storage sees, adds one. */
  readonly version: number
  /** Absent: the password has not changed since the last save, or the storage does not see passwords. */
  readonly passwordChanged?: PasswordChanged
}

/** An account that has no record yet, but whose password has changed. */
export interface Unrecorded {
  readonly record?: undefined
  readonly version: number
  readonly passwordChanged: PasswordChanged
}

/**
 * The changes of the password since the last save, as a storage that keeps the password beside the record has seen
 * them. The caller that loads the record applies them to it; the next save stores that record and removes them.
 */
export interface PasswordChanged {
  /** The number of changes, 1 or more. */
  readonly times: number
  /** The time of the last change. */
  readonly at: Instant
}

export type Durability = 'durable' | 'relaxed'

/**
 * One document per account with all of its MFA state, guarded by compare-and-swap. The adapter decides nothing, and
 * reads only the top-level field `handles` of the document.
 */
export interface MfaRecords {
  /**
   * The account's record, or undefined when there is none yet. An adapter must not read it from a replica that may lag
   * behind.
   */
  load(accountId: string): Promise<Versioned | Unrecorded | undefined>

  /**
   * Stores `record` as version `expectedVersion + 1` if the stored version is `expectedVersion` (0: there must be none
   * yet); answers whether it did. The save is atomic across processes and nodes (R18). It is durable when it answers
   * true: a power cut must not bring back the version before (R5). Throws when the outcome is unknown or the storage is
   * unavailable.
   *
   * `record.handles` is absent or an array of strings. From a save that answers true until the account's next save,
   * exactly these handles belong to the account. Throws MfaError `handle-taken` (409), and changes nothing, when
   * another account's record holds one of them; of two accounts that save one handle at the same time, one succeeds. A
   * save whose version is not the stored one answers false whatever its handles are.
   *
   * `relaxed`: a power cut may bring back an earlier version, though never one from before a durable save. The caller
   * uses it for work that it can repeat; an adapter may treat it as `durable`.
   */
  save(
    accountId: string,
    record: JsonObject,
    expectedVersion: number,
    durability?: Durability,
  ): Promise<boolean>

  /**
   * The id of the account whose stored record holds `handle`, or undefined. The match is exact: no folding of case, no
   * prefix. It is one look-up by an index, because anybody can cause it before signing in. An adapter must not read it
   * from a replica that may lag behind.
   */
  findByHandle(handle: string): Promise<string | undefined>
}
