import { expect } from 'chai'
import type { Configuration } from 'oidc-provider'
import {
  backupCodes,
  createMfa,
  MULTI_FACTOR_ACR,
  PASSWORD_ACR,
  totp,
  type MfaOptions,
} from '../../src/index.ts'
import { HttpClient, type Page } from '../support/http-client.ts'
import { secretOf } from '../support/enrolment.ts'
import { totpCode } from '../support/totp.ts'
import {
  authorizeUrl,
  callbackOf,
  CLIENT,
  follow,
  redeem,
  showPassword,
  startHost,
  type Host,
} from './host.ts'
import { enrolledPerson, nextCode, uidOf, type Person } from './sign-in.ts'

const DAY = 86_400
type Detail = { readonly reason?: string }
type Policy = NonNullable<MfaOptions['policy']>

const grantOf: Configuration['loadExistingGrant'] = async ({ oidc }) => {
  const { clientId } = oidc.client!
  const grant = new oidc.provider.Grant({ clientId, accountId: oidc.session!.accountId! })
  grant.addOIDCScope('openid email')
  grant.addOIDCClaims(['authn_factors'])
  await grant.save()
  return grant
}

describe('a trusted browser in a sign-in', () => {
  let host: Host
  let person: Person
  let browser: HttpClient
  afterEach(async () => host.close())

  const begin = async (policy: Policy = { trustedBrowserSeconds: 30 * DAY }): Promise<void> => {
    const strict = { ...CLIENT, client_id: 'strict', default_acr_values: [MULTI_FACTOR_ACR] }
    host = await startHost({
      mfa: { policy, manage: { clients: ['app'] } },
      configuration: {
        clients: [CLIENT, { ...CLIENT, client_id: 'other' }, strict],
        loadExistingGrant: grantOf,
      },
    })
    person = await enrolledPerson(host)
    browser = new HttpClient()
  }
  const show = (parameters: Record<string, string> = {}, client = browser): Promise<Page> =>
    showPassword(host, client, 'mira', parameters)
  const tick = async (page: Page): Promise<Page> =>
    follow(
      host,
      browser,
      await browser.submit(page, { code: nextCode(host, person), trust: 'yes' }),
    )
  const endSession = (client = browser): void => {
    for (const name of ['_session', '_session.sig']) client.jar.delete(name)
  }
  const levelOf = async (back: Page): Promise<unknown> =>
    (await redeem(host, callbackOf(back), 'app')).claims.acr
  const tokenOf = (client = browser) => client.jar.all().find(({ key }) => /mfa_trust_/.test(key))
  const eventsOf = async (type: string) => {
    await host.mfa.settled()
    return host.events.filter((event) => event.type === type)
  }

  it('R14 is ticked on the page of the code, and stands in at the level of the password', async () => {
    await begin()
    const page = await show()
    expect(page.tags('input[name=trust][type=checkbox]')).to.have.length(1)
    expect(page.tags('input[name=trust][checked]')).to.have.length(0)
    expect(await levelOf(await tick(page))).to.equal(MULTI_FACTOR_ACR)
    expect(await eventsOf('browser-trusted')).to.have.length(1)
    const before = tokenOf()?.value
    endSession()
    expect(await levelOf(await show())).to.equal(PASSWORD_ACR)
    expect(tokenOf()?.value).to.be.a('string').and.not.equal(before)
    endSession()
    expect((await show({ acr_values: MULTI_FACTOR_ACR })).name).to.equal('totp-verify')
    expect((await show({ max_age: '3600' })).name).to.equal('totp-verify')
    expect((await show({}, new HttpClient())).name).to.equal('totp-verify')
  })

  it('R14 is earned by nothing where the box is not ticked', async () => {
    await begin()
    const page = await show()
    await follow(host, browser, await browser.submit(page, { code: nextCode(host, person) }))
    expect(tokenOf()).to.equal(undefined)
    expect(await eventsOf('browser-trusted')).to.deep.equal([])
  })

  it('R14 has an unticked box that says how long, and warns of shared computers', async () => {
    await begin({ trustedBrowserSeconds: 7 * DAY })
    const [box] = (await show()).tags('input[name=trust]')
    expect(box).to.have.property('aria-describedby', 'trust-hint')
    expect(box).not.to.have.property('checked')
    for (const [language, label, warning] of [
      ['en', "Don't ask on this browser for 7 days", /computer that other people use/],
      ['de', 'In diesem Browser 7 Tage lang nicht fragen', /andere diesen Computer benutzen/],
    ] as const) {
      const client = new HttpClient({ headers: { 'accept-language': language } })
      const page = await show({}, client)
      expect(page.texts('label[for=trust]')).to.deep.equal([label])
      expect(page.texts('#trust-hint')[0]).to.match(warning)
    }
  })

  it('R14 is over at its end, whatever was used', async () => {
    await begin({ trustedBrowserSeconds: DAY })
    await tick(await show())
    host.clock.at += DAY - 60
    endSession()
    expect(await levelOf(await show())).to.equal(PASSWORD_ACR)
    host.clock.at += 60
    endSession()
    expect((await show()).name).to.equal('totp-verify')
  })

  it('R14 is trusted no longer once a replaced token is shown, by anybody', async () => {
    await begin()
    await tick(await show())
    endSession()
    const thief = new HttpClient({ jar: browser.jar.copy() })
    await show()
    endSession()
    host.clock.at += 31
    expect((await show({}, thief)).name).to.equal('totp-verify')
    expect(await eventsOf('browser-trust-reused')).to.have.length(1)
    expect((await show()).name).to.equal('totp-verify')
  })

  it('R14 is dropped by a changed password', async () => {
    await begin()
    await tick(await show())
    await host.mfa.accounts.passwordChanged('mira')
    endSession()
    expect((await show()).name).to.equal('totp-verify')
    const [event] = await eventsOf('browser-trust-revoked')
    expect(event?.detail).to.include({ reason: 'password-changed', count: 1 })
  })

  it('R14 is not offered, and earned by nothing, where the policy does not say so', async () => {
    await begin({})
    const page = await show()
    expect(page.tags('input[name=trust]')).to.have.length(0)
    await tick(page)
    expect(tokenOf()).to.equal(undefined)
    endSession()
    expect((await show()).name).to.equal('totp-verify')
    expect(await eventsOf('browser-trusted')).to.have.length(0)
  })

  it('R14 is listed and revoked by the application, and the session goes on', async () => {
    await begin()
    const since = host.clock.at + 30
    await tick(await show())
    const [listed, ...others] = await host.mfa.accounts.trustedBrowsers('mira')
    expect(listed).to.deep.include({ since, until: since + 30 * DAY, network: '127.0.0.0/24' })
    expect(others).to.deep.equal([])
    const epoch = await host.mfa.accounts.epoch('mira')
    const revoke = (id: string) => host.mfa.accounts.revokeTrustedBrowsers('mira', { id })
    expect(await revoke('another')).to.equal(0)
    expect(await revoke(listed?.id ?? '')).to.equal(1)
    expect(await host.mfa.accounts.trustedBrowsers('mira')).to.deep.equal([])
    expect(await host.mfa.accounts.epoch('mira')).to.equal(epoch)
    const [event] = await eventsOf('browser-trust-revoked')
    expect(event?.detail).to.deep.equal({ reason: 'revoked', count: 1 })
    const again = await follow(host, browser, await browser.get(authorizeUrl(host)))
    expect(await levelOf(again)).to.equal(MULTI_FACTOR_ACR)
    endSession()
    expect((await show()).name).to.equal('totp-verify')
  })

  it('R14 stands in for two tabs at once, and the browser stays trusted', async () => {
    await begin()
    await tick(await show())
    endSession()
    const tab = new HttpClient({ jar: browser.jar.copy() })
    const tabs = await Promise.all([show(), show({}, tab)])
    for (const back of tabs) expect(await levelOf(back)).to.equal(PASSWORD_ACR)
    const late = new HttpClient({ jar: browser.jar.copy() })
    const tokens = new Set([tokenOf()?.value, tokenOf(tab)?.value])
    expect(tokens.size).to.equal(2)
    const before = host.clock.at
    // Each token that a tab has is one that the account knows: the new one, or the one that it has replaced just now.
    for (const client of [late, tab]) {
      endSession(client)
      expect(await levelOf(await show({}, client))).to.equal(PASSWORD_ACR)
    }
    expect(host.clock.at).to.equal(before)
    expect(await eventsOf('browser-trust-reused')).to.have.length(0)
    expect(await host.mfa.accounts.trustedBrowsers('mira')).to.have.length(1)
  })

  const claims = (id_token: object) => ({ claims: JSON.stringify({ id_token }) })
  const acr = (request: object) => claims({ acr: { value: MULTI_FACTOR_ACR, ...request } })

  it('R14 does not stand in, and is not offered, where the request asks for more', async () => {
    await begin()
    await tick(await show())
    for (const asked of [
      { prompt: 'login' },
      { prompt: 'mfa' },
      { max_age: '0' },
      acr({}),
      acr({ essential: true }),
      claims({ acr: { essential: true } }),
      acr({ essential: true, max_age: 300 }),
      { client_id: 'strict' },
    ]) {
      endSession()
      const page = await show(asked)
      expect(
        [page.name, page.all('input[name=trust]').length],
        JSON.stringify(asked),
      ).to.deep.equal(['totp-verify', 0])
    }
    endSession()
    expect(await levelOf(await show())).to.equal(PASSWORD_ACR)
  })

  it('R14 a rule shortens the time, or says never', async () => {
    const rules = [
      { name: 'short', when: { client: ['app'] }, trustedBrowserSeconds: 3_600 },
      { name: 'none', when: { client: ['other'] }, trustedBrowserSeconds: 'never' as const },
    ]
    await begin({ trustedBrowserSeconds: DAY, rules })
    const since = host.clock.at + 30
    await tick(await show())
    const [trusted] = await host.mfa.accounts.trustedBrowsers('mira')
    expect(trusted?.until).to.equal(since + 3_600)
    endSession()
    const never = await show({ client_id: 'other' })
    expect([never.name, never.all('input[name=trust]').length]).to.deep.equal(['totp-verify', 0])
    endSession()
    expect(await levelOf(await show())).to.equal(PASSWORD_ACR)
  })

  it('R14 is in the token as what it is, beside the password', async () => {
    await begin()
    const since = host.clock.at + 30
    await tick(await show())
    host.clock.at += 60
    endSession()
    const back = await show(claims({ authn_factors: null }))
    const { claims: told } = await redeem(host, callbackOf(back))
    const trusted = { amr: [], time: since, phishing_resistant: false, kinds: [] }
    expect(told).to.deep.include({ acr: PASSWORD_ACR, amr: ['pwd'] })
    const factors = told.authn_factors as object[]
    expect(factors).to.have.length(2)
    expect(factors[0]).to.deep.include({ amr: ['pwd'] })
    expect(factors[1]).to.deep.equal({ ...trusted, trusted_browser: true })
  })

  it('R14 is earned by no backup code, whatever the form says', async () => {
    await begin()
    const verify = await show()
    const page = await browser.get(
      new URL(`/mfa/${uidOf(verify)}/verify/backup-codes`, host.issuer),
    )
    expect([page.name, page.all('input[name=trust]').length]).to.deep.equal([
      'backup-code-verify',
      0,
    ])
    const form = { backupCode: person.codes[0] ?? '', trust: 'yes' }
    const back = await follow(host, browser, await browser.submit(page, form))
    expect(await levelOf(back)).to.equal(MULTI_FACTOR_ACR)
    expect(tokenOf()).to.equal(undefined)
    expect(await host.mfa.accounts.trustedBrowsers('mira')).to.deep.equal([])
  })

  it('R14 is offered again seven days after a recovery, and no earlier', async () => {
    await begin()
    const { records } = host.storage
    const stored = await records.load('mira')
    const record = stored?.record as { history: object }
    const recoveredAt = host.clock.at
    const recovered = { ...record, history: { ...record.history, recoveredAt } }
    await records.save('mira', recovered, stored?.version ?? 0)
    const page = await show()
    expect(page.all('input[name=trust]')).to.have.length(0)
    await tick(page)
    expect(await host.mfa.accounts.trustedBrowsers('mira')).to.deep.equal([])
    host.clock.at = recoveredAt + 7 * DAY
    expect((await show({}, new HttpClient())).all('input[name=trust]')).to.have.length(1)
  })

  it('R14 is dropped by another node, a reset and an added factor, each with its reason', async () => {
    await begin()
    const node = createMfa({
      issuerName: 'Acme',
      storage: host.storage,
      encryptionKeys: [Buffer.alloc(32, 7)],
      factors: [totp(), backupCodes()],
      firstEnrolment: 'password',
      clock: host.clock,
    })
    const reasons = async () =>
      (await eventsOf('browser-trust-revoked')).map(({ detail }) => (detail as Detail).reason)
    await tick(await show())
    await node.accounts.passwordChanged('mira')
    endSession()
    const page = await show()
    expect(page.name).to.equal('totp-verify')
    await tick(page)
    const adding = await follow(
      host,
      browser,
      await browser.get(authorizeUrl(host, { mfa_action: 'add:totp' })),
    )
    const proved = await browser.submit(adding, { code: nextCode(host, person) })
    const setUp = await follow(host, browser, proved)
    const tablet = { secret: secretOf(setUp) }
    const added = { code: totpCode(tablet, host.clock.at), name: 'Tablet' }
    await follow(host, browser, await browser.submit(setUp, added))
    expect(await host.mfa.accounts.trustedBrowsers('mira')).to.deep.equal([])
    endSession()
    await tick(await show())
    await host.mfa.accounts.reset('mira')
    await node.settled()
    expect(await reasons()).to.include.members(['factor-enrolled', 'reset'])
    expect(await host.mfa.accounts.trustedBrowsers('mira')).to.deep.equal([])
  })

  it('R14 is at most one of ten of an account', async () => {
    await begin()
    for (let n = 0; n < 11; n += 1) {
      browser = new HttpClient()
      await tick(await show())
    }
    expect(await host.mfa.accounts.trustedBrowsers('mira')).to.have.length(10)
    const [event] = await eventsOf('browser-trust-revoked')
    expect(event?.detail).to.include({ reason: 'eleventh', count: 1 })
  })
})
