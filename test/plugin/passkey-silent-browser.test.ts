import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect } from 'chai'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { passkeys } from '../../src/factors/passkey/index.ts'
import { backupCodes, totp } from '../../src/index.ts'
import { SoftAuthenticator } from '../support/authenticator.ts'
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
import { PLATFORM } from './passkey-visitor.ts'
import { enrolledPerson, nextCode, type Person } from './sign-in.ts'

/**
 * Chromium says that it can create a passkey without asking (`conditionalCreate`), but it makes none without a password
 * manager. The tests put a software authenticator behind that one call; `window.answerSilently` answers it, and
 * `window.tellUnknown` gets the signal about a credential that the server does not know.
 */
const STUB = `{
  const real = navigator.credentials.create.bind(navigator.credentials)
  const text = (buffer) => new Uint8Array(buffer).toBase64({ alphabet: 'base64url', omitPadding: true })
  const bytes = (value) => Uint8Array.fromBase64(value, { alphabet: 'base64url' }).buffer
  PublicKeyCredential.signalUnknownCredential = (unknown) => window.tellUnknown(unknown)
  navigator.credentials.create = async (asked) => {
    if (asked.mediation !== 'conditional') return real(asked)
    const { challenge, rp, user } = asked.publicKey
    const options = { challenge: text(challenge), rp, user: { id: text(user.id) } }
    const answer = await window.answerSilently(JSON.stringify(options))
    if (answer === '') throw new DOMException('no password is saved', 'NotAllowedError')
    const made = JSON.parse(answer)
    const { clientDataJSON, attestationObject } = made.response
    const response = {
      clientDataJSON: bytes(clientDataJSON),
      attestationObject: bytes(attestationObject),
      getTransports: () => ['internal', 'hybrid'],
    }
    return { ...made, rawId: bytes(made.rawId), response }
  }
}`

describe('a passkey that Chromium makes without asking', function () {
  this.timeout(90_000)
  let browser: Browser
  let host: Host
  let relyingParty: Server
  let redirectUri: string
  let tellUnknown: (credential: object) => void = () => undefined

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

  /** A new browser of a person. `answer`: what its store of passwords does; the empty text: it makes no passkey. */
  async function open(
    answer?: (options: string) => string | Promise<string>,
    options: PersonOptions = {},
  ): Promise<{ context: BrowserContext; page: Page }> {
    const { context, page } = await newPerson(browser, options)
    const cdp = await context.newCDPSession(page)
    await cdp.send('WebAuthn.enable')
    await cdp.send('WebAuthn.addVirtualAuthenticator', { options: PLATFORM })
    if (answer !== undefined) {
      await page.exposeFunction('answerSilently', answer)
      await page.exposeFunction('tellUnknown', (credential: object) => tellUnknown(credential))
      await page.addInitScript(STUB)
    }
    return { context, page }
  }
  const device = (): SoftAuthenticator =>
    new SoftAuthenticator({ origin: host.issuer, transports: ['internal'], backupEligible: true })
  /** Signs in with password and code. */
  async function signIn(page: Page, person: Person, ui_locales = 'en'): Promise<void> {
    const asked = { client_id: 'page', redirect_uri: redirectUri, ui_locales }
    await page.goto(authorizeUrl(host, asked).href)
    await page.locator('input[name=username]').fill(person.username)
    await page.locator('input[name=password]').fill(PASSWORD)
    await page.locator('form button').click()
    await page.locator('input[name=offer]').waitFor({ state: 'attached' })
    await page.locator('input[name=code]').fill(nextCode(host, person))
    await page.locator('form button').first().click()
    await page.waitForURL('**/offer/passkey')
  }
  async function claims(page: Page): Promise<Record<string, unknown>> {
    await page.waitForURL(`${redirectUri}?**`)
    return (await redeem(host, new URL(page.url()).searchParams, 'page', redirectUri)).claims
  }
  const passkeysOf = async (username: string): Promise<number> => {
    const { factors } = await host.mfa.accounts.status(username)
    return factors.filter(({ factor }) => factor === 'passkey').length
  }

  it('is told on a page of its own, in English and German and at 320 px', async () => {
    for (const [username, locale, viewport] of [
      ['dora', 'en', undefined],
      ['emil', 'de', PHONE],
    ] as const) {
      const person = await enrolledPerson(host, username)
      const key = device()
      const { context, page } = await open(
        (options) => key.create(options, { userPresent: false, userVerified: false }),
        viewport === undefined ? {} : { viewport },
      )
      await signIn(page, person, locale)
      await page.locator('form[data-passkey-made]').waitFor()
      expect(await pageName(page)).to.equal('passkey-offer')
      await screenshots(page, `passkey-made-${locale}`)
      expect(await axeFindings(page)).to.deep.equal([])
      const width = await page.evaluate<number>('document.documentElement.scrollWidth')
      expect(width).to.be.at.most(page.viewportSize()!.width)
      expect(await passkeysOf(username)).to.equal(1)
      await page.locator('form[data-passkey-made] button').click()
      expect((await claims(page)).amr).to.deep.equal(['pwd', 'otp', 'mfa'])
      await context.close()
    }
  })

  it('leaves the page as it is where the browser makes none', async () => {
    const person = await enrolledPerson(host, 'fred')
    const asked = Promise.withResolvers<void>()
    const { context, page } = await open(() => {
      asked.resolve()
      return ''
    })
    await signIn(page, person)
    await asked.promise
    expect(await page.locator('form[data-passkey-silent]').isVisible()).to.equal(false)
    await page.locator('button[value=set-up]').click()
    await page.waitForURL('**/enrol/passkey')
    await page.locator('form[data-passkey] button').click()
    expect((await claims(page)).amr).to.deep.equal(['pwd', 'otp', 'hwk', 'user', 'mfa'])
    await context.close()
  })

  it('is not waited for: a pressed button leads on, and nothing is bound', async () => {
    const person = await enrolledPerson(host, 'gina')
    // Chromium's own call, which waits.
    const { context, page } = await open()
    await signIn(page, person)
    await page.getByRole('button', { name: 'Not now' }).click()
    expect((await claims(page)).amr).to.deep.equal(['pwd', 'otp', 'mfa'])
    expect(await passkeysOf('gina')).to.equal(0)
    await context.close()
  })

  it('is forgotten by the browser if a button was pressed before it was made', async () => {
    const person = await enrolledPerson(host, 'hans')
    const key = device()
    const [asked, pressed] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const { context, page } = await open(async (options) => {
      asked.resolve()
      await pressed.promise
      return key.create(options, { userPresent: false })
    })
    await signIn(page, person)
    await asked.promise
    // The page stays, so that it can be looked at after the press.
    await page.evaluate(`addEventListener('submit', (event) => event.preventDefault())`)
    const told = new Promise((done) => (tellUnknown = done))
    await page.getByRole('button', { name: 'Not now' }).click()
    pressed.resolve()
    const credential = { rpId: 'localhost', credentialId: key.credentialId }
    expect(await told).to.deep.equal(credential)
    expect(await page.locator('form[data-passkey-silent] [name=credential]').inputValue()).to.equal(
      '',
    )
    expect(await passkeysOf('hans')).to.equal(0)
    await context.close()
  })
})
