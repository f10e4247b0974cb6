import { ChainWalk, type ChainFault } from '../../domain/audit-chain-walk.ts'
import type { AuditRetention, AuditTrail } from '../../ports/audit-trail.ts'
import type { TrailKey } from '../keys/trail-key.ts'
import { isKeptBy } from './audit-retention.ts'

/** The entries of a chain that are read at once. */
const READ_AT_ONCE = 1000

export interface VerifiedChain {
  readonly name: string
  /** The entries that are as they were added. */
  readonly verified: number
  /** The entries that retention has removed. */
  readonly removed: number
  /** The first fault, from the oldest entry on. */
  readonly fault?: ChainFault
}

export interface VerifiedTrail {
  readonly chains: readonly VerifiedChain[]
  /** The entries that no chain protects. */
  readonly unchained: number
}

/**
 * Walks every chain, in bounded memory, also while entries are added. `key` undefined: it is not there. `retention`:
 * what a sweep removes now; undefined: nothing.
 */
export async function verifyTrail(
  audit: AuditTrail,
  key: TrailKey | undefined,
  retention: AuditRetention | undefined,
): Promise<VerifiedTrail> {
  const stored = new Map((await audit.chains()).map(({ name, head }) => [name, head]))
  const begun = new Set(key?.chains)
  const chains: VerifiedChain[] = []
  for (const name of [...new Set([...stored.keys(), ...begun])].sort()) {
    // Without the key no entry and no head is right.
    const chain = { name, mac: key?.mac ?? (() => '') }
    const walk = new ChainWalk(chain, (entry) => isKeptBy(retention, entry))
    while (walk.take(await audit.chainPage(chain, walk.after, READ_AT_ONCE)));
    walk.end(stored.get(name), begun.has(name))
    const { verified, removed, fault } = walk
    chains.push({ name, verified, removed, ...(fault === undefined ? {} : { fault }) })
  }
  return { chains, unchained: await audit.unchained() }
}
