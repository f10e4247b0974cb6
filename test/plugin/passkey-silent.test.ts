import { expect } from 'chai'
import { DAY_SECONDS } from '../../src/domain/time.ts'
import { passkeys } from '../../src/factors/passkey/index.ts'
import { backupCodes, totp, type MfaOptions, type OutgoingMail } from '../../src/index.ts'
import { SoftAuthenticator, type Lies } from '../support/authenticator.ts'
import { HttpClient, type Page } from '../support/http-client.ts'
import { optionsOf } from '../support/passkey-options.ts'
import { callbackOf, follow, redeem, showPassword } from './host.ts'
import { startPasskeyHost, type PasskeyHost } from './passkey-host.ts'
import { enrolledPerson, nextCode, type Person } from './sign-in.ts'

const SILENT = 'form[data-passkey-silent]'
/** Nobody has touched the device, and it has verified nobody. */
const ABSENT: Lies = { userPresent: false, userVerified: false }

interface Shown {
  readonly browser: HttpClient
  readonly page: Page
}

describe('a passkey that the browser makes without asking', () => {
  let site: PasskeyHost
  let mira: Person
  let mails: OutgoingMail[]
  let key: SoftAuthenticator

  async function start(options: Partial<MfaOptions> = {}): Promise<void> {
    mails = []
    const mfa = {
      factors: [passkeys(), totp(), backupCodes()],
      manage: { clients: ['app'] },
      notices: true,
      sendMail: async (mail: OutgoingMail) => void mails.push(mail),
      ...options,
    }
    const claims = (sub: string) => ({ sub, email: `${sub}@example.com`, email_verified: true })
    site = await startPasskeyHost(mfa, {
      findAccount: async (_ctx, sub) => ({ accountId: sub, claims: async () => claims(sub) }),
    })
    mira = await enrolledPerson(site.host)
    key = new SoftAuthenticator({ origin: site.host.issuer })
    await site.host.mfa.settled()
    mails.length = 0
    site.host.events.length = 0
  }
  beforeEach(() => start())
  afterEach(() => site.host.close())

  /** Signs in with password and code in a browser that can have a passkey. */
  async function offered(more: Record<string, string> = {}, person = mira): Promise<Shown> {
    const browser = new HttpClient()
    const verify = await showPassword(site.host, browser, person.username)
    const form = { code: nextCode(site.host, person), offer: 'passkey', ...more }
    return { browser, page: await follow(site.host, browser, await browser.submit(verify, form)) }
  }
  const isPossible = ({ page }: Shown): boolean => page.all(SILENT).length === 1
  const silently = (shown: Shown, lies = ABSENT, device = key): string =>
    device.create(optionsOf(shown.page), lies)
  const send = async ({ browser, page }: Shown, credential: string): Promise<Page> =>
    follow(site.host, browser, await browser.submit(page, { credential }, { form: SILENT }))
  /** Sends what the form would send, where the page has no such form. */
  const forge = ({ browser, page }: Shown, credential: string, action?: URL): Promise<Page> => {
    const form = page.form()
    const fields = { csrf: String(form.fields['csrf']), answer: 'silent', credential }
    return browser.post(action ?? new URL(form.action, page.url), fields)
  }
  const passkeysOf = async (username = 'mira'): Promise<number> => {
    const { factors } = await site.host.mfa.accounts.status(username)
    return factors.filter(({ factor }) => factor === 'passkey').length
  }
  const claimsOf = async (page: Page) => (await redeem(site.host, callbackOf(page))).claims
  const eventsOf = async (type: string) => {
    await site.host.mfa.settled()
    return site.host.events.filter((event) => event.type === type)
  }

  it('is bound without anybody’s presence, told on a page and in a mail, and is no proof', async () => {
    const shown = await offered()
    expect([shown.page.name, isPossible(shown)]).to.deep.equal(['passkey-offer', true])
    const made = await send(shown, silently(shown))
    expect([made.status, made.name]).to.deep.equal([200, 'passkey-offer'])
    expect(made.body).to.include('You have a passkey now').and.include('remove it')
    expect(made.all('button[name=answer]')).to.have.length(0)
    expect((await shown.browser.get(made.url)).body).to.include('You have a passkey now')
    expect(await passkeysOf()).to.equal(1)

    const done = await follow(site.host, shown.browser, await shown.browser.submit(made, {}))
    const claims = await claimsOf(done)
    expect(claims.amr).to.deep.equal(['pwd', 'otp', 'mfa'])
    expect(claims.acr).not.to.equal('phr')
    const [event, ...others] = await eventsOf('factor-enrolled')
    expect(others).to.deep.equal([])
    expect(event?.detail).to.include({ factor: 'passkey', reason: 'silent' })
    expect(await eventsOf('epoch-raised')).to.deep.equal([])
    expect(mails.map(({ subject }) => subject)).to.include(
      'Your browser has added a second step to your Acme account',
    )
  })

  it('signs in alone only after it has verified its user once beside the password', async () => {
    const shown = await offered()
    // Its response says that the user was verified; nobody believes it.
    await send(shown, silently(shown, { userPresent: false, userVerified: true }))
    const first = await site.open()
    const refused = await first.answer(key.get(first.options))
    expect([refused.status, refused.name]).to.deep.equal([422, 'sign-in-refused'])

    const browser = new HttpClient()
    const verify = await showPassword(site.host, browser, 'mira')
    expect(verify.name).to.equal('passkey-verify')
    const credential = key.get(optionsOf(verify))
    const beside = await follow(site.host, browser, await browser.submit(verify, { credential }))
    expect((await claimsOf(beside)).amr).to.deep.equal(['pwd', 'hwk', 'user', 'mfa'])

    const second = await site.open()
    const alone = await second.answer(key.get(second.options))
    const claims = await claimsOf(await follow(site.host, second.client, alone))
    expect([claims.sub, claims.acr]).to.deep.equal(['mira', 'phr'])
  })

  it('R28 needs presence in the set-up that the person begins, whose challenge is another one', async () => {
    const shown = await offered()
    const silent = silently(shown)
    const { browser, page } = shown
    const setUp = await follow(site.host, browser, await browser.submit(page, { answer: 'set-up' }))
    expect(setUp.name).to.equal('passkey-enrol')
    for (const credential of [silent, silently(shown, {})])
      expect((await browser.submit(setUp, { credential })).status).to.equal(422)
    const again = await browser.get(setUp.url)
    const absent = key.create(optionsOf(again), { userPresent: false })
    expect((await browser.submit(again, { credential: absent })).status).to.equal(422)
    // A person who has begun a set-up has answered the offer.
    expect((await forge(shown, silent)).location?.pathname).to.match(/offer\/passkey$/)
    expect(await passkeysOf()).to.equal(0)
    const ordinary = await browser.get(setUp.url)
    const credential = key.create(optionsOf(ordinary))
    expect((await browser.submit(ordinary, { credential })).status).to.equal(303)
  })

  it('R28 a challenge is spent by its first response, and the page of the offer stays', async () => {
    const shown = await offered()
    const wrong = await send(shown, silently(shown, { ...ABSENT, origin: 'https://evil.example' }))
    expect(wrong.name).to.equal('passkey-offer')
    expect(isPossible({ ...shown, page: wrong })).to.equal(false)
    expect(wrong.all('button[name=answer]')).to.have.length(3)
    expect((await forge(shown, silently(shown))).status).to.equal(303)
    expect(await passkeysOf()).to.equal(0)
    const [refused, ...others] = await eventsOf('factor-refused')
    expect(refused?.detail).to.include({ factor: 'passkey', reason: 'wrong-confirmation' })
    expect(others).to.deep.equal([])
    const { browser } = shown
    const done = await follow(
      site.host,
      browser,
      await browser.submit(wrong, { answer: 'not-now' }),
    )
    expect((await claimsOf(done)).amr).to.deep.equal(['pwd', 'otp', 'mfa'])
  })

  it('R34 what is no response spends the challenge as well', async () => {
    const shown = await offered()
    const after = await send(shown, 'nonsense')
    expect([after.name, isPossible({ ...shown, page: after })]).to.deep.equal([
      'passkey-offer',
      false,
    ])
    expect(await passkeysOf()).to.equal(0)
  })

  it('R28 is over after five minutes, and no other challenge follows in this sign-in', async () => {
    const shown = await offered()
    const credential = silently(shown)
    site.host.clock.at += 300
    const late = await send(shown, credential)
    expect([late.name, isPossible({ ...shown, page: late })]).to.deep.equal([
      'passkey-offer',
      false,
    ])
    expect(await passkeysOf()).to.equal(0)
  })

  it('R28 R46 is of one sign-in, and of one account', async () => {
    const first = await offered()
    const credential = silently(first)
    const second = await offered()
    expect(isPossible(second)).to.equal(true)
    await send(second, credential)
    expect(await passkeysOf(), 'of another sign-in').to.equal(0)

    const theo = await enrolledPerson(site.host, 'theo')
    const taken = await offered({}, theo)
    await send(taken, silently(taken))
    expect(await passkeysOf('theo')).to.equal(1)
    const third = await offered()
    await send(third, silently(third))
    expect(await passkeysOf(), 'a credential of another account').to.equal(0)
  })

  it('R11 R14 needs a fresh password and code, and no backup code', async () => {
    const credential = silently(await offered())
    const browser = new HttpClient()
    const verify = await showPassword(site.host, browser, 'mira')
    const action = (path: string): URL =>
      new URL(verify.form().action.replace(/\/verify\/.*$/, path), verify.url)
    const before = { browser, page: verify }
    expect((await forge(before, credential, action('/offer/passkey'))).status).to.equal(410)

    const ways = await browser.get(action('/choose'))
    const backup = await follow(
      site.host,
      browser,
      await browser.submit(ways, { factor: 'backup-codes' }),
    )
    const used = { backupCode: mira.codes[0]!, offer: 'passkey' }
    const after = await follow(site.host, browser, await browser.submit(backup, used))
    expect(after.name).not.to.equal('passkey-offer')
    await forge({ browser, page: backup }, credential, action('/offer/passkey'))
    expect(await passkeysOf()).to.equal(0)
  })

  it('R20 is over when the epoch changes', async () => {
    const shown = await offered()
    const credential = silently(shown)
    await site.host.mfa.accounts.endEverything('mira', 'stolen')
    expect((await forge(shown, credential)).status).to.equal(410)
    expect(await passkeysOf()).to.equal(0)
  })

  it('is never made for a person who has answered the offer, also 30 days later', async () => {
    const shown = await offered()
    const credential = silently(shown)
    await shown.browser.submit(shown.page, { answer: 'not-now' })
    await forge(shown, credential)
    expect(await passkeysOf()).to.equal(0)
    site.host.clock.at += 30 * DAY_SECONDS
    const later = await offered()
    expect([later.page.name, isPossible(later)]).to.deep.equal(['passkey-offer', false])
    await forge(later, credential)
    expect(await passkeysOf()).to.equal(0)
  })

  it('does not come back after the person has removed it', async () => {
    const shown = await offered()
    await send(shown, silently(shown))
    const { factors } = await site.host.mfa.accounts.status('mira')
    const { id } = factors.find(({ factor }) => factor === 'passkey')!
    const browser = new HttpClient()
    const parameters = { mfa_action: `remove:${id}`, prompt: 'login' }
    const verify = await showPassword(site.host, browser, 'mira', parameters)
    const credential = key.get(optionsOf(verify))
    const page = await follow(site.host, browser, await browser.submit(verify, { credential }))
    await follow(site.host, browser, await browser.submit(page, {}))
    expect(await passkeysOf()).to.equal(0)
    site.host.clock.at += 60 * DAY_SECONDS
    expect((await offered()).page.name).not.to.equal('passkey-offer')
  })

  it('is not made for a person who has removed one that they had set up', async () => {
    const { host } = site
    const browser = new HttpClient()
    const change = (action: string) =>
      showPassword(host, browser, 'mira', { mfa_action: action, prompt: 'login' })
    const proved = await browser.submit(await change('add:passkey'), { code: nextCode(host, mira) })
    const setUp = await follow(host, browser, proved)
    const created = await browser.submit(setUp, { credential: key.create(optionsOf(setUp)) })
    await follow(host, browser, created)
    const { factors } = await host.mfa.accounts.status('mira')
    const { id } = factors.find(({ factor }) => factor === 'passkey')!
    const verify = await change(`remove:${id}`)
    const credential = key.get(optionsOf(verify))
    const page = await follow(host, browser, await browser.submit(verify, { credential }))
    await follow(host, browser, await browser.submit(page, {}))
    expect(await passkeysOf()).to.equal(0)
    expect((await offered()).page.name).not.to.equal('passkey-offer')
    host.clock.at += 30 * DAY_SECONDS
    const later = await offered()
    expect([later.page.name, isPossible(later)]).to.deep.equal(['passkey-offer', false])
  })

  it('is not made where the offer is off', async () => {
    await site.host.close()
    await start({ factors: [passkeys({ offer: false }), totp(), backupCodes()] })
    const { page } = await offered()
    expect((await claimsOf(page)).sub).to.equal('mira')
  })

  it('R14 is not made where it would end a trust that the person has chosen', async () => {
    await site.host.close()
    await start({ policy: { trustedBrowserSeconds: DAY_SECONDS } })
    const shown = await offered({ trust: 'yes' })
    expect([shown.page.name, isPossible(shown)]).to.deep.equal(['passkey-offer', false])
  })

  it('R38 is made once by 50 responses at the same time, and each leads to the same page', async () => {
    const shown = await offered()
    const credential = silently(shown)
    const { browser, page } = shown
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => browser.submit(page, { credential }, { form: SILENT })),
    )
    for (const { status, location } of answers)
      expect([status, location?.pathname.endsWith('/offer/passkey')]).to.deep.equal([303, true])
    expect(await passkeysOf()).to.equal(1)
    expect(await eventsOf('factor-enrolled')).to.have.length(1)
    // Other credentials in the same form bind nothing more.
    const more = Array.from({ length: 8 }, () => {
      const device = new SoftAuthenticator({ origin: site.host.issuer })
      return forge(shown, silently(shown, ABSENT, device))
    })
    await Promise.all(more)
    expect(await passkeysOf()).to.equal(1)
  })

  it('is made at most once by different responses at the same time', async () => {
    const shown = await offered()
    const credentials = Array.from({ length: 12 }, () => {
      const device = new SoftAuthenticator({ origin: site.host.issuer })
      return silently(shown, ABSENT, device)
    })
    const { browser, page } = shown
    const answers = await Promise.all(
      credentials.map((credential) => browser.submit(page, { credential }, { form: SILENT })),
    )
    for (const { status } of answers) expect(status).to.be.oneOf([303, 429])
    expect(await passkeysOf()).to.equal(1)
  })
})
