import type { Json } from '../domain/json.ts'
import type { Authenticator, MfaRecord } from '../domain/mfa-record.ts'
import type { Instant } from '../domain/time.ts'
import type { AnyFactor, Owned } from '../factors/factor.ts'
import type { Dependencies } from './dependencies.ts'
import { openState } from './sealed-state.ts'

/** The account's authenticators of a factor, the last used one first. Opens nothing that is sealed. */
export function authenticatorsOf(record: MfaRecord, { id }: AnyFactor): readonly Authenticator[] {
  return record.authenticators
    .filter(({ factor }) => factor === id)
    .toSorted((one, other) => (other.lastUsedAt ?? 0) - (one.lastUsedAt ?? 0))
}

/**
 * The opened states of the usable authenticators, the last used one first, as they are passed to a factor. Throws
 * MfaError `key-missing`, `seal-broken`, and `record-unreadable` for a state that is not the factor's.
 */
export function usableStates(
  deps: Pick<Dependencies, 'box' | 'rules'>,
  record: MfaRecord,
  factor: AnyFactor,
  now: Instant,
): readonly Owned<Json>[] {
  return authenticatorsOf(record, factor)
    .filter((authenticator) => deps.rules.isUsable(authenticator, now))
    .map((authenticator) => openOwned(deps, record, factor, authenticator))
}

/** As `usableStates`, but including authenticators that have ended. */
export function existingStates(
  deps: Pick<Dependencies, 'box'>,
  record: MfaRecord,
  factor: AnyFactor,
): readonly Owned<Json>[] {
  return authenticatorsOf(record, factor).map((authenticator) =>
    openOwned(deps, record, factor, authenticator),
  )
}

function openOwned(
  { box }: Pick<Dependencies, 'box'>,
  { accountId }: MfaRecord,
  factor: AnyFactor,
  authenticator: Authenticator,
): Owned<Json> {
  const state = factor.parseState(openState(box, accountId, authenticator)) as Json
  return { authenticatorId: authenticator.id, state }
}
