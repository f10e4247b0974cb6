import type { Adapter, AdapterPayload } from 'oidc-provider'

/**
 * The host's own records (sessions, interactions, grants, codes, tokens): `oidc-provider`'s adapter contract.
 *
 * Our port asks for more than the contract: `consume` is a conditional update and throws `errors.InvalidGrant` at a
 * second use; `find` also returns recently expired and consumed records; a destroyed session leaves a tombstone by
 * `uid` so that a request in flight cannot write it back; `revokeByGrantId` touches its own model only; `upsert`
 * replaces.
 */
export type HostRecords = (model: string) => HostAdapter

export interface HostAdapter extends Adapter {
  /**
   * `true` states that of several calls of `consume` for one id, at the same moment and from any process, one succeeds
   * and the others throw `errors.InvalidGrant`. `attach` warns of an adapter that does not state it. The suite
   * `describeAtomicConsume` checks it.
   */
  readonly atomicConsume?: boolean
}

/** The models whose records belong to a person, and are found by the person's account. */
export type ListedModel = 'Session' | 'Grant'

/** Questions about the host's records that the host itself never asks, and its adapter contract therefore lacks. */
export interface AccountRecords {
  /**
   * The stored records of a model for an account, in no particular order. Records past their time are left out; those
   * of an earlier epoch are not. A session that parallel requests have moved has several, with the same `uid`.
   */
  list(model: ListedModel, accountId: string): Promise<readonly AdapterPayload[]>

  /**
   * Ends a session for good: every record of the `uid` goes in one atomic step, and nothing is stored under it again,
   * also if a request in flight gives the session a new id (R19). Returns the records as they were when they went, so
   * that the caller knows everything that a request stored in the session up to that step; none for an unknown `uid`.
   */
  endSession(uid: string): Promise<readonly AdapterPayload[]>

  /** Whether the session of this `uid` was ended within the last hour, by `endSession` or by a sign-out. */
  isEnded(uid: string): Promise<boolean>
}
