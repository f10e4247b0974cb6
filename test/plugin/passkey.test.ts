import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect } from 'chai'
import type { Browser, Page } from 'playwright-core'
import { passkeys } from '../../src/factors/passkey/index.ts'
import { backupCodes, totp } from '../../src/index.ts'
import { launchBrowser, pageName, screenshots } from '../support/browser.ts'
import { authorizeUrl, CLIENT, PASSWORD, redeem, startHost, type Host } from './host.ts'
import { PLATFORM, SECURITY_KEY, visit } from './passkey-visitor.ts'

describe('a passkey in Chromium', function () {
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
      configuration: { clients: [{ ...CLIENT, redirect_uris: [redirectUri] }] },
    })
  })
  after(async () => {
    await host?.close()
    await browser?.close()
    relyingParty?.close()
  })

  const person = (javaScript = true) => visit(browser, { javaScript })

  async function begin(page: Page, username: string, ui_locales = 'en'): Promise<void> {
    await page.goto(authorizeUrl(host, { ui_locales, redirect_uri: redirectUri }).href)
    await page.locator('input[name=username]').fill(username)
    await page.locator('input[name=password]').fill(PASSWORD)
    await page.locator('form button').click()
  }

  const press = (page: Page) => page.locator('form[data-passkey] button').click()

  /** Chooses the passkey, creates it and confirms the backup codes; returns the claims of the sign-in. */
  async function enrol(page: Page): Promise<Record<string, unknown>> {
    expect(await pageName(page)).to.equal('mfa-choose')
    await page.locator('[data-factor=passkey]').click()
    expect(await pageName(page)).to.equal('passkey-enrol')
    await press(page)
    await page.waitForURL('**/backup-codes')
    await page.locator('input[name=saved]').check()
    await page.locator('form button').first().click()
    return claims(page)
  }

  async function claims(page: Page): Promise<Record<string, unknown>> {
    await page.waitForURL(`${redirectUri}?**`)
    const { searchParams } = new URL(page.url())
    return (await redeem(host, searchParams, 'app', redirectUri)).claims
  }

  it('is a first factor with backup codes, and the second factor of the next sign-in', async () => {
    const { context, page, complaints, plugIn } = await person()
    await plugIn(PLATFORM)
    await begin(page, 'mira')
    expect((await enrol(page)).amr).to.deep.equal(['pwd', 'hwk', 'user', 'mfa'])
    await context.clearCookies()

    await begin(page, 'mira')
    expect(await pageName(page)).to.equal('passkey-verify')
    await screenshots(page, 'passkey-verify')
    await press(page)
    const { amr, acr } = await claims(page)
    expect({ amr, acr }).to.deep.equal({ amr: ['pwd', 'hwk', 'user', 'mfa'], acr: 'phr' })
    expect(complaints).to.deep.equal([])
    await context.close()
  })

  it('is a security key that verifies nobody, beside a password', async () => {
    const { context, page, plugIn } = await person()
    await plugIn(SECURITY_KEY)
    await begin(page, 'nora')
    await enrol(page)
    await context.clearCookies()
    await begin(page, 'nora')
    await press(page)
    expect((await claims(page)).acr).to.equal('phr')
    await context.close()
  })

  it('says why the browser gave none, and stays on the page', async () => {
    const { context, page, plugIn, unplug } = await person()
    const key = await plugIn(PLATFORM)
    await begin(page, 'olga')
    await page.locator('[data-factor=passkey]').click()
    await screenshots(page, 'passkey-enrol')
    await press(page)
    await page.waitForURL('**/backup-codes')
    await page.locator('input[name=saved]').check()
    await page.locator('form button').first().click()
    await claims(page)
    await context.clearCookies()
    await unplug(key)

    // Another device: it has none of the passkeys.
    await plugIn(PLATFORM)
    await begin(page, 'olga')
    await press(page)
    const problem = page.locator('[data-passkey-problem]')
    await problem.waitFor()
    expect(await problem.getAttribute('data-passkey-problem')).to.equal('cancelled')
    expect(await page.locator('[data-other-way]').isVisible()).to.equal(true)
    await screenshots(page, 'passkey-verify-cancelled')
    await context.close()
  })

  it('is refused with another answer, and the page has fresh options', async () => {
    const { context, page, plugIn } = await person()
    await plugIn(PLATFORM)
    await begin(page, 'rosa')
    await enrol(page)
    await context.clearCookies()
    await begin(page, 'rosa')
    const options = () => page.locator('form[data-passkey]').getAttribute('data-passkey-options')
    const before = await options()
    await page.evaluate(
      `document.querySelector('form[data-passkey]').dataset.passkeyOptions = JSON.stringify({
        ...JSON.parse(document.querySelector('form[data-passkey]').dataset.passkeyOptions),
        challenge: 'AAAAAAAAAAAAAAAAAAAAAA',
      })`,
    )
    await press(page)
    await page.locator('[role=alert]').waitFor()
    expect(await pageName(page)).to.equal('passkey-verify')
    expect(JSON.parse((await options())!)).not.to.deep.equal(JSON.parse(before!))
    await screenshots(page, 'passkey-verify-refused')
    await press(page)
    expect((await claims(page)).acr).to.equal('phr')
    await context.close()
  })

  it('says without JavaScript that it needs it, and leads to another way', async () => {
    const { context, page } = await person(false)
    await begin(page, 'pia', 'de')
    await page.locator('[data-factor=passkey]').click()
    expect(await pageName(page)).to.equal('passkey-enrol')
    expect(await page.locator('noscript').textContent()).to.include('JavaScript')
    expect(await page.locator('form[data-passkey] button').isVisible()).to.equal(false)
    await screenshots(page, 'passkey-enrol-without-script')
    await page.locator('[data-other-way]').click()
    expect(await pageName(page)).to.equal('mfa-choose')
    await context.close()
  })
})
