import type { Instant } from '../../domain/time.ts'
import type { Leases } from '../../ports/leases.ts'
import { latestEnd } from '../lease-rules.ts'

export function memoryLeases(): Leases {
  const stored = new Map<string, { readonly holder: string; readonly until: Instant }>()
  return {
    async take(name, holder, now, until) {
      const lease = stored.get(name)
      const isOthers = lease !== undefined && lease.holder !== holder
      if (isOthers && lease.until > now && lease.until <= latestEnd(now, until)) return false
      stored.set(name, { holder, until })
      return true
    },

    async give(name, holder) {
      if (stored.get(name)?.holder === holder) stored.delete(name)
    },
  }
}
