import type { Json } from '../domain/json.ts'
import type { Authenticator, OpenChallenge, PendingEnrolment } from '../domain/mfa-record.ts'
import type { SecretBox } from '../ports/services.ts'

/**
 * The state of a factor is sealed as a whole, bound to the account and to its place in the record: a ciphertext that
 * was moved to another account, authenticator or interaction does not open (R35).
 */
export type SealedPlace =
  | Pick<Authenticator, 'factor' | 'id'>
  | Pick<PendingEnrolment, 'factor' | 'interaction'>
  | Pick<OpenChallenge, 'purpose' | 'interaction'>

export function sealState(
  box: SecretBox,
  accountId: string,
  place: SealedPlace,
  state: Json,
): string {
  return box.seal(JSON.stringify(state), { accountId, purpose: purposeOf(place) })
}

export function openState(
  box: SecretBox,
  accountId: string,
  place: SealedPlace & { readonly sealed: string },
): Json {
  return JSON.parse(box.open(place.sealed, { accountId, purpose: purposeOf(place) })) as Json
}

function purposeOf(place: SealedPlace): string {
  if ('purpose' in place) return JSON.stringify(['challenge', place.purpose, place.interaction])
  if ('interaction' in place) return JSON.stringify(['pending', place.factor, place.interaction])
  return JSON.stringify(['authenticator', place.factor, place.id])
}
