import { expect } from 'chai'
import { HttpClient } from '../support/http-client.ts'
import { startServer, stopServers } from './support.ts'

describe('the icons at the root of the issuer', () => {
  afterEach(stopServers)

  it('are there for a browser that looks for them without a page', async () => {
    const server = await startServer()
    for (const [name, type] of [
      ['favicon.ico', 'image/x-icon'],
      ['apple-touch-icon.png', 'image/png'],
    ]) {
      const icon = await new HttpClient().get(`${server.issuer}/${name}`)
      expect(icon.status, name).to.equal(200)
      expect(icon.headers['content-type']).to.equal(type)
      expect(Number(icon.headers['content-length'])).to.be.greaterThan(1_000)
    }
  })
})
