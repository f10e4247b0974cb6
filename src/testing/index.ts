/**
 * `oidc-provider-mfa/testing`: the test suites that your adapter or factor must pass, and `codeFor` for the tests of
 * your application.
 *
 * The suites need `describe` and `it` of any framework and nothing else: they assert with `node:assert`.
 *
 *     import { describeStorage } from 'oidc-provider-mfa/testing'
 *     describeStorage('my storage', ({ clock }) => ({ store: myStorage({ clock }), close: async () => {} }))
 */
export { describeAtomicConsume } from './atomic-consume-suite.ts'
export { codeFor } from './code-for.ts'
export { describeAccounts } from './accounts-suite.ts'
export { describeAuditTrail } from './audit-trail-suite.ts'
export { describeClients } from './clients-suite.ts'
export { describeCounters } from './counters-suite.ts'
export { describeFactor } from './factor-suite.ts'
export type { FactorFixture, FactorHolder, Seen } from './factor-suite.ts'
export type { HostAdapter, HostRecords } from '../ports/host-records.ts'
export { describeHostRecords } from './host-records-suite.ts'
export { describeLeases } from './leases-suite.ts'
export { describeMfaRecords } from './mfa-records-suite.ts'
export { describeNodes } from './nodes-suite.ts'
export { describeOneTime } from './one-time-suite.ts'
export { describeOutbox } from './outbox-suite.ts'
export { describeRecordsAtRest } from './records-at-rest-suite.ts'
export type { RecordsAtRest } from './records-at-rest-suite.ts'
export { TEST_START, testClock } from './runner.ts'
export type { Make, Opened, Runner, TestClock } from './runner.ts'
export { describeSettings } from './settings-suite.ts'
export { describeServerStorage, describeStorage } from './storage-suite.ts'
