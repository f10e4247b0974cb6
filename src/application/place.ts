import type { EventDetail } from '../domain/events.ts'
import type { MfaRecord } from '../domain/mfa-record.ts'
import type { Dependencies } from './dependencies.ts'

/** Who is trying, where: the same for every deed of one interaction. */
export interface Place {
  readonly accountId: string
  /** The interaction's uid. */
  readonly interaction: string
  /** The epoch that the pending first factor, or the session, was made under. */
  readonly epoch: number
  /** Hashes of the browser tokens that the browser showed. */
  readonly tokenHashes: readonly string[]
  /** The hash of the token that it will be known by when the sign-in completes. */
  readonly newTokenHash: string
  /** For the audit: client, address, user agent. */
  readonly detail: EventDetail
}

/**
 * Recognises the same response in the same interaction: a double tap (R38). Keyed, so that a record read by an
 * operator does not give the code away. `canonical`: the response's one normal form. `record`: what this interaction
 * has passed with is recognised by every key, also when a node with another newest one has made it.
 */
export function fingerprintOf(
  deps: Dependencies,
  { accountId, interaction }: Place,
  factorId: string,
  canonical: string,
  record: Pick<MfaRecord, 'accepted'>,
): string {
  const message = JSON.stringify([accountId, interaction, factorId, canonical])
  const same = record.accepted.find(
    (accepted) =>
      accepted.interaction === interaction &&
      deps.box.verifyMac('attempt', message, accepted.fingerprint),
  )
  return same?.fingerprint ?? deps.box.mac('attempt', message)
}
