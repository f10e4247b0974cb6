import { expect } from 'chai'
import { secretOf } from '../support/enrolment.ts'
import { HttpClient, type Page } from '../support/http-client.ts'
import { totpCode } from '../support/totp.ts'
import {
  authorizeUrl,
  callbackOf,
  follow,
  PASSWORD,
  redeem,
  showPassword,
  startHost,
  type Host,
} from './host.ts'
import { enrolledPerson, nextCode, type Person } from './sign-in.ts'

describe('the button "Not you?"', () => {
  let host: Host
  let mira: Person
  beforeEach(async () => {
    host = await startHost()
    mira = await enrolledPerson(host)
  })
  afterEach(async () => host.close())

  const pressNotYou = async (browser: HttpClient, page: Page): Promise<Page> =>
    follow(host, browser, await browser.submit(page, {}, { form: '#not-you' }))
  const isLogin = (page: Page): boolean => page.url.pathname.startsWith('/interaction/')

  it('asks for the password again in the same sign-in, and then the other person is signed in', async () => {
    const noor = await enrolledPerson(host, 'noor')
    const browser = new HttpClient()
    const login = await pressNotYou(browser, await showPassword(host, browser, 'mira'))
    expect(isLogin(login), login.url.href).to.equal(true)
    const answer = await browser.post(login.url, { username: 'noor', password: PASSWORD })
    const verify = await follow(host, browser, answer)
    expect(verify.text).to.contain('noor@example.com').and.to.not.contain('mira@example.com')
    const proved = await browser.submit(verify, { code: nextCode(host, noor) })
    const { claims } = await redeem(host, callbackOf(await follow(host, browser, proved)))
    expect(claims.sub).to.equal('noor')
  })

  it('R17 drops what the first person has proved', async () => {
    const browser = new HttpClient()
    const verify = await showPassword(host, browser, 'mira')
    await pressNotYou(browser, verify)
    const late = await browser.submit(verify, { code: nextCode(host, mira) })
    expect([late.status, late.name]).to.deep.equal([410, 'expired'])
  })

  it('asks for the password also where a session is asked for its second factor', async () => {
    const { browser } = mira
    const asked = await browser.get(authorizeUrl(host, { prompt: 'mfa' }))
    const verify = await follow(host, browser, asked)
    expect(verify.name).to.equal('totp-verify')
    expect(isLogin(await pressNotYou(browser, verify))).to.equal(true)
  })

  it('is on the pages of a first set-up, and on none after the second factor', async () => {
    const browser = new HttpClient()
    const setUp = await showPassword(host, browser, 'noor')
    expect(setUp.all('[data-not-you]')).to.have.length(1)
    const code = totpCode({ secret: secretOf(setUp) }, host.clock.at)
    const codes = await follow(host, browser, await browser.submit(setUp, { code }))
    expect(codes.name).to.equal('backup-codes')
    expect(codes.all('[data-not-you]')).to.have.length(0)
  })
})
