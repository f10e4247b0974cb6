import { expect } from 'chai'
import { MfaError } from '../../src/domain/errors.ts'
import { memoryStorage } from '../../src/adapters/memory/index.ts'
import type { ServerStorage } from '../../src/ports/server-storage.ts'
import { HttpClient } from '../support/http-client.ts'
import { addPerson, PASSWORD, redeem, signIn, startServer, stopServers } from './support.ts'

/** A storage that fails like an adapter: every operation while it is `away`, every write while it is `readOnly`. */
function failingStorage(): {
  storage: ServerStorage
  away: boolean
  readOnly: boolean
  /** How often it has refused the write of a health check. */
  checks: number
} {
  const state = { away: false, readOnly: false, checks: 0 }
  const inner = memoryStorage()
  const writes =
    /^(save|put|take|reserve|release|reset|insert|update|upsert|consume|destroy|revoke|add|remove|replace|checkWritable)/
  const failing = <T extends object>(target: T): T =>
    new Proxy(target, {
      get(object, name) {
        const value: unknown = Reflect.get(object, name)
        if (typeof value === 'object' && value !== null) return failing(value)
        if (typeof value !== 'function' || name === 'close') return value
        return (...args: unknown[]) => {
          if (name === 'hostRecords') return failing(Reflect.apply(value, object, args) as object)
          if (state.away || (state.readOnly && writes.test(String(name)))) {
            if (name === 'checkWritable') state.checks += 1
            return Promise.reject(
              new MfaError('storage-unavailable', 'The disk of /secret/path is gone', {
                status: 503,
              }),
            )
          }
          return Reflect.apply(value, object, args) as unknown
        }
      },
    })
  return Object.assign(state, { storage: failing(inner) })
}

describe('health', () => {
  afterEach(stopServers)

  it('is live and ready', async () => {
    const server = await startServer()
    for (const path of ['/health/live', '/health/ready']) {
      const page = await new HttpClient().get(server.issuer + path)
      expect(page).to.deep.include({ status: 200 })
      expect(page.json).to.deep.equal({ status: 'ok' })
      expect(page.headers['cache-control']).to.equal('no-store')
    }
  })

  it('R32 is not ready while a write fails, live all the same, and recovers by itself', async () => {
    const faulty = failingStorage()
    const server = await startServer({ storage: faulty.storage })
    const browser = new HttpClient()
    const ready = async (): Promise<number> =>
      (await browser.get(`${server.issuer}/health/ready`)).status
    faulty.readOnly = true
    const answer = await browser.get(`${server.issuer}/health/ready`)
    expect(answer.status).to.equal(503)
    expect(answer.json).to.deep.equal({ status: 'unavailable', reason: 'storage-not-writable' })
    expect((await browser.get(`${server.issuer}/health/live`)).status).to.equal(200)
    // A result is reused for a moment, so that not every question is a check.
    while (faulty.checks < 3) expect(await ready()).to.equal(503)
    faulty.readOnly = false
    let status = 0
    while (status !== 200) status = await ready()
    const told = server.lines.filter((line) => /"(not ready|ready again)"/.test(line))
    expect(told, 'one line when it begins, one when it ends').to.have.length(2)
    expect(told[0]).to.contain('storage-not-writable').and.to.contain('/secret/path')
  })
})

describe('R32 with the storage away', () => {
  afterEach(stopServers)

  it('people get a plain 503 page, programs a 503, nobody a session or a trace; then all is well again', async () => {
    const faulty = failingStorage()
    const server = await startServer({ storage: faulty.storage })
    const alice = await addPerson(server)
    const browser = new HttpClient()
    const form = await browser.visit(server.authorize())

    for (const how of ['away', 'readOnly'] as const) {
      faulty[how] = true
      const pages = [
        await browser.get(server.authorize()),
        await browser.submit(form, { username: 'alice', password: PASSWORD }),
        await browser.submit(form, { username: 'alice', password: 'wrong' }),
      ]
      for (const page of pages) {
        expect(page.status, how).to.equal(503)
        expect(page.name).to.equal('unavailable')
        expect(page.headers['retry-after']).to.match(/^\d+$/)
        expect(page.body).not.to.match(/secret\/path|node_modules|at file/)
      }
      faulty[how] = false
    }
    faulty.away = true
    const token = await redeem(server, form, { code: 'some-code' })
    expect(token.status).to.equal(503)
    expect(JSON.stringify(token.body)).not.to.match(/secret/)
    faulty.away = false

    const page = await signIn(browser, server.authorize(), alice, server)
    expect((await redeem(server, page)).claims['sub']).to.equal(alice.id)
  })
})
