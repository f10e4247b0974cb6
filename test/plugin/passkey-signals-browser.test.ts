import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import type { Browser } from 'playwright-core'
import { launchBrowser } from '../support/browser.ts'
import { authorizeUrl, PASSWORD } from './host.ts'
import { startPasskeyHost, type PasskeyHost } from './passkey-host.ts'
import { PLATFORM, visit, type Kept } from './passkey-visitor.ts'
import { enrolledPerson, nextCode, type Person } from './sign-in.ts'

const SIGNALS = [
  'signalAllAcceptedCredentials',
  'signalCurrentUserDetails',
  'signalUnknownCredential',
]

describe('the signals of passkeys in Chromium', function () {
  this.timeout(90_000)
  let browser: Browser
  let site: PasskeyHost
  before(async function () {
    browser = await launchBrowser(this)
    site = await startPasskeyHost({ account: true })
  })
  after(async () => {
    await site?.host.close()
    await browser?.close()
  })

  /** A browser whose signals are kept in `window.signalled`; each answer fails where `refuses`. */
  async function spiedOn(refuses = false) {
    const visitor = await visit(browser)
    const { page } = visitor
    await page.addInitScript(`
      window.signalled = []
      for (const name of ${JSON.stringify(SIGNALS)})
        PublicKeyCredential[name] = async (given) => {
          window.signalled.push([name, given])
          if (${refuses}) throw new TypeError('refused')
        }
      // The button asks for a passkey, and no autofill does.
      PublicKeyCredential.isConditionalMediationAvailable = async () => false
    `)
    const signalled = async (count: number) => {
      await page.waitForFunction(`window.signalled.length >= ${count}`)
      return page.evaluate<[string, object][]>('window.signalled')
    }
    const at = (name: string) => page.locator(`body[data-page=${name}]`).waitFor()
    return { ...visitor, signalled, at }
  }
  type Spied = Awaited<ReturnType<typeof spiedOn>>

  /** Signs in to the account page with password and code. */
  async function openAccount({ page, at }: Spied, person: Person): Promise<void> {
    await page.goto(`${site.host.issuer}/account`)
    await page.locator('input[name=username]').fill(person.username)
    await page.locator('input[name=password]').fill(PASSWORD)
    await page.locator('form button').first().click()
    await enterCode({ page, at }, person)
    await at('account')
  }
  async function enterCode({ page, at }: Pick<Spied, 'page' | 'at'>, person: Person) {
    await at('totp-verify')
    await page.locator('input[name=code]').fill(nextCode(site.host, person))
    await page.locator('form button').first().click()
  }

  it('tell the browser which passkeys are left and how the account is called, and none after the last one', async () => {
    const person = await enrolledPerson(site.host, 'vera')
    const spied = await spiedOn()
    const { context, page, complaints, signalled, at } = spied
    await openAccount(spied, person)
    const device = await spied.plugIn(PLATFORM)
    expect(await page.locator('script[data-page-data]').count()).to.equal(0)
    await page.locator("button[name=change][value='add:passkey']").click()
    await enterCode(spied, person)
    await at('passkey-enrol')
    await page.locator('form[data-passkey] button').click()
    await at('account')
    const [kept] = await spied.keptIn(device)
    const userId = base64url(kept?.userHandle)
    const name = 'vera'
    expect(await signalled(2)).to.deep.equal([
      [
        'signalAllAcceptedCredentials',
        { rpId: 'localhost', userId, allAcceptedCredentialIds: [base64url(kept?.credentialId)] },
      ],
      ['signalCurrentUserDetails', { rpId: 'localhost', userId, name, displayName: name }],
    ])

    const row = page.locator('li:has([data-do=remove])').filter({ hasText: 'passkey' })
    await row.locator('[data-do=remove]').click()
    await at('passkey-verify')
    await page.locator('form[data-passkey] button').click()
    await at('factor-remove')
    await page.locator('form button').first().click()
    await at('account')
    expect(await signalled(1)).to.deep.equal([
      ['signalAllAcceptedCredentials', { rpId: 'localhost', userId, allAcceptedCredentialIds: [] }],
    ])
    expect(complaints).to.deep.equal([])
    await context.close()
  })

  it('tell it of a passkey that no account has, on the page that refuses it', async () => {
    const { context, page, signalled, at, plugIn, keep } = await spiedOn()
    const stray = strayPasskey()
    await keep(await plugIn(PLATFORM), stray)
    await page.goto(authorizeUrl(site.host).href)
    await page.locator('form[data-passkey-sign-in] button').click()
    await at('sign-in-refused')
    expect(await signalled(1)).to.deep.equal([
      [
        'signalUnknownCredential',
        { rpId: 'localhost', credentialId: base64url(stray.credentialId) },
      ],
    ])
    await context.close()
  })

  it('tell it nothing on that page of a passkey that an account has', async () => {
    const { context, page, at, plugIn } = await spiedOn()
    await plugIn(PLATFORM)
    await page.goto(authorizeUrl(site.host).href)
    await page.locator('input[name=username]').fill('dora')
    await page.locator('input[name=password]').fill(PASSWORD)
    await page.locator('form button').first().click()
    await page.locator('[data-factor=passkey]').click()
    await page.locator('form[data-passkey] button').click()
    await at('backup-codes')
    site.disabled.add('dora')
    await context.clearCookies()
    await page.goto(authorizeUrl(site.host).href)
    await page.locator('form[data-passkey-sign-in] button').click()
    await at('sign-in-refused')
    expect(await page.locator('[data-passkey-unknown]').count()).to.equal(0)
    expect(await page.evaluate('window.signalled')).to.deep.equal([])
    await context.close()
  })

  it('stop nothing where the browser refuses them', async () => {
    const script = readFileSync('views/factors/passkey/sign-in.js', 'utf8')
    for (const [unknown, expected] of [
      ['data-passkey-unknown="AQID"', 1],
      ['', 0],
    ] as const) {
      const { context, page, complaints, signalled } = await spiedOn(true)
      const options = JSON.stringify({ challenge: 'AAAA', rpId: 'localhost', timeout: 300_000 })
      const body = `<form data-passkey-sign-in ${unknown} data-passkey-options='${options}'>
        <input type="hidden" name="credential"><p role="alert"></p>
        <div data-passkey-status></div><button></button></form><script>${script}</script>`
      await page.route('**/refused', (route) => route.fulfill({ contentType: 'text/html', body }))
      await page.goto(`${site.host.issuer}/refused`)
      expect(await signalled(expected)).to.deep.equal(
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

/** A passkey of this site that a browser has and no account. */
function strayPasskey(): Kept {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return {
    credentialId: randomBytes(32).toString('base64'),
    isResidentCredential: true,
    rpId: 'localhost',
    privateKey: privateKey.export({ type: 'pkcs8', format: 'der' }).toString('base64'),
    userHandle: randomBytes(32).toString('base64'),
    signCount: 1,
  }
}

function base64url(base64 = ''): string {
  return Buffer.from(base64, 'base64').toString('base64url')
}
