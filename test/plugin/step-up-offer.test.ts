import { expect } from 'chai'
import { MULTI_FACTOR_ACR, PASSWORD_ACR, type MfaOptions } from '../../src/index.ts'
import { secretOf } from '../support/enrolment.ts'
import { HttpClient, type Page } from '../support/http-client.ts'
import { totpCode } from '../support/totp.ts'
import {
  authorizeUrl,
  callbackOf,
  CLIENT,
  follow,
  PASSWORD,
  redeem,
  showPassword,
  startHost,
  type Host,
} from './host.ts'

const WISH = { acr_values: MULTI_FACTOR_ACR }

describe('an app that asks for a level above the one that the person can reach', () => {
  let host: Host
  let browser: HttpClient
  const begin = async (mfa: Partial<MfaOptions> = {}): Promise<void> => {
    host = await startHost({
      mfa: { require: false, ...mfa },
      configuration: { clients: [CLIENT, { ...CLIENT, client_id: 'other' }] },
    })
    browser = new HttpClient()
  }
  afterEach(async () => host.close())

  const visit = async (parameters: Record<string, string> = WISH): Promise<Page> =>
    follow(host, browser, await browser.get(authorizeUrl(host, parameters)))
  const press = async (page: Page, button: string): Promise<Page> =>
    follow(host, browser, await browser.submit(page, { answer: button }))
  const acrOf = async (back: Page, client = 'app'): Promise<unknown> =>
    (await redeem(host, callbackOf(back), client)).claims.acr
  const setUp = async (page: Page): Promise<Page> => {
    const code = totpCode({ secret: secretOf(page) }, host.clock.at)
    const shown = await follow(host, browser, await browser.submit(page, { code }))
    return follow(host, browser, await browser.submit(shown, { saved: 'yes' }))
  }

  it('has the set-up offered after the password, and gets the level of a person who accepts', async () => {
    await begin()
    const offer = await showPassword(host, browser, 'mira', WISH)
    expect([offer.status, offer.name]).to.deep.equal([200, 'mfa-offer'])
    const choose = await press(offer, 'set-up')
    expect(choose.name).to.equal('totp-enrol')
    expect(await acrOf(await setUp(choose))).to.equal(MULTI_FACTOR_ACR)
  })

  it('gets the level as it is after "Not now", and then without a page', async () => {
    await begin()
    const back = await press(await showPassword(host, browser, 'mira', WISH), 'not-now')
    expect(await acrOf(back)).to.equal(PASSWORD_ACR)
    expect(await acrOf(await visit())).to.equal(PASSWORD_ACR)
    const again = await showPassword(host, browser, 'mira', { ...WISH, prompt: 'login' })
    expect(await acrOf(again)).to.equal(PASSWORD_ACR)
  })

  it('has the set-up offered in a session too; one refusal is of one app and one session', async () => {
    await begin()
    await showPassword(host, browser, 'mira')
    const back = await press(await visit(), 'not-now')
    expect(await acrOf(back)).to.equal(PASSWORD_ACR)
    expect((await visit({ ...WISH, client_id: 'other' })).name).to.equal('mfa-offer')
    browser = new HttpClient()
    expect((await showPassword(host, browser, 'mira', WISH)).name).to.equal('mfa-offer')
  })

  it('gets an answer when the person gives the accepted set-up up', async () => {
    await begin()
    const choose = await press(await showPassword(host, browser, 'mira', WISH), 'set-up')
    const cancelled = await browser.submit(choose, {}, { form: '[action$="/cancel"]' })
    expect(await acrOf(await follow(host, browser, cancelled))).to.equal(PASSWORD_ACR)
    expect(await acrOf(await visit())).to.equal(PASSWORD_ACR)
  })

  it('R10 begins no set-up by a form of another page, neither before the person accepts nor in an old session', async () => {
    await begin()
    await showPassword(host, browser, 'mira')
    host.clock.at += 6_000
    const offer = await visit()
    expect(offer.name).to.equal('mfa-offer')
    const forged = (path: string, fields: Record<string, string>): Promise<Page> =>
      browser.post(new URL(offer.url.pathname + path, host.issuer), {
        ...fields,
        csrf: offer.tags('input[name=csrf]')[0]?.['value'] ?? '',
      })
    const expectNothing = async (): Promise<void> => {
      for (const [path, fields] of [
        ['/choose', { factor: 'totp' }],
        ['/enrol/totp', { code: '123456' }],
        ['/proof/send', {}],
      ] as const)
        expect((await follow(host, browser, await forged(path, fields))).name, path).to.not.equal(
          'totp-enrol',
        )
      expect((await host.mfa.accounts.status('mira')).enrolled).to.equal(false)
    }
    await expectNothing()
    await forged('/offer', { answer: 'set-up' })
    expect((await browser.get(offer.url)).name).to.not.equal('totp-enrol')
    await expectNothing()
  })

  it('R10 has a session that is no longer fresh show the first factor again before a set-up', async () => {
    await begin()
    await showPassword(host, browser, 'mira')
    host.clock.at += 600
    const login = await press(await visit(), 'set-up')
    expect(login.name).to.equal('host-login')
    const choose = await follow(
      host,
      browser,
      await browser.post(login.url, { username: 'mira', password: PASSWORD }),
    )
    expect(choose.name).to.equal('totp-enrol')
    expect(await acrOf(await setUp(choose))).to.equal(MULTI_FACTOR_ACR)
  })

  it('cannot loop: after three answers in a minute a page comes, and only a person goes on', async () => {
    await begin()
    await press(await showPassword(host, browser, 'mira', WISH), 'not-now')
    for (let round = 0; round < 2; round += 1)
      expect(await acrOf(await visit())).to.equal(PASSWORD_ACR)
    for (let round = 0; round < 2; round += 1) {
      const page = await visit()
      expect([page.status, page.name]).to.deep.equal([200, 'mfa-offer'])
      expect(page.text).to.contain('asked again and again')
      if (round === 0) expect(await acrOf(await press(page, 'not-now'))).to.equal(PASSWORD_ACR)
    }
    host.clock.at += 60
    expect(await acrOf(await visit())).to.equal(PASSWORD_ACR)
  })

  for (const [kind, acr_values, mfa] of [
    ['a level that nobody knows', 'urn:unknown', {}],
    [
      'a factor that cannot be set up here',
      MULTI_FACTOR_ACR,
      { firstEnrolment: () => 'refused' as const },
    ],
  ] as const)
    it(`cannot loop for ${kind} either, and is offered nothing that cannot be`, async () => {
      await begin(mfa)
      const back = await showPassword(host, browser, 'mira', { acr_values })
      expect(await acrOf(back)).to.equal(PASSWORD_ACR)
      for (let round = 0; round < 2; round += 1) await visit({ acr_values })
      const page = await visit({ acr_values })
      expect(page.name).to.equal('mfa-offer')
      expect(page.all('button[value=set-up]')).to.have.length(0)
      expect(await acrOf(await press(page, 'not-now'))).to.equal(PASSWORD_ACR)
    })

  it('R25 never gets a page with prompt=none, and such answers are no rounds', async () => {
    await begin()
    await press(await showPassword(host, browser, 'mira', WISH), 'not-now')
    for (let round = 0; round < 5; round += 1)
      expect(await acrOf(await visit({ ...WISH, prompt: 'none' }))).to.equal(PASSWORD_ACR)
    expect(await acrOf(await visit())).to.equal(PASSWORD_ACR)
  })

  it('R24 gets an essential level or an error: "Not now" is no way around it', async () => {
    await begin()
    const claims = JSON.stringify({
      id_token: { acr: { essential: true, value: MULTI_FACTOR_ACR } },
    })
    const choose = await showPassword(host, browser, 'mira', { claims })
    expect(choose.name).to.equal('totp-enrol')
    const uid = choose.url.pathname.split('/')[2]!
    const forged = new URL(`/mfa/${uid}/offer`, choose.url)
    const { csrf = '' } = choose.form().fields
    const answer = await browser.post(
      forged,
      { csrf, answer: 'not-now' },
      { headers: { origin: choose.url.origin } },
    )
    expect((await follow(host, browser, answer)).name).to.equal('totp-enrol')
  })
})
