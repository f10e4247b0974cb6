/**
 * Storage in the memory of one process: for tests, and as the template for an adapter of your own.
 *
 * A third party's adapter for the plugin needs `plugin-ports.ts` alone (`records`, `oneTime`, `counters`); run
 * `describeStorage` of `oidc-provider-mfa/testing` on it. Each operation here is synchronous inside, so nothing comes
 * between its check and its act; with a database the same must be one conditional statement (R18).
 * Values go in and come out as copies, by way of JSON text, as they would with a database.
 */
import type { ServerStorage } from '../../ports/server-storage.ts'
import type { Clock } from '../../ports/services.ts'
import { memoryHostRecords } from './host-records.ts'
import { memoryCounters, memoryOneTime, memoryRecords } from './plugin-ports.ts'
import { memoryAccounts, memoryAudit, memoryClients, memorySettings } from './server-ports.ts'

export function memoryStorage(options: { readonly clock?: Clock } = {}): ServerStorage {
  const clock = options.clock ?? { now: () => Math.floor(Date.now() / 1000) }
  const records = memoryRecords()
  const oneTime = memoryOneTime()
  const counters = memoryCounters()
  const host = memoryHostRecords(clock)
  const audit = memoryAudit()

  return {
    records,
    oneTime,
    counters,
    accounts: memoryAccounts(),
    clients: memoryClients(),
    hostRecords: host.records,
    audit,
    settings: memorySettings(),
    recordIds: records.ids,

    async checkWritable() {},

    async sweep(limit, auditBefore) {
      const now = clock.now()
      let swept = 0
      for (const sweep of [host.sweep, oneTime.sweep, counters.sweep]) {
        swept += sweep(now, limit - swept)
      }
      if (auditBefore !== undefined) swept += audit.sweep(auditBefore, limit - swept)
      return swept
    },

    async close() {},
  }
}
