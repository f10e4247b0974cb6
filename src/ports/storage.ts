import type { MfaRecords } from './mfa-records.ts'

/**
 * What the plugin asks of a database: one port. `describeStorage` of `oidc-provider-mfa/testing` is the suite that an
 * adapter must pass.
 */
export interface Storage {
  readonly records: MfaRecords
  /**
   * Optional. Is called around each request of the provider, with all of its work, and answers what `work` answers.
   * Within it the storage may read a record together with other data of the account, as long as nothing is missing
   * that the request has written before.
   */
  duringRequest?<T>(work: () => T): T
}
