import { mock } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { memoryStorage } from '../../src/adapters/memory/index.ts'
import { MfaError } from '../../src/domain/errors.ts'
import type { SchemaState, ServerStorage } from '../../src/ports/server-storage.ts'
import { remarksOnSchema, schemaWatch } from '../../src/server/upkeep/schema-watch.ts'
import { HttpClient } from '../support/http-client.ts'
import { collectingLog, startServer, stopServers, type TestServer } from './support.ts'

const GOOD: SchemaState = { current: 5, wanted: 5, readableFrom: 2 }
const NEWER = new MfaError('schema-newer', 'The database has schema version 7', { status: 503 })
const AWAY = new MfaError('storage-unavailable', 'The disk is full', { status: 503 })

/** A storage whose schema a test chooses: a state, or an error. */
function changingStorage(): ServerStorage & { noted: SchemaState | MfaError; written: number } {
  const storage = Object.assign(memoryStorage(), {
    noted: GOOD,
    written: 0,
    schema: async () => {
      if (storage.noted instanceof MfaError) throw storage.noted
      return storage.noted
    },
    checkWritable: async () => void (storage.written += 1),
  })
  return storage
}

describe('a server whose schema changes while it runs', function () {
  this.timeout(20_000)
  let storage: ReturnType<typeof changingStorage>
  beforeEach(() => {
    storage = changingStorage()
  })
  afterEach(stopServers)

  const answer = async (server: TestServer, path: string): Promise<[number, unknown]> => {
    const response = await fetch(new URL(path, server.url))
    const body: unknown = path.startsWith('/health') ? await response.json() : undefined
    return [response.status, body]
  }
  const statusOf = async (server: TestServer, path: string): Promise<number> =>
    (await answer(server, path))[0]
  const until = async (isSo: () => Promise<boolean>): Promise<void> => {
    while (!(await isSo())) await sleep(10)
  }
  const UNFIT = [503, { status: 'unavailable', reason: 'schema' }]

  it('notices within a round of its upkeep that it may not work with it, and that it may again', async () => {
    const server = await startServer({ storage, renewalMilliseconds: 10 })
    storage.noted = NEWER
    await until(async () => (await statusOf(server, '/jwks')) === 503)
    const page = await new HttpClient().get(server.authorize())
    expect(page.json).to.deep.equal({ status: 'unavailable', reason: 'schema' })
    expect(await statusOf(server, '/health/live')).to.equal(200)
    const told = server.lines.filter((line) => line.includes('schema version 7'))
    expect(told.filter((line) => line.startsWith('["error"'))).to.have.length(1)
    storage.noted = GOOD
    await until(async () => (await statusOf(server, '/jwks')) === 200)
    expect(server.lines.join()).to.contain('the schema of the database fits again')
  })

  it('notices it when ready is asked, and writes nothing until it fits again', async () => {
    const server = await startServer({ storage })
    expect(await answer(server, '/health/ready')).to.deep.equal([200, { status: 'ok' }])
    storage.noted = NEWER
    await until(async () => (await statusOf(server, '/health/ready')) === 503)
    const { written } = storage
    expect(await answer(server, '/health/ready')).to.deep.equal(UNFIT)
    expect(await statusOf(server, '/jwks')).to.equal(503)
    storage.noted = GOOD
    expect(storage.written).to.equal(written)
    await until(async () => (await statusOf(server, '/health/ready')) === 200)
    expect(await statusOf(server, '/jwks')).to.equal(200)
  })

  it('does not start on it', async () => {
    storage.noted = NEWER
    expect(await startServer({ storage }).catch((error: unknown) => error)).to.equal(NEWER)
  })

  it('does no upkeep until it fits again', async () => {
    mock.timers.enable({ apis: ['setInterval'] })
    const calls: string[] = []
    const noting = <T extends object>(name: string, port: T, call: keyof T): T => ({
      ...port,
      [call]: async (...args: unknown[]) => {
        calls.push(name)
        return (port[call] as (...given: unknown[]) => unknown)(...args)
      },
    })
    Object.assign(storage, {
      leases: noting('sweep', storage.leases, 'take'),
      outbox: noting('mail', storage.outbox, 'claim'),
      waitingEvents: async () => (calls.push('events'), []),
    })
    const minute = (): void => {
      calls.length = 0
      mock.timers.tick(60_000)
    }
    const doesAll = (): Promise<void> =>
      until(async () => ['sweep', 'mail', 'events'].every((name) => calls.includes(name)))
    try {
      const server = await startServer({ storage })
      minute()
      await doesAll()
      storage.noted = NEWER
      minute()
      await until(async () => (await statusOf(server, '/jwks')) === 503)
      minute()
      await sleep(50)
      expect(calls).to.deep.equal([])
      storage.noted = GOOD
      minute()
      await until(async () => (await statusOf(server, '/jwks')) === 200)
      minute()
      await doesAll()
    } finally {
      mock.timers.reset()
    }
  })

  it('says once that a newer version has expanded it, and works with it', async () => {
    storage.noted = { ...GOOD, current: 6 }
    const server = await startServer({ storage, renewalMilliseconds: 10 })
    await until(async () => (await statusOf(server, '/health/ready')) === 200)
    const told = server.lines.filter((line) => line.includes('has expanded the schema'))
    expect(told).to.have.length(1)
    expect(told[0]).to.contain('"current":6,"wanted":5,"readableFrom":2')
  })
})

describe('the watch of a schema', () => {
  it('takes a storage that is away for no other schema', async () => {
    const lines: string[] = []
    const storage = changingStorage()
    const watch = schemaWatch(storage, collectingLog(lines))
    const look = (): Promise<unknown> => watch.look().catch((error: unknown) => error)
    storage.noted = AWAY
    expect(await look()).to.equal(AWAY)
    expect(watch.fits).to.equal(true)
    storage.noted = NEWER
    expect(await look()).to.equal(NEWER)
    storage.noted = AWAY
    expect(await look()).to.equal(AWAY)
    expect(watch.fits).to.equal(false)
    storage.noted = GOOD
    await watch.look()
    expect(watch.fits).to.equal(true)
    expect(lines).to.have.length(2)
  })
})

describe('doctor', () => {
  const told = (state: SchemaState): string =>
    remarksOnSchema(state)
      .map(({ problem }) => problem)
      .join()

  it('names an upgrade that has not ended, and is content with any other schema', () => {
    expect(told(GOOD)).to.equal('')
    expect(told({ ...GOOD, current: 6 })).to.contain('has version 6, by a newer version')
    expect(told({ ...GOOD, wanted: 6, contractsTo: 6 })).to.contain(
      'run `oidc-provider-mfa migrate contract`',
    )
  })
})
