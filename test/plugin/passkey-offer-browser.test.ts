import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect } from 'chai'
import type { Browser, Page } from 'playwright-core'
import { DAY_SECONDS } from '../../src/domain/time.ts'
import { passkeys } from '../../src/factors/passkey/index.ts'
import { backupCodes, totp } from '../../src/index.ts'
import {
  axeFindings,
  launchBrowser,
  newPerson,
  pageName,
  PHONE,
  screenshots,
  type PersonOptions,
} from '../support/browser.ts'
import { authorizeUrl, CLIENT, PASSWORD, redeem, startHost, type Host } from './host.ts'
import { enrolledPerson, nextCode, type Person } from './sign-in.ts'

/** The browser's own authenticator, as a phone or a computer has it. */
const PLATFORM = {
  protocol: 'ctap2',
  transport: 'internal',
  hasResidentKey: true,
  hasUserVerification: true,
  isUserVerified: true,
  automaticPresenceSimulation: true,
} as const

describe('the offer of a passkey in Chromium', function () {
  this.timeout(90_000)
  let browser: Browser
  let host: Host
  let relyingParty: Server
  let redirectUri: string

  before(async function () {
    browser = await launchBrowser(this)
    relyingParty = createServer((_request, response) => response.end())
    await new Promise<void>((done) => relyingParty.listen(0, '127.0.0.1', done))
    redirectUri = `http://127.0.0.1:${(relyingParty.address() as AddressInfo).port}/callback`
    host = await startHost({
      hostname: 'localhost',
      mfa: { factors: [passkeys(), totp(), backupCodes()] },
      configuration: {
        clients: [CLIENT, { ...CLIENT, client_id: 'page', redirect_uris: [redirectUri] }],
      },
    })
  })
  after(async () => {
    await host?.close()
    await browser?.close()
    relyingParty?.close()
  })

  /** A new browser of a person, with or without an authenticator of its own. */
  async function open(options: PersonOptions & { readonly authenticator?: boolean } = {}) {
    const { authenticator = true, ...more } = options
    const { context, page } = await newPerson(browser, more)
    const cdp = await context.newCDPSession(page)
    await cdp.send('WebAuthn.enable')
    if (authenticator) await cdp.send('WebAuthn.addVirtualAuthenticator', { options: PLATFORM })
    return { context, page }
  }

  /** Signs in with password and code. */
  async function signIn(
    page: Page,
    person: Person,
    { ui_locales = 'en', able = true } = {},
  ): Promise<void> {
    const asked = { client_id: 'page', redirect_uri: redirectUri, ui_locales }
    await page.goto(authorizeUrl(host, asked).href)
    await page.locator('input[name=username]').fill(person.username)
    await page.locator('input[name=password]').fill(PASSWORD)
    await page.locator('form button').click()
    expect(await pageName(page)).to.equal('totp-verify')
    if (able) await page.locator('input[name=offer]').waitFor({ state: 'attached' })
    await page.locator('input[name=code]').fill(nextCode(host, person))
    await page.locator('form button').first().click()
  }
  async function claims(page: Page): Promise<Record<string, unknown>> {
    await page.waitForURL(`${redirectUri}?**`)
    return (await redeem(host, new URL(page.url()).searchParams, 'page', redirectUri)).claims
  }

  it('is shown once a device has a passkey to give, and “Not now” lasts 30 days', async () => {
    const person = await enrolledPerson(host, 'anna')
    const { context, page } = await open()
    await signIn(page, person)
    await page.waitForURL('**/offer/passkey')
    expect(await pageName(page)).to.equal('passkey-offer')
    await screenshots(page, 'passkey-offer')
    expect(await axeFindings(page)).to.deep.equal([])
    await page.getByRole('button', { name: 'Not now' }).click()
    expect((await claims(page)).amr).to.deep.equal(['pwd', 'otp', 'mfa'])

    await context.clearCookies()
    await page.goto('about:blank')
    host.clock.at += 29 * DAY_SECONDS
    const asked = { client_id: 'page', redirect_uri: redirectUri }
    await page.goto(authorizeUrl(host, asked).href)
    await page.locator('input[name=username]').fill('anna')
    await page.locator('input[name=password]').fill(PASSWORD)
    await page.locator('form button').click()
    expect(await page.locator('script[data-offer]').count()).to.equal(0)
    await context.clearCookies()
    host.clock.at += DAY_SECONDS
    await signIn(page, person)
    await page.waitForURL('**/offer/passkey')
    await context.close()
  })

  it('creates a passkey in the same sign-in, in German and at 320 px', async () => {
    const person = await enrolledPerson(host, 'bela')
    const { context, page } = await open({ viewport: PHONE })
    await signIn(page, person, { ui_locales: 'de' })
    await page.waitForURL('**/offer/passkey')
    expect(await page.title()).to.include('Beim nächsten Mal schneller anmelden')
    const width = await page.evaluate<number>('document.documentElement.scrollWidth')
    expect(width).to.equal(PHONE.width)
    await screenshots(page, 'passkey-offer-de')
    await page.locator('button[value=set-up]').click()
    await page.waitForURL('**/enrol/passkey')
    await screenshots(page, 'passkey-enrol-offered')
    await page.locator('form[data-passkey] button').click()
    expect((await claims(page)).amr).to.deep.equal(['pwd', 'otp', 'hwk', 'user', 'mfa'])
    await context.close()
  })

  it('adds nothing where the browser has no authenticator, or runs no script', async () => {
    const person = await enrolledPerson(host, 'carla')
    for (const options of [{ authenticator: false }, { javaScript: false }]) {
      const { context, page } = await open(options)
      await signIn(page, person, { able: false })
      expect((await claims(page)).amr).to.deep.equal(['pwd', 'otp', 'mfa'])
      await context.close()
    }
  })
})
