import type { Instant } from '../domain/time.ts'

/**
 * Who does a piece of upkeep at present, of all nodes on one storage.
 *
 * The times are those of the callers' clocks. Two nodes whose clocks differ by more than the length of a lease may both
 * hold it, so a lease saves work and load: it guards nothing that may not be done twice. A node that deletes by the time
 * compares its clock with that of the database first (`secondsAhead` of `ServerStorage`).
 */
export interface Leases {
  /**
   * Takes or renews a lease, in one atomic step: of any number of parallel calls for different holders one gets it.
   * True when the lease is free, over (its end is at or before `now`), or the holder's own. It is then the holder's
   * until `until`.
   *
   * A lease of another holder that ends later than twice its length from now counts as over too: the other node's clock
   * was wrong when it wrote that end, and without this rule nobody would do the work until then.
   */
  take(name: string, holder: string, now: Instant, until: Instant): Promise<boolean>

  /** Gives the lease back before its end, if it is the holder's. */
  give(name: string, holder: string): Promise<void>
}
