import { createHmac } from 'node:crypto'
import { expect } from 'chai'
import fc from 'fast-check'
import {
  BEGINNING,
  headToContinue,
  joined,
  linkAll,
  neighbours,
  removableRuns,
  sealHead,
  sealWaiting,
  type ChainableEntry,
  type ChainedEntry,
  type OwnChain,
  type SealedHead,
  type SealedRun,
} from '../../src/domain/audit-chain.ts'
import { ChainWalk, type ChainFault } from '../../src/domain/audit-chain-walk.ts'

const macWith = (key: string) => (text: string) =>
  createHmac('sha256', key).update(text).digest('base64url')
const chain: OwnChain = { name: 'node', mac: macWith('key') }

interface Stored {
  entries: ChainedEntry[]
  removed: SealedRun[]
  head: SealedHead | undefined
}

const entry = (index: number, changes: Partial<ChainableEntry> = {}): ChainableEntry => ({
  id: `e${index}`,
  type: 'signed-in',
  at: 1000 + index,
  accountId: 'anna',
  detail: { ip: '192.0.2.1', reason: String(index) },
  ...changes,
})

function added(length: number, own = chain): Stored {
  const entries = linkAll(
    own,
    BEGINNING,
    Array.from({ length }, (_, index) => entry(index)),
  )
  return { entries: [...entries], removed: [], head: sealHead(own, entries.at(-1) ?? BEGINNING) }
}

/** Walks in pages, as a storage answers them. */
function walk(
  { entries, removed, head }: Stored,
  own = chain,
  limit = 3,
  begun = true,
  isKept?: (entry: ChainableEntry) => boolean,
): ChainWalk {
  const walked = new ChainWalk(own, isKept)
  for (;;) {
    const found = entries
      .filter(({ number }) => number > walked.after)
      .sort((one, other) => one.number - other.number)
      .slice(0, limit)
    const upTo = found.length < limit ? Infinity : (found.at(-1)?.number ?? 0)
    const runs = removed.filter(({ first, last }) => last > walked.after && first <= upTo)
    if (!walked.take({ entries: found, removed: runs })) break
  }
  walked.end(head, begun)
  return walked
}

/** Removes the entries of some numbers as a sweep does. */
function sweep(stored: Stored, numbers: readonly number[], own = chain): void {
  const gone = stored.entries.filter(({ number }) => numbers.includes(number))
  for (const part of neighbours(gone)) {
    const first = part[0].number
    const before =
      first === 1
        ? ''
        : (
            stored.removed.find(({ last }) => last === first - 1) ??
            stored.entries.find(({ number }) => number === first - 1)
          )?.hash
    for (const run of removableRuns(own, before, part)) {
      const earlier = stored.removed.find(({ last }) => last === run.first - 1)
      const later = stored.removed.find((each) => each.first === run.last + 1)
      const { run: whole, replaced } = joined(own, run, {
        ...(earlier && { earlier }),
        ...(later && { later }),
      })
      stored.removed = [...stored.removed.filter((each) => !replaced.includes(each)), whole].sort(
        (one, other) => one.first - other.first,
      )
    }
  }
  stored.entries = stored.entries.filter(({ number }) => !numbers.includes(number))
}

const faultAfter = (change: (stored: Stored) => void, length = 10): ChainFault | undefined => {
  const stored = added(length)
  change(stored)
  return walk(stored).fault
}

describe('the chain of the audit trail', () => {
  it('R47 verifies what was added, in pages of any size', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 2, max: 9 }),
        (length, limit) => {
          const { fault, verified } = walk(added(length), chain, limit)
          expect({ fault, verified }).to.deep.equal({ fault: undefined, verified: length })
        },
      ),
    )
  })

  it('R47 names the first, a middle and the last entry that was removed', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 20 }), fc.nat(), (length, nth) => {
        const number = (nth % length) + 1
        const fault = faultAfter((stored) => {
          stored.entries = stored.entries.filter((each) => each.number !== number)
        }, length)
        const kind =
          number === length ? 'newest-removed' : number === 1 ? 'oldest-removed' : 'removed'
        expect(fault).to.deep.equal({ kind, number })
      }),
    )
  })

  it('R47 names an entry of which anything was changed', () => {
    const changes: Partial<ChainableEntry>[] = [
      { id: 'x' },
      { type: 'locked' },
      { at: 1 },
      { accountId: 'bea' },
      { detail: { ip: '192.0.2.1', reason: 'x' } },
      { detail: {} },
    ]
    for (const change of changes)
      for (const number of [1, 5, 10])
        expect(
          faultAfter((stored) => {
            stored.entries = stored.entries.map((each) =>
              each.number === number ? { ...each, entry: { ...each.entry, ...change } } : each,
            )
          }),
          JSON.stringify(change),
        ).to.deep.equal({ kind: 'changed', number })
  })

  it('does not mind in which order a storage returns the members of an entry', () => {
    expect(
      faultAfter((stored) => {
        stored.entries = stored.entries.map(({ entry: { detail, ...rest }, ...place }) => ({
          ...place,
          entry: { detail: { reason: detail.reason, ip: detail.ip } as never, ...rest },
        }))
      }),
    ).to.equal(undefined)
  })

  it('R47 names a head that is missing, was changed, or is that of another chain or key', () => {
    const lost = (stored: Stored) => void (stored.head = undefined)
    expect(faultAfter(lost)).to.deep.equal({ kind: 'head-removed' })
    const heads = [
      { ...added(10).head!, number: 9 },
      added(10, { ...chain, name: 'other' }).head!,
      added(10, { ...chain, mac: macWith('x') }).head!,
    ]
    for (const head of heads)
      expect(faultAfter((stored) => void (stored.head = head))).to.deep.equal({
        kind: 'head-changed',
      })
  })

  it('goes on after its own head, and begins where the chain has no entry', () => {
    const { head } = added(8)
    const unasked = (): number => expect.fail('the head is sound')
    expect(headToContinue(chain, head, unasked)).to.equal(head)
    expect(headToContinue(chain, undefined, () => 0)).to.equal(BEGINNING)
  })

  it('R47 names an entry in which a list was changed', () => {
    const listed = (...names: string[]) => entry(3, { detail: { names } as never })
    const [first] = linkAll(chain, BEGINNING, [listed('a', 'b')])
    const stored: Stored = { entries: [first!], removed: [], head: sealHead(chain, first!) }
    expect(walk(stored).fault).to.equal(undefined)
    stored.entries = [{ ...first!, entry: listed('b', 'a') }]
    expect(walk(stored).fault).to.deep.equal({ kind: 'changed', number: 1 })
  })

  it('R47 does not let a lost head heal when more is added', () => {
    const forged = { ...added(8).head!, seal: 'forged' }
    for (const [head, left] of [
      [undefined, 8],
      [forged, 8],
      [forged, 0],
    ] as const) {
      const stored = added(10)
      stored.entries = stored.entries.slice(0, left)
      const from = headToContinue(chain, head, () => left)
      const more = linkAll(chain, from, [entry(20), entry(21)])
      stored.entries.push(...more)
      stored.head = sealHead(chain, more.at(-1)!)
      expect(walk(stored).fault).to.deep.equal({ kind: 'changed', number: left + 1 })
    }
  })

  it('R47 names chains that were swapped, that nobody has begun, and that are gone', () => {
    const other = added(10, { ...chain, name: 'other' })
    expect(walk(other).fault).to.deep.equal({ kind: 'changed', number: 1 })
    const unheaded = { ...added(3), head: undefined }
    expect(walk(unheaded, chain, 3, false).fault).to.deep.equal({ kind: 'unknown-chain' })
    const gone = { entries: [], removed: [], head: undefined }
    expect(walk(gone).fault).to.deep.equal({ kind: 'chain-removed' })
    expect(walk(gone, chain, 3, false).fault).to.equal(undefined)
  })

  it('R47 names a second entry with the number of another one, also at the end of a page', () => {
    for (const number of [1, 3, 5, 10])
      expect(
        faultAfter((stored) => {
          const twin = stored.entries[number - 1]!
          stored.entries.push({ ...twin, entry: entry(99) })
        }),
        String(number),
      ).to.deep.equal({ kind: 'added', number })
  })

  it('is sound after any sweeps, in any order, and finds what else is removed', () => {
    const numbers = fc.uniqueArray(fc.integer({ min: 1, max: 20 }), { maxLength: 20 })
    fc.assert(
      fc.property(fc.array(numbers, { maxLength: 4 }), fc.nat(), (sweeps, nth) => {
        const stored = added(20)
        for (const each of sweeps) sweep(stored, each)
        const swept = new Set(sweeps.flat())
        const walked = walk(stored)
        expect(walked.fault).to.equal(undefined)
        expect(walked.removed).to.equal(swept.size)
        expect(walked.verified).to.equal(20 - swept.size)
        // Runs that touch each other are one.
        expect(stored.removed.length).to.be.at.most(stored.entries.length + 1)
        if (stored.entries.length === 0) return
        const lost = stored.entries[nth % stored.entries.length]!
        stored.entries = stored.entries.filter((each) => each !== lost)
        expect(walk(stored).fault?.number).to.equal(lost.number)
      }),
    )
  })

  it('R47 names the last entry that was left between two sweeps, and removed by somebody else', () => {
    for (const [swept, kind] of [
      [[1, 3], 'removed'],
      [[2, 3], 'oldest-removed'],
    ] as const) {
      const stored = added(3)
      for (const number of swept) sweep(stored, [number])
      const [{ number }] = stored.entries as [ChainedEntry]
      stored.entries = []
      expect(walk(stored).fault).to.deep.equal({ kind, number })
    }
  })

  it('R47 names an entry in a place that retention has emptied, if retention keeps such an entry', () => {
    const stored = added(10)
    sweep(stored, [4, 5])
    const forged = { number: 4, hash: 'x', entry: entry(99) }
    stored.entries.push(forged)
    expect(walk(stored).fault).to.equal(undefined)
    const kept = walk(stored, chain, 3, true, ({ id }) => id === 'e99')
    expect(kept.fault).to.deep.equal({ kind: 'added', number: 4 })
  })

  it('R47 seals no entry that was changed, so that nobody can have it removed by setting its time back', () => {
    const stored = added(10)
    stored.entries[4] = { ...stored.entries[4]!, entry: { ...stored.entries[4]!.entry, at: 1 } }
    sweep(stored, [5])
    expect(walk(stored).fault).to.deep.equal({ kind: 'removed', number: 5 })
    sweep(stored, [1, 2, 3, 4, 6, 7])
    expect(walk(stored).fault).to.deep.equal({ kind: 'removed', number: 5 })
  })

  it('R47 takes no run of removed entries that was made without the key, and joins none', () => {
    const forged = { first: 5, last: 6, hash: added(10).entries[5]!.hash, seal: 'forged' }
    const stored = added(10)
    stored.entries = stored.entries.filter(({ number }) => number !== 5 && number !== 6)
    stored.removed = [forged]
    expect(walk(stored).fault).to.deep.equal({ kind: 'removed', number: 5 })
    sweep(stored, [3, 4, 7])
    expect(walk(stored).fault).to.deep.equal({ kind: 'removed', number: 5 })
  })

  it('takes an entry beside the seal of its removal for a sweep that was interrupted', () => {
    const stored = added(10)
    const before = [...stored.entries]
    sweep(stored, [2, 3])
    stored.entries = before
    expect(walk(stored).fault).to.equal(undefined)
  })
})

describe('the seal of entries that a head counts before they are in the trail', () => {
  const head = { number: 3, hash: 'h' }
  const seal = sealWaiting(chain, head, 'texts')

  it('R47 holds for its chain, its key, its head and its entries alone', () => {
    expect(sealWaiting(chain, head, 'texts')).to.equal(seal)
    for (const other of [
      sealWaiting({ ...chain, name: 'other' }, head, 'texts'),
      sealWaiting({ ...chain, mac: macWith('other') }, head, 'texts'),
      sealWaiting(chain, { ...head, number: 4 }, 'texts'),
      sealWaiting(chain, { ...head, hash: 'i' }, 'texts'),
      sealWaiting(chain, head, 'other texts'),
      sealHead(chain, head).seal,
    ]) {
      expect(other).to.not.equal(seal)
    }
  })
})
