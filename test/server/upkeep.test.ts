import { randomBytes } from 'node:crypto'
import { expect } from 'chai'
import { memoryStorage } from '../../src/adapters/memory/index.ts'
import { parseEnvironment } from '../../config/environment.ts'
import type { ServerStorage } from '../../src/ports/server-storage.ts'
import { sweeper, type Sweeper } from '../../src/server/upkeep/sweep.ts'

const DAY = 86_400
const START = 1_700_000_000

describe('upkeep', () => {
  const clock = { time: START, now: () => clock.time }
  let storage: ServerStorage
  /** How often a node has reported that another one sweeps. */
  let elsewhere: number
  /** Runs in each pause of a sweep. */
  let pause: () => unknown

  beforeEach(() => {
    clock.time = START
    storage = memoryStorage({ clock })
    pause = () => undefined
    elsewhere = 0
  })

  function node(audit: object = {}, faulty?: Partial<ServerStorage>): Sweeper {
    const key = randomBytes(32).toString('base64')
    const { settings } = parseEnvironment(
      { CONFIG_FILE: 'c', ENCRYPTION_KEYS: key, COOKIE_KEYS: key },
      () => JSON.stringify({ audit }),
    )
    const random = { bytes: (length: number) => randomBytes(length) }
    const timer = { now: () => 0, wait: async () => pause() }
    const serverMeasures = { sweptElsewhere: () => void (elsewhere += 1) }
    const chainMac = async () => (text: string) => text
    const own = { ...storage, ...faulty }
    return sweeper({ storage: own, clock, settings, random, chainMac, serverMeasures }, { timer })
  }

  const keptAfter = async (days: number, audit: object): Promise<number> => {
    clock.time = START
    storage = memoryStorage({ clock })
    await storage.audit.add([{ id: '1', type: 'user-added', at: clock.time, detail: {} }])
    clock.time += days * DAY
    await node(audit).round()
    return (await storage.audit.list({ limit: 9 })).length
  }

  async function expire(rows: number): Promise<void> {
    for (let n = 0; n < rows; n += 1) await storage.oneTime.put(`${n}`, {}, clock.time)
  }

  it('keeps the audit trail for 400 days unless told otherwise', async () => {
    expect(await keptAfter(400, {})).to.equal(1)
    expect(await keptAfter(401, {})).to.equal(0)
    expect(await keptAfter(8, { retentionDays: 7 })).to.equal(0)
  })

  it('keeps entries of a type for a time of its own', async () => {
    const others = { retentionDays: 7, retention: { 'user-added': 30, locked: 1 } }
    expect(await keptAfter(30, others)).to.equal(1)
    expect(await keptAfter(31, others)).to.equal(0)
    const forEver = { retentionDays: 7, retention: { 'user-added': 0 } }
    expect(await keptAfter(20_000, forEver)).to.equal(1)
    expect(await keptAfter(8, { retentionDays: 0, retention: { 'user-added': 7 } })).to.equal(0)
    expect(await keptAfter(8, { retentionDays: 7, retention: { locked: 0 } })).to.equal(0)
  })

  it('keeps it for ever with 0', async () => {
    expect(await keptAfter(20_000, { retentionDays: 0 })).to.equal(1)
  })

  it('sweeps until nothing is left, in one round', async () => {
    await expire(20_000)
    expect(await node().round()).to.equal(20_000)
    expect(await storage.sweep(1)).to.equal(0)
  })

  it('one node at a time sweeps, and another one when that node has stopped or gone', async () => {
    const [one, other, third] = [node(), node(), node()]
    await one.round()
    await expire(10)
    clock.time += 60
    expect(await other.round()).to.equal(0)
    expect(elsewhere).to.equal(1)
    expect(await one.round()).to.equal(10)
    await expire(10)
    await one.stop()
    expect(await one.round()).to.equal(0)
    expect(await other.round()).to.equal(10)
    await expire(10)
    clock.time += 149
    expect(await third.round()).to.equal(0)
    clock.time += 1
    expect(await third.round()).to.equal(10)
  })

  it('a node whose sweep fails leaves it to another node', async () => {
    const failing = node({}, { sweep: () => Promise.reject(new Error('broken')) })
    await expire(10)
    const error: unknown = await failing.round().catch((caught: unknown) => caught)
    expect(error).to.have.property('message', 'broken')
    expect(await node().round()).to.equal(10)
    expect(elsewhere).to.equal(0)
  })

  it('R7 a node whose clock is wrong deletes nothing and leaves the lease to the others', async () => {
    let ahead = 31
    const wrong = node({}, { secondsAhead: async () => ahead })
    await expire(10)
    const refusal = (): Promise<unknown> => wrong.round().catch((caught: unknown) => caught)
    expect(await refusal())
      .to.have.property('message')
      .that.includes('31 s ahead of')
    ahead = -31
    expect(await refusal())
      .to.have.property('message')
      .that.includes('31 s behind')
    ahead = 30
    expect(await wrong.round()).to.equal(10)
  })

  it('a node whose clock jumps during a round ends the round and gives the lease back', async () => {
    await expire(20_000)
    let ahead = 0
    const jumping = node({}, { secondsAhead: async () => ahead })
    pause = () => {
      if (ahead > 0) return
      ahead = 7200
      clock.time += ahead
    }
    const error: unknown = await jumping.round().catch((caught: unknown) => caught)
    expect(error).to.have.property('message').that.includes('7200 s ahead of')
    clock.time -= ahead
    expect(await node().round()).to.be.above(19_000)
    expect(elsewhere).to.equal(0)
  })

  it('keeps its lease during a long round', async () => {
    await expire(20_000)
    const [one, other] = [node(), node()]
    const others: number[] = []
    pause = async () => {
      clock.time += 60
      others.push(await other.round())
    }
    expect(await one.round()).to.equal(20_000)
    expect(others.length).to.be.above(5)
    expect(new Set(others)).to.have.keys([0])
  })

  it('ends its round when another node has the lease', async () => {
    await expire(20_000)
    const one = node()
    pause = async () => {
      clock.time += 200
      await storage.leases.take('sweep', 'other', clock.time, clock.time + 150)
    }
    expect(await one.round()).to.be.below(100)
  })

  it('stops between two batches, and leaves the rest to the next start', async () => {
    await expire(20_000)
    const one = node()
    let stopped: Promise<void> | undefined
    pause = () => {
      stopped ??= one.stop()
    }
    const swept = await one.round()
    await stopped
    expect(swept).to.be.below(100)
    expect(await node().round()).to.equal(20_000 - swept)
  })
})
