import { expect } from 'chai'
import fc from 'fast-check'
import { memoryStorage } from '../../../src/adapters/memory/index.ts'
import type { JsonObject } from '../../../src/domain/json.ts'
import type { Clients } from '../../../src/ports/clients.ts'
import { keptClients, KEPT_SECONDS, type KeptClients } from '../../../src/server/clients/kept.ts'

describe('the clients that a node keeps', () => {
  const clock = { time: 0, now: () => clock.time }
  let stored: Clients
  let reads: string[]
  let kept: KeptClients
  /** Runs after a read has its value, and before it answers. */
  let held: (clientId: string) => Promise<void>

  beforeEach(() => {
    clock.time = 1_700_000_000
    stored = memoryStorage({ clock }).clients
    reads = []
    held = async () => undefined
    kept = keptClients(slow(stored), clock, 3)
  })

  function slow(clients: Clients): Clients {
    return {
      ...clients,
      async get(id) {
        reads.push(id)
        const client = await clients.get(id)
        await held(id)
        return client
      },
    }
  }

  const named = (name: string): JsonObject => ({ client_id: 'app', name })
  const nameOf = async (id = 'app'): Promise<unknown> => (await kept.kept(id))?.['name']

  /** Holds the next read of the storage. The others pass. */
  function holdNext(): () => void {
    const { promise, resolve } = Promise.withResolvers<void>()
    held = () => {
      held = async () => undefined
      return promise
    }
    return resolve
  }

  it('are read again after 5 s, and not before', async () => {
    await stored.put('app', named('old'))
    expect(await nameOf()).to.equal('old')
    await stored.put('app', named('new'))
    clock.time += KEPT_SECONDS - 1
    expect(await nameOf()).to.equal('old')
    clock.time += 1
    expect(await nameOf()).to.equal('new')
    expect(KEPT_SECONDS).to.equal(5)
    expect(reads).to.have.length(2)
  })

  it('count their age from the begin of the read, however long it takes', async () => {
    await stored.put('app', named('old'))
    const release = holdNext()
    const early = kept.kept('app')
    clock.time += 5
    await stored.put('app', named('new'))
    expect(await nameOf()).to.equal('new')
    release()
    expect(await early).to.include({ name: 'old' })
    expect(await nameOf()).to.equal('new')
  })

  it('are read once for requests at the same moment', async () => {
    await stored.put('app', named('one'))
    const all = await Promise.all(Array.from({ length: 20 }, () => nameOf()))
    expect(new Set(all)).to.deep.equal(new Set(['one']))
    expect(reads).to.deep.equal(['app'])
  })

  const CHANGES: Readonly<Record<string, () => Promise<unknown>>> = {
    put: () => kept.put('app', named('new')),
    replace: () => kept.replace('app', named('new'), named('old')),
    remove: () => kept.remove('app'),
  }
  for (const [way, change] of Object.entries(CHANGES)) {
    const after = way === 'remove' ? undefined : 'new'

    it(`show a change of the same process at once: ${way}`, async () => {
      await stored.put('app', named('old'))
      expect(await nameOf()).to.equal('old')
      await change()
      expect(await nameOf()).to.equal(after)
    })

    it(`are not put back by a read from before the change: ${way}`, async () => {
      await stored.put('app', named('old'))
      const release = holdNext()
      const early = nameOf()
      // The read has its value when it waits.
      await new Promise(setImmediate)
      await change()
      expect(await nameOf()).to.equal(after)
      release()
      expect(await early).to.equal('old')
      expect(await nameOf()).to.equal(after)
    })

    it(`are not put back by a read during the change: ${way}`, async () => {
      await stored.put('app', named('old'))
      const { promise, resolve } = Promise.withResolvers<void>()
      const wait = async <T>(deed: () => Promise<T>): Promise<T> => {
        await promise
        return deed()
      }
      kept = keptClients(
        {
          ...stored,
          put: (...args) => wait(() => stored.put(...args)),
          replace: (...args) => wait(() => stored.replace(...args)),
          remove: (...args) => wait(() => stored.remove(...args)),
        },
        clock,
      )
      const changing = change()
      expect(await nameOf()).to.equal('old')
      resolve()
      await changing
      expect(await nameOf()).to.equal(after)
    })
  }

  it('are read again after a change that failed: it may have been made', async () => {
    await stored.put('app', named('old'))
    const lost = {
      ...stored,
      async put(id: string, client: JsonObject): Promise<never> {
        await stored.put(id, client)
        throw new Error('the connection is lost')
      },
    }
    kept = keptClients(lost, clock)
    expect(await nameOf()).to.equal('old')
    await kept.put('app', named('new')).catch(() => undefined)
    expect(await nameOf()).to.equal('new')
  })

  it('do not include a failed read', async () => {
    await stored.put('app', named('one'))
    held = () => Promise.reject(new Error('away'))
    const failed = await Promise.allSettled([nameOf(), nameOf()])
    expect(failed.map(({ status }) => status)).to.deep.equal(['rejected', 'rejected'])
    expect(reads).to.have.length(1)
    held = async () => undefined
    expect(await nameOf()).to.equal('one')
  })

  it('do not include an unknown id: an app that is added is known at once', async () => {
    expect(await nameOf()).to.equal(undefined)
    await stored.insert('app', named('one'))
    expect(await nameOf()).to.equal('one')
  })

  it('are limited in number: the one that was read first goes, and no unknown id drives out any', async () => {
    const ids = ['a', 'b', 'c', 'd']
    for (const id of ids) await stored.put(id, { client_id: id, name: id })
    for (const id of ids) await nameOf(id)
    for (let nth = 0; nth < 10; nth += 1) await nameOf(`unknown-${nth}`)
    reads = []
    for (const id of ['b', 'c', 'd', 'a']) expect(await nameOf(id)).to.equal(id)
    expect(reads).to.deep.equal(['a'])
  })

  it('are read again when the clock has been set back', async () => {
    await stored.put('app', named('old'))
    expect(await nameOf()).to.equal('old')
    await stored.put('app', named('new'))
    clock.time -= 3
    expect(await nameOf()).to.equal('new')
  })

  it('are never older than 5 s, and never older than a change of the same process', async () => {
    const id = fc.constantFrom('a', 'b')
    const step = fc.oneof(
      fc.record({ kind: fc.constant('find' as const), id }),
      fc.record({ kind: fc.constantFrom('own' as const, 'other' as const), id }),
      fc.record({ kind: fc.constant('wait' as const), seconds: fc.nat(6) }),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const clients = memoryStorage({ clock }).clients
        kept = keptClients(clients, clock, 1)
        let version = 0
        let elapsed = 0
        /** For each client the versions with the time from which on they must be seen, the oldest first. */
        const due: Record<string, { version: number; from: number }[]> = { a: [], b: [] }
        for (const each of steps)
          if (each.kind === 'wait') {
            clock.time += each.seconds
            elapsed += each.seconds
          } else if (each.kind === 'find') {
            const least = due[each.id]!.findLast(({ from }) => from <= elapsed)?.version ?? 0
            const found = (await kept.kept(each.id))?.['version'] ?? 0
            expect(found).to.be.within(least, version)
          } else {
            version += 1
            const by = each.kind === 'own' ? kept : clients
            await by.put(each.id, { client_id: each.id, version })
            due[each.id]!.push({
              version,
              from: elapsed + (each.kind === 'own' ? 0 : KEPT_SECONDS),
            })
          }
      }),
    )
  })
})
