import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import type { Browser, BrowserContext, CDPSession, Page } from 'playwright-core'
import {
  addPerson,
  APP,
  PASSWORD,
  startServer,
  stopServers,
  type TestServer,
} from '../server/support.ts'
import { launchBrowser, newPerson, pageName, screenshots } from '../support/browser.ts'

const PLATFORM = {
  protocol: 'ctap2',
  transport: 'internal',
  hasResidentKey: true,
  hasUserVerification: true,
  isUserVerified: true,
} as const
const FORM = 'form[data-passkey-sign-in]'

describe('a passkey on the login page, in Chromium', function () {
  this.timeout(90_000)
  let browser: Browser
  let server: TestServer
  let relyingParty: Server
  let callback: string

  before(async function () {
    browser = await launchBrowser(this)
    relyingParty = createServer((_request, response) => response.end('<body data-page="the-app">'))
    await new Promise<void>((done) => relyingParty.listen(0, '127.0.0.1', done))
    callback = `http://127.0.0.1:${(relyingParty.address() as AddressInfo).port}/callback`
    server = await startServer({ clients: [{ ...APP, redirect_uris: [callback] }] })
    await addPerson(server)
  })
  after(async () => {
    await stopServers()
    await browser?.close()
    relyingParty?.close()
  })

  interface Visitor {
    readonly context: BrowserContext
    readonly page: Page
    readonly complaints: readonly string[]
    /** Whether somebody touches the authenticator when it is asked. */
    touch(enabled: boolean): Promise<void>
  }

  async function visitor(javaScript = true): Promise<Visitor> {
    const { context, page } = await newPerson(browser, { javaScript })
    const complaints: string[] = []
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(`${message.text()} at ${page.url()}`)
    })
    page.on('pageerror', (error) => complaints.push(error.message))
    const cdp: CDPSession = await context.newCDPSession(page)
    await cdp.send('WebAuthn.enable')
    const { authenticatorId } = await cdp.send('WebAuthn.addVirtualAuthenticator', {
      options: { ...PLATFORM, automaticPresenceSimulation: true },
    })
    return {
      context,
      page,
      complaints,
      async touch(enabled) {
        await cdp.send('WebAuthn.setAutomaticPresenceSimulation', { authenticatorId, enabled })
      },
    }
  }

  const open = (page: Page, parameters: Record<string, string> = {}) =>
    page.goto(server.authorize({ redirect_uri: callback, ui_locales: 'en', ...parameters }).href)
  const typePassword = async (page: Page): Promise<void> => {
    await page.locator('input[name=username]').fill('alice')
    await page.locator('input[name=password]').fill(PASSWORD)
    await page.locator('button:not([type=button])').first().click()
  }
  const optionsOn = (page: Page) => page.locator(FORM).getAttribute('data-passkey-options')
  /** The browser's own waiting evaluates text, which the policy of the page refuses. */
  const untilRenewed = async (page: Page, before: string | null): Promise<void> => {
    while ((await optionsOn(page)) === before) await sleep(20)
  }
  const atTheApp = async (page: Page): Promise<void> => {
    await page.locator('body:is([data-page=consent], [data-page=the-app])').waitFor()
    if ((await pageName(page)) === 'consent') await page.locator('form button').first().click()
    await page.waitForURL(`${callback}?**`)
    expect(new URL(page.url()).searchParams.get('code')).to.be.a('string')
  }

  /** A person who has set up a passkey, in a browser whose session has ended. */
  async function owner(): Promise<Visitor> {
    const made = await visitor()
    const { page, context } = made
    await open(page)
    await typePassword(page)
    const choice = page.locator('[data-factor=passkey]')
    if ((await pageName(page)) === 'mfa-choose') await choice.click()
    await page.locator('form[data-passkey] button').click()
    await page.waitForURL('**/backup-codes')
    await page.locator('input[name=saved]').check()
    await page.locator('form button').first().click()
    await atTheApp(page)
    await context.clearCookies()
    return made
  }

  it('signs in by the autofill of the user name, by a button, and again after a refusal', async () => {
    const { context, page, complaints } = await owner()
    // Chromium answers a pending request of the autofill as soon as somebody touches the authenticator.
    await open(page)
    await atTheApp(page)

    // From here on the browser has no autofill of passkeys, so that the button is what asks.
    await page.addInitScript(
      'PublicKeyCredential.isConditionalMediationAvailable = async () => false',
    )
    await context.clearCookies()
    await open(page)
    expect(await pageName(page)).to.equal('login')
    expect(await page.locator('input[name=username]').getAttribute('autocomplete')).to.equal(
      'username webauthn',
    )
    const button = page.locator(`${FORM} button`)
    await button.waitFor()
    await screenshots(page, 'login-passkey')
    await button.click()
    await atTheApp(page)

    await context.clearCookies()
    await open(page)
    await page.evaluate(
      `document.querySelector('${FORM}').dataset.passkeyOptions = JSON.stringify({
        ...JSON.parse(document.querySelector('${FORM}').dataset.passkeyOptions),
        challenge: 'AAAAAAAAAAAAAAAAAAAAAA',
      })`,
    )
    await button.click()
    await page.locator(`${FORM} [role=alert]`).waitFor()
    expect(await pageName(page)).to.equal('login')
    await screenshots(page, 'login-passkey-refused')
    expect(await optionsOn(page)).to.not.contain('AAAAAAAAAAAAAAAAAAAAAA')
    await button.click()
    await atTheApp(page)
    expect(complaints.filter((line) => !line.includes('422'))).to.deep.equal([])
    await context.close()
  })

  it('renews its options before they end', async () => {
    const { context, page, complaints, touch } = await visitor()
    await touch(false)
    await page.clock.install()
    await open(page)
    const before = await optionsOn(page)
    await page.clock.fastForward(265_000)
    expect(await optionsOn(page)).to.equal(before)
    const renewed = page.waitForResponse((response) => response.url().endsWith('/passkey'))
    await page.clock.fastForward(10_000)
    expect((await renewed).status()).to.equal(200)
    await untilRenewed(page, before)
    expect(complaints).to.deep.equal([])
    await context.close()
  })

  it('renews its options again after the network was away, and after the browser has asked the person', async () => {
    const { context, page, touch } = await visitor()
    await touch(false)
    await page.clock.install()
    await open(page)
    const renewal = '**/interaction/*/passkey'
    const first = await optionsOn(page)
    await page.route(renewal, (route) => route.abort())
    const failed = page.waitForEvent('requestfailed')
    await page.clock.fastForward(275_000)
    await failed
    await page.unroute(renewal)
    await page.clock.fastForward(10_000)
    await untilRenewed(page, first)
    const second = await optionsOn(page)
    await page.evaluate(
      'navigator.credentials.get = () => new Promise((_, reject) => { globalThis.giveUp = reject })',
    )
    await page.locator(`${FORM} button`).click()
    await page.clock.fastForward(275_000)
    expect(await optionsOn(page)).to.equal(second)
    await page.evaluate("giveUp(new DOMException('', 'NotAllowedError'))")
    await page.clock.fastForward(10_000)
    await untilRenewed(page, second)
    await context.close()
  })

  it('says that nothing was confirmed, and goes on with a password', async () => {
    const { context, page } = await visitor()
    await open(page)
    await page.locator(`${FORM} button`).click()
    const problem = page.locator(`${FORM} [data-passkey-problem]`)
    await problem.waitFor()
    expect(await problem.getAttribute('data-passkey-problem')).to.equal('cancelled')
    await typePassword(page)
    await page.waitForURL('**/mfa/**')
    expect(await pageName(page)).to.be.oneOf(['passkey-verify', 'mfa-choose'])
    await context.close()
  })

  it('shows nothing more without JavaScript, and works', async () => {
    const { context, page } = await visitor(false)
    await open(page, { ui_locales: 'de' })
    expect(await page.locator(FORM).isVisible()).to.equal(false)
    await typePassword(page)
    await page.waitForURL('**/mfa/**')
    await context.close()
  })
})
