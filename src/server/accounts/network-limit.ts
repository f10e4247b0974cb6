import type { Instant } from '../../domain/time.ts'
import type { Counters } from '../../ports/counters.ts'

export interface NetworkLimitOptions {
  /** Names the counter in the storage. */
  readonly name: string
  /** The requests of one network in one window, over all nodes. */
  readonly limit: number
  readonly windowSeconds: number
}

export interface NetworkLimit {
  /** Takes a request from the part of the window that needs no storage. False: none is left in it. */
  takeFree(network: string, now: Instant): boolean
  /** Takes a request. Undefined: it is allowed; otherwise the time from which the next one may be allowed. */
  take(network: string, now: Instant): Promise<Instant | undefined>
}

/**
 * The number of parts that a window is divided into. A node asks the storage once for each part, so that a count costs
 * at most one write in twenty of those that it prevents. The first part needs no write at all: most networks never send
 * more.
 */
const PARTS = 20
/** Networks that a node remembers. Beyond them it forgets the one whose window began first. */
const MOST_NETWORKS = 10_000

interface Window {
  readonly until: Instant
  free: number
  /** Requests of a part that was reserved in the storage. */
  reserved: number
  refusedUntil: Instant
  /** The reservation under way: requests that arrive together need only one. */
  asking: Promise<void> | undefined
}

/**
 * Counts the requests of each network, over all nodes that share the storage. A window begins with the first request of
 * a network. A refused network costs no storage until the window ends. Each node allows its first part by itself, so N
 * nodes allow up to N - 1 parts more than the limit.
 */
export function networkLimit(counters: Counters, options: NetworkLimitOptions): NetworkLimit {
  const { name, limit, windowSeconds } = options
  const part = Math.ceil(limit / PARTS)
  const parts = { limit: Math.ceil(limit / part) - 1, windowSeconds }
  const windows = new Map<string, Window>()

  const windowOf = (network: string, now: Instant): Window => {
    const present = windows.get(network)
    if (present !== undefined && now < present.until) return present
    windows.delete(network)
    makeRoom(windows, now)
    const until = now + windowSeconds
    const begun = { until, free: part, reserved: 0, refusedUntil: now, asking: undefined }
    windows.set(network, begun)
    return begun
  }
  const reserve = async (network: string, window: Window, now: Instant): Promise<void> => {
    try {
      const answer = await counters.reserve(`${name}:${network}`, parts, now)
      if (answer.allowed) window.reserved += part
      else window.refusedUntil = answer.retryAt ?? window.until
    } finally {
      window.asking = undefined
    }
  }

  return {
    takeFree(network, now) {
      const window = windowOf(network, now)
      if (window.free === 0) return false
      window.free -= 1
      return true
    },
    async take(network, now) {
      const window = windowOf(network, now)
      while (window.reserved === 0) {
        if (now < window.refusedUntil) return window.refusedUntil
        window.asking ??= reserve(network, window, now)
        await window.asking
      }
      window.reserved -= 1
      return undefined
    },
  }
}

/** The map is in the order in which the windows began, so those that are over come first. */
function makeRoom(windows: Map<string, Window>, now: Instant): void {
  for (const [network, { until }] of windows) {
    if (now < until && windows.size < MOST_NETWORKS) return
    windows.delete(network)
  }
}
