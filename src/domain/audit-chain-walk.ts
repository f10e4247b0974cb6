import {
  isSealedHead,
  isSealedRun,
  linkOf,
  type ChainableEntry,
  type ChainedEntry,
  type OwnChain,
  type SealedHead,
  type SealedRun,
} from './audit-chain.ts'

export type ChainFaultKind =
  /** An entry, or one that retention has removed without its seal, is missing. */
  | 'removed'
  /** The first entry of the chain is missing. */
  | 'oldest-removed'
  /** The head knows of a newer entry than there is. */
  | 'newest-removed'
  /** An entry is not the one that was added, or not in the place at which it was added. */
  | 'changed'
  /** A second entry has the number of another one. */
  | 'added'
  /** There is no head. */
  | 'head-removed'
  /** The head was not made with the key. */
  | 'head-changed'
  /** Entries name a chain that no process has begun. */
  | 'unknown-chain'
  /** A chain that a process has begun is gone as a whole. */
  | 'chain-removed'

export interface ChainFault {
  readonly kind: ChainFaultKind
  /** The number of the entry in its chain. Absent: the fault is that of the chain. */
  readonly number?: number
}

/** Entries and removed runs of a chain from a number on, each in order. */
export interface ChainPage {
  readonly entries: readonly ChainedEntry[]
  readonly removed: readonly SealedRun[]
}

/** Walks one chain, page by page, from the oldest entry to the newest. It keeps only the first fault. */
export class ChainWalk {
  readonly #chain: OwnChain
  readonly #isKept: (entry: ChainableEntry) => boolean
  #next = 1
  /** The hash of the entry before the next one. Undefined: that entry is missing. */
  #hash: string | undefined = ''
  /** The id of the entry that was read last, which the next page begins with. */
  #lastId: string | undefined
  #verified = 0
  #removed = 0
  #fault: ChainFault | undefined

  /** `isKept`: whether retention keeps an entry, so that no sweep removes it. Default: it keeps none. */
  constructor(chain: OwnChain, isKept: (entry: ChainableEntry) => boolean = () => false) {
    this.#chain = chain
    this.#isKept = isKept
  }

  /** The next page holds what has a higher number: the last entry once more, so that a second one of its number shows. */
  get after(): number {
    return Math.max(0, this.#next - 2)
  }

  get verified(): number {
    return this.#verified
  }

  /** The entries that retention has removed. */
  get removed(): number {
    return this.#removed
  }

  get fault(): ChainFault | undefined {
    return this.#fault
  }

  /** False: the page has nothing new, and the walk is over. */
  take({ entries, removed }: ChainPage): boolean {
    const began = this.#next
    const runs = removed.filter((run) => isSealedRun(this.#chain, run))
    for (const each of entries) {
      this.#skip(runs)
      if (each.number < this.#next) this.#again(each, runs)
      else {
        if (each.number > this.#next) this.#gap(each.number, runs)
        this.#check(each)
      }
    }
    this.#skip(runs)
    const later = runs.find(({ first }) => first > this.#next)
    if (later !== undefined && entries.length === 0) {
      this.#gap(later.first, runs)
      this.#skip(runs)
    }
    return this.#next > began
  }

  /** Compares the end of the walk with the head, as it was before the walk began. */
  end(head: SealedHead | undefined, isBegun: boolean): void {
    const isEmpty = this.#next === 1
    if (head === undefined) this.#note(unheaded(isEmpty, isBegun))
    else if (!isSealedHead(this.#chain, head)) this.#note({ kind: 'head-changed' })
    else if (head.number >= this.#next) this.#note({ kind: 'newest-removed', number: this.#next })
  }

  #check({ number, hash, entry }: ChainedEntry): void {
    if (this.#hash !== undefined && linkOf(this.#chain, this.#hash, number, entry) === hash)
      this.#verified += 1
    else if (this.#hash !== undefined) this.#note({ kind: 'changed', number })
    this.#hash = hash
    this.#lastId = entry.id
    this.#next = number + 1
  }

  /**
   * An entry whose number was passed. One that a removed run covers is about to be deleted, because a sweep was
   * interrupted. If retention keeps it, no sweep has removed it: somebody has put it there.
   */
  #again({ number, entry }: ChainedEntry, runs: readonly SealedRun[]): void {
    const isLeft =
      runs.some(({ first, last }) => first <= number && number <= last) && !this.#isKept(entry)
    if (!isLeft && entry.id !== this.#lastId) this.#note({ kind: 'added', number })
  }

  #skip(runs: readonly SealedRun[]): void {
    for (;;) {
      const run = runs.find(({ first, last }) => first <= this.#next && this.#next <= last)
      if (run === undefined) return
      this.#removed += run.last - this.#next + 1
      this.#hash = run.hash
      this.#next = run.last + 1
    }
  }

  /** Passes over missing entries, to a run that comes before the number, or to the number. */
  #gap(number: number, runs: readonly SealedRun[]): void {
    while (this.#next < number) {
      const run = runs.find(({ first }) => first > this.#next && first < number)
      this.#note({ kind: this.#next === 1 ? 'oldest-removed' : 'removed', number: this.#next })
      this.#next = run?.first ?? number
      this.#hash = undefined
      this.#skip(runs)
    }
  }

  #note(fault: ChainFault | undefined): void {
    this.#fault ??= fault
  }
}

function unheaded(isEmpty: boolean, isBegun: boolean): ChainFault | undefined {
  if (isEmpty) return isBegun ? { kind: 'chain-removed' } : undefined
  return { kind: isBegun ? 'head-removed' : 'unknown-chain' }
}
