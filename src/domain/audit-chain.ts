import type { EventDetail } from './events.ts'
import type { Instant } from './time.ts'

/**
 * The chain of the audit trail (R47). Each entry that a process adds has a number in the chain of that process, and a
 * MAC over itself and the MAC of the entry before. The number and the MAC of the newest entry, the head, are kept apart
 * under a MAC of their own, and so is each run of entries that retention has removed. Who writes the database without
 * the key can neither remove nor change an entry unseen.
 */

/** A MAC with the key of the chains. */
export type ChainMac = (text: string) => string

/** The members of an entry that the chain protects: all of them. */
export interface ChainableEntry {
  readonly id: string
  readonly type: string
  readonly at: Instant
  readonly accountId?: string
  readonly detail: EventDetail
}

/** The number and the hash of the newest entry of a chain. Numbers begin with 1. */
export interface ChainHead {
  readonly number: number
  readonly hash: string
}

export interface SealedHead extends ChainHead {
  readonly seal: string
}

/** An entry with its place in its chain. */
export interface ChainedEntry<Entry extends ChainableEntry = ChainableEntry> extends ChainHead {
  readonly entry: Entry
}

/** Entries that retention has removed: all from `first` to `last`. `hash`: that of the last, to which the next is linked. */
export interface Run {
  readonly first: number
  readonly last: number
  readonly hash: string
}

export interface SealedRun extends Run {
  readonly seal: string
}

/** The chain to which a process adds. */
export interface OwnChain {
  readonly name: string
  readonly mac: ChainMac
}

export const BEGINNING: ChainHead = { number: 0, hash: '' }

/** Links an entry to nothing, where the head of its chain was lost: no entry before it has this hash. */
const LOST = 'lost'

/** The hash of the entry that has this number, where `before` is the hash of the entry before it. */
export function linkOf(
  { name, mac }: OwnChain,
  before: string,
  number: number,
  { id, type, at, accountId, detail }: ChainableEntry,
): string {
  const whole = canonical({ id, type, at, accountId, detail })
  return mac(JSON.stringify(['entry', before, name, number, whole]))
}

export function sealHead({ name, mac }: OwnChain, { number, hash }: ChainHead): SealedHead {
  return { number, hash, seal: mac(JSON.stringify(['head', name, number, hash])) }
}

export function isSealedHead(chain: OwnChain, head: SealedHead): boolean {
  return sealHead(chain, head).seal === head.seal
}

/** The seal of the entries that a head counts before they are in the trail. It holds for this head alone. */
export function sealWaiting(
  { name, mac }: OwnChain,
  { number, hash }: ChainHead,
  waiting: string,
): string {
  return mac(JSON.stringify(['waiting', name, number, hash, waiting]))
}

function sealRun({ name, mac }: OwnChain, { first, last, hash }: Run): SealedRun {
  return { first, last, hash, seal: mac(JSON.stringify(['removed', name, first, last, hash])) }
}

export function isSealedRun(chain: OwnChain, run: SealedRun): boolean {
  return sealRun(chain, run).seal === run.seal
}

/**
 * The head to which the next entry is linked. A head that is gone, or that was changed, is not made again from the
 * entries that are left: the next entry is linked to nothing, so that the fault stays visible. `newest`: the highest
 * number that an entry of the chain has, 0 without one.
 */
export function headToContinue(
  chain: OwnChain,
  head: SealedHead | undefined,
  newest: () => number,
): ChainHead {
  if (head !== undefined && isSealedHead(chain, head)) return head
  const number = newest()
  return head === undefined && number === 0 ? BEGINNING : { number, hash: LOST }
}

/** Links entries one after another, beginning after `head`. */
export function linkAll<Entry extends ChainableEntry>(
  chain: OwnChain,
  head: ChainHead,
  entries: readonly Entry[],
): readonly ChainedEntry<Entry>[] {
  let { number, hash } = head
  return entries.map((entry) => {
    number += 1
    hash = linkOf(chain, hash, number, entry)
    return { number, hash, entry }
  })
}

/** Entries of one chain in parts whose numbers follow each other, in order. */
export function neighbours<Entry extends ChainHead>(
  entries: readonly Entry[],
): readonly (readonly [Entry, ...Entry[]])[] {
  const parts: [Entry, ...Entry[]][] = []
  for (const entry of entries.toSorted((one, other) => one.number - other.number)) {
    const last = parts.at(-1)
    if (last?.at(-1)?.number === entry.number - 1) last.push(entry)
    else parts.push([entry])
  }
  return parts
}

/**
 * The runs that retention may seal when it removes entries that follow each other. An entry that was changed is in none
 * of them: otherwise somebody could set the time of an entry back, and have it removed with a seal. `before`: the hash
 * of the entry before the first; undefined: it is not known.
 */
export function removableRuns(
  chain: OwnChain,
  before: string | undefined,
  entries: readonly ChainedEntry[],
): readonly Run[] {
  const runs: Run[] = []
  let hashBefore = before
  for (const { number, hash, entry } of entries) {
    const isUnchanged =
      hashBefore !== undefined && linkOf(chain, hashBefore, number, entry) === hash
    hashBefore = hash
    if (!isUnchanged) continue
    const last = runs.at(-1)
    if (last?.last === number - 1) runs[runs.length - 1] = { ...last, last: number, hash }
    else runs.push({ first: number, last: number, hash })
  }
  return runs
}

/** A run together with the sealed runs that end before it and begin after it. */
export function joined(
  chain: OwnChain,
  run: Run,
  { earlier, later }: { readonly earlier?: SealedRun; readonly later?: SealedRun },
): { readonly run: SealedRun; readonly replaced: readonly SealedRun[] } {
  const before = earlier !== undefined && isSealedRun(chain, earlier) ? [earlier] : []
  const after = later !== undefined && isSealedRun(chain, later) ? [later] : []
  return {
    run: sealRun(chain, {
      first: before[0]?.first ?? run.first,
      last: after[0]?.last ?? run.last,
      hash: after[0]?.hash ?? run.hash,
    }),
    replaced: [...before, ...after],
  }
}

/** The value with the members of each object in order: a storage may return them in another one. */
function canonical(value: unknown): unknown {
  if (Array.isArray(value)) return ['list', ...(value as unknown[]).map(canonical)]
  if (typeof value !== 'object' || value === null) return value
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, member]) => [name, canonical(member)])
  return ['object', ...members]
}
