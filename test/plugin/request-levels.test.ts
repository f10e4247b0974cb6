import { expect } from 'chai'
import {
  backupCodes,
  MULTI_FACTOR_ACR,
  PASSWORD_ACR,
  PHISHING_RESISTANT_ACR,
  totp,
} from '../../src/index.ts'
import { namedKeyFactor, softKey, type SoftKey } from '../../src/testing/factors.ts'
import { HttpClient, type Page } from '../support/http-client.ts'
import {
  authorizeUrl,
  callbackOf,
  follow,
  redeem,
  showPassword,
  startHost,
  type Host,
} from './host.ts'
import { modelOf, renderModels } from './rendered-models.ts'
import { enrolledPerson, nextCode, signIn, type Person } from './sign-in.ts'

const acrClaim = (request: object): { claims: string } => ({
  claims: JSON.stringify({ id_token: { acr: request } }),
})
const young = (seconds: unknown) =>
  acrClaim({ essential: true, value: MULTI_FACTOR_ACR, max_age: seconds })

describe('the age that a request allows for its level', () => {
  let host: Host
  let mira: Person
  let browser: HttpClient
  beforeEach(async () => {
    host = await startHost()
    mira = await enrolledPerson(host)
    browser = new HttpClient()
    await signIn(host, browser, mira)
  })
  afterEach(async () => host.close())

  const visit = async (parameters: Record<string, string>): Promise<Page> =>
    follow(host, browser, await browser.get(authorizeUrl(host, parameters)))
  const errorOf = async (parameters: Record<string, string>) =>
    callbackOf(await visit(parameters)).get('error')

  it('asks for the factor alone once it is older, and keeps the time of the password', async () => {
    const before = await redeem(host, callbackOf(await visit({})))
    expect(callbackOf(await visit(young(300))).get('code')).to.be.a('string')
    host.clock.at += 301
    const page = await visit(young(300))
    expect(page.name).to.equal('totp-verify')
    const answered = await browser.submit(page, { code: nextCode(host, mira) })
    const { claims } = await redeem(host, callbackOf(await follow(host, browser, answered)))
    expect(claims.acr).to.equal(MULTI_FACTOR_ACR)
    expect(claims.auth_time).to.equal(before.claims.auth_time)
    expect(callbackOf(await visit({ ...young(300), prompt: 'none' })).get('code')).to.be.a('string')
  })

  it('R25 is an error with prompt=none once it is over, to the second', async () => {
    const at = host.clock.at
    host.clock.at = at + 300
    expect(await errorOf({ ...young(300), prompt: 'none' })).to.equal(null)
    host.clock.at = at + 301
    expect(await errorOf({ ...young(300), prompt: 'none' })).to.equal('interaction_required')
  })

  it('of 0 asks for a fresh factor each time, and once in a request', async () => {
    for (let round = 0; round < 2; round += 1) {
      host.clock.at += 1
      const page = await visit(young(0))
      expect(page.name).to.equal('totp-verify')
      const answered = await browser.submit(page, { code: nextCode(host, mira) })
      const back = callbackOf(await follow(host, browser, answered))
      expect(back.get('code')).to.be.a('string')
    }
  })

  it('is refused where it is no whole number of seconds', async () => {
    for (const age of [-1, 1.5, '300', null, 2 ** 60, {}])
      expect(await errorOf(young(age)), JSON.stringify(age)).to.equal('invalid_request')
  })

  it('is asked for without an essential level as well', async () => {
    host.clock.at += 400
    expect((await visit(acrClaim({ max_age: 300 }))).name).to.equal('totp-verify')
  })

  it('R25 prompt=login asks for the password and the factor, and the token has their time', async () => {
    host.clock.at += 1000
    const page = await showPassword(host, browser, mira.username, { prompt: 'login' })
    const at = host.clock.at
    expect(page.name).to.equal('totp-verify')
    const answered = await browser.submit(page, { code: nextCode(host, mira) })
    const { claims } = await redeem(host, callbackOf(await follow(host, browser, answered)))
    expect(claims).to.deep.include({ acr: MULTI_FACTOR_ACR, amr: ['pwd', 'otp', 'mfa'] })
    expect(claims.auth_time).to.equal(at)
  })

  it('R25 max_age asks for both again, and counts nothing that is older', async () => {
    host.clock.at += 1000
    const page = await showPassword(host, browser, mira.username, { max_age: '500' })
    expect(page.name).to.equal('totp-verify')
    const answered = await browser.submit(page, { code: nextCode(host, mira) })
    const { claims } = await redeem(host, callbackOf(await follow(host, browser, answered)))
    expect(claims.acr).to.equal(MULTI_FACTOR_ACR)
    expect(claims.auth_time).to.be.greaterThan(host.clock.at - 500)
  })

  it('R24 a request that names a lower level gets that name, and the methods that were used', async () => {
    for (const request of [
      { acr_values: PASSWORD_ACR },
      acrClaim({ essential: true, value: PASSWORD_ACR }),
    ]) {
      const { claims } = await redeem(host, callbackOf(await visit(request)))
      expect(claims.amr).to.deep.equal(['pwd', 'otp', 'mfa'])
    }
    const { claims } = await redeem(host, callbackOf(await visit({})))
    expect(claims.acr).to.equal(MULTI_FACTOR_ACR)
  })
})

describe('a level that is still proved', () => {
  const ID = 'test-named-key'
  let host: Host
  let key: SoftKey
  beforeEach(async () => {
    host = await startHost({
      keyPage: ID,
      mfa: { factors: [namedKeyFactor(), totp(), backupCodes()], render: renderModels },
    })
    key = softKey()
    const browser = new HttpClient()
    const ways = await showPassword(host, browser, 'mira')
    const page = await follow(host, browser, await browser.submit(ways, { factor: ID }))
    const { enrolment } = modelOf(page) as unknown as { enrolment: { challenge: string } }
    await browser.submit(page, { credential: key.answer(enrolment.challenge) })
    await host.mfa.settled()
  })
  afterEach(async () => host.close())

  async function withKey(browser: HttpClient, parameters: Record<string, string> = {}) {
    const login = await follow(host, browser, await browser.get(authorizeUrl(host, parameters)))
    const url = `${login.url.href}/key`
    const { challenge } = JSON.parse((await browser.get(url)).body) as { challenge: string }
    const answered = await browser.post(url, { credential: key.answer(challenge, true) })
    return redeem(host, callbackOf(await follow(host, browser, answered)))
  }

  it('is said by the name that the request asks for, and by its own where none is asked for', async () => {
    const browser = new HttpClient()
    const acr = async (parameters: Record<string, string>) => {
      const page = await follow(host, browser, await browser.get(authorizeUrl(host, parameters)))
      return (await redeem(host, callbackOf(page))).claims.acr
    }
    expect((await withKey(browser)).claims.acr).to.equal(PHISHING_RESISTANT_ACR)
    expect(await acr(acrClaim({ essential: true, value: MULTI_FACTOR_ACR }))).to.equal(
      MULTI_FACTOR_ACR,
    )
    expect(await acr({ acr_values: MULTI_FACTOR_ACR })).to.equal(MULTI_FACTOR_ACR)
    expect(await acr({})).to.equal(PHISHING_RESISTANT_ACR)
  })

  it('R15 ends with its session', async () => {
    const browser = new HttpClient()
    await withKey(browser)
    host.clock.at += 86_400
    const page = await follow(host, browser, await browser.get(authorizeUrl(host)))
    expect(page.name).to.equal('host-login')
  })
})
