import { expect } from 'chai'
import { HttpClient } from '../support/http-client.ts'
import { startServer, stopServers } from './support.ts'

describe('pages for what goes wrong', () => {
  afterEach(stopServers)

  it('say that there is no such page', async () => {
    const server = await startServer()
    for (const path of ['/nothing', '/interaction', '/.git/config', '/interaction/x/login']) {
      const page = await new HttpClient().get(server.issuer + path)
      expect(page.status, path).to.be.oneOf([404, 410])
      expect(page.name).to.be.oneOf(['not-found', 'expired'])
      expect(page.headers['content-security-policy']).to.be.a('string')
    }
  })

  it('say that a sign-in took too long, whatever address is left of it', async () => {
    const server = await startServer()
    for (const path of ['/interaction/gone', '/auth/gone']) {
      const page = await new HttpClient().get(server.issuer + path)
      expect(page, path).to.deep.include({ status: 410, name: 'expired' })
    }
  })

  it('tell what an app did wrong, with a number that finds the log line', async () => {
    const server = await startServer()
    const page = await new HttpClient().get(server.authorize({ client_id: 'unknown' }))
    expect(page).to.deep.include({ status: 400, name: 'error' })
    expect(page.text).to.contain('invalid_client')
    const requestId = String(page.headers['x-request-id'])
    expect(server.lines.join()).to.contain(requestId)
  })

  it('R23 R30 keep every page out of frames and caches', async () => {
    const server = await startServer()
    for (const path of ['/nothing', `${server.authorize().pathname}?client_id=x`, '/session/end']) {
      const { headers } = await new HttpClient().get(server.issuer + path)
      expect(headers['content-security-policy'], path).to.contain("frame-ancestors 'none'")
      expect(headers['x-frame-options']).to.equal('DENY')
      expect(headers['x-content-type-options']).to.equal('nosniff')
      expect(headers['cache-control']).to.contain('no-store')
    }
  })
})
