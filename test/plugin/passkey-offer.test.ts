import { expect } from 'chai'
import { DAY_SECONDS } from '../../src/domain/time.ts'
import { passkeys } from '../../src/factors/passkey/index.ts'
import { backupCodes, totp } from '../../src/index.ts'
import { SoftAuthenticator } from '../support/authenticator.ts'
import { HttpClient, type Page } from '../support/http-client.ts'
import { optionsOf } from '../support/passkey-options.ts'
import { callbackOf, follow, redeem, showPassword, startHost, type Host } from './host.ts'
import { enrolledPerson, nextCode, type Person } from './sign-in.ts'

/** The hidden field that the script of a verify page adds on a device that can have a passkey. */
const ABLE = { offer: 'passkey' }
/** The form that leads back to the app. */
const CANCEL = { form: 'form:has([data-refuse])' }

describe('the offer of a passkey after a sign-in', () => {
  let host: Host
  let mira: Person
  beforeEach(async () => {
    host = await startHost({
      hostname: 'localhost',
      mfa: {
        factors: [passkeys(), totp(), backupCodes()],
        manage: { clients: ['app'] },
      },
    })
    mira = await enrolledPerson(host)
  })
  afterEach(async () => host.close())

  async function signIn(
    fields: Record<string, string> = ABLE,
    parameters: Record<string, string> = {},
    browser = new HttpClient(),
  ): Promise<{ browser: HttpClient; page: Page }> {
    const verify = await showPassword(host, browser, 'mira', parameters)
    const form = { code: nextCode(host, mira), ...fields }
    const answered = await browser.submit(verify, form)
    return { browser, page: await follow(host, browser, answered) }
  }
  const claimsOf = async (page: Page) => (await redeem(host, callbackOf(page))).claims
  const scriptsOf = (page: Page) => page.all('script[data-offer]').length
  /** The address of another page of the same interaction. */
  const beside = (page: Page, path: string): URL =>
    new URL(page.form().action.replace(/\/verify\/.*$/, path), page.url)
  const offered = async (): Promise<boolean> => {
    const { page } = await signIn()
    return page.name === 'passkey-offer'
  }

  it('comes where the device can have one, and “Not now” goes on to the app', async () => {
    const { browser, page } = await signIn()
    expect(page.name).to.equal('passkey-offer')
    const done = await follow(host, browser, await browser.submit(page, { answer: 'not-now' }))
    expect((await claimsOf(done)).amr).to.deep.equal(['pwd', 'otp', 'mfa'])
  })

  it('does not come without the word of the device, and no page changes', async () => {
    const { page } = await signIn({})
    expect((await claimsOf(page)).sub).to.equal('mira')
    expect((await signIn({ offer: 'totp' })).page.name).to.not.equal('passkey-offer')
  })

  it('stays away for 30 days after “Not now”, and for good after “Don’t ask again”', async () => {
    const first = await signIn()
    await first.browser.submit(first.page, { answer: 'not-now' })
    host.clock.at += 29 * DAY_SECONDS
    expect(await offered()).to.equal(false)
    host.clock.at += DAY_SECONDS
    const second = await signIn()
    expect(second.page.name).to.equal('passkey-offer')
    await second.browser.submit(second.page, { answer: 'never' })
    host.clock.at += 400 * DAY_SECONDS
    expect(await offered()).to.equal(false)
  })

  it('comes again if the person has answered nothing', async () => {
    expect(await offered()).to.equal(true)
    expect(await offered()).to.equal(true)
  })

  async function accept() {
    const { browser, page } = await signIn()
    const setUp = await follow(host, browser, await browser.submit(page, { answer: 'set-up' }))
    expect(setUp.name).to.equal('passkey-enrol')
    return { browser, setUp }
  }
  const create = (setUp: Page): string => {
    const device = new SoftAuthenticator({ origin: host.issuer })
    return device.create(optionsOf(setUp))
  }

  it('R26 sets one up in the same sign-in, which then has both proofs', async () => {
    const { browser, setUp } = await accept()
    const answered = await browser.submit(setUp, { credential: create(setUp) })
    const claims = await claimsOf(await follow(host, browser, answered))
    expect(claims.amr).to.have.members(['pwd', 'otp', 'hwk', 'user', 'mfa'])
    expect(claims.acr).to.equal('phr')
    await host.mfa.settled()
    const started = host.events.findLast(({ type }) => type === 'enrolment-started')
    expect(started?.detail.reason).to.equal('fresh-factor')
    host.clock.at += 60 * DAY_SECONDS
    const verify = await showPassword(host, new HttpClient(), 'mira')
    expect(verify.name).to.equal('passkey-verify')
    expect(scriptsOf(verify)).to.equal(0)
  })

  it('goes on to the app with a set-up that was cancelled, which counts as “Not now”', async () => {
    const { browser, setUp } = await accept()
    const cancelled = await browser.submit(setUp, {}, CANCEL)
    expect((await claimsOf(await follow(host, browser, cancelled))).amr).to.include('otp')
    expect(await offered()).to.equal(false)
  })

  it('leads to nothing but the code again where the set-up has taken too long', async () => {
    const { browser, setUp } = await accept()
    host.clock.at += 11 * 60
    const again = await follow(host, browser, await browser.submit(setUp, {}, CANCEL))
    expect(again.name).to.equal('totp-verify')
    const done = await browser.submit(again, { code: nextCode(host, mira) })
    expect((await claimsOf(await follow(host, browser, done))).amr).to.include('otp')
  })

  it('R38 leads to the same set-up after a double tap, and back to it from the offer', async () => {
    const { browser, page } = await signIn()
    const taps = await Promise.all([1, 2].map(() => browser.submit(page, { answer: 'set-up' })))
    taps.push(await browser.submit(page, { answer: 'set-up' }), await browser.get(page.url))
    for (const tap of taps) expect(tap.location?.pathname).to.match(/\/enrol\/passkey$/)
    const setUp = await follow(host, browser, taps[0]!)
    const done = await browser.submit(setUp, { credential: create(setUp) })
    expect((await claimsOf(await follow(host, browser, done))).amr).to.include('hwk')
  })

  it('goes on to the app where the person goes back from the set-up to “Not now”', async () => {
    const { browser, page } = await signIn()
    await browser.submit(page, { answer: 'set-up' })
    const done = await follow(host, browser, await browser.submit(page, { answer: 'not-now' }))
    expect((await claimsOf(done)).amr).to.deep.equal(['pwd', 'otp', 'mfa'])
  })

  it('R11 begins the set-up of no factor that is not offered', async () => {
    for (const factor of ['totp', 'backup-codes']) {
      const { browser, page } = await signIn()
      const { action, fields } = page.form()
      const address = new URL(action.replace(/\/passkey$/, `/${factor}`), page.url)
      expect((await browser.get(address)).status, factor).to.equal(410)
      const answered = await browser.post(address, { ...fields, answer: 'set-up' })
      const done = await follow(host, browser, answered)
      expect((await claimsOf(done)).amr, factor).to.deep.equal(['pwd', 'otp', 'mfa'])
    }
  })

  it('shows the set-up again after a refused response, and the person can still leave', async () => {
    const { browser, setUp } = await accept()
    const refused = await browser.submit(setUp, { credential: create(setUp).replace('"', "'") })
    expect([refused.status, refused.name]).to.deep.equal([400, 'passkey-enrol'])
    expect(refused.body).to.include('data-refuse')
    expect(refused.body).to.not.include('data-other-way')
  })

  it('R11 opens nothing without the code: the page is not there before it', async () => {
    const browser = new HttpClient()
    const verify = await showPassword(host, browser, 'mira')
    const address = beside(verify, '/offer/passkey')
    expect((await browser.get(address)).status).to.equal(410)
    const { csrf = '' } = verify.form().fields
    const answered = await browser.post(address, { csrf, answer: 'set-up' })
    expect(answered.status).to.equal(410)
    expect((await browser.get(beside(verify, '/enrol/passkey'))).status).to.equal(303)
  })

  it('R14 does not come after a backup code, in a change, or for an app that wants a prompt', async () => {
    const browser = new HttpClient()
    const verify = await showPassword(host, browser, 'mira')
    expect(scriptsOf(verify)).to.equal(1)
    const ways = await browser.get(beside(verify, '/choose'))
    const backup = await follow(
      host,
      browser,
      await browser.submit(ways, { factor: 'backup-codes' }),
    )
    expect(scriptsOf(backup)).to.equal(0)
    const used = await browser.submit(backup, { backupCode: mira.codes[0]!, ...ABLE })
    expect((await follow(host, browser, used)).name).to.not.equal('passkey-offer')

    const prompted = await signIn(ABLE, { prompt: 'login' })
    expect(prompted.page.name).to.not.equal('passkey-offer')
    const changing = await signIn(ABLE, { mfa_action: 'add:totp' })
    expect(changing.page.name).to.equal('totp-enrol')
  })

  it('does not come where the option is off', async () => {
    await host.close()
    host = await startHost({
      hostname: 'localhost',
      mfa: { factors: [passkeys({ offer: false }), totp(), backupCodes()] },
    })
    mira = await enrolledPerson(host)
    const { page } = await signIn()
    expect((await claimsOf(page)).sub).to.equal('mira')
  })
})
