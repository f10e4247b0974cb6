import type { Counters } from './counters.ts'
import type { MfaRecords } from './mfa-records.ts'
import type { OneTime } from './one-time.ts'

/** All the plugin asks of a database: three narrow ports. `oidc-provider-mfa/testing` has the suite an adapter must pass. */
export interface Storage {
  readonly records: MfaRecords
  readonly oneTime: OneTime
  readonly counters: Counters
  /**
   * Optional: does `work`, all of one request, and answers what it answers. What the storage reads for it of an account
   * may come from one read, as long as nothing that the request has written since is missing.
   */
  duringRequest?<T>(work: () => T): T
}
