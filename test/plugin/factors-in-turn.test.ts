import { expect } from 'chai'
import { backupCodes, PHISHING_RESISTANT_ACR, totp } from '../../src/index.ts'
import { namedKeyFactor, softKey, type SoftKey } from '../../src/testing/factors.ts'
import { HttpClient, type Page } from '../support/http-client.ts'
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
import { signedInSessions } from './recorded-storage.ts'
import { modelOf, renderModels } from './rendered-models.ts'

const KEY = 'test-named-key'
const RESISTANT = {
  claims: JSON.stringify({ id_token: { acr: { essential: true, value: PHISHING_RESISTANT_ACR } } }),
}

describe('two factors that one request asks for', () => {
  let host: Host
  let key: SoftKey
  let secret: string
  afterEach(() => host.close())

  /** A person with an app and a key. A rule lists the app, and the request asks for what only the key proves. */
  beforeEach(async () => {
    host = await startHost({
      mfa: {
        factors: [namedKeyFactor(), totp(), backupCodes()],
        render: renderModels,
        require: false,
        manage: { clients: ['app'] },
        policy: { rules: [{ name: 'the app', when: {}, factors: ['totp'] }] },
      },
    })
    key = softKey()
    const browser = new HttpClient()
    const setUp = await showPassword(host, browser, 'mira')
    secret = enrolmentOf(setUp).secret!.replaceAll(' ', '')
    await follow(host, browser, await browser.submit(setUp, { code: code() }))
    await add(browser)
  })

  const code = (): string => totpCode({ secret }, (host.clock.at += 30))
  const enrolmentOf = (page: Page) =>
    (modelOf(page) as unknown as { enrolment: { secret?: string; challenge?: string } }).enrolment
  const challengeOn = (page: Page): string =>
    (modelOf(page) as unknown as { verification: { challenge: string } }).verification.challenge

  async function add(browser: HttpClient): Promise<void> {
    const url = authorizeUrl(host, { mfa_action: `add:${KEY}` })
    const setUp = await showCode(browser, await signInFor(browser, await browser.get(url)))
    const { challenge = '' } = enrolmentOf(setUp)
    await browser.submit(setUp, { credential: key.answer(challenge) })
    await host.mfa.settled()
  }

  async function signInFor(browser: HttpClient, page: Page): Promise<Page> {
    const next = await follow(host, browser, page)
    if (next.name !== 'host-login') return next
    const typed = { username: 'mira', password: 'correct horse battery staple' }
    return follow(host, browser, await browser.submit(next, typed))
  }
  const showCode = async (browser: HttpClient, page: Page): Promise<Page> => {
    expect(page.name).to.equal('totp-verify')
    return follow(host, browser, await browser.submit(page, { code: code() }))
  }
  const showKey = async (browser: HttpClient, page: Page): Promise<Page> => {
    expect(page.name).to.equal(`${KEY}-verify`)
    const credential = key.answer(challengeOn(page), true)
    return follow(host, browser, await browser.submit(page, { credential }))
  }

  it('R17 R24 are asked for one after the other, and nobody is signed in before the last', async () => {
    const browser = new HttpClient()
    host.writes.length = 0
    const second = await showCode(browser, await showPassword(host, browser, 'mira', RESISTANT))
    expect(signedInSessions(host.writes)).to.deep.equal([])
    const back = await showKey(browser, second)
    const { claims } = await redeem(host, callbackOf(back))
    expect(claims.acr).to.equal(PHISHING_RESISTANT_ACR)
    expect(claims.amr).to.include.members(['pwd', 'otp', 'mfa'])
  })

  it('R11 R12 make a browser known, and lead to a change of factors, by the last one alone', async () => {
    const browser = new HttpClient()
    const known = async () => (await host.mfa.browsers.list('mira')).length
    const before = await known()
    const url = authorizeUrl(host, { ...RESISTANT, mfa_action: 'add:totp' })
    const first = await signInFor(browser, await browser.get(url))
    const answered = await browser.submit(first, { code: code() })
    const change = first.url.href.replace(/\/mfa\/([^/]+).*/, '/mfa/$1/change')
    expect((await browser.get(change)).name).to.not.equal('mfa-choose')
    expect(await known()).to.equal(before)
    const second = await follow(host, browser, answered)
    expect((await showKey(browser, second)).name).to.equal('totp-enrol')
    expect(await known()).to.equal(before + 1)
  })

  it('R24 are asked for one after the other in a session too', async () => {
    const browser = new HttpClient()
    await showCode(browser, await showPassword(host, browser, 'mira'))
    const step = { ...RESISTANT, prompt: 'login' }
    const second = await showCode(browser, await showPassword(host, browser, 'mira', step))
    expect(callbackOf(await showKey(browser, second)).get('code')).to.be.a('string')
    // Both are proved now, so the next request passes.
    const silent = await browser.get(authorizeUrl(host, { ...RESISTANT, prompt: 'none' }))
    expect(callbackOf(silent).get('code')).to.be.a('string')
  })

  it('are not asked for a second time in one request, where the second one proves too little', async () => {
    const browser = new HttpClient()
    const second = await showCode(browser, await showPassword(host, browser, 'mira', RESISTANT))
    const { csrf = '' } = second.form().fields
    const again = second.url.href.replace(/\/mfa\/([^/]+).*/, '/mfa/$1/verify/totp')
    const answered = await browser.post(again, { csrf, code: code() })
    expect(answered.status).to.equal(410)
  })
})
