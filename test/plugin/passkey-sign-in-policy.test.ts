import { expect } from 'chai'
import { PHISHING_RESISTANT_ACR } from '../../src/index.ts'
import { SoftAuthenticator } from '../support/authenticator.ts'
import { secretOf } from '../support/enrolment.ts'
import { HttpClient, type Page } from '../support/http-client.ts'
import { optionsOf } from '../support/passkey-options.ts'
import { totpCode } from '../support/totp.ts'
import { authorizeUrl, callbackOf, CLIENT, follow, redeem, showPassword } from './host.ts'
import { startPasskeyHost, type PasskeyHost } from './passkey-host.ts'
import { signedInSessions } from './recorded-storage.ts'
import { asClient } from './relying-party.ts'

const DEVICE = 'urn:ietf:params:oauth:grant-type:device_code'

describe('a passkey alone, where the policy asks for more', () => {
  let site: PasskeyHost
  let key: SoftAuthenticator

  beforeEach(async () => {
    site = await startPasskeyHost(
      { require: false, manage: { clients: ['app'] } },
      {
        clients: [{ ...CLIENT, grant_types: [...CLIENT.grant_types, DEVICE] }],
        features: { devInteractions: { enabled: false }, deviceFlow: { enabled: true } },
      },
    )
    site.host.mfa.setPolicy({ rules: [{ name: 'all', when: {}, require: 'multi-factor' }] })
    key = new SoftAuthenticator({ origin: new URL(site.host.issuer).origin })
    await site.enrol('mira', key)
    site.host.writes.length = 0
  })
  afterEach(async () => site.host.close())

  const listApp = (): void =>
    site.host.mfa.setPolicy({ rules: [{ name: 'the app', when: {}, factors: ['totp'] }] })

  async function alone(parameters: Record<string, string> = {}) {
    const { client, options, answer } = await site.open(parameters)
    return { client, page: await follow(site.host, client, await answer(key.get(options))) }
  }
  const claimsOf = async (page: Page): Promise<Record<string, unknown>> =>
    (await redeem(site.host, callbackOf(page))).claims
  const showKey = async (client: HttpClient, page: Page): Promise<Page> => {
    expect(page.name).to.equal('passkey-verify')
    const credential = key.get(optionsOf(page))
    return follow(site.host, client, await client.submit(page, { credential }))
  }

  it('R17 asks for the factor that a rule lists, and signs nobody in before it', async () => {
    const browser = new HttpClient()
    const verify = await follow(
      site.host,
      browser,
      await browser.submit(
        await follow(
          site.host,
          browser,
          await browser.get(authorizeUrl(site.host, { mfa_action: 'add:totp' })),
        ),
        { username: 'mira', password: 'correct horse battery staple' },
      ),
    )
    const setUp = await showKey(browser, verify)
    const secret = secretOf(setUp)
    const code = totpCode({ secret }, site.host.clock.at)
    await follow(site.host, browser, await browser.submit(setUp, { code }))
    listApp()
    site.host.writes.length = 0
    const { client, page } = await alone()
    expect(page.name).to.equal('totp-verify')
    expect(signedInSessions(site.host.writes)).to.deep.equal([])
    const next = { code: totpCode({ secret }, (site.host.clock.at += 60)) }
    const claims = await claimsOf(await follow(site.host, client, await client.submit(page, next)))
    expect(claims).to.include({ sub: 'mira', acr: PHISHING_RESISTANT_ACR })
    expect(claims.amr).to.have.members(['hwk', 'user', 'otp', 'mfa'])
  })

  it('R17 R41 leads to the set-up of a factor that the person does not have, after a proof of its own', async () => {
    listApp()
    const { client, page } = await alone()
    const setUp = await showKey(client, page)
    expect(signedInSessions(site.host.writes)).to.deep.equal([])
    const code = totpCode({ secret: secretOf(setUp) }, site.host.clock.at)
    const back = await follow(site.host, client, await client.submit(setUp, { code }))
    expect((await claimsOf(back)).amr).to.include.members(['hwk', 'user', 'otp', 'mfa'])
  })

  it('R11 R17 is no proof for a change of factors in the same request', async () => {
    const { client, page } = await alone({ mfa_action: 'add:totp' })
    const setUp = await showKey(client, page)
    expect(setUp.name).to.equal('totp-enrol')
  })

  it('judges the browser as it was before this sign-in', async () => {
    site.host.mfa.setPolicy({
      rules: [{ name: 'known', when: { newBrowser: false }, factors: ['totp'] }],
    })
    const { client, page } = await alone()
    expect((await claimsOf(page)).sub).to.equal('mira')
    const { options, answer } = await site.open({ prompt: 'login' }, client)
    const next = await follow(site.host, client, await answer(key.get(options)))
    expect(next.name).to.equal('passkey-verify')
  })

  it('is enough where a rule gives time for a second device', async () => {
    const { client } = await alone()
    for (const name of ['_session', '_session.sig']) client.jar.delete(name)
    const enrol = { graceSeconds: 86_400 }
    site.host.mfa.setPolicy({ rules: [{ name: 'two', when: {}, redundancy: true, enrol }] })
    site.host.writes.length = 0
    const { options, answer } = await site.open({}, client)
    const later = await follow(site.host, client, await answer(key.get(options)))
    expect(later.name).to.equal('enrol-later')
    expect(signedInSessions(site.host.writes)).not.to.deep.equal([])
    const answered = await client.submit(later, {}, { form: '[action$="/later"]' })
    const claims = await claimsOf(await follow(site.host, client, answered))
    expect(claims.amr).to.deep.equal(['hwk', 'user', 'mfa'])
  })

  it('R12 R17 makes no browser known before the rest is proved', async () => {
    site.host.mfa.setPolicy({
      rules: [{ name: 'new', when: { newBrowser: true }, factors: ['totp'] }],
    })
    const { client, page } = await alone()
    expect(page.name).to.equal('passkey-verify')
    // The person leaves, and begins again in the same browser.
    const { options, answer } = await site.open({}, client)
    const again = await follow(site.host, client, await answer(key.get(options)))
    expect(again.name).to.equal('passkey-verify')
  })

  it('R17 signs a device in by a passkey that was shown for it, and not by the session of a browser', async () => {
    const { client, page } = await alone()
    expect((await claimsOf(page)).sub).to.equal('mira')
    const { json } = await asClient(site.host, '/device/auth', { scope: 'openid' })
    const { device_code, user_code } = json as { device_code: string; user_code: string }
    const tokens = () => asClient(site.host, '/token', { grant_type: DEVICE, device_code })
    const address = new URL('/device', site.host.issuer)
    const input = await client.get(address)
    const confirm = await client.post(address, { ...input.form().fields, user_code })
    const asked = await follow(
      site.host,
      client,
      await client.post(address, { ...confirm.form().fields, confirm: 'yes' }),
    )
    expect(asked.name, asked.body).to.be.oneOf(['host-login', 'passkey-verify'])
    expect((await tokens()).json.error).to.equal('authorization_pending')
    const credential = key.get(optionsOf(asked))
    const form = { form: 'form[data-passkey-options]' }
    await follow(site.host, client, await client.submit(asked, { credential }, form))
    expect((await tokens()).json.access_token).to.be.a('string')
  })

  it('keeps the second factor of a password as it was', async () => {
    const client = new HttpClient()
    const verify = await showPassword(site.host, client, 'mira')
    expect((await claimsOf(await showKey(client, verify))).amr).to.deep.equal([
      'pwd',
      'hwk',
      'user',
      'mfa',
    ])
  })
})
