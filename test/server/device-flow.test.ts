import { expect } from 'chai'
import { HttpClient, type Page } from '../support/http-client.ts'
import {
  addPerson,
  APP,
  APP_CREDENTIALS,
  signIn,
  startServer,
  stopServers,
  tokenRequest,
  type Person,
  type TestServer,
} from './support.ts'

const GRANT = 'urn:ietf:params:oauth:grant-type:device_code'

describe('the device flow', () => {
  let server: TestServer
  let alice: Person
  let browser: HttpClient
  let device: { device_code: string; user_code: string }

  beforeEach(async () => {
    server = await startServer({
      settings: { features: { deviceFlow: true } },
      clients: [{ ...APP, grant_types: [GRANT], redirect_uris: [], response_types: [] }],
    })
    alice = await addPerson(server)
    browser = new HttpClient()
    const response = await fetch(new URL('/device/auth', server.url), {
      method: 'POST',
      headers: { authorization: APP_CREDENTIALS },
      body: new URLSearchParams({ scope: 'openid' }),
    })
    device = (await response.json()) as typeof device
  })
  afterEach(stopServers)

  const enter = async (code: string): Promise<Page> =>
    browser.submit(await browser.get(`${server.issuer}/device`), { user_code: code })
  const poll = () => tokenRequest(server, { grant_type: GRANT, device_code: device.device_code })

  it('R17 names the app, asks for both factors, and only then signs the device in', async () => {
    const confirm = await enter(device.user_code)
    expect(confirm.name).to.equal('device-confirm')
    expect(confirm.text).to.contain('The App').and.to.contain(device.user_code)
    const login = await browser.follow(await browser.submit(confirm))
    expect(login.name).to.equal('login')
    expect((await poll()).body['error']).to.equal('authorization_pending')
    const done = await signIn(browser, login.url, alice, server)
    expect(done.name).to.equal('device-done')
    expect((await poll()).claims['amr']).to.deep.equal(['pwd', 'otp', 'mfa'])
  })

  it('can be refused, and the device hears of it', async () => {
    const page = await browser.submit(await enter(device.user_code), {}, { form: /data-refuse/ })
    expect(page.name).to.equal('device')
    expect((await poll()).body['error']).to.equal('access_denied')
  })

  it('R17 ends after five wrong codes', async () => {
    for (let i = 0; i < 5; i += 1) {
      const page = await enter(`BBBB-BBB${'BCDFG'.charAt(i)}`)
      expect(page.name).to.equal('device')
      expect(page.status).to.equal(400)
      expect(page.alert).to.be.a('string')
    }
    const page = await enter(device.user_code)
    expect(page.status).to.equal(429)
    expect(page.name).to.equal('busy')
    expect(page.headers['retry-after']).to.match(/^\d+$/)
  })

  it('does not count codes that are right', async () => {
    for (let i = 0; i < 8; i += 1)
      expect((await enter(device.user_code)).name).to.equal('device-confirm')
  })
})
