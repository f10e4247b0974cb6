import { expect } from 'chai'
import { backupCodes, PASSWORD_ACR, totp, type MfaOptions } from '../../src/index.ts'
import { softKey } from '../../src/testing/factors.ts'
import type { HttpClient, Page } from '../support/http-client.ts'
import { browserKey } from './browser-key-factor.ts'
import {
  authorizeUrl,
  callbackOf,
  follow,
  redeem,
  showPassword,
  startHost,
  type Host,
} from './host.ts'
import { enrolledPerson, nextCode, type Person } from './sign-in.ts'

type Rules = NonNullable<NonNullable<MfaOptions['policy']>['rules']>

const listing = (...factors: string[]): Rules => [{ name: 'certain factors', factors }]

describe('the factor by which a browser was trusted', () => {
  let host: Host
  let person: Person
  let browser: HttpClient
  const key = softKey()
  beforeEach(async () => {
    const factors = [totp(), backupCodes(), browserKey()]
    const policy = { trustedBrowserSeconds: 3_600 }
    host = await startHost({ mfa: { factors, policy, manage: { clients: ['app'] } } })
    person = await enrolledPerson(host)
    browser = person.browser
    await addKey()
  })
  afterEach(async () => host.close())

  const submit = async (page: Page, form: Record<string, string>): Promise<Page> =>
    follow(host, browser, await browser.submit(page, form))
  const credentialOn = ({ body }: Page): string =>
    key.answer(/data-challenge="([^"]+)"/.exec(body)?.[1] ?? '')
  /** Sets the key up beside the app. */
  const addKey = async (): Promise<void> => {
    const url = authorizeUrl(host, { mfa_action: 'add:browser-key' })
    const verify = await follow(host, browser, await browser.get(url))
    const page = await submit(verify, { code: nextCode(host, person) })
    expect(page.name).to.equal('browser-key-enrol')
    await submit(page, { credential: credentialOn(page), name: 'Laptop' })
  }
  const show = async (rules: Rules = []): Promise<Page> => {
    for (const name of ['_session', '_session.sig']) browser.jar.delete(name)
    host.mfa.setPolicy({ trustedBrowserSeconds: 3_600, rules })
    return showPassword(host, browser, 'mira')
  }
  const tickWithCode = async (): Promise<void> => {
    const page = await show(listing('totp'))
    expect(page.name).to.equal('totp-verify')
    await submit(page, { code: nextCode(host, person), trust: 'yes' })
  }
  const expectIn = async (page: Page): Promise<Record<string, string>> => {
    const { tokens, claims } = await redeem(host, callbackOf(page))
    expect(claims.acr).to.equal(PASSWORD_ACR)
    return tokens
  }

  it('R14 has to be one that a rule lists, where a rule lists any', async () => {
    await tickWithCode()
    await expectIn(await show(listing('totp', 'browser-key')))
    const page = await show(listing('browser-key'))
    expect(page.name).to.equal('browser-key-verify')
    await submit(page, { credential: credentialOn(page), trust: 'yes' })
    await expectIn(await show(listing('browser-key')))
    await expectIn(await show())
  })

  it('R14 meets no rule that lists factors, where an earlier release has not kept it', async () => {
    await tickWithCode()
    const { records } = host.storage
    const { record, version } = (await records.load('mira'))!
    const { trustedBrowsers } = record as { trustedBrowsers: { factor?: string }[] }
    const older = trustedBrowsers.map(({ factor: _, ...rest }) => rest)
    await records.save('mira', { ...record, trustedBrowsers: older }, version)
    expect((await show(listing('totp'))).name).to.equal('totp-verify')
    await expectIn(await show())
  })

  it('R14 is kept with the token, which counts no longer once a rule lists others alone', async () => {
    await tickWithCode()
    const { access_token: token = '' } = await expectIn(await show(listing('totp')))
    const userinfo = async (rules: Rules): Promise<number> => {
      host.mfa.setPolicy({ trustedBrowserSeconds: 3_600, rules })
      const headers = { Authorization: `Bearer ${token}` }
      return (await fetch(new URL('/me', host.issuer), { headers })).status
    }
    expect(await userinfo(listing('totp'))).to.equal(200)
    expect(await userinfo(listing('browser-key'))).to.equal(401)
  })
})
