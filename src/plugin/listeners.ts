import type { Dependencies } from '../application/dependencies.ts'
import type { Listener, MfaEvent, Subscribe } from './events.ts'

/** The listeners of an application, and the function that passes events on to them, in order. */
export interface Listeners {
  readonly on: Subscribe
  readonly publish: Dependencies['publish']
}

export function listeners(): Listeners {
  const all = new Map<string, Set<Listener>>()
  return {
    async publish(events) {
      for (const event of events as readonly unknown[] as readonly MfaEvent[])
        for (const type of [event.type, '*'] as const)
          for (const listener of [...(all.get(type) ?? [])]) await listener(event)
    },
    on: ((type: string, listener: Listener) => {
      const set = all.get(type) ?? new Set()
      all.set(type, set.add(listener))
      return () => void set.delete(listener)
    }) as Subscribe,
  }
}
