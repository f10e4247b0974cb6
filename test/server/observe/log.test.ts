import { expect } from 'chai'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { PassThrough } from 'node:stream'
import { openLog } from '../../../src/server/observe/log.ts'
import { HttpClient } from '../../support/http-client.ts'
import { APP_CREDENTIALS, startServer, stopServers, type TestServer } from '../support.ts'

type Line = [level: string, about: Record<string, unknown>, message?: string]

const linesOf = (server: TestServer): Line[] => server.lines.map((line) => JSON.parse(line) as Line)

/** The lines about requests; the line of a request is written when its connection has taken the answer. */
async function requestsOf(server: TestServer, paths: readonly string[]): Promise<Line[]> {
  for (;;) {
    const lines = linesOf(server).filter(([, about]) => about['method'] !== undefined)
    const seen = lines.map(([, about]) => about['path'])
    if (paths.every((path) => seen.includes(path))) return lines
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

describe('the log', () => {
  afterEach(stopServers)

  it('is lines of JSON with level, time, version and node', async () => {
    const out = new PassThrough()
    openLog('info', 'node-a', out).warn({ requestId: 'r-1' }, 'something')
    const [line] = (await once(out, 'data')) as [Buffer]
    const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string }
    const { time, ...rest } = JSON.parse(line.toString()) as Record<string, unknown>
    expect(rest).to.deep.equal({
      level: 'warn',
      version,
      node: 'node-a',
      requestId: 'r-1',
      msg: 'something',
    })
    expect(time).to.match(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
  })

  it('has a line at debug for each request, and none for a health check', async () => {
    const server = await startServer()
    const browser = new HttpClient()
    for (const path of ['/health/live', '/health/ready', '/no-such-page'])
      await browser.get(server.issuer + path)
    const lines = await requestsOf(server, ['/no-such-page'])
    expect(lines.map(([level, { path }]) => [level, path])).to.deep.equal([
      ['debug', '/no-such-page'],
    ])
  })

  it('takes the id of a request from a trusted proxy, and from nobody else', async () => {
    const idOf = async (trusted: string, given: string): Promise<unknown> => {
      const server = await startServer({ environment: { TRUSTED_PROXIES: trusted } })
      const page = await new HttpClient({ headers: { 'x-request-id': given } }).get(
        `${server.issuer}/no-such-page`,
      )
      const [[, about] = ['', {}]] = await requestsOf(server, ['/no-such-page'])
      expect(page.headers['x-request-id']).to.equal(about['requestId'])
      return about['requestId']
    }
    expect(await idOf('127.0.0.1', 'trace_1.a-b')).to.equal('trace_1.a-b')
    expect(await idOf('127.0.0.1', 'a'.repeat(128))).to.equal('a'.repeat(128))
    for (const unfit of ['a'.repeat(129), 'with space', '<b>', 'one, two'])
      expect(await idOf('127.0.0.1', unfit), unfit).to.match(/^[\w-]{12}$/)
    expect(await idOf('192.0.2.1', 'trace_1.a-b')).to.match(/^[\w-]{12}$/)
  })

  it('says why the token endpoint refused, and whom', async () => {
    const server = await startServer()
    // An app is no page: it sends no Origin.
    await fetch(`${server.issuer}/token`, {
      method: 'POST',
      headers: { authorization: APP_CREDENTIALS },
      body: new URLSearchParams({
        grant_type: 'authorization_code',
        code: 'no-such-code-of-this-server-at-all',
        redirect_uri: 'https://app.example/callback',
      }),
    })
    const [line] = linesOf(server).filter(([, { event }]) => event === 'grant.error')
    expect(line?.[0]).to.equal('info')
    expect(line?.[1]).to.deep.include({
      code: 'invalid_grant',
      description: 'grant request is invalid',
      detail: 'authorization code not found',
      clientId: 'app',
    })
    expect(JSON.stringify(line)).not.to.contain('no-such-code')
  })
})
