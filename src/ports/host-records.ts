import type { Adapter } from 'oidc-provider'

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
