import { expect } from 'chai'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { ConfigError } from '../../../config/environment.ts'
import { prometheusName } from '../../../src/observe/instruments.ts'
import { INSTRUMENTS } from '../../../src/server/observe/instruments.ts'
import { openMetrics } from '../../../src/server/observe/metrics.ts'
import { HttpClient } from '../../support/http-client.ts'
import { seriesAt, type Series } from '../../support/prometheus.ts'
import { addPerson, signIn, startServer, stopServers, type TestServer } from '../support.ts'

describe('metrics of the server', () => {
  afterEach(stopServers)

  const start = (): Promise<TestServer> => startServer({ environment: { METRICS_PORT: '0' } })
  const seriesOf = (server: TestServer): Promise<Series> => seriesAt(server.metricsUrl ?? '')

  it('count the steps of sign-ins by factor, outcome and reason, and have no name in a label', async () => {
    const server = await start()
    const alice = await addPerson(server)
    const browser = new HttpClient()
    const login = await browser.visit(server.authorize())
    await browser.submit(login, { username: 'alice', password: 'wrong guess' })
    await browser.submit(login, { username: 'nobody-here', password: 'wrong guess' })
    await signIn(new HttpClient(), server.authorize(), alice, server)

    const series = await seriesOf(server)
    const step = (step: string, factor: string, outcome: string, reason = 'none'): number =>
      series.value('oidc_mfa_sign_in_steps_total', { step, factor, outcome, reason })
    expect(step('password', 'none', 'refused', 'wrong')).to.equal(1)
    expect(step('password', 'none', 'refused', 'unknown')).to.equal(1)
    expect(step('password', 'none', 'accepted')).to.equal(1)
    expect(step('enrolment', 'totp', 'accepted')).to.equal(1)
    expect(step('sign-in', 'totp', 'accepted')).to.equal(1)
    expect(series.text).not.to.match(/alice|nobody-here|wrong guess|app\.example|127\.0\.0\.1/)
  })

  it('count a wrong code and the sign-in after it', async () => {
    const server = await start()
    const alice = await addPerson(server)
    await signIn(new HttpClient(), server.authorize(), alice, server)
    server.clock.ahead += 60
    const browser = new HttpClient()
    const page = await browser.submit(await browser.visit(server.authorize()), {
      username: alice.username,
      password: alice.password,
    })
    await browser.submit(await browser.follow(page), { code: '000000' })
    const series = await seriesOf(server)
    const labels = { step: 'factor', factor: 'totp', outcome: 'refused', reason: 'wrong' }
    expect(series.value('oidc_mfa_sign_in_steps_total', labels)).to.equal(1)
  })

  it('time the storage by operation and the wait of the hashes, and have no series outside the reference', async () => {
    const server = await start()
    const alice = await addPerson(server)
    await signIn(new HttpClient(), server.authorize(), alice, server)
    const series = await seriesOf(server)
    const calls = (operation: string): number =>
      series.value('oidc_mfa_storage_duration_seconds_count', { operation, error: 'none' })
    for (const operation of ['records.save', 'accounts.byName', 'hostRecords.upsert', 'audit.add'])
      expect(calls(operation), operation).to.be.above(0)
    const begun = { outcome: 'begun' }
    expect(series.value('oidc_mfa_hash_wait_seconds_count', begun)).to.be.above(0)
    expect(series.labelsOf('oidc_mfa_hash_queue')).to.deep.equal([
      { state: 'running' },
      { state: 'waiting' },
    ])
    for (const [name, instrument] of Object.entries(INSTRUMENTS))
      for (const labels of series.labelsOf(prometheusName(name, instrument)))
        expect(Object.keys(labels).sort(), name).to.deep.equal([...instrument.labels].sort())
    const known = Object.entries(INSTRUMENTS).map((entry) => prometheusName(...entry))
    expect([...known, 'target_info', 'otel_scope_info']).to.include.members(
      Object.keys(series.types),
    )
  })

  it('are served at their own address alone, and nothing else is', async () => {
    const server = await start()
    const metrics = new URL(server.metricsUrl ?? '')
    expect(metrics.hostname).to.equal('127.0.0.1')
    expect(metrics.port).not.to.equal(String(server.port))
    const status = async (url: URL | string, method = 'GET'): Promise<number> =>
      (await fetch(url, { method })).status
    expect(await status(metrics)).to.equal(200)
    expect(await status(metrics, 'POST')).to.equal(404)
    expect(await status(new URL('/auth', metrics))).to.equal(404)
    expect(await status(new URL('/metrics', server.url))).to.equal(404)
  })

  it('are not served without METRICS_PORT', async () => {
    expect((await startServer()).metricsUrl).to.equal(undefined)
  })

  it('stop with the server', async () => {
    const server = await start()
    await server.stop()
    const error: unknown = await fetch(server.metricsUrl ?? '').catch((fault: unknown) => fault)
    expect((error as { cause?: { code?: string } }).cause?.code).to.equal('ECONNREFUSED')
  })

  it('name the setting of an address that cannot be listened on', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const { port } = other.address() as AddressInfo
    const settingOf = async (host: string): Promise<unknown> => {
      const fault: unknown = await openMetrics({ host, port }).catch((error: unknown) => error)
      return fault instanceof ConfigError ? fault.faults.map(({ setting }) => setting) : fault
    }
    try {
      expect(await settingOf('127.0.0.1')).to.deep.equal(['METRICS_PORT'])
      expect(await settingOf('192.0.2.1')).to.deep.equal(['METRICS_HOST'])
    } finally {
      other.close()
    }
  })
})
