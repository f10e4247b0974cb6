import { expect } from 'chai'
import type { Json } from '../../src/domain/json.ts'
import { MULTI_FACTOR_ACR, PASSWORD_ACR } from '../../src/index.ts'
import { secretOf } from '../support/enrolment.ts'
import { HttpClient, type Page } from '../support/http-client.ts'
import { totpCode } from '../support/totp.ts'
import {
  authorizeUrl,
  callbackOf,
  CLIENT,
  follow,
  PASSWORD,
  redeem,
  showPassword,
  startHost,
  type Host,
} from './host.ts'
import { enrolledPerson, nextCode, type Person } from './sign-in.ts'

const OFFER = { trustedBrowserSeconds: 30 * 86_400 }
const SHORT = { ...OFFER, rules: [{ name: 'short', trustedBrowserSeconds: 60 }] }

describe('an attack on a trusted browser', () => {
  let host: Host
  let mira: Person
  let browser: HttpClient
  beforeEach(async () => {
    host = await startHost({
      mfa: { policy: OFFER, manage: { clients: ['app'] } },
      configuration: { clients: [CLIENT, { ...CLIENT, client_id: 'other' }] },
    })
    mira = await enrolledPerson(host)
    browser = new HttpClient()
  })
  afterEach(async () => host.close())

  const endSession = ({ jar }: HttpClient): void => {
    for (const name of ['_session', '_session.sig']) jar.delete(name)
  }
  const show = (client = browser, parameters: Record<string, string> = {}): Promise<Page> =>
    showPassword(host, client, 'mira', parameters)
  const showLogin = async (client = browser): Promise<Page> =>
    follow(host, client, await client.get(authorizeUrl(host)))
  const sendPassword = async (login: Page, client = browser): Promise<Page> =>
    follow(host, client, await client.post(login.url, { username: 'mira', password: PASSWORD }))
  const send = async (page: Page, form: Record<string, string>): Promise<Page> =>
    follow(host, browser, await browser.submit(page, form))
  /** A person ticks the box in the browser, whose session ends. */
  const trustFor = async (person = mira): Promise<void> => {
    const page = await showPassword(host, browser, person.username)
    expect(page.all('input[name=trust]')).to.have.length(1)
    callbackOf(await send(page, { code: nextCode(host, person), trust: 'yes' }))
    endSession(browser)
  }
  const expectIn = async (page: Page): Promise<void> => {
    expect((await redeem(host, callbackOf(page))).claims.acr).to.equal(PASSWORD_ACR)
    endSession(browser)
  }
  const cookies = (client = browser) =>
    client.jar
      .all()
      .filter(({ key }) => key.startsWith('mfa_trust_'))
      .map(({ key, value }) => [key, value] as const)
  /** A browser that sends cookies which somebody has written by hand. */
  const sending = (...pairs: readonly (readonly [string, string])[]): HttpClient => {
    const client = new HttpClient()
    client.jar.store(
      new URL(host.issuer),
      pairs.map(([key, value]) => `${key}=${value}; Path=/`),
    )
    return client
  }
  const trusted = async (): Promise<number> =>
    (await host.mfa.accounts.trustedBrowsers('mira')).length
  const heard = async (type: string) => {
    await host.mfa.settled()
    return host.events.filter((event) => event.type === type)
  }

  it('R14 with a forged cookie is asked for the factor, and changes nothing', async () => {
    await trustFor()
    const forged = [`mfa_trust_${'f'.repeat(22)}`, 's'.repeat(43)] as const
    expect((await show(sending(forged))).name).to.equal('totp-verify')
    for (const value of ['', 'short', '%', 'x'.repeat(2_000)])
      expect((await show(sending([forged[0], value]))).name, value).to.equal('totp-verify')
    expect((await show(sending(['mfa_trust_', 's'.repeat(43)]))).name).to.equal('totp-verify')
    expect(await heard('browser-trust-reused')).to.deep.equal([])
    await expectIn(await show())
  })

  it('R14 with the id of a trust and a guessed secret ends the trust, as a reuse does', async () => {
    await trustFor()
    const [[key] = ['']] = cookies()
    expect((await show(sending([key, 's'.repeat(43)]))).name).to.equal('totp-verify')
    expect(await heard('browser-trust-reused')).to.have.length(1)
    expect(await trusted()).to.equal(0)
  })

  it('R14 with the cookie of another account is asked for the factor', async () => {
    const noah = await enrolledPerson(host, 'noah')
    await trustFor(noah)
    const his = cookies()
    expect((await show()).name).to.equal('totp-verify')
    endSession(browser)
    expect(cookies()).to.deep.equal(his)
    await trustFor()
    const [[, secret] = ['', ''], [key] = ['']] = cookies()
    // His secret under the id of her trust.
    expect((await show(sending([key, secret]))).name).to.equal('totp-verify')
  })

  it('R14 in a browser of two accounts ends nothing of the other one', async () => {
    const noah = await enrolledPerson(host, 'noah')
    await trustFor(noah)
    await trustFor()
    await host.mfa.accounts.revokeTrustedBrowsers('mira')
    expect((await show()).name).to.equal('totp-verify')
    endSession(browser)
    expect(cookies()).to.have.length(1)
    await expectIn(await showPassword(host, browser, 'noah'))
  })

  it('R14 that was revoked while its login page was open is asked for the factor, and forgets the cookie', async () => {
    await trustFor()
    const login = await showLogin()
    await host.mfa.accounts.revokeTrustedBrowsers('mira')
    expect((await sendPassword(login)).name).to.equal('totp-verify')
    expect(cookies()).to.deep.equal([])
    expect(await heard('browser-trust-reused')).to.deep.equal([])
  })

  it('R14 replaces the token of the trust alone that stands in, and ignores one that has ended', async () => {
    await trustFor()
    host.clock.at += 61
    host.mfa.setPolicy(SHORT)
    await trustFor()
    const [long, short] = cookies()
    await expectIn(await show())
    expect(cookies()[0]).to.deep.equal(long)
    expect(cookies()[1]?.[0]).to.equal(short?.[0])
    expect(cookies()[1]?.[1]).not.to.equal(short?.[1])

    // The record loses the short one; the long one stands in, and the cookie of the short one goes.
    const { records } = host.storage
    const { record, version } = (await records.load('mira'))!
    const { trustedBrowsers: both } = record as { trustedBrowsers: Json[] }
    await records.save('mira', { ...record, trustedBrowsers: both.slice(0, 1) }, version)
    host.mfa.setPolicy(OFFER)
    await expectIn(await show())
    expect(cookies().map(([key]) => key)).to.deep.equal([long?.[0]])
    expect(cookies()[0]?.[1]).not.to.equal(long?.[1])
    expect(await heard('browser-trust-reused')).to.deep.equal([])
  })

  it('R14 with one of two copied tokens ends the trust of the browser, and both cookies', async () => {
    await trustFor()
    host.clock.at += 61
    host.mfa.setPolicy(SHORT)
    await trustFor()
    const thief = new HttpClient({ jar: browser.jar.copy() })
    await expectIn(await show())
    host.clock.at += 31
    host.mfa.setPolicy(OFFER)
    // The other token is still the present one.
    expect((await show(thief)).name).to.equal('totp-verify')
    expect(await heard('browser-trust-reused')).to.have.length(1)
    expect(cookies(thief)).to.deep.equal([])
    expect(await trusted()).to.equal(0)
    expect((await show()).name).to.equal('totp-verify')
  })

  it('R14 earns nothing by a form whose account has changed since its page', async () => {
    const page = await show()
    await host.mfa.accounts.passwordChanged('mira')
    const answer = await browser.submit(page, { code: nextCode(host, mira), trust: 'yes' })
    expect(answer.status).to.equal(410)
    expect([cookies(), await trusted()]).to.deep.equal([[], 0])
    expect(await heard('browser-trusted')).to.deep.equal([])
  })

  it('R14 earns nothing by a field that the page did not have', async () => {
    for (const asked of [
      { acr_values: MULTI_FACTOR_ACR },
      { prompt: 'mfa' },
      { max_age: '0' },
      { mfa_action: 'add:totp' },
    ]) {
      const page = await show(browser, asked)
      expect(page.all('input[name=trust]')).to.have.length(0)
      await send(page, { code: nextCode(host, mira), trust: 'yes' })
      endSession(browser)
      expect([cookies(), await trusted()], JSON.stringify(asked)).to.deep.equal([[], 0])
    }
    host.mfa.setPolicy({ ...OFFER, rules: [{ name: 'never', trustedBrowserSeconds: 'never' }] })
    await send(await show(), { code: nextCode(host, mira), trust: 'yes' })
    expect([cookies(), await trusted()]).to.deep.equal([[], 0])
  })

  it('R14 earns nothing by the page of a set-up', async () => {
    host.mfa.setPolicy({ ...OFFER, rules: [{ name: 'all', require: 'multi-factor' }] })
    const setUp = await showPassword(host, browser, 'noah')
    expect(setUp.name).to.equal('totp-enrol')
    const code = totpCode({ secret: secretOf(setUp) }, host.clock.at)
    await send(setUp, { code, trust: 'yes' })
    expect(cookies()).to.deep.equal([])
    expect(await host.mfa.accounts.trustedBrowsers('noah')).to.deep.equal([])
  })
})
