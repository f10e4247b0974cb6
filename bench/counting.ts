import type { Adapter, AdapterFactory, AdapterPayload } from 'oidc-provider'
import type { Storage } from '../src/ports/storage.ts'

/** The number of calls of the storage, by port and method: `Interaction.find`, `records.save`. */
export class Operations {
  readonly counts = new Map<string, number>()

  /** Wraps a port so that each call is counted. */
  countIn<T extends object>(name: string, port: T): T {
    return new Proxy(port, {
      get: (target, method) => {
        const value: unknown = Reflect.get(target, method, target)
        if (typeof value !== 'function') return value
        return (...args: unknown[]): unknown => {
          const key = `${name}.${String(method)}`
          this.counts.set(key, (this.counts.get(key) ?? 0) + 1)
          return (value as (...args: unknown[]) => unknown).apply(target, args)
        }
      },
    })
  }

  countInAdapter(adapter: AdapterFactory): AdapterFactory {
    return (name) => this.countIn(name, adapter(name))
  }

  countInStorage({ records }: Storage): Storage {
    return { records: this.countIn('records', records) }
  }
}

/** The cheapest possible adapter, like the host's built-in one: objects in a Map, by reference. */
export function mapAdapter(): AdapterFactory {
  return () => {
    const stored = new Map<string, AdapterPayload>()
    const uids = new Map<string, string>()
    const adapter: Adapter = {
      async upsert(id, payload) {
        stored.set(id, payload)
        if (payload.uid !== undefined) uids.set(payload.uid, id)
      },
      find: async (id) => stored.get(id),
      findByUid: async (uid) => stored.get(uids.get(uid) ?? ''),
      findByUserCode: async () => undefined,
      async consume(id) {
        const payload = stored.get(id)
        if (payload !== undefined) payload.consumed = Math.floor(Date.now() / 1000)
      },
      async destroy(id) {
        stored.delete(id)
      },
      async revokeByGrantId(grantId) {
        for (const [id, payload] of stored) if (payload.grantId === grantId) stored.delete(id)
      },
    }
    return adapter
  }
}
