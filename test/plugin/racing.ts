import type { Adapter } from 'oidc-provider'
import { overlay } from '../../src/host/overlay.ts'
import type { ServerStorage } from '../../src/ports/server-storage.ts'

/** A storage in which two requests both find a record of `model` before either goes on, so the race always happens. */
export function racing(storage: ServerStorage, model: string): ServerStorage {
  let waiting: (() => void)[] = []
  let isRacing = true
  const meet = async (): Promise<void> => {
    if (!isRacing) return
    await new Promise<void>((go) => {
      waiting.push(go)
      if (waiting.length < 2) return
      isRacing = false
      for (const each of waiting) each()
      waiting = []
    })
  }
  return {
    ...storage,
    hostRecords(name) {
      const records: Adapter = storage.hostRecords(name)
      if (name !== model) return records
      return overlay(records, {
        find: async (id: string) => {
          const found = await records.find(id)
          await meet()
          return found
        },
      })
    },
  }
}
