import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect } from 'chai'
import type { Browser, Page } from 'playwright-core'
import { passkeys } from '../../src/factors/passkey/index.ts'
import { backupCodes, totp } from '../../src/index.ts'
import {
  axeFindings,
  launchBrowser,
  PHONE,
  screenshots,
  type PersonOptions,
} from '../support/browser.ts'
import { authorizeUrl, CLIENT, PASSWORD, redeem, startHost, type Host } from './host.ts'
import { PLATFORM, SECURITY_KEY, visit, type Device, type Visitor } from './passkey-visitor.ts'

/** The devices that people have, with what a sign-in with them is worth. */
const DEVICES: Readonly<Record<string, { readonly device: Device; readonly amr: string }>> = {
  'a computer’s own authenticator': { device: PLATFORM, amr: 'hwk' },
  'one that copies its passkeys to others': {
    device: { ...PLATFORM, defaultBackupEligibility: true, defaultBackupState: true },
    amr: 'swk',
  },
  'one that could copy them, and has not yet': {
    device: { ...PLATFORM, defaultBackupEligibility: true, defaultBackupState: false },
    amr: 'swk',
  },
  'one that keeps no list of its passkeys': {
    device: { ...PLATFORM, hasResidentKey: false },
    amr: 'hwk',
  },
  'a security key with a PIN': { device: { ...PLATFORM, transport: 'usb' }, amr: 'hwk' },
  'a security key that is only touched': { device: SECURITY_KEY, amr: 'hwk' },
}

describe('passkeys on the devices of people', function () {
  this.timeout(90_000)
  let browser: Browser
  let host: Host
  let relyingParty: Server
  let redirectUri: string
  let visitor: Visitor
  let page: Page

  before(async function () {
    browser = await launchBrowser(this)
    relyingParty = createServer((_request, response) => response.end())
    await new Promise<void>((done) => relyingParty.listen(0, '127.0.0.1', done))
    redirectUri = `http://127.0.0.1:${(relyingParty.address() as AddressInfo).port}/callback`
    host = await startHost({
      hostname: 'localhost',
      mfa: {
        factors: [passkeys(), totp(), backupCodes()],
        account: true,
        recovery: true,
        sendMail: async () => undefined,
      },
      configuration: { clients: [{ ...CLIENT, redirect_uris: [redirectUri] }] },
    })
  })
  after(async () => {
    await host?.close()
    await browser?.close()
    relyingParty?.close()
  })
  const arrive = async (options: PersonOptions = {}) => {
    visitor = await visit(browser, options)
    ;({ page } = visitor)
  }
  afterEach(async () => {
    await visitor.context.close()
    host.events.length = 0
  })

  async function begin(username: string, parameters: Record<string, string> = {}): Promise<void> {
    const asked = { ui_locales: 'en', redirect_uri: redirectUri, ...parameters }
    await page.goto(authorizeUrl(host, asked).href)
    await typePassword(username)
  }
  async function typePassword(username: string): Promise<void> {
    await page.locator('input[name=username]').fill(username)
    await page.locator('input[name=password]').fill(PASSWORD)
    await page.locator('form button').click()
  }
  const form = () => page.locator('form[data-passkey]')
  const press = () => form().locator('button').click()
  const at = (name: string) => page.locator(`body[data-page=${name}]`).waitFor()
  const problem = async (): Promise<string | null> => {
    const line = page.locator('[data-passkey-problem]')
    await line.waitFor()
    return line.getAttribute('data-passkey-problem')
  }
  const events = async (...types: string[]): Promise<string[]> => {
    await host.mfa.settled()
    return host.events.map(({ type }) => type).filter((type) => types.includes(type))
  }
  async function claims(): Promise<Record<string, unknown>> {
    await page.waitForURL(`${redirectUri}?**`)
    const { searchParams } = new URL(page.url())
    return (await redeem(host, searchParams, 'app', redirectUri)).claims
  }
  /** The first sign-in with a passkey; returns the backup codes. The browser has no cookie afterwards. */
  async function enrol(username: string): Promise<string[]> {
    await begin(username)
    await page.locator('[data-factor=passkey]').click()
    await press()
    await page.waitForURL('**/backup-codes')
    const codes = await page.locator('#backup-codes li').allTextContents()
    await page.locator('input[name=saved]').check()
    await page.locator('form button').first().click()
    await claims()
    await visitor.context.clearCookies()
    return codes
  }

  for (const [name, { device, amr }] of Object.entries(DEVICES))
    it(`are set up and used with ${name}`, async () => {
      await arrive()
      await visitor.plugIn(device)
      const username = name.replaceAll(/\W/g, '')
      await enrol(username)
      await begin(username)
      await press()
      expect((await claims()).amr).to.deep.equal(['pwd', amr, 'user', 'mfa'])
      expect(visitor.complaints).to.deep.equal([])
    })

  it('are two on the account page: the older one signs in, and the other one is removed', async () => {
    await arrive()
    const older = await visitor.plugIn(PLATFORM)
    await enrol('two')
    await page.goto(`${host.issuer}/account`)
    await typePassword('two')
    await press()
    await at('account')
    await page.locator("button[name=change][value='add:passkey']").click()
    await at('passkey-verify')
    await press()
    // The browser puts no second passkey of the account on a device that has one.
    await at('passkey-enrol')
    await press()
    expect(await problem()).to.equal('registered')
    const newer = await visitor.plugIn(SECURITY_KEY)
    await press()
    await at('account')
    const rows = page.locator('li:has([data-do=rename])')
    expect(await rows.count()).to.equal(2)
    await visitor.context.clearCookies()

    // The newer one was used last. Both are allowed, so the older one answers where the other is not at hand.
    const [key] = await visitor.keptIn(newer)
    await visitor.unplug(newer)
    await begin('two')
    const options = JSON.parse((await form().getAttribute('data-passkey-options'))!) as {
      allowCredentials: { id: string }[]
    }
    expect(options.allowCredentials).to.have.length(2)
    await press()
    await claims()

    await page.goto(`${host.issuer}/account`)
    await at('account')
    await rows.nth(1).locator('[data-do=remove]').click()
    await at('passkey-verify')
    await press()
    await at('factor-remove')
    await page.locator('form button').first().click()
    await at('account')
    expect(await rows.count()).to.equal(1)
    expect(await events('factor-removed')).to.have.length(1)
    await visitor.context.clearCookies()

    // A page no longer asks for the removed one, and the one that stays signs in.
    const [kept] = await visitor.keptIn(older)
    await visitor.unplug(older)
    const again = await visitor.plugIn({ ...PLATFORM, hasResidentKey: false })
    await visitor.keep(again, key!)
    await begin('two')
    await press()
    expect(await problem()).to.equal('cancelled')
    await visitor.unplug(again)
    await visitor.keep(await visitor.plugIn(PLATFORM), kept!)
    await press()
    expect((await claims()).acr).to.equal('phr')
  })

  it('R38 are sent once by a double click, and sign in once', async () => {
    await arrive()
    await visitor.plugIn(PLATFORM)
    await enrol('impatient')
    await begin('impatient')
    host.events.length = 0
    await form().locator('button').dblclick()
    expect((await claims()).acr).to.equal('phr')
    expect(await events('factor-accepted', 'factor-refused')).to.deep.equal(['factor-accepted'])
  })

  it('R29 are refused where a copy lags behind, and the one with the higher counter stays usable', async () => {
    await arrive()
    const device = await visitor.plugIn(PLATFORM)
    await enrol('copied')
    const [copy] = await visitor.keptIn(device)
    await begin('copied')
    await press()
    await claims()
    const [own] = await visitor.keptIn(device)
    await visitor.context.clearCookies()
    await visitor.keep(device, { ...copy!, signCount: 0 })
    await begin('copied')
    await press()
    await page.locator('[role=alert]').waitFor()
    expect(await events('passkey-cloned')).to.deep.equal(['passkey-cloned'])
    await visitor.keep(device, own!)
    await press()
    expect((await claims()).acr).to.equal('phr')
  })

  it('are on another device: the page asks the browser for it, and also leads to codes and recovery', async () => {
    await arrive()
    const phone = await visitor.plugIn(PLATFORM)
    const codes = await enrol('phone')
    const [key] = await visitor.keptIn(phone)
    await visitor.unplug(phone)
    await begin('phone')
    await visitor.plugIn(PLATFORM)
    await press()
    expect(await problem()).to.equal('cancelled')
    expect(await axeFindings(page)).to.deep.equal([])
    await screenshots(page, 'passkey-verify-elsewhere')
    await visitor.keep(await visitor.plugIn({ ...PLATFORM, transport: 'cable' }), key!)
    await page.evaluate(`{
      const get = navigator.credentials.get.bind(navigator.credentials)
      navigator.credentials.get = (given) => {
        sessionStorage.setItem('hints', given.publicKey.hints)
        return get(given)
      }
    }`)
    const elsewhere = page.locator('[data-another-device] button')
    await Promise.all([page.waitForURL(`${redirectUri}?**`), elsewhere.click()])
    await claims()
    await visitor.context.clearCookies()

    await begin('phone')
    expect(await page.evaluate(`sessionStorage.getItem('hints')`)).to.match(/^hybrid\b/)
    const lost = page.locator('[data-lost]')
    expect(await lost.count()).to.equal(1)
    await lost.click()
    await at('recovery')
    await page.goBack()
    await at('passkey-verify')
    await page.locator('[data-other-way]').click()
    await page.locator('[data-factor=backup-codes]').click()
    await page.locator('input[name=backupCode]').fill(codes[0]!)
    await page.locator('form button').first().click()
    await at('backup-code-used')
  })

  it('leave nobody without a way on: no script, no WebAuthn, another device, a page that is too old', async () => {
    await arrive()
    const device = await visitor.plugIn(PLATFORM)
    await enrol('stuck')

    await begin('stuck')
    host.clock.at += 301
    const before = await form().getAttribute('data-passkey-options')
    await press()
    await page.locator('[role=alert]').waitFor()
    expect(await form().getAttribute('data-passkey-options')).not.to.equal(before)
    await press()
    await claims()
    await visitor.context.clearCookies()
    await visitor.unplug(device)

    // A browser without WebAuthn says so; the page has no button that does nothing.
    await visitor.context.addInitScript('delete window.PublicKeyCredential')
    await begin('stuck')
    expect(await problem()).to.equal('missing')
    await isWithoutButtons()
    await page.locator('[data-other-way]').click()
    await at('mfa-choose')
    await visitor.context.close()

    await arrive({ javaScript: false, language: 'de-DE', viewport: PHONE, colorScheme: 'dark' })
    await begin('stuck', { ui_locales: 'de' })
    await at('passkey-verify')
    expect(await page.locator('noscript').textContent()).to.include('JavaScript')
    await isWithoutButtons()
    await screenshots(page, 'passkey-verify-without-script')
    await page.locator('[data-other-way]').click()
    await at('mfa-choose')
  })

  it('are set up on a device that can make none: the page leads back to the other factors', async () => {
    await arrive({ language: 'de-DE', viewport: PHONE, colorScheme: 'dark' })
    await begin('none', { ui_locales: 'de' })
    await page.locator('[data-factor=passkey]').click()
    // A browser says this when the person closes its window, and when there is nothing that could make a passkey.
    await page.evaluate(
      `navigator.credentials.create = () => Promise.reject(new DOMException('', 'NotAllowedError'))`,
    )
    await press()
    expect(await problem()).to.equal('cancelled')
    expect(await page.evaluate('document.documentElement.scrollWidth')).to.be.at.most(PHONE.width)
    expect(await axeFindings(page)).to.deep.equal([])
    await screenshots(page, 'passkey-enrol-cancelled-de')
    await page.locator('[data-other-way]').click()
    await at('mfa-choose')
    await page.locator('[data-factor=totp]').click()
    await at('totp-enrol')
  })

  async function isWithoutButtons(): Promise<void> {
    expect(await form().locator('button').isVisible()).to.equal(false)
    expect(await page.locator('[data-another-device]').isVisible()).to.equal(false)
  }
})
