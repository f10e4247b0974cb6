import type { RequestDetail } from '../domain/events.ts'
import type { MfaRecord } from '../domain/mfa-record.ts'
import type { Dependencies } from './dependencies.ts'

/** The account, the interaction and the browser of an attempt; the same for every operation of one interaction. */
export interface Place {
  readonly accountId: string
  /** The interaction's uid. */
  readonly interaction: string
  /** The epoch in which the pending first factor, or the session, was made. */
  readonly epoch: number
  /** Hashes of the browser tokens that the browser showed. */
  readonly tokenHashes: readonly string[]
  /** No password was typed in this sign-in: it began with a factor that signs in alone. */
  readonly withoutPassword?: true
  /** The hash of the token by which the browser is recognised after the sign-in is complete. */
  readonly newTokenHash: string
  /** For the audit and for notices: client, address, user agent, language. */
  readonly detail: RequestDetail
}

/**
 * Recognises the same response in the same interaction: a double tap (R38). Keyed, so that a record read by an operator
 * does not give the code away. `canonical`: the response's one normal form. `record`: the accepted attempt of this
 * interaction is recognised with each configured key, because a node that has another newest key may have made it.
 */
export function fingerprintOf(
  deps: Dependencies,
  { accountId, interaction }: Place,
  factorId: string,
  canonical: string,
  record: Pick<MfaRecord, 'accepted'>,
): string {
  const message = JSON.stringify([accountId, interaction, factorId, canonical])
  const known = record.accepted
    .filter((accepted) => accepted.interaction === interaction)
    .flatMap(({ fingerprint, spentOn }) =>
      spentOn === undefined ? [fingerprint] : [fingerprint, spentOn],
    )
  const same = known.find((fingerprint) => deps.box.verifyMac('attempt', message, fingerprint))
  return same ?? deps.box.mac('attempt', message)
}
