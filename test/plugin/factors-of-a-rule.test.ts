import { expect } from 'chai'
import { HttpClient, type Page } from '../support/http-client.ts'
import { callbackOf, follow, redeem, showPassword, startHost, type Host } from './host.ts'
import { enrolledPerson, nextCode } from './sign-in.ts'

describe('a rule that lists factors', () => {
  let host: Host
  beforeEach(async () => {
    host = await startHost({
      mfa: { require: false, policy: { rules: [{ name: 'the app alone', factors: ['totp'] }] } },
    })
  })
  afterEach(async () => host.close())

  /** The address of the page for backup codes in the same sign-in. */
  const otherThan = ({ body, url }: Page): string => {
    const action = /action="([^"]+\/verify\/)totp"/.exec(body)?.[1]
    return new URL(`${action}backup-codes`, url).href
  }

  it('is met by one of them, and its page leads to no other factor', async () => {
    const mira = await enrolledPerson(host)
    const browser = new HttpClient()
    const page = await showPassword(host, browser, 'mira')
    expect(page.name).to.equal('totp-verify')
    expect(page.body).not.to.include('data-other-way')
    expect((await browser.get(otherThan(page))).status).to.equal(410)
    const answered = await browser.submit(page, { code: nextCode(host, mira) })
    const { claims } = await redeem(host, callbackOf(await follow(host, browser, answered)))
    expect(claims.amr).to.deep.equal(['pwd', 'otp', 'mfa'])
  })

  it('examines no code of another factor, so that none is spent in vain', async () => {
    const mira = await enrolledPerson(host)
    const browser = new HttpClient()
    const page = await showPassword(host, browser, 'mira')
    const csrf = /name="csrf" value="([^"]+)"/.exec(page.body)?.[1] ?? ''
    const refused = await browser.post(otherThan(page), { csrf, backupCode: mira.codes[0]! })
    expect(refused.status).to.equal(410)
    await host.mfa.settled()
    expect(host.events.map(({ type }) => type)).not.to.include('factor-accepted')
  })
})
