import { createServer, type ServerResponse } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { expect } from 'chai'
import { giveCookiesLengths } from '../../src/http/cookie-lifetimes.ts'

const NOW = 1_800_000_000
const at = (seconds: number): string => new Date(seconds * 1000).toUTCString()

describe('the length of a cookie', () => {
  /** The cookies that a browser gets. */
  async function cookiesOf(answer: (response: ServerResponse) => void): Promise<string[]> {
    const server = createServer((_request, response) => {
      giveCookiesLengths(response, () => NOW)
      answer(response)
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    try {
      return (await fetch(`http://127.0.0.1:${port}`)).headers.getSetCookie()
    } finally {
      server.close()
    }
  }

  it('stands beside the time of its end', async () => {
    const cookies = [
      `a=1; path=/; expires=${at(NOW + 3600)}; httponly`,
      `b=2; Expires=${at(NOW + 1)}`,
    ]
    const sent = await cookiesOf((response) => response.setHeader('set-cookie', cookies).end())
    expect(sent).to.deep.equal([`${cookies[0]}; max-age=3600`, `${cookies[1]}; max-age=1`])
  })

  it('is not added where there is one, where the cookie ends with the browser, or where it is taken back', async () => {
    const cookies = [
      `a=1; Max-Age=5; expires=${at(NOW + 60)}`,
      'b=2; path=/',
      `c=; expires=${at(0)}`,
    ]
    const sent = await cookiesOf((response) => response.setHeader('set-cookie', cookies).end())
    expect(sent).to.deep.equal(cookies)
  })

  it('leaves a response without cookies and the status as they are', async () => {
    let status = 0
    const sent = await cookiesOf((response) => {
      response.writeHead(204, { 'X-Other': 'x' })
      status = response.statusCode
      response.end()
    })
    expect([sent, status]).to.deep.equal([[], 204])
  })
})
