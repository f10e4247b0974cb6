import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect } from 'chai'
import type { Browser, Page } from 'playwright-core'
import { passwordHasher } from '../../src/adapters/crypto/index.ts'
import { softKey } from '../../src/testing/factors.ts'
import { describeFactor, type Seen } from '../../src/testing/index.ts'
import { seededRandom } from '../factors/seeded-random.ts'
import { launchBrowser, newPerson, pageName } from '../support/browser.ts'
import { browserKey } from './browser-key-factor.ts'
import { authorizeUrl, CLIENT, PASSWORD, redeem, startHost, type Host } from './host.ts'

describeFactor('a factor with a script', {
  factor: browserKey(),
  random: seededRandom('browser-key'),
  hasher: passwordHasher({ memoryKib: 8, iterations: 1 }),
  holder() {
    const key = softKey()
    const answer = ({ page }: Seen) => ({ credential: key.answer(String(page.challenge)) })
    return { confirm: answer, respond: answer }
  },
  variations: () => [],
  wrong: { credential: softKey().answer('another challenge') },
  unreadable: [{ credential: '{' }],
})

describe('a factor with a script and a style sheet of its own, in Chromium', function () {
  this.timeout(60_000)
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
      mfa: { factors: [browserKey()] },
      configuration: { clients: [{ ...CLIENT, redirect_uris: [redirectUri] }] },
    })
  })
  after(async () => {
    await host?.close()
    await browser?.close()
    relyingParty?.close()
  })

  /** A person's browser and its console errors; above all, reports of scripts or styles that the CSP blocked. */
  async function person(javaScript = true) {
    const { context, page } = await newPerson(browser, { javaScript })
    const complaints: string[] = []
    page.on('console', (message) => {
      // The host's own pages in this test name no icon, so the browser asks for /favicon.ico and gets an error.
      if (message.type() === 'error' && !message.location().url.endsWith('/favicon.ico'))
        complaints.push(message.text())
    })
    page.on('pageerror', (error) => complaints.push(error.message))
    return { context, page, complaints }
  }

  /** Signs in with the password and goes to the factor's own page. */
  async function begin(page: Page, username: string, ui_locales = 'en'): Promise<void> {
    await page.goto(authorizeUrl(host, { ui_locales, redirect_uri: redirectUri }).href)
    await page.locator('input[name=username]').fill(username)
    await page.locator('input[name=password]').fill(PASSWORD)
    await page.locator('form button').click()
  }

  async function goOn(page: Page): Promise<Record<string, unknown>> {
    await page.locator('form.browser-key button').click()
    await page.waitForURL(`${redirectUri}?**`)
    const { searchParams } = new URL(page.url())
    const { claims } = await redeem(host, searchParams, 'app', redirectUri)
    return claims
  }

  it('is set up and signs in under the content security policy', async () => {
    const { context, page, complaints } = await person()
    await begin(page, 'mira')
    expect(await pageName(page)).to.equal('browser-key-enrol')
    await goOn(page)
    await context.clearCookies()

    await begin(page, 'mira')
    expect(await pageName(page)).to.equal('browser-key-verify')
    const outline = await page.evaluate<string>(
      "getComputedStyle(document.querySelector('form.browser-key')).outlineColor",
    )
    expect(outline).to.equal('rgb(15, 118, 110)')
    expect((await goOn(page)).amr).to.deep.equal(['pwd', 'swk', 'mfa'])
    expect(complaints).to.deep.equal([])
    await context.close()
  })

  it('is loaded by its own pages alone, by a name with a hash, to be kept for a year', async () => {
    const { context, page } = await person()
    const loaded: { url: string; cache: string; policy: string }[] = []
    page.on('response', (response) => {
      const { 'cache-control': cache = '', 'content-security-policy': policy = '' } =
        response.headers()
      loaded.push({ url: response.url(), cache, policy })
    })
    const assets = () => loaded.filter(({ url }) => url.includes('/assets/factor-'))
    await page.goto(authorizeUrl(host, { redirect_uri: redirectUri }).href)
    await page.locator('input[name=username]').fill('nora')
    await page.locator('input[name=password]').fill(PASSWORD)
    expect(assets()).to.deep.equal([])

    await page.locator('form button').click()
    expect(await pageName(page)).to.equal('browser-key-enrol')
    await page.locator('form.browser-key button').waitFor()
    expect(
      assets().map(({ url }) => new URL(url).pathname.replace(/[0-9a-f]{16}/, 'HASH')),
    ).to.have.members([
      '/mfa/assets/factor-browser-key.HASH.js',
      '/mfa/assets/factor-browser-key.HASH.css',
    ])
    for (const { cache } of assets()) expect(cache).to.equal('public, max-age=31536000, immutable')
    const shown = loaded.find(({ url }) => url === page.url())
    expect(shown?.policy).to.include("script-src 'self';").and.include("style-src 'self';")
    await context.close()
  })

  it('speaks German from its own catalogue', async () => {
    const { context, page } = await person()
    await begin(page, 'olga', 'de')
    expect(await page.locator('html').getAttribute('lang')).to.equal('de')
    expect(await page.locator('h1').textContent()).to.equal('Diesen Browser einrichten')
    await context.close()
  })

  it('says without JavaScript that it needs it, and shows no button that does nothing', async () => {
    const { context, page } = await person(false)
    await begin(page, 'pia')
    expect(await page.locator('noscript').textContent()).to.equal('This needs JavaScript.')
    expect(await page.locator('form.browser-key button').isVisible()).to.equal(false)
    await context.close()
  })
})
