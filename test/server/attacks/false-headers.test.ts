import { expect } from 'chai'
import { HttpClient, type Page } from '../../support/http-client.ts'
import {
  addPerson,
  atTheApp,
  signIn,
  startServer,
  stopServers,
  type TestServer,
} from '../support.ts'

/** The headers with which a request can claim that it was sent to another host, port or path. */
const FALSE_HOST = {
  host: 'evil.example',
  'x-forwarded-host': 'evil.example',
  'x-forwarded-server': 'evil.example',
  'x-forwarded-proto': 'https',
  'x-forwarded-port': '4444',
  'x-forwarded-prefix': '/evil.example',
  'x-host': 'evil.example',
  'x-original-url': '/evil.example',
  'x-rewrite-url': '/evil.example',
  forwarded: 'for=203.0.113.66;host=evil.example;proto=https',
}

describe('what a request says of itself', () => {
  let server: TestServer
  const start = async (environment: Record<string, string> = {}): Promise<void> => {
    server = await startServer({ environment, settings: { features: { deviceFlow: true } } })
  }
  afterEach(stopServers)

  it('R12 R23 gets into no page, no redirect, no cookie and no metadata', async () => {
    await start()
    const browser = new HttpClient({ headers: FALSE_HOST })
    const paths = [
      '/',
      '/.well-known/openid-configuration',
      '/jwks',
      '/device',
      '/session/end',
      '/session/end/success',
      '/set-up/x',
      '/interaction/x',
      '/mfa/x',
      '/auth',
      '/me',
      `/auth?${server.authorize().searchParams.toString()}`,
      `/auth?${server.authorize({ prompt: 'none' }).searchParams.toString()}`,
      `/auth?${server.authorize({ response_mode: 'form_post', prompt: 'none' }).searchParams.toString()}`,
    ]
    for (const path of paths) {
      const page = await browser.get(new URL(path, server.url))
      expect(JSON.stringify(page.headers), path).not.to.contain('evil')
      expect(page.body, path).not.to.contain('evil')
      expect(page.body, path).not.to.contain('4444')
    }
    expect(JSON.stringify(browser.jar.all())).not.to.contain('evil')
  })

  it('R12 R23 does not change where a whole sign-in leads, nor what its token says', async () => {
    await start()
    const alice = await addPerson(server)
    const browser = new HttpClient({ headers: FALSE_HOST })
    const page = await signIn(browser, server.authorize(), alice, server)
    expect(page.location?.origin).to.equal('https://app.example')
    expect(page.location?.searchParams.get('iss')).to.equal(server.issuer)
  })

  it('R23 makes no cookie of a plain issuer one of https, nor the reverse', async () => {
    await start()
    const browser = new HttpClient({ headers: FALSE_HOST })
    await browser.visit(server.authorize())
    expect(browser.jar.all().map(({ secure }) => secure))
      .to.include(false)
      .and.not.to.include(true)
    await stopServers()

    await start({ ISSUER: 'https://id.example.com' })
    const plain = await new HttpClient().get(
      new URL(`/auth?${server.authorize().searchParams.toString()}`, server.url),
      { headers: { 'x-forwarded-proto': 'http' } },
    )
    for (const cookie of [plain.headers['set-cookie'] ?? []].flat())
      expect(cookie).to.match(/; secure/i)
  })

  describe('of its address', () => {
    const ADDRESSES = ['203.0.113.1', '203.0.113.2', '203.0.113.3', '203.0.113.4']
    const guess = async (headers: Record<string, string>): Promise<Page> => {
      const browser = new HttpClient({ headers })
      const page = await browser.visit(server.authorize())
      return browser.submit(page, { username: 'nobody', password: 'a guess' })
    }
    const recorded = async (): Promise<(string | undefined)[]> =>
      (await server.storage.audit.list({ type: 'password-refused', limit: 10 })).map(
        ({ detail }) => detail.ip,
      )
    const startWith = async (environment: Record<string, string>): Promise<void> => {
      server = await startServer({
        environment,
        settings: { passwords: { failuresPerAddress: 3, addressWindowSeconds: 600 } },
      })
    }

    for (const header of [
      'x-forwarded-for',
      'x-real-ip',
      'forwarded',
      'x-client-ip',
      'true-client-ip',
      'cf-connecting-ip',
    ])
      it(`R4 R23 is not believed of just anybody: ${header} buys no more guesses`, async () => {
        await startWith({})
        const statuses: number[] = []
        for (const address of ADDRESSES) {
          const value = header === 'forwarded' ? `for=${address}` : address
          statuses.push((await guess({ [header]: value })).status)
        }
        expect(statuses).to.deep.equal([422, 422, 422, 429])
        expect(new Set(await recorded())).to.deep.equal(new Set(['127.0.0.1']))
      })

    it('R23 is believed of a proxy that is configured', async () => {
      await startWith({ TRUSTED_PROXIES: '127.0.0.0/8' })
      const statuses: number[] = []
      for (const address of ADDRESSES)
        statuses.push((await guess({ 'x-forwarded-for': address })).status)
      expect(statuses).to.deep.equal([422, 422, 422, 422])
      expect(await recorded()).to.have.members(ADDRESSES)
    })

    it('R23 is that which the proxy added: what stood there before is a guesser’s', async () => {
      await startWith({ TRUSTED_PROXIES: '127.0.0.0/8' })
      const statuses: number[] = []
      for (const address of ADDRESSES)
        statuses.push((await guess({ 'x-forwarded-for': `${address}, 198.51.100.7` })).status)
      expect(statuses).to.deep.equal([422, 422, 422, 429])
      expect(new Set(await recorded())).to.deep.equal(new Set(['198.51.100.7']))
    })

    it('R23 of a proxy that is not the one at the socket counts for nothing', async () => {
      await startWith({ TRUSTED_PROXIES: '10.0.0.0/8' })
      for (const address of ADDRESSES) await guess({ 'x-forwarded-for': `${address}, 10.0.0.1` })
      expect(new Set(await recorded())).to.deep.equal(new Set(['127.0.0.1']))
    })
  })

  it('R22 a posted password is answered by 303, wherever it leads', async () => {
    await start()
    const alice = await addPerson(server)
    const browser = new HttpClient()
    const page = await browser.visit(server.authorize(), atTheApp)
    const answer = await browser.submit(page, { username: 'alice', password: alice.password })
    expect(answer.status).to.equal(303)
    expect(answer.body).to.equal('')
  })
})
