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
  /** Whether there is a request left in the part of the window that needs no storage. */
  hasFree(network: string, now: Instant): boolean
  /** Takes a request from the part of the window that needs no storage. False: none is left in it. */
  takeFree(network: string, now: Instant): boolean
  /** The end of a refusal that is known without the storage. Undefined: there is none. Remembers nothing. */
  refusedUntil(network: string, now: Instant): Instant | undefined
  /** Takes a request. Undefined: it is allowed; otherwise the time from which the next one may be allowed. */
  take(network: string, now: Instant): Promise<Instant | undefined>
}

/**
 * The number of parts that a window is divided into. A node asks the storage once for each part, so that a count costs
 * at most one write in twenty of those that it prevents. The first part needs no write at all: most networks never send
 * more.
 */
const PARTS = 20
/**
 * Networks that a node remembers. Beyond them it forgets the one whose window began first, and a new one has no free
 * part: somebody with more networks would get a free part again and again.
 */
const MOST_NETWORKS = 50_000
/** How often the limit of an address is the limit of each larger network around it: a /56 and a /48 of IPv6. */
const TIMES = [1, 2, 8]

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

  // A window that ends later than one from now was begun before the clock was set back. It counts as over: otherwise
  // every known network would be refused for the length of the jump.
  const isOfLaterClock = ({ until }: Window, now: Instant): boolean => until > now + windowSeconds
  const windowOf = (network: string, now: Instant): Window => {
    const present = windows.get(network)
    if (present !== undefined && now < present.until && !isOfLaterClock(present, now))
      return present
    windows.delete(network)
    const isFull = !makeRoom(windows, now)
    const until = now + windowSeconds
    const free = isFull ? 0 : part
    const begun = { until, free, reserved: 0, refusedUntil: now, asking: undefined }
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
    hasFree: (network, now) => windowOf(network, now).free > 0,
    takeFree(network, now) {
      const window = windowOf(network, now)
      if (window.free === 0) return false
      window.free -= 1
      return true
    },
    refusedUntil(network, now) {
      const window = windows.get(network)
      if (window === undefined || isOfLaterClock(window, now)) return undefined
      return now < window.refusedUntil ? window.refusedUntil : undefined
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

/**
 * False: a window that is not over had to go. The map is in the order in which the windows began, so those that are over
 * come first.
 */
function makeRoom(windows: Map<string, Window>, now: Instant): boolean {
  for (const [network, { until }] of windows) {
    if (now < until && windows.size < MOST_NETWORKS) return true
    windows.delete(network)
    if (now < until) return false
  }
  return true
}

/** The limits of an address and of the networks around it. */
export interface AddressLimit {
  /** `networks`: of `networksOf`. Otherwise as with NetworkLimit. */
  takeFree(networks: readonly string[], now: Instant): boolean
  take(networks: readonly string[], now: Instant): Promise<Instant | undefined>
}

/**
 * Counts a request for the network of its address and for each larger one, whose limit is higher. The larger ones are
 * looked at first, so that somebody with a refused network does not fill the memory with the smaller ones in it. They
 * are counted last, so that one refused /64 does not use up the limit of its neighbours.
 */
export function addressLimit(counters: Counters, options: NetworkLimitOptions): AddressLimit {
  const limits = TIMES.map((times) =>
    networkLimit(counters, { ...options, limit: options.limit * times }),
  )
  const each = (networks: readonly string[]) =>
    networks.flatMap((network, at) => {
      const limit = limits[at]
      return limit === undefined ? [] : [{ network, limit }]
    })
  const refused = (networks: readonly string[], now: Instant): Instant | undefined =>
    each(networks)
      .reverse()
      .map(({ network, limit }) => limit.refusedUntil(network, now))
      .find((until) => until !== undefined)

  return {
    takeFree(networks, now) {
      if (refused(networks, now) !== undefined) return false
      const counted = each(networks)
      if (!counted.every(({ network, limit }) => limit.hasFree(network, now))) return false
      for (const { network, limit } of counted) limit.takeFree(network, now)
      return true
    },
    async take(networks, now) {
      const known = refused(networks, now)
      if (known !== undefined) return known
      for (const { network, limit } of each(networks)) {
        if (limit.takeFree(network, now)) continue
        const until = await limit.take(network, now)
        if (until !== undefined) return until
      }
      return undefined
    },
  }
}
