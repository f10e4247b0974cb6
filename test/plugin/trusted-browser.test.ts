import { expect } from 'chai'
import { MULTI_FACTOR_ACR, PASSWORD_ACR, type MfaOptions } from '../../src/index.ts'
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
import { enrolledPerson, nextCode, type Person } from './sign-in.ts'

const DAY = 86_400
type Policy = NonNullable<MfaOptions['policy']>

describe('a trusted browser in a sign-in', () => {
  let host: Host
  let person: Person
  let browser: HttpClient
  afterEach(async () => host.close())

  const begin = async (policy: Policy = { trustedBrowserSeconds: 30 * DAY }): Promise<void> => {
    host = await startHost({ mfa: { policy } })
    person = await enrolledPerson(host)
    browser = new HttpClient()
  }
  const show = (parameters: Record<string, string> = {}, client = browser): Promise<Page> =>
    showPassword(host, client, 'mira', parameters)
  const tick = async (page: Page): Promise<Page> =>
    follow(
      host,
      browser,
      await browser.submit(page, { code: nextCode(host, person), trust: 'yes' }),
    )
  const endSession = (client = browser): void => {
    for (const name of ['_session', '_session.sig']) client.jar.delete(name)
  }
  const levelOf = async (back: Page): Promise<unknown> =>
    (await redeem(host, callbackOf(back), 'app')).claims.acr
  const tokenOf = (client = browser) => client.jar.all().find(({ key }) => /mfa_trust$/.test(key))
  const eventsOf = async (type: string) => {
    await host.mfa.settled()
    return host.events.filter((event) => event.type === type)
  }

  it('R14 is ticked on the page of the code, and stands in at the level of the password', async () => {
    await begin()
    const page = await show()
    expect(page.tags('input[name=trust][type=checkbox]')).to.have.length(1)
    expect(page.tags('input[name=trust][checked]')).to.have.length(0)
    expect(await levelOf(await tick(page))).to.equal(MULTI_FACTOR_ACR)
    expect(await eventsOf('browser-trusted')).to.have.length(1)
    const before = tokenOf()?.value
    endSession()
    expect(await levelOf(await show())).to.equal(PASSWORD_ACR)
    expect(tokenOf()?.value).to.be.a('string').and.not.equal(before)
    endSession()
    expect((await show({ acr_values: MULTI_FACTOR_ACR })).name).to.equal('totp-verify')
    expect((await show({ max_age: '3600' })).name).to.equal('totp-verify')
    expect((await show({}, new HttpClient())).name).to.equal('totp-verify')
  })

  it('R14 is over at its end, whatever was used', async () => {
    await begin({ trustedBrowserSeconds: DAY })
    await tick(await show())
    host.clock.at += DAY - 60
    endSession()
    expect(await levelOf(await show())).to.equal(PASSWORD_ACR)
    host.clock.at += 60
    endSession()
    expect((await show()).name).to.equal('totp-verify')
  })

  it('R14 is trusted no longer once a replaced token is shown, by anybody', async () => {
    await begin()
    await tick(await show())
    endSession()
    const thief = new HttpClient({ jar: browser.jar.copy() })
    await show()
    endSession()
    host.clock.at += 31
    expect((await show({}, thief)).name).to.equal('totp-verify')
    expect(await eventsOf('browser-trust-reused')).to.have.length(1)
    expect((await show()).name).to.equal('totp-verify')
  })

  it('R14 is dropped by a changed password', async () => {
    await begin()
    await tick(await show())
    await host.mfa.accounts.passwordChanged('mira')
    endSession()
    expect((await show()).name).to.equal('totp-verify')
    const [event] = await eventsOf('browser-trust-revoked')
    expect(event?.detail).to.include({ reason: 'password-changed', count: 1 })
  })

  it('R14 is not offered, and earned by nothing, where the policy does not say so', async () => {
    await begin({})
    const page = await show()
    expect(page.tags('input[name=trust]')).to.have.length(0)
    await tick(page)
    expect(tokenOf()).to.equal(undefined)
    endSession()
    expect((await show()).name).to.equal('totp-verify')
    expect(await eventsOf('browser-trusted')).to.have.length(0)
  })

  it('R14 is listed and revoked by the application, and the session goes on', async () => {
    await begin()
    const since = host.clock.at + 30
    await tick(await show())
    const [listed, ...others] = await host.mfa.accounts.trustedBrowsers('mira')
    expect(listed).to.deep.include({ since, until: since + 30 * DAY, network: '127.0.0.0/24' })
    expect(others).to.deep.equal([])
    const epoch = await host.mfa.accounts.epoch('mira')
    const revoke = (id: string) => host.mfa.accounts.revokeTrustedBrowsers('mira', { id })
    expect(await revoke('another')).to.equal(0)
    expect(await revoke(listed?.id ?? '')).to.equal(1)
    expect(await host.mfa.accounts.trustedBrowsers('mira')).to.deep.equal([])
    expect(await host.mfa.accounts.epoch('mira')).to.equal(epoch)
    const [event] = await eventsOf('browser-trust-revoked')
    expect(event?.detail).to.deep.equal({ reason: 'revoked', count: 1 })
    const again = await follow(host, browser, await browser.get(authorizeUrl(host)))
    expect(await levelOf(again)).to.equal(MULTI_FACTOR_ACR)
    endSession()
    expect((await show()).name).to.equal('totp-verify')
  })
})
