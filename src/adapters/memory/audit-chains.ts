import {
  headToContinue,
  isSealedRun,
  joined,
  linkAll,
  neighbours,
  removableRuns,
  sealHead,
  type ChainedEntry,
  type ChainHead,
  type ChainMac,
  type OwnChain,
  type Run,
  type SealedHead,
  type SealedRun,
} from '../../domain/audit-chain.ts'
import type { AuditEntry, StoredChain } from '../../ports/audit-trail.ts'

export interface StoredEntry {
  readonly order: number
  readonly json: string
  readonly place?: ChainHead & { readonly chain: string }
}

/** The heads of chains, and the places of their removed entries. The entries are in the map of the trail. */
export class MemoryChains {
  readonly #entries: ReadonlyMap<string, StoredEntry>
  readonly #heads = new Map<string, SealedHead>()
  readonly #removed = new Map<string, readonly SealedRun[]>()

  constructor(entries: ReadonlyMap<string, StoredEntry>) {
    this.#entries = entries
  }

  all(): readonly StoredChain[] {
    const places = [...this.#entries.values()].map(({ place }) => place?.chain)
    const names = new Set([...this.#heads.keys(), ...this.#removed.keys(), ...places])
    return [...names]
      .filter((name) => name !== undefined)
      .sort()
      .map((name) => {
        const head = this.#heads.get(name)
        return head === undefined ? { name } : { name, head }
      })
  }

  entriesOf(name: string): ChainedEntry<AuditEntry>[] {
    return [...this.#entries.values()]
      .filter(({ place }) => place?.chain === name)
      .map(({ json, place }) => ({
        number: place?.number ?? 0,
        hash: place?.hash ?? '',
        entry: JSON.parse(json) as AuditEntry,
      }))
      .sort((one, other) => one.number - other.number)
  }

  removedOf(name: string): readonly SealedRun[] {
    return this.#removed.get(name) ?? []
  }

  /** Links entries, moves the head, and answers the entries with their places. */
  link(fresh: readonly AuditEntry[], chain: OwnChain): readonly ChainedEntry<AuditEntry>[] {
    const newest = (): number =>
      Math.max(
        0,
        ...this.entriesOf(chain.name).map(({ number }) => number),
        ...this.removedOf(chain.name).map(({ last }) => last),
      )
    const head = headToContinue(chain, this.#heads.get(chain.name), newest)
    const linked = linkAll(chain, head, fresh)
    this.#heads.set(chain.name, sealHead(chain, linked.at(-1) ?? head))
    return linked
  }

  /** Seals the places of entries that are about to be deleted. */
  sealRemoved(due: readonly StoredEntry[], mac: ChainMac): void {
    for (const name of new Set(due.map(({ place }) => place?.chain))) {
      if (name === undefined) continue
      const chain = { name, mac }
      const own = due.filter(({ place }) => place?.chain === name)
      const numbers = new Set(own.map(({ place }) => place?.number))
      const gone = this.entriesOf(name).filter(({ number }) => numbers.has(number))
      for (const part of neighbours(gone))
        for (const run of removableRuns(chain, this.#hashBefore(chain, part[0].number), part))
          this.#storeRun(chain, run)
    }
  }

  #storeRun(chain: OwnChain, run: Run): void {
    const runs = this.removedOf(chain.name)
    const earlier = runs.find(({ last }) => last === run.first - 1)
    const later = runs.find(({ first }) => first === run.last + 1)
    const { run: whole, replaced } = joined(chain, run, {
      ...(earlier && { earlier }),
      ...(later && { later }),
    })
    const others = runs.filter((each) => !replaced.includes(each))
    this.#removed.set(
      chain.name,
      [...others, whole].sort((one, other) => one.first - other.first),
    )
  }

  #hashBefore(chain: OwnChain, number: number): string | undefined {
    if (number === 1) return ''
    const ends = ({ last }: SealedRun): boolean => last === number - 1
    const run = this.removedOf(chain.name).find((each) => ends(each) && isSealedRun(chain, each))
    return (run ?? this.entriesOf(chain.name).find((each) => each.number === number - 1))?.hash
  }
}
