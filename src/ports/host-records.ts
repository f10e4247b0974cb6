import type { Adapter } from 'oidc-provider'

/**
 * The host's own records (sessions, interactions, grants, codes, tokens): `oidc-provider`'s adapter contract.
 *
 * Our port asks for more than the contract: `consume` is a conditional update and throws `errors.InvalidGrant` at a
 * second use; `find` also returns recently expired and consumed records; a destroyed session leaves a tombstone by
 * `uid` so that a request in flight cannot write it back; `revokeByGrantId` touches its own model only; `upsert`
 * replaces.
 */
export type HostRecords = (model: string) => Adapter
