import { expect } from 'chai'
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
import { enrol } from './enrol.ts'

describe('another person signing in within the same browser', () => {
  let host: Host
  beforeEach(async () => {
    host = await startHost()
  })
  afterEach(async () => host.close())

  it('R19 is asked first, and then is the only one signed in', async () => {
    const { secret } = await enrol(host, new HttpClient(), 'noor')
    const browser = new HttpClient()
    await enrol(host, browser, 'mira')
    host.clock.at += 60
    const verify = await showPassword(host, browser, 'noor', { prompt: 'login' })
    const code = totpCode({ secret }, host.clock.at)
    const asked = await follow(host, browser, await browser.submit(verify, { code }))
    expect(asked.name, asked.body).to.equal('switch-account')
    expect(asked.text).to.contain('mira@example.com').and.to.contain('noor@example.com')
    const back = await follow(host, browser, await browser.submit(asked))
    const { claims } = await redeem(host, callbackOf(back))
    expect(claims.sub).to.equal('noor')
  })

  /** Noor's sign-in in one tab, at the question; Mira has signed in in another tab meanwhile. */
  const askedInSecondTab = async (params = {}): Promise<{ browser: HttpClient; asked: Page }> => {
    const { secret } = await enrol(host, new HttpClient(), 'noor')
    const browser = new HttpClient()
    const verify = await showPassword(host, browser, 'noor', params)
    await enrol(host, browser, 'mira')
    host.clock.at += 60
    const code = totpCode({ secret }, host.clock.at)
    const asked = await follow(host, browser, await browser.submit(verify, { code }))
    expect(asked.name, asked.body).to.equal('switch-account')
    return { browser, asked }
  }
  const stay = (browser: HttpClient, asked: Page, values = {}): Promise<Page> =>
    browser.submit(asked, values, { form: 'form:has([data-refuse])' })

  it('may be declined: the app gets the person who is signed in, and nothing of the other', async () => {
    const { browser, asked } = await askedInSecondTab()
    expect(asked.texts('[data-refuse]')).to.deep.equal(['Stay signed in as mira@example.com'])
    const back = await follow(host, browser, await stay(browser, asked))
    expect((await redeem(host, callbackOf(back))).claims.sub).to.equal('mira')
    const again = await follow(host, browser, await browser.get(authorizeUrl(host)))
    expect((await redeem(host, callbackOf(again))).claims.sub).to.equal('mira')
  })

  it('R25 may be declined, and an app that wants a new sign-in still gets no old one', async () => {
    const { browser, asked } = await askedInSecondTab({ prompt: 'login' })
    const next = await follow(host, browser, await stay(browser, asked))
    expect(next.name).to.equal('host-login')
  })

  it('R30 is declined only by the form of the page', async () => {
    const { browser, asked } = await askedInSecondTab()
    for (const csrf of ['', 'forged']) {
      const refused = await stay(browser, asked, { csrf })
      expect([refused.status, refused.name]).to.deep.equal([403, 'forbidden'])
    }
    const back = await follow(host, browser, await browser.submit(asked))
    expect((await redeem(host, callbackOf(back))).claims.sub).to.equal('noor')
  })

  it('is declined once: the form of a sign-in that is over leads on', async () => {
    const { browser, asked } = await askedInSecondTab()
    await follow(host, browser, await stay(browser, asked))
    const over = await stay(browser, asked)
    expect([over.status, over.name]).to.deep.equal([410, 'expired'])
  })
})
