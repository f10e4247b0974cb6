import { expect } from 'chai'
import { memoryStorage } from '../../../src/adapters/memory/index.ts'
import type { Counters } from '../../../src/ports/counters.ts'
import {
  addressLimit,
  networkLimit,
  type NetworkLimit,
} from '../../../src/server/accounts/network-limit.ts'
import { networksOf } from '../../../src/server/accounts/network.ts'

const NOW = 1_800_000_000
const clock = { now: () => NOW }

describe('the requests of a network', () => {
  let counters: Counters
  let asked: number
  const node = (limit = 600, windowSeconds = 120): NetworkLimit =>
    networkLimit(counters, { name: 'interactions', limit, windowSeconds })
  beforeEach(() => {
    asked = 0
    const stored = memoryStorage({ clock }).counters
    counters = {
      ...stored,
      reserve: (...given) => {
        asked += 1
        return stored.reserve(...given)
      },
    }
  })
  const request = async (of: NetworkLimit, network = 'here', now = NOW) =>
    of.takeFree(network, now) ? undefined : of.take(network, now)
  /** The number of requests that are allowed among so many. */
  const allowed = async (of: NetworkLimit, times: number, now = NOW): Promise<number> => {
    let count = 0
    for (let n = 0; n < times; n += 1)
      if ((await request(of, 'here', now)) === undefined) count += 1
    return count
  }

  it('are allowed after the clock was set back, as in a new window', async () => {
    const one = node(20)
    expect(one.takeFree('here', NOW + 7200)).to.equal(true)
    expect(one.refusedUntil('here', NOW)).to.equal(undefined)
    expect(await allowed(one, 100)).to.equal(20)
    expect(one.refusedUntil('here', NOW)).to.equal(NOW + 120)
  })

  it('R43 are allowed up to the limit, and again when the window is over, to the second', async () => {
    for (const limit of [1, 2, 7, 100, 600]) {
      const one = node(limit)
      const network = `limit ${limit}`
      let count = 0
      while ((await request(one, network)) === undefined) count += 1
      // The last part may be larger than the rest of the limit.
      expect(count, String(limit)).to.be.within(limit, limit + Math.ceil(limit / 20) - 1)
      expect(await request(one, network, NOW + 119)).to.equal(NOW + 120)
      expect(await request(one, network, NOW + 120)).to.equal(undefined)
    }
  })

  it('R43 cost the storage nothing at first, then one write for a twentieth, and nothing when refused', async () => {
    const one = node()
    expect(await allowed(one, 30)).to.equal(30)
    expect(asked).to.equal(0)
    expect(await allowed(one, 570)).to.equal(570)
    expect(asked).to.equal(19)
    expect(await allowed(one, 4000)).to.equal(0)
    expect(asked).to.equal(20)
  })

  it('R43 that come at the same moment share one reservation, and no more than the limit is allowed', async () => {
    const one = node()
    const answers = await Promise.all(Array.from({ length: 4000 }, () => request(one)))
    expect(answers.filter((answer) => answer === undefined)).to.have.length(600)
    expect(asked).to.equal(20)
  })

  it('R43 are counted over all nodes: each further node allows one part more', async () => {
    const nodes = [node(), node(), node()]
    let count = 0
    for (let n = 0; n < 900; n += 1) if ((await request(nodes[n % 3]!)) === undefined) count += 1
    expect(count).to.equal(600 + 2 * 30)
  })

  it('R43 of another network are counted apart', async () => {
    const one = node(20)
    await allowed(one, 40)
    expect(await request(one, 'there')).to.equal(undefined)
  })

  it('R43 use bounded memory: a node forgets the network that came first', async () => {
    const one = node(1)
    expect(one.takeFree('first', NOW)).to.equal(true)
    expect(one.takeFree('first', NOW)).to.equal(false)
    for (let n = 0; n < 50_000; n += 1) one.takeFree(`other ${n}`, NOW)
    expect(one.takeFree('other 9999', NOW)).to.equal(false)
    // Somebody with that many networks gets no free part again, and the storage has not forgotten.
    expect(one.takeFree('first', NOW)).to.equal(false)
    expect(one.takeFree('first', NOW + 120)).to.equal(true)
  })

  it('R32 that the storage cannot count are refused with its error, and tried again by the next', async () => {
    const stored = counters
    let isAway = true
    counters = {
      ...stored,
      reserve: (...given) =>
        isAway ? Promise.reject(new Error('away')) : stored.reserve(...given),
    }
    const one = node(40)
    await allowed(one, 2)
    expect(await one.take('here', NOW).catch((error: Error) => error.message)).to.equal('away')
    isAway = false
    expect(await request(one)).to.equal(undefined)
  })

  describe('from IPv6', () => {
    /** The number of requests that are allowed, one from each of these addresses in turn. */
    const from = async (
      addressOf: (nth: number) => string,
      times: number,
      limit = addressLimit(counters, { name: 'interactions', limit: 20, windowSeconds: 120 }),
    ): Promise<number> => {
      let count = 0
      for (let nth = 0; nth < times; nth += 1) {
        const networks = networksOf(addressOf(nth))
        if (limit.takeFree(networks, NOW) || !(await limit.take(networks, NOW))) count += 1
      }
      return count
    }
    const hex = (nth: number): string => nth.toString(16)

    it('R43 have the limit for a /64, twice for a /56 and eight times for a /48', async () => {
      expect(await from(() => '2001:db8:1:1::1', 100)).to.equal(20)
      expect(await from((nth) => `2001:db8:2:${hex(nth % 256)}::1`, 200)).to.equal(40)
      expect(await from((nth) => `2001:db8:3:${hex(nth)}::1`, 1000)).to.equal(160)
    })

    it('R43 that are refused to one /64 use up nothing of its neighbours', async () => {
      const limit = addressLimit(counters, {
        name: 'interactions',
        limit: 20,
        windowSeconds: 120,
      })
      await from(() => '2001:db8:1:1::1', 1000, limit)
      expect(await from(() => '2001:db8:1:2::1', 100, limit)).to.equal(20)
    })
  })
})
