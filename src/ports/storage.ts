import type { MfaRecords } from './mfa-records.ts'

/**
 * The storage that the plugin needs, in one port. `describeStorage` of `oidc-provider-mfa/testing` is the suite that an
 * adapter must pass.
 */
export interface Storage {
  readonly records: MfaRecords
  /**
   * Optional. The plugin calls it around all the work of each request of the provider; it answers what `work` answers.
   * Within it the storage may read a record together with other data of the account, as long as nothing is missing that
   * the request has written before.
   */
  duringRequest?<T>(work: () => T): T
}
