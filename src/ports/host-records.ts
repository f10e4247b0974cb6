import type { Adapter } from 'oidc-provider'

/**
 * The host's own records (sessions, interactions, grants, codes, tokens): `oidc-provider`'s adapter contract.
 *
 * Beyond its letter: `consume` is a conditional update and throws `errors.InvalidGrant` to whoever comes second;
 * `find` returns recently expired records, consumed ones too; a destroyed session leaves a tombstone by `uid` so
 * that a request in flight cannot write it back; `revokeByGrantId` touches its own model only; `upsert` replaces.
 */
export type HostRecords = (model: string) => Adapter
