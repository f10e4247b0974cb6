import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { passkeys } from '../../src/factors/passkey/index.ts'
import {
  backupCodes,
  MULTI_FACTOR_ACR,
  PASSWORD_ACR,
  PHISHING_RESISTANT_ACR,
  totp,
  type MfaOptions,
} from '../../src/index.ts'
import { builtInViews } from '../../src/http/templates.ts'
import { SoftAuthenticator } from '../support/authenticator.ts'
import { HttpClient, type Page } from '../support/http-client.ts'
import { optionsOf } from '../support/passkey-options.ts'
import { totpCode } from '../support/totp.ts'
import {
  authorizeUrl,
  callbackOf,
  follow,
  redeem,
  showPassword,
  startHost,
  type Host,
} from './host.ts'
import { enrolPasskey } from './passkey-sign-in.ts'
import { signedInSessions } from './recorded-storage.ts'

const AT_ONCE = 50
const essential = (value: string): Record<string, string> => ({
  claims: JSON.stringify({ id_token: { acr: { essential: true, value } } }),
})

describe('requests of a person with an authenticator app and a passkey', () => {
  let host: Host
  let key: SoftAuthenticator
  let secret: string
  let browser: HttpClient

  const begin = async (mfa: Partial<MfaOptions> = {}): Promise<void> => {
    host = await startHost({
      hostname: 'localhost',
      keyPage: 'passkey',
      mfa: {
        factors: [passkeys(), totp(), backupCodes()],
        manage: { clients: ['app'] },
        ...mfa,
      },
    })
    key = new SoftAuthenticator({ origin: host.issuer })
    await enrolPasskey(host, new HttpClient(), key)
    await addApp(new HttpClient())
    host.clock.at += 60
    await host.mfa.settled()
    host.events.length = 0
    host.writes.length = 0
    browser = new HttpClient()
  }
  afterEach(() => host.close())

  async function addApp(own: HttpClient): Promise<void> {
    const page = await show({ mfa_action: 'add:totp' }, own)
    const setUp = await use(page, own)
    secret = (setUp.texts('#totp-secret')[0] ?? '').replaceAll(/\s/g, '')
    const code = totpCode({ secret }, (host.clock.at += 30))
    await follow(host, own, await own.submit(setUp, { code, name: 'Phone' }))
  }
  const show = (parameters: Record<string, string> = {}, client = browser): Promise<Page> =>
    showPassword(host, client, 'mira', parameters)
  /** Asks again in the session of the browser. */
  const again = async (parameters: Record<string, string>): Promise<Page> =>
    follow(host, browser, await browser.get(authorizeUrl(host, parameters)))
  const use = async (page: Page, client = browser, more = {}): Promise<Page> =>
    follow(
      host,
      client,
      await client.submit(page, { credential: key.get(optionsOf(page)), ...more }),
    )
  const type = async (page: Page): Promise<Page> => {
    const code = totpCode({ secret }, (host.clock.at += 30))
    return follow(host, browser, await browser.submit(page, { code }))
  }
  const claimsOf = async (back: Page) => (await redeem(host, callbackOf(back))).claims
  const choose = async (page: Page, factor: string): Promise<Page> => {
    const ways = await browser.get(page.link('[data-other-way]'))
    expect(ways.name).to.equal('mfa-choose')
    return follow(host, browser, await browser.submit(ways, { factor }))
  }

  it('are asked first for the factor that was used last, and find the way to the other', async () => {
    await begin()
    const first = await show()
    expect(first.name).to.equal('totp-verify')
    const second = await choose(first, 'passkey')
    expect(second.name).to.equal('passkey-verify')
    expect((await claimsOf(await use(second))).acr).to.equal(PHISHING_RESISTANT_ACR)
    const third = await show({ prompt: 'login' }, new HttpClient())
    expect(third.name).to.equal('passkey-verify')
    browser = new HttpClient()
    const fourth = await choose(await show(), 'totp')
    expect(fourth.name).to.equal('totp-verify')
    expect((await claimsOf(await type(fourth))).acr).to.equal(MULTI_FACTOR_ACR)
  })

  it('that need `phr` lead straight to the passkey, also in a step-up, and to nothing less', async () => {
    await begin()
    const page = await show(essential(PHISHING_RESISTANT_ACR))
    expect(page.name).to.equal('passkey-verify')
    expect(page.tags('[data-other-way]')).to.deep.equal([])
    expect((await claimsOf(await use(page))).acr).to.equal(PHISHING_RESISTANT_ACR)

    browser = new HttpClient()
    expect((await claimsOf(await type(await choose(await show(), 'totp')))).acr).to.equal(
      MULTI_FACTOR_ACR,
    )
    const stepUp = await again(essential(PHISHING_RESISTANT_ACR))
    expect(stepUp.name).to.equal('passkey-verify')
    // The other factor's page leads nowhere in this request, whatever address is opened.
    const sideways = await browser.get(
      stepUp.url.href.replace(/(\/mfa\/[^/]+).*/, '$1/verify/totp'),
    )
    expect([sideways.status, sideways.name]).to.deep.equal([410, 'expired'])
    const claims = await claimsOf(await use(stepUp))
    expect(claims).to.include({ acr: PHISHING_RESISTANT_ACR })
    expect(claims.amr).to.include.members(['pwd', 'hwk', 'user', 'mfa'])
  })

  it('that need two factors are answered with that level after a passkey, and without a page', async () => {
    await begin()
    const page = await choose(await show(essential(MULTI_FACTOR_ACR)), 'passkey')
    expect((await claimsOf(await use(page))).acr).to.equal(MULTI_FACTOR_ACR)
    expect((await claimsOf(await again(essential(MULTI_FACTOR_ACR)))).acr).to.equal(
      MULTI_FACTOR_ACR,
    )
    const acr_values = `${PHISHING_RESISTANT_ACR} ${MULTI_FACTOR_ACR}`
    expect((await claimsOf(await again({ acr_values }))).acr).to.equal(PHISHING_RESISTANT_ACR)
  })

  it('R14 have the box of a trusted browser on the page of a passkey, and never where a level is needed', async () => {
    await begin({ policy: { trustedBrowserSeconds: 86_400 } })
    const page = await choose(await show(), 'passkey')
    expect(page.tags('form[data-passkey] input[name=trust]')).to.have.length(1)
    expect((await claimsOf(await use(page, browser, { trust: 'yes' }))).acr).to.equal(
      PHISHING_RESISTANT_ACR,
    )
    await host.mfa.settled()
    expect(host.events.map(({ type: told }) => told)).to.include('browser-trusted')
    for (const name of ['_session', '_session.sig']) browser.jar.delete(name)
    const trusted = await claimsOf(await show())
    expect(trusted).to.include({ acr: PASSWORD_ACR })
    expect(trusted.amr).to.deep.equal(['pwd'])
    const needed = await again({ ...essential(PHISHING_RESISTANT_ACR) })
    expect(needed.name).to.equal('passkey-verify')
    expect(needed.tags('input[name=trust]')).to.deep.equal([])
  })

  it('R18 R28 R38 of which fifty answer one challenge at once are one sign-in', async () => {
    await begin()
    const page = await choose(await show(), 'passkey')
    const credential = key.get(optionsOf(page))
    await oneSignIn(() => browser.submit(page, { credential }))
  })

  it('R18 R28 R38 of which fifty answer a challenge of the login page at once are one sign-in', async () => {
    await begin()
    const login = await follow(host, browser, await browser.get(authorizeUrl(host)))
    const url = `${login.url.href}/key`
    const { options } = (await browser.get(url)).json as { options: string }
    const credential = key.get(options)
    await oneSignIn(() => browser.post(url, { credential }))
  })

  /** Each answer leads on, or is refused without any effect; all together are one proof and one session. */
  async function oneSignIn(send: () => Promise<Page>): Promise<void> {
    const answers = await Promise.all(Array.from({ length: AT_ONCE }, send))
    const good = answers.filter(({ status }) => status === 303)
    expect(good).to.have.length(AT_ONCE)
    expect(new Set(good.map(({ location }) => location?.href)).size).to.equal(1)
    const back = await follow(host, browser, good[0]!)
    expect((await claimsOf(back)).sub).to.equal('mira')
    await host.mfa.settled()
    const told = host.events.map(({ type: each }) => each)
    expect(told.filter((each) => each === 'factor-accepted')).to.have.length(1)
    expect(told).not.to.include.members(['factor-refused'])
    expect(told).not.to.include.members(['passkey-cloned'])
    expect(new Set(signedInSessions(host.writes).map(({ uid }) => uid)).size).to.equal(1)
  }
})

describe('an application whose views folder is from before passkeys', () => {
  it('shows the pages that the factor brings', async () => {
    const views = mkdtempSync(join(tmpdir(), 'views-'))
    try {
      cpSync(builtInViews(), views, {
        recursive: true,
        filter: (path) => !path.includes('passkey'),
      })
      const host = await startHost({
        hostname: 'localhost',
        mfa: { factors: [passkeys(), totp(), backupCodes()], views },
      })
      try {
        const key = new SoftAuthenticator({ origin: host.issuer })
        await enrolPasskey(host, new HttpClient(), key)
        const page = await showPassword(host, new HttpClient(), 'mira')
        expect([page.status, page.name]).to.deep.equal([200, 'passkey-verify'])
        expect(page.text).to.include('Use your passkey')
      } finally {
        await host.close()
      }
    } finally {
      rmSync(views, { recursive: true })
    }
  })
})
