import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import type { Browser } from 'playwright-core'
import type { Core } from '../../interactions/core.ts'
import { scriptsFor } from '../../src/account/beside.ts'
import { passkeys } from '../../src/factors/passkey/index.ts'
import { backupCodes, totp } from '../../src/index.ts'
import { owner } from '../application/person.ts'
import { load, world } from '../application/world.ts'
import { SoftAuthenticator } from '../support/authenticator.ts'
import { launchBrowser, newPerson } from '../support/browser.ts'
import { HttpClient, type Page } from '../support/http-client.ts'
import { optionsOf } from '../support/passkey-options.ts'
import { follow, PASSWORD, showPassword, startHost, type Host } from './host.ts'
import { enrolledPerson, nextCode } from './sign-in.ts'

interface Data {
  readonly rpId: string
  readonly name: string
  readonly users: readonly { readonly userId: string; readonly ids: readonly string[] }[]
}

const startPasskeyHost = (): Promise<Host> =>
  startHost({
    hostname: 'localhost',
    mfa: { account: true, factors: [passkeys(), totp(), backupCodes()] },
  })

describe('the passkeys that the account page names to the browser', () => {
  let host: Host
  beforeEach(async () => (host = await startPasskeyHost()))
  afterEach(async () => host.close())

  /** Sets up an app, and after the next sign-in the passkey that is offered. */
  async function withPasskey(username: string) {
    const person = await enrolledPerson(host, username)
    const browser = new HttpClient()
    const verify = await showPassword(host, browser, username)
    const form = { code: nextCode(host, person), offer: 'passkey' }
    const offer = await follow(host, browser, await browser.submit(verify, form))
    const setUp = await follow(host, browser, await browser.submit(offer, { answer: 'set-up' }))
    const device = new SoftAuthenticator({ origin: host.issuer })
    const options = optionsOf(setUp)
    const credential = device.create(options)
    await follow(host, browser, await browser.submit(setUp, { credential }))
    const { user } = JSON.parse(options) as { user: { id: string } }
    return { browser, person, id: device.credentialId, userId: user.id }
  }
  const account = async (browser: HttpClient): Promise<Page> =>
    browser.visit(`${host.issuer}/account`)
  const dataOn = (page: Page): Data[] =>
    page.tags('script[data-page-data]').map((tag) => JSON.parse(tag['data-page-data']!) as Data)

  it('are the person’s own, with the name of the account', async () => {
    const mira = await withPasskey('mira')
    const theo = await withPasskey('theo')
    for (const [name, { browser, id, userId }] of Object.entries({ mira, theo })) {
      const page = await account(browser)
      expect(page.name).to.equal('account')
      expect(dataOn(page)).to.deep.equal([
        { rpId: 'localhost', name: `${name}@example.com`, users: [{ userId, ids: [id] }] },
      ])
    }
  })

  it('are on no page before the second factor, and not of a person without one', async () => {
    await withPasskey('mira')
    const browser = new HttpClient()
    const page = await showPassword(host, browser, 'mira')
    expect(dataOn(page)).to.deep.equal([])
    const without = await enrolledPerson(host, 'una')
    expect(dataOn(await account(without.browser))).to.deep.equal([])
  })

  it('are not given to a session in which no factor was proved', async () => {
    const of = world({ listed: [dataFactor(), backupCodes()] })
    await owner(of)
    const core = {
      deps: of.deps,
      provider: { issuer: 'https://id.example.com' },
      record: async () => load(of, 'mira'),
    } as unknown as Core
    const visit = { accountId: 'mira', name: 'Mira' }
    expect(await scriptsFor(core, visit)).to.deep.equal([])
    expect(await scriptsFor(core, { ...visit, provedAt: of.clock.now() })).to.deep.equal([
      { factor: 'totp', data: { count: 1, label: 'Mira', issuer: 'https://id.example.com' } },
    ])
  })
  /** A factor of one line that gives values to its script. */
  const dataFactor = () => ({
    ...totp(),
    pageData: (
      states: readonly unknown[],
      { label, issuer }: { label: string; issuer: string },
    ) => ({
      count: states.length,
      label,
      issuer,
    }),
  })
})

describe('the signals of passkeys in Chromium', function () {
  this.timeout(90_000)
  let browser: Browser
  let host: Host
  before(async function () {
    browser = await launchBrowser(this)
    host = await startPasskeyHost()
  })
  after(async () => {
    await host?.close()
    await browser?.close()
  })

  /** A browser whose signals are kept in `window.signalled`; each answer fails where `refuses`. */
  async function spiedOn(refuses: boolean) {
    const { context, page } = await newPerson(browser)
    const complaints: string[] = []
    page.on('pageerror', (error) => complaints.push(error.message))
    await page.addInitScript(`
      window.signalled = []
      for (const name of ${JSON.stringify(SIGNALS)})
        PublicKeyCredential[name] = async (given) => {
          window.signalled.push([name, given])
          if (${refuses}) throw new TypeError('refused')
        }
    `)
    const signalled = async () => page.evaluate<[string, object][]>('window.signalled')
    return { context, page, complaints, signalled }
  }

  it('tell the browser which passkeys are left and how the account is called', async () => {
    const { context, page, complaints, signalled } = await spiedOn(false)
    const cdp = await context.newCDPSession(page)
    await cdp.send('WebAuthn.enable')
    const { authenticatorId } = await cdp.send('WebAuthn.addVirtualAuthenticator', {
      options: {
        protocol: 'ctap2',
        transport: 'internal',
        hasResidentKey: true,
        hasUserVerification: true,
        isUserVerified: true,
        automaticPresenceSimulation: true,
      },
    })
    await page.goto(`${host.issuer}/account`)
    await page.locator('input[name=username]').fill('vera')
    await page.locator('input[name=password]').fill(PASSWORD)
    await page.locator('form button').click()
    await page.locator('[data-factor=passkey]').click()
    await page.locator('form[data-passkey] button').click()
    await page.waitForURL('**/backup-codes')
    await page.locator('input[name=saved]').check()
    await page.locator('form button').first().click()
    await page.waitForURL('**/account')
    await page.waitForFunction('window.signalled.length === 2')
    const { credentials } = await cdp.send('WebAuthn.getCredentials', { authenticatorId })
    const [kept] = credentials
    const userId = base64url(kept?.userHandle)
    const name = 'vera@example.com'
    expect(await signalled()).to.deep.equal([
      [
        'signalAllAcceptedCredentials',
        { rpId: 'localhost', userId, allAcceptedCredentialIds: [base64url(kept?.credentialId)] },
      ],
      ['signalCurrentUserDetails', { rpId: 'localhost', userId, name, displayName: name }],
    ])
    expect(complaints).to.deep.equal([])
    await context.close()
  })

  it('tell it of a refused passkey that no account has, and of no other one', async () => {
    const script = readFileSync('views/factors/passkey/sign-in.js', 'utf8')
    for (const [refuses, unknown, expected] of [
      [false, 'data-passkey-unknown="AQID"', 1],
      [true, 'data-passkey-unknown="AQID"', 1],
      [false, '', 0],
    ] as const) {
      const { context, page, complaints, signalled } = await spiedOn(refuses)
      const options = JSON.stringify({ challenge: 'AAAA', rpId: 'localhost', timeout: 300_000 })
      const body = `<form data-passkey-sign-in ${unknown} data-passkey-options='${options}'>
        <input type="hidden" name="credential"><p role="alert"></p>
        <div data-passkey-status></div><button></button></form><script>${script}</script>`
      await page.route('**/refused', (route) => route.fulfill({ contentType: 'text/html', body }))
      await page.goto(`${host.issuer}/refused`)
      expect(await signalled()).to.deep.equal(
        [['signalUnknownCredential', { rpId: 'localhost', credentialId: 'AQID' }]].slice(
          0,
          expected,
        ),
      )
      expect(complaints).to.deep.equal([])
      await context.close()
    }
  })
})

const SIGNALS = [
  'signalAllAcceptedCredentials',
  'signalCurrentUserDetails',
  'signalUnknownCredential',
]

function base64url(base64 = ''): string {
  return Buffer.from(base64, 'base64').toString('base64url')
}
