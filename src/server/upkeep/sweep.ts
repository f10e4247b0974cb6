import { sweepExpired, type SweepOptions } from '../../adapters/sweep-expired.ts'
import type { Foundation } from '../boot/foundation.ts'
import { retentionAt } from '../observe/audit-retention.ts'
import type { ServerMeasures } from '../observe/server-measures.ts'

/** The lease with which one node at a time sweeps. */
const LEASE = 'sweep'
/** Rounds begin each minute, and a node that sweeps renews its lease then: if it dies, another one sweeps. */
const LEASE_SECONDS = 150
const RENEWED_SECONDS = 30
/**
 * The greatest difference between the clock of a node that sweeps and the clock of the database. The clocks of two such
 * nodes differ by less than the time that is left of a renewed lease, so no node takes a lease that holds.
 */
const CLOCKS_DIFFER_SECONDS = 30

/** A node's part in the sweep of the storage. */
export interface Sweeper {
  /**
   * Deletes expired rows until none is left, unless another node does so; answers how many it deleted. Called again
   * during a round it answers that round's promise. The audit trail holds people's addresses, so it is kept for as long
   * as the settings say and no longer.
   *
   * Rejects with the storage's error, and gives the lease to the other nodes then. Rejects too, and deletes nothing,
   * while the clock of this node differs from the clock of the database by more than 30 seconds.
   */
  round(): Promise<number>
  /** Ends a round between two batches, and gives the lease to the other nodes. */
  stop(): Promise<void>
}

type SweeperServices = Pick<
  Foundation,
  'storage' | 'clock' | 'settings' | 'random' | 'chainMac'
> & {
  readonly serverMeasures: Pick<ServerMeasures, 'sweptElsewhere'>
}

export function sweeper(
  { storage, clock, settings, random, chainMac, serverMeasures }: SweeperServices,
  options: Pick<SweepOptions, 'timer'> = {},
): Sweeper {
  const holder = Buffer.from(random.bytes(16)).toString('base64url')
  let isStopping = false
  let running: Promise<number> | undefined
  const take = async (): Promise<boolean> => {
    refuseWrongClock((await storage.secondsAhead?.()) ?? 0)
    return storage.leases.take(LEASE, holder, clock.now(), clock.now() + LEASE_SECONDS)
  }
  const sweep = async (): Promise<number> => {
    let takenAt = clock.now()
    if (isStopping) return 0
    if (!(await take())) {
      serverMeasures.sweptElsewhere()
      return 0
    }
    const mayGoOn = async (): Promise<boolean> => {
      if (isStopping) return false
      const since = clock.now() - takenAt
      if (since >= 0 && since < RENEWED_SECONDS) return true
      takenAt = clock.now()
      return take()
    }
    const retention = retentionAt(settings.audit, clock.now())
    try {
      return await sweepExpired(storage, {
        mayGoOn,
        ...(retention === undefined ? {} : { audit: { ...retention, mac: await chainMac() } }),
        ...options,
      })
    } catch (error) {
      // The cause may be this node's alone: another node sweeps next. Where giving fails too, the lease ends by itself.
      await storage.leases.give(LEASE, holder).catch(() => undefined)
      throw error
    }
  }
  return {
    round: () =>
      (running ??= sweep().finally(() => {
        running = undefined
      })),

    async stop() {
      isStopping = true
      await running?.catch(() => undefined)
      await storage.leases.give(LEASE, holder)
    },
  }
}

function refuseWrongClock(ahead: number): void {
  if (Math.abs(ahead) > CLOCKS_DIFFER_SECONDS)
    throw new Error(
      `The clock of this node is ${Math.abs(ahead)} s ${ahead > 0 ? 'ahead of' : 'behind'} the clock of the database: this node deletes nothing until both are right.`,
    )
}
