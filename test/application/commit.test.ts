import { expect } from 'chai'
import fc from 'fast-check'
import { commit, loadRecord, settleEvents } from '../../src/application/commit.ts'
import { raiseEpoch } from '../../src/domain/enrolment.ts'
import type { MfaEvent } from '../../src/domain/events.ts'
import type { MfaRecord } from '../../src/domain/mfa-record.ts'
import type { MfaRecords } from '../../src/ports/mfa-records.ts'
import { measuresOf } from '../../src/observe/measures.ts'
import { collector } from '../support/collector.ts'
import { memoryStorage } from '../../src/adapters/memory/index.ts'
import {
  codeOf,
  heardOf,
  interrupted,
  load,
  nodeBeside,
  settledRecord,
  touch,
  world,
} from './world.ts'

/** A change that differs for each commit, so that a lost or doubled one shows. */
const raise = (reason: string) => (record: MfaRecord) => ({
  outcome: record.epoch + 1,
  ...raiseEpoch(record, reason),
})
const reasonsOf = (events: readonly MfaEvent[]) => events.map(({ detail }) => detail.reason)

/** A storage that another node changes before each of the first saves. */
function contended(losses: number): MfaRecords {
  const { records } = memoryStorage()
  return interrupted(records, (nth) => (nth <= losses ? touch(records) : undefined))
}

describe('a commit', () => {
  it('R18 begins with an empty record and saves what was decided', async () => {
    const one = world()
    expect(await commit(one.deps, 'mira', raise('one'))).to.equal(2)
    expect((await settledRecord(one)).epoch).to.equal(2)
  })

  it('R18 loads and decides again after a lost save, with the present time', async () => {
    const one = world({ records: contended(3) })
    const seen: [number, number][] = []
    const outcome = await commit(one.deps, 'mira', (record, now) => {
      seen.push([record.epoch, now])
      one.clock.advance(1)
      return raise('again')(record)
    })
    expect(outcome).to.equal(2)
    expect(seen.map(([epoch]) => epoch)).to.deep.equal([1, 1, 1, 1])
    expect(seen.map(([, now]) => now - seen[0]![1])).to.deep.equal([0, 1, 2, 3])
  })

  it('R18 counts each of many at once, on several nodes, exactly once', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(2), { minLength: 2, maxLength: 12 }), async (on) => {
        const first = world()
        const nodes = [first, nodeBeside(first), nodeBeside(first)]
        const epochs = await Promise.all(
          on.map((node) => commit(nodes[node]!.deps, 'mira', raise('parallel'))),
        )
        expect(epochs.toSorted((a, b) => a - b)).to.deep.equal(on.map((_, index) => index + 2))
      }),
      { numRuns: 15 },
    )
  })

  it('begins with the record that the request has read, and reads it again if it has changed', async () => {
    const one = world()
    const seen = await load(one)
    await commit(one.deps, 'mira', raise('meanwhile'))
    expect(await commit(one.deps, 'mira', raise('late'), seen)).to.equal(3)
  })

  it('saves nothing when nothing was decided', async () => {
    const one = world()
    expect(await commit(one.deps, 'mira', () => ({ outcome: 'unchanged' }))).to.equal('unchanged')
    expect((await loadRecord(one.deps, 'mira')).version).to.equal(0)
  })

  it('R32 gives up with 503 after two seconds of lost saves, and never reports its decision', async () => {
    let lost = 0
    const { meterProvider, points } = collector()
    const records: MfaRecords = {
      ...memoryStorage().records,
      save: async () => {
        lost += 1
        return false
      },
    }
    const { now } = performance
    let elapsed = 0
    // The clock moves by half a second at each reading, so that the test need not wait.
    performance.now = () => (elapsed += 500)
    try {
      const measures = measuresOf({ meterProvider, factors: [] })
      const attempt = commit(world({ records, measures }).deps, 'mira', raise('never'))
      expect(await codeOf(attempt)).to.equal('record-contended')
      await attempt.catch((error: { status: number }) => expect(error.status).to.equal(503))
    } finally {
      performance.now = now
    }
    expect(lost).to.equal(5)
    expect(await points('oidc_mfa.commit.conflicts')).to.have.deep.members([
      { labels: { outcome: 'retried' }, value: 4 },
      { labels: { outcome: 'gave-up' }, value: 1 },
    ])
  })

  it('R32 rejects if it is unknown whether the record was saved', async () => {
    for (const wasSaved of [true, false]) {
      const { records } = memoryStorage()
      const one = world({
        records: {
          ...records,
          async save(...given) {
            if (wasSaved) await records.save(...given)
            throw new Error('The connection was lost')
          },
        },
      })
      const answer = commit(one.deps, 'mira', raise('unknown')).then(
        () => 'answered',
        (error: Error) => error.message,
      )
      expect(await answer).to.equal('The connection was lost')
      expect(await heardOf(one)).to.deep.equal([])
    }
  })

  it('R32 rejects if the record cannot be read', async () => {
    const storage = memoryStorage()
    await storage.records.save('mira', { schema: 99 }, 0)
    const { deps } = world({ storage })
    expect(await codeOf(commit(deps, 'mira', raise('never')))).to.equal('record-unreadable')
  })

  it('R32 passes on what the decision throws, and saves nothing', async () => {
    const one = world()
    const failing = commit(one.deps, 'mira', () => Promise.reject(new Error('no key')))
    expect(await failing.catch((error: Error) => error.message)).to.equal('no key')
    expect((await load(one)).version).to.equal(0)
  })
})

describe('the events of a commit', () => {
  it('R31 are heard once each and in order, and leave the record', async () => {
    const one = world()
    for (const reason of ['one', 'two', 'three']) await commit(one.deps, 'mira', raise(reason))
    const heard = await heardOf(one)
    expect(reasonsOf(heard)).to.deep.equal(['one', 'two', 'three'])
    expect(heard[0]).to.include({ type: 'epoch-raised', accountId: 'mira', at: one.clock.now() })
    expect((await settledRecord(one)).events).to.deep.equal([])
  })

  it('R31 are heard once each when many commit at once on one node', async () => {
    const one = world()
    const reasons = Array.from({ length: 12 }, (_, index) => String(index))
    await Promise.all(reasons.map((reason) => commit(one.deps, 'mira', raise(reason))))
    const heard = await heardOf(one)
    expect(reasonsOf(heard).toSorted()).to.deep.equal(reasons.toSorted())
    expect(heard.map(({ detail }) => detail.epoch)).to.deep.equal(
      reasons.map((_, index) => index + 2),
    )
    expect((await settledRecord(one)).events).to.deep.equal([])
  })

  it('R31 are heard once when the account is committed to while they are being heard', async () => {
    const heard: MfaEvent[] = []
    const gate = Promise.withResolvers<void>()
    const one = world({
      publish: async (events) => {
        heard.push(...events)
        await gate.promise
      },
    })
    await commit(one.deps, 'mira', raise('first'))
    await commit(one.deps, 'mira', raise('second'))
    gate.resolve()
    expect((await settledRecord(one)).events).to.deep.equal([])
    expect(reasonsOf(heard)).to.deep.equal(['first', 'second'])
  })

  it('R31 have an id of their own', async () => {
    const one = world()
    for (const accountId of ['mira', 'theo'])
      for (const reason of ['one', 'two'])
        await commit(one.deps, accountId, (record) => {
          const { record: next, events } = raiseEpoch(record, reason)
          return { outcome: undefined, record: next, events: [...events, ...events] }
        })
    const ids = (await heardOf(one)).map(({ id }) => id)
    expect(new Set(ids).size).to.equal(8)
  })

  it('R31 have another id in an account that begins anew under the same name', async () => {
    const one = world()
    await commit(one.deps, 'mira', raise('before'))
    const again = world({ clock: one.clock })
    again.clock.advance(1)
    await commit(again.deps, 'mira', raise('after'))
    const [[before], [after]] = [await heardOf(one), await heardOf(again)]
    expect(before?.id).not.to.equal(after?.id)
  })

  it('R31 stay while a listener fails, and are told again, under the same id, at the next commit', async () => {
    const told: MfaEvent[][] = []
    let away = true
    const one = world({
      publish: async (events) => {
        told.push([...events])
        if (away) throw new Error('The trail is away')
      },
    })
    await commit(one.deps, 'mira', raise('one'))
    expect(reasonsOf((await settledRecord(one)).events)).to.deep.equal(['one'])
    away = false
    await commit(one.deps, 'mira', raise('two'))
    expect((await settledRecord(one)).events).to.deep.equal([])
    expect(told.map(reasonsOf)).to.deep.equal([['one'], ['one', 'two']])
    expect(told[1]![0]).to.deep.equal(told[0]![0])
  })

  it('R31 are heard after a crash: the next commit, on any node, passes them on', async () => {
    const crashed = world({ publish: () => new Promise(() => {}) })
    await commit(crashed.deps, 'mira', raise('before the crash'))
    const other = nodeBeside(crashed)
    await commit(other.deps, 'mira', raise('after'))
    expect(reasonsOf(await heardOf(other))).to.deep.equal(['before the crash', 'after'])
    expect((await settledRecord(other)).events).to.deep.equal([])
  })

  it('R31 are heard after a save whose outcome was unknown, if the record was saved', async () => {
    const storage = memoryStorage()
    const lost = world({
      storage,
      records: {
        ...storage.records,
        async save(...given) {
          await storage.records.save(...given)
          throw new Error('The connection was lost')
        },
      },
    })
    await commit(lost.deps, 'mira', raise('unknown')).catch(() => undefined)
    const other = nodeBeside(lost, { storage })
    await commit(other.deps, 'mira', raise('known'))
    expect(reasonsOf(await heardOf(other))).to.deep.equal(['unknown', 'known'])
  })

  it('R31 of a lost save are passed on to nobody', async () => {
    const one = world({ records: contended(2) })
    await commit(one.deps, 'mira', raise('once'))
    expect(reasonsOf(await heardOf(one))).to.deep.equal(['once'])
  })

  it('R31 are left alone when another node has passed them on meanwhile', async () => {
    const gate = Promise.withResolvers<void>()
    const slow = world({ publish: () => gate.promise })
    await commit(slow.deps, 'mira', raise('one'))
    const other = nodeBeside(slow)
    await commit(other.deps, 'mira', raise('two'))
    await settleEvents(other.deps)
    const before = await load(other)
    gate.resolve()
    await settleEvents(slow.deps)
    expect(reasonsOf(other.heard)).to.deep.equal(['one', 'two'])
    expect(await load(other)).to.deep.equal(before)
  })

  it('do not hold up the answer', async () => {
    const gate = Promise.withResolvers<void>()
    const one = world({ publish: () => gate.promise })
    expect(await commit(one.deps, 'mira', raise('one'))).to.equal(2)
    gate.resolve()
    await settleEvents(one.deps)
  })

  it('of one account do not wait for those of another', async () => {
    const heard: string[] = []
    const gate = Promise.withResolvers<void>()
    const one = world({
      publish: async ([event]) => {
        if (event?.accountId === 'slow') await gate.promise
        else gate.resolve()
        heard.push(event!.accountId)
      },
    })
    await commit(one.deps, 'slow', raise('one'))
    await commit(one.deps, 'mira', raise('one'))
    await settleEvents(one.deps)
    expect(heard.toSorted()).to.deep.equal(['mira', 'slow'])
  })

  it('are reported and kept when a listener fails', async () => {
    const reported: unknown[] = []
    const fault = new Error('The trail is away')
    const one = world({
      publish: () => Promise.reject(fault),
      report: (error) => void reported.push(error),
    })
    await commit(one.deps, 'mira', raise('one'))
    await settleEvents(one.deps)
    expect(reported).to.deep.equal([fault])
    expect((await loadRecord(one.deps, 'mira')).record.events).to.have.length(1)
  })

  it('wait five hundred at most for a listener that fails for ever', async () => {
    const one = world({ publish: () => Promise.reject(new Error('away')) })
    for (let nth = 0; nth < 260; nth += 1)
      await commit(one.deps, 'mira', (record) => ({
        outcome: undefined,
        record,
        events: [
          { type: 'epoch-raised', detail: { epoch: 1, reason: `${nth}` } },
          { type: 'epoch-raised', detail: { epoch: 1, reason: `${nth}` } },
        ],
      }))
    const { events } = (await loadRecord(one.deps, 'mira')).record
    expect(events).to.have.length(500)
    expect(events.at(-1)!.detail.reason).to.equal('259')
  })
})
