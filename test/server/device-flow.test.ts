import { expect } from 'chai'
import { systemClock } from '../../src/adapters/crypto/index.ts'
import { memoryStorage } from '../../src/adapters/memory/index.ts'
import type { ServerStorage } from '../../src/ports/server-storage.ts'
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
  let lookUps: number
  let device: { device_code: string; user_code: string }

  beforeEach(async () => {
    lookUps = 0
    server = await startServer({
      storage: countingLookUps(memoryStorage({ clock: systemClock })),
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

  const countingLookUps = (storage: ServerStorage): ServerStorage => ({
    ...storage,
    hostRecords: (model) => {
      const records = storage.hostRecords(model)
      return Object.assign(Object.create(records) as typeof records, {
        findByUserCode: (code: string) => {
          lookUps += 1
          return records.findByUserCode(code)
        },
      })
    },
  })
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
    const page = await browser.submit(
      await enter(device.user_code),
      {},
      { form: 'form:has([data-refuse])' },
    )
    expect(page.name).to.equal('device')
    expect((await poll()).body['error']).to.equal('access_denied')
  })

  const wrong = (i: number): string =>
    `BBBB-BB${'BCDFGHJKLM'.charAt(i / 10)}${'BCDFGHJKLM'.charAt(i % 10)}`

  it('R17 R47 ends after five wrong codes, and each has an entry', async () => {
    for (let i = 0; i < 4; i += 1) {
      const page = await enter(wrong(i))
      expect([page.name, page.status]).to.deep.equal(['device', 400])
      expect(page.alert).to.be.a('string')
    }
    for (const code of [wrong(5), device.user_code]) {
      const page = await enter(code)
      expect([page.name, page.status]).to.deep.equal(['device', 429])
      expect(page.headers['retry-after']).to.match(/^\d+$/)
    }
    const entries = await server.storage.audit.list({ type: 'user-code-refused', limit: 10 })
    expect(entries.map(({ detail }) => detail.reason)).to.deep.equal([
      'throttled',
      ...Array(5).fill('wrong'),
    ])
    for (const { detail } of entries) expect(detail.ip).to.match(/127\.0\.0\.1$/)
    server.clock.ahead += 601
    expect((await enter(device.user_code)).status).not.to.equal(429)
  })

  it('R17 also limits an attacker who uses a new browser each time', async () => {
    for (let i = 0; i < 25; i += 1) {
      if (i % 4 === 0) browser = new HttpClient()
      expect((await enter(wrong(i))).status, String(i)).to.equal(400)
    }
    browser = new HttpClient()
    expect((await enter(device.user_code)).status).to.equal(429)
  })

  it('R17 looks up no more of those that come at the same moment, from as many browsers', async () => {
    const browsers = Array.from({ length: 40 }, () => new HttpClient())
    const pages = await Promise.all(browsers.map((each) => each.get(`${server.issuer}/device`)))
    await Promise.all(browsers.map((each, i) => each.submit(pages[i]!, { user_code: wrong(i) })))
    expect(lookUps).to.equal(25)
  })

  it('counts no form of another site: only a code that was looked up', async () => {
    for (let i = 0; i < 30; i += 1)
      await browser.post(`${server.issuer}/device`, { user_code: wrong(i), xsrf: 'forged' })
    expect((await enter(device.user_code)).name).to.equal('device-confirm')
  })

  it('explains a form or an address whose session is gone, without a fault of the server', async () => {
    const late = await new HttpClient().post(`${server.issuer}/device`, {
      user_code: device.user_code,
      xsrf: 'of a session that is over',
    })
    const nowhere = await new HttpClient().get(`${server.issuer}/device/no-such-sign-in`)
    const known = await browser.get(`${server.issuer}/device`)
    const elsewhere = await browser.get(`${known.url.href}/no-such-sign-in`)
    for (const page of [late, nowhere, elsewhere])
      expect([page.status, page.name]).to.deep.equal([410, 'expired'])
    expect(server.lines.filter((line) => line.startsWith('["error"'))).to.deep.equal([])
  })

  it('does not count codes that are right', async () => {
    for (let i = 0; i < 8; i += 1)
      expect((await enter(device.user_code)).name).to.equal('device-confirm')
  })
})
