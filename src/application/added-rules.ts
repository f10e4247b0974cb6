import type { Authenticator, MfaRecord } from '../domain/mfa-record.ts'
import type { Instant } from '../domain/time.ts'

/**
 * Rules on single accounts and authenticators, which a part of the product adds to those of every sign-in. The
 * sign-in asks them and does not know their reasons; src/import gives the only ones. All are pure.
 */
export interface AddedRules {
  /** Whether a response is examined for this authenticator at all. */
  isUsable(authenticator: Authenticator, now: Instant): boolean
  /** The time from which it is not usable. Undefined: it stays usable. */
  endOf(authenticator: Authenticator): Instant | undefined
  /** Whether a second factor is required. `byPolicy`: the answer of the application's policy. */
  isFactorRequired(record: MfaRecord, byPolicy: boolean): boolean
}
