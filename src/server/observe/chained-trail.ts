import type { ChainMac } from '../../domain/audit-chain.ts'
import type { AuditTrail } from '../../ports/audit-trail.ts'
import type { Random } from '../../ports/services.ts'
import { noteChain, trailMac, type TrailKeyServices } from '../keys/trail-key.ts'

export interface TrailChain {
  /** The trail, each addition to which is linked to the chain of this process. */
  readonly trail: AuditTrail
  /** The MAC of every chain, for the sweep. Reads the key, or makes it. */
  mac(): Promise<ChainMac>
}

/** `name`: the chain of this process. The key is read when it is needed first. */
export function chainedTrail(
  trail: AuditTrail,
  name: string,
  services: TrailKeyServices & { readonly random: Random },
): TrailChain {
  const mac = once(() => trailMac(services))
  const note = once(() => noteChain(services, name))
  return {
    trail: {
      ...trail,
      async add(events) {
        if (events.length === 0) return
        await trail.add(events, { name, mac: await mac() })
        // Afterwards: a name without a chain would look as if somebody had removed the chain.
        await note()
      },
    },
    mac,
  }
}

/** Does the work once; after a failure it is done again. */
function once<T>(work: () => Promise<T>): () => Promise<T> {
  let running: Promise<T> | undefined
  return () => {
    running ??= work().catch((error: unknown) => {
      running = undefined
      throw error
    })
    return running
  }
}
