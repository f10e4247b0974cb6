import type { Counters } from './counters.ts'
import type { MfaRecords } from './mfa-records.ts'
import type { OneTime } from './one-time.ts'

/** All the plugin asks of a database: three narrow ports. `oidc-provider-mfa/testing` has the suite an adapter must pass. */
export interface Storage {
  readonly records: MfaRecords
  readonly oneTime: OneTime
  readonly counters: Counters
}
