import type { JsonObject } from '../../domain/json.ts'
import type { Instant } from '../../domain/time.ts'
import type { Clients } from '../../ports/clients.ts'
import type { Clock } from '../../ports/services.ts'

/** The longest time, in seconds, for which a node goes by a client that another process has changed. */
export const KEPT_SECONDS = 5
/** The number of clients that a node keeps. */
const MOST_KEPT = 1_000

export interface KeptClients extends Clients {
  /**
   * A client as `get` answers it, read at most `KEPT_SECONDS` ago. The value is shared: nobody changes it. A change
   * through this object is seen by every call that begins after it.
   */
  kept(clientId: string): Promise<JsonObject | undefined>
}

interface Reading {
  readonly since: Instant
  readonly client: Promise<JsonObject | undefined>
}

/**
 * Clients of a storage, of which the process keeps those that it has read. Their secrets stay sealed. A failed read is
 * not kept, and neither is the answer that there is no such client: strangers can ask for any id, and would push the
 * clients in use out. An app that is added is therefore known at once.
 */
export function keptClients(clients: Clients, clock: Clock, most = MOST_KEPT): KeptClients {
  /** The reads in flight. Requests for one client at the same moment share its read. */
  const inFlight = new Map<string, Reading>()
  /** The reads that have found a client, the oldest first. */
  const found = new Map<string, Reading>()
  let latest = clock.now()

  const forget = (clientId: string): void => {
    inFlight.delete(clientId)
    found.delete(clientId)
  }
  const read = (clientId: string, since: Instant): Reading => {
    const reading = { since, client: clients.get(clientId) }
    inFlight.set(clientId, reading)
    const keep = (client: JsonObject | undefined): void => {
      // A change since then has forgotten this read: its value may be the one before.
      if (inFlight.get(clientId) !== reading) return
      forget(clientId)
      if (client === undefined) return
      found.set(clientId, reading)
      const [oldest] = found.keys()
      if (found.size > most && oldest !== undefined) found.delete(oldest)
    }
    reading.client.then(keep, () => keep(undefined))
    return reading
  }
  /** A read that began before the end of the change may have the value before, so it is forgotten too. */
  const changing = async <T>(clientId: string, change: () => Promise<T>): Promise<T> => {
    try {
      return await change()
    } finally {
      forget(clientId)
    }
  }

  return {
    async kept(clientId) {
      const now = clock.now()
      // A clock that is set back tells no ages.
      if (now < latest) for (const reads of [inFlight, found]) reads.clear()
      latest = now
      const earlier = inFlight.get(clientId) ?? found.get(clientId)
      const isNew = earlier !== undefined && now - earlier.since < KEPT_SECONDS
      return (isNew ? earlier : read(clientId, now)).client
    },
    get: (clientId) => clients.get(clientId),
    list: () => clients.list(),
    put: (clientId, ...rest) => changing(clientId, () => clients.put(clientId, ...rest)),
    insert: (clientId, ...rest) => changing(clientId, () => clients.insert(clientId, ...rest)),
    replace: (clientId, ...rest) => changing(clientId, () => clients.replace(clientId, ...rest)),
    remove: (clientId) => changing(clientId, () => clients.remove(clientId)),
  }
}
