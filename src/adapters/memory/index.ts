/**
 * Storage in the memory of one process: for tests, and as a template for your own adapter.
 *
 * An adapter for the plugin needs only the part in `mfa-records.ts`; `describeStorage` of `oidc-provider-mfa/testing`
 * tests it. Each operation here runs without interruption, so no other call can act between its check and its write;
 * with a database both must be one conditional statement or one transaction (R18). Values are copied by way of JSON
 * text when they are put in and taken out, as a database would do.
 */
import type { ServerStorage } from '../../ports/server-storage.ts'
import type { Clock } from '../../ports/services.ts'
import { systemClock } from '../crypto/system.ts'
import { sweepInShares } from '../sweep-shares.ts'
import { memoryAudit } from './audit-trail.ts'
import { memoryCounters } from './counters.ts'
import { memoryHostRecords } from './host-records.ts'
import { memoryLeases } from './leases.ts'
import { memoryRecords } from './mfa-records.ts'
import { memoryNodes } from './nodes.ts'
import { memoryOneTime } from './one-time.ts'
import { memoryOutbox } from './outbox.ts'
import { memoryAccounts, memoryClients, memorySettings } from './server-ports.ts'

export function memoryStorage(options: { readonly clock?: Clock } = {}): ServerStorage {
  const clock = options.clock ?? systemClock
  const records = memoryRecords()
  const accounts = memoryAccounts()
  const oneTime = memoryOneTime()
  const outbox = memoryOutbox()
  const counters = memoryCounters()
  const nodes = memoryNodes()
  const host = memoryHostRecords(clock)
  const audit = memoryAudit()

  return {
    records,
    oneTime,
    counters,
    accounts,
    clients: memoryClients(),
    hostRecords: host.records,
    accountRecords: host.ofAccounts,
    audit,
    settings: memorySettings(),
    outbox,
    leases: memoryLeases(),
    nodes,
    recordIds: records.ids,
    async removeAccount(id) {
      records.remove(id)
      return accounts.remove(id)
    },
    waitingEvents: async (of, limit) => (of === 'records' ? records : accounts).waiting(limit),

    async checkWritable() {},

    schema: async () => ({ current: 0, wanted: 0, readableFrom: 0 }),

    sweepMilliseconds: 5,

    async sweep(limit, retention) {
      const now = clock.now()
      const kinds = [host, oneTime, outbox, counters, nodes].map(
        (kind) => (most: number) => kind.sweep(now, most),
      )
      if (retention !== undefined) kinds.push((most) => audit.sweep(retention, most))
      return sweepInShares(kinds, limit)
    },

    async close() {},
  }
}
