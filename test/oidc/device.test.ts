import { expect } from 'chai'
import * as client from 'openid-client'
import { HttpClient, type Page } from '../support/http-client.ts'
import {
  APP,
  claimsOf,
  MULTI_FACTOR,
  oauthErrorOf,
  relyingParty,
  startServerProcess,
  type RelyingParty,
  type ServerProcess,
  type Tokens,
  type Visitor,
} from './support.ts'

const GRANT = 'urn:ietf:params:oauth:grant-type:device_code'

const TV = {
  client_id: 'tv',
  client_name: 'The Television',
  token_endpoint_auth_method: 'none',
  redirect_uris: [],
  response_types: [],
  grant_types: [GRANT],
}

describe('the device flow, switched on', () => {
  let server: ServerProcess
  let tv: RelyingParty
  let mira: Visitor

  before(async () => {
    server = await startServerProcess({
      clients: [APP, TV, { ...TV, client_id: 'radio' }],
      settings: { features: { deviceFlow: true } },
    })
    tv = await relyingParty(server, 'tv', client.None())
  })
  after(() => server.stop())

  let people = 0
  beforeEach(async () => {
    people += 1
    mira = await server.addPerson(`mira${people}`)
  })

  type Device = Awaited<ReturnType<typeof client.initiateDeviceAuthorization>>
  const begin = (params: Record<string, string> = {}): Promise<Device> =>
    client.initiateDeviceAuthorization(tv.configuration, { scope: 'openid', ...params })
  const poll = async ({ device_code }: Device): Promise<Tokens> =>
    await client.genericGrantRequest(tv.configuration, GRANT, { device_code })
  const enter = async (browser: HttpClient, code: string): Promise<Page> =>
    browser.submit(await browser.get(`${server.issuer}/device`), { user_code: code })
  const confirmed = async (device: Device): Promise<Page> => {
    const page = await enter(mira.browser, device.user_code)
    expect(page.name).to.equal('device-confirm')
    return mira.browser.follow(await mira.browser.submit(page))
  }

  it('is in discovery, and says where to go', async () => {
    const metadata = tv.configuration.serverMetadata()
    expect(metadata.grant_types_supported).to.include(GRANT)
    const device = await begin()
    expect(device.verification_uri).to.equal(`${server.issuer}/device`)
    expect(device.expires_in).to.be.within(1, 600)
    expect(device.user_code).to.match(/^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$/)
  })

  it('R17 names the app and its code before anything else, by the link of a QR code as well', async () => {
    const device = await begin()
    const posted = await mira.browser.get(device.verification_uri_complete ?? '')
    const page = await mira.browser.submit(posted)
    expect(page.name).to.equal('device-confirm')
    expect(page.text).to.contain('The Television').and.to.contain(device.user_code)
    expect(await oauthErrorOf(poll(device))).to.equal('authorization_pending')
  })

  it('R17 gives tokens after both factors and the consent, and not before', async () => {
    const device = await begin()
    let page = await confirmed(device)
    for (const name of ['login', 'mfa-choose', 'totp-enrol', 'backup-codes', 'consent']) {
      expect(page.name).to.equal(name)
      expect(await oauthErrorOf(poll(device)), name).to.equal('authorization_pending')
      const answer = await mira.answer(page)
      if (answer === undefined) throw new Error(`Nobody answers ${name}.`)
      page = await mira.browser.follow(answer)
    }
    expect(page.name).to.equal('device-done')
    const claims = claimsOf(await poll(device))
    expect(claims).to.deep.include({ sub: mira.accountId, acr: MULTI_FACTOR })
    expect(claims.amr).to.deep.equal(['pwd', 'otp', 'mfa'])
    expect(await oauthErrorOf(poll(device))).to.equal('invalid_grant')
  })

  it('R17 asks for a fresh second factor whatever session there is', async () => {
    const app = await relyingParty(server)
    await mira.signIn(await app.request())
    const device = await begin()
    const page = await confirmed(device)
    expect(page.name).to.equal('totp-verify')
    expect(await oauthErrorOf(poll(device))).to.equal('authorization_pending')
    expect((await mira.goOn(page)).name).to.equal('device-done')
    expect(claimsOf(await poll(device)).sub).to.equal(mira.accountId)
  })

  it('R17 asks again for each device', async () => {
    await mira.goOn(await confirmed(await begin()))
    const second = await confirmed(await begin())
    expect(second.name).to.equal('totp-verify')
  })

  it('R17 tells the device when the person refuses, and does not take the code again', async () => {
    const device = await begin()
    const page = await enter(mira.browser, device.user_code)
    const refused = await mira.browser.submit(page, {}, { form: 'form:has([data-refuse])' })
    expect(refused.name).to.equal('device')
    expect(await oauthErrorOf(poll(device))).to.equal('access_denied')
    expect((await enter(mira.browser, device.user_code)).name).to.equal('device')
  })

  it('R17 a code that somebody is answering is not there for anybody else', async () => {
    const device = await begin()
    await confirmed(device)
    const other = await enter(new HttpClient(), device.user_code)
    expect([other.name, other.status]).to.deep.equal(['device', 400])
  })

  it('R17 ends after five wrong codes, and a good one is not looked at any more', async () => {
    const device = await begin()
    const browser = new HttpClient()
    const statuses: number[] = []
    for (const letter of 'BCDFG') statuses.push((await enter(browser, `BBBB-BBB${letter}`)).status)
    expect(statuses).to.deep.equal([400, 400, 400, 400, 429])
    const late = await enter(browser, device.user_code)
    expect([late.name, late.status]).to.deep.equal(['device', 429])
    expect(Number(late.headers['retry-after'])).to.be.within(1, 600)
    expect(await oauthErrorOf(poll(device))).to.equal('authorization_pending')
  })

  it('is not there for an app that is not registered for it', async () => {
    const app = await relyingParty(server)
    const begun = client.initiateDeviceAuthorization(app.configuration, { scope: 'openid' })
    expect(await oauthErrorOf(begun)).to.equal('invalid_request')
  })

  it('a device code of one app is of no use to another', async () => {
    const device = await begin()
    const radio = await relyingParty(server, 'radio', client.None())
    const stolen = client.genericGrantRequest(radio.configuration, GRANT, {
      device_code: device.device_code,
    })
    expect(await oauthErrorOf(stolen)).to.equal('invalid_grant')
    expect(await oauthErrorOf(poll(device))).to.equal('authorization_pending')
  })
})
