import { expect } from 'chai'
import { PASSWORD_ACR } from '../../src/index.ts'
import type { CookieJar } from '../support/cookie-jar.ts'
import { HttpClient, type Page } from '../support/http-client.ts'
import {
  authorizeUrl,
  callbackOf,
  follow,
  PASSWORD,
  redeem,
  showPassword,
  startHost,
  type Host,
} from './host.ts'
import { enrolledPerson, nextCode } from './sign-in.ts'

describe('a replaced token of a trusted browser', () => {
  let host: Host
  let browser: HttpClient
  beforeEach(async () => {
    host = await startHost({ mfa: { policy: { trustedBrowserSeconds: 86_400 } } })
    browser = new HttpClient()
    await trustFor('mira')
  })
  afterEach(async () => host.close())

  const endSession = ({ jar }: HttpClient): void => {
    for (const name of ['_session', '_session.sig']) jar.delete(name)
  }
  /** An account whose owner ticks the box in the browser. */
  const trustFor = async (username: string): Promise<void> => {
    const person = await enrolledPerson(host, username)
    endSession(browser)
    const page = await showPassword(host, browser, username)
    const form = { code: nextCode(host, person), trust: 'yes' }
    callbackOf(await follow(host, browser, await browser.submit(page, form)))
    endSession(browser)
  }
  const showLogin = async (client: HttpClient): Promise<Page> =>
    follow(host, client, await client.get(authorizeUrl(host)))
  const sendPassword = (client: HttpClient, login: Page, username = 'mira'): Promise<Page> =>
    client.post(login.url, { username, password: PASSWORD })
  const expectIn = async (page: Page): Promise<void> => {
    const { claims } = await redeem(host, callbackOf(page))
    expect(claims.acr).to.equal(PASSWORD_ACR)
  }
  const signIn = async (client: HttpClient, username = 'mira'): Promise<void> => {
    await expectIn(await showPassword(host, client, username))
    endSession(client)
  }
  const tokensIn = (jar: CookieJar) => jar.all().filter(({ key }) => key.startsWith('mfa_trust_'))
  const reused = async (): Promise<number> => {
    await host.mfa.settled()
    return host.events.filter(({ type }) => type === 'browser-trust-reused').length
  }

  it('R14 is no alarm in the form that replaced it, which the browser sends again without an answer', async () => {
    const login = await showLogin(browser)
    const unanswered = new HttpClient({ jar: browser.jar.copy() })
    await sendPassword(browser, login)
    host.clock.at += 300
    await expectIn(await follow(host, unanswered, await sendPassword(unanswered, login)))
    endSession(unanswered)
    await signIn(unanswered)
    expect(await reused()).to.equal(0)
  })

  it('R14 is an alarm in the form of another sign-in, whose browser may have copied it', async () => {
    const thief = new HttpClient({ jar: browser.jar.copy() })
    await sendPassword(browser, await showLogin(browser))
    host.clock.at += 30
    expect((await showPassword(host, thief, 'mira')).name).to.equal('totp-verify')
    expect(await reused()).to.equal(1)
    expect(await host.mfa.accounts.trustedBrowsers('mira')).to.deep.equal([])
  })

  it('R14 is an alarm in the form that replaced it, once the new token was used', async () => {
    const login = await showLogin(browser)
    const thief = new HttpClient({ jar: browser.jar.copy() })
    await sendPassword(browser, login)
    await signIn(browser)
    host.clock.at += 30
    const page = await follow(host, thief, await sendPassword(thief, login))
    expect(page.name).to.equal('totp-verify')
    expect(await reused()).to.equal(1)
  })

  it('R14 is not set again by another account that signs in at the same moment', async () => {
    await trustFor('noah')
    const tabs = ['mira', 'noah'].map(async (username) => {
      const tab = new HttpClient({ jar: browser.jar.copy() })
      const before = new Set(tokensIn(tab.jar).map(({ value }) => value))
      await sendPassword(tab, await showLogin(tab), username)
      const set = tokensIn(tab.jar).filter(({ value }) => !before.has(value))
      expect(set).to.have.length(1)
      return set
    })
    // The answers arrive in one browser.
    const cookies = (await Promise.all(tabs)).flat().map((cookie) => cookie.toString())
    browser.jar.store(new URL(host.issuer), cookies)
    host.clock.at += 30
    await signIn(browser)
    await signIn(browser, 'noah')
    expect(await reused()).to.equal(0)
  })

  it('R14 sets no cookie where another tab has replaced it within 30 seconds', async () => {
    const tab = new HttpClient({ jar: browser.jar.copy() })
    await signIn(browser)
    host.clock.at += 29
    const before = tokensIn(tab.jar).map(String)
    await signIn(tab)
    expect(tokensIn(tab.jar).map(String)).to.deep.equal(before)
    await signIn(browser)
    expect(await reused()).to.equal(0)
  })

  it('R14 the browser keeps five tokens, and forgets the oldest', async () => {
    for (const name of ['noah', 'olga', 'petra', 'quinn', 'rosa']) await trustFor(name)
    expect(tokensIn(browser.jar)).to.have.length(5)
    expect((await showPassword(host, browser, 'mira')).name).to.equal('totp-verify')
    endSession(browser)
    await signIn(browser, 'noah')
  })
})
