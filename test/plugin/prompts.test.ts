import { expect } from 'chai'
import { HttpClient, type Page } from '../support/http-client.ts'
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
import { signedInSessions } from './recorded-storage.ts'
import { enrolledPerson, nextCode, signIn, type Person } from './sign-in.ts'

describe('what a relying party asks for', () => {
  let host: Host
  let mira: Person
  let browser: HttpClient

  beforeEach(async () => {
    host = await startHost()
    // Tests cannot move the host's own clock. By that clock, a session that starts now is an hour old.
    host.clock.at -= 3600
    mira = await enrolledPerson(host)
    browser = new HttpClient()
  })
  afterEach(async () => host.close())

  const visit = async (parameters: Record<string, string>): Promise<Page> =>
    follow(host, browser, await browser.get(authorizeUrl(host, parameters)))
  const typePassword = async (login: Page, username = 'mira'): Promise<Page> =>
    follow(host, browser, await browser.post(login.url, { username, password: PASSWORD }))
  const typeCode = async (verify: Page): Promise<Page> =>
    follow(host, browser, await browser.submit(verify, { code: nextCode(host, mira) }))

  it('R25 prompt=none with a session answers without a page', async () => {
    await signIn(host, browser, mira)
    expect(callbackOf(await visit({ prompt: 'none' })).get('code')).to.be.a('string')
  })

  it('R25 prompt=login asks for both factors again, and once', async () => {
    const first = await redeem(host, callbackOf(await signIn(host, browser, mira)))
    const login = await visit({ prompt: 'login' })
    expect(login.name).to.equal('host-login')
    const verify = await typePassword(login)
    expect(verify.name).to.equal('totp-verify')
    const { claims } = await redeem(host, callbackOf(await typeCode(verify)))
    expect(claims.auth_time).to.be.greaterThan(Number(first.claims.auth_time))
  })

  it('R25 prompt=login is not satisfied by the password alone', async () => {
    await signIn(host, browser, mira)
    const before = signedInSessions(host.writes).length
    const verify = await typePassword(await visit({ prompt: 'login' }))
    const resumed = await browser.get(
      new URL(`/auth/${verify.url.pathname.split('/')[2]}`, host.issuer),
    )
    expect((await follow(host, browser, resumed)).name).to.equal('host-login')
    const sessions = signedInSessions(host.writes).slice(before)
    expect(new Set(sessions.map(({ loginTs }) => loginTs))).to.have.property('size', 1)
  })

  it('prompt=consent asks, and only for consent, in a session', async () => {
    await signIn(host, browser, mira)
    const consent = await visit({ prompt: 'consent' })
    expect(consent.name).to.equal('host-consent')
    const back = await follow(host, browser, await browser.submit(consent))
    expect(callbackOf(back).get('code')).to.be.a('string')
  })

  it('prompt=login consent asks for consent after the last factor', async () => {
    const consent = await typeCode(await typePassword(await visit({ prompt: 'login consent' })))
    expect(consent.name).to.equal('host-consent')
    const { claims } = await redeem(
      host,
      callbackOf(await follow(host, browser, await browser.submit(consent))),
    )
    expect(claims).to.deep.include({ sub: 'mira', amr: ['pwd', 'otp', 'mfa'] })
  })

  it('prompt=consent that is refused sends the person back with access_denied', async () => {
    await signIn(host, browser, mira)
    const consent = await visit({ prompt: 'consent' })
    const refused = await browser.submit(consent, { refuse: 'yes' })
    expect(callbackOf(await follow(host, browser, refused)).get('error')).to.equal('access_denied')
  })

  it('prompt=mfa asks for a fresh code in a session, and once', async () => {
    await signIn(host, browser, mira)
    const verify = await visit({ prompt: 'mfa' })
    expect(verify.name).to.equal('totp-verify')
    expect(callbackOf(await typeCode(verify)).get('code')).to.be.a('string')
  })

  it('prompt=mfa asks for one code in a sign-in', async () => {
    const verify = await showPassword(host, browser, 'mira', { prompt: 'mfa' })
    expect(callbackOf(await typeCode(verify)).get('code')).to.be.a('string')
  })

  it('prompt=mfa consent asks for the code, then for consent', async () => {
    await signIn(host, browser, mira)
    const consent = await typeCode(await visit({ prompt: 'mfa consent' }))
    expect(consent.name).to.equal('host-consent')
    const back = await follow(host, browser, await browser.submit(consent))
    expect(callbackOf(back).get('code')).to.be.a('string')
  })

  it('is told by access_denied that the person gave up at the second factor', async () => {
    const verify = await showPassword(host, browser, 'mira')
    const cancel = await browser.submit(verify, {}, { form: '[action$="/cancel"]' })
    const back = callbackOf(await follow(host, browser, cancel))
    expect(back.get('error')).to.equal('access_denied')
    expect(back.get('state')).to.equal('the-state')
  })

  for (const age of ['0', '1'])
    it(`R25 max_age=${age} asks a person for the password once, however long the code takes`, async () => {
      const verify = await showPassword(host, browser, 'mira', { max_age: age })
      expect(verify.name).to.equal('totp-verify')
      host.clock.at += 60
      expect(callbackOf(await typeCode(verify)).get('code')).to.be.a('string')
    })

  it('R25 max_age asks for both factors again in a session that is older', async () => {
    await signIn(host, browser, mira)
    const silent = callbackOf(await visit({ prompt: 'none', max_age: '60' }))
    expect(silent.get('error')).to.equal('login_required')
    const login = await visit({ max_age: '60' })
    expect(login.name).to.equal('host-login')
    const verify = await typePassword(login)
    expect(verify.name).to.equal('totp-verify')
    const { claims } = await redeem(host, callbackOf(await typeCode(verify)))
    expect(claims.auth_time).to.be.a('number')
  })

  it('R25 max_age is met by the password, not by a later code', async () => {
    await signIn(host, browser, mira)
    await typeCode(await visit({ prompt: 'mfa' }))
    const silent = callbackOf(await visit({ prompt: 'none', max_age: '60' }))
    expect(silent.get('error')).to.equal('login_required')
  })

  describe('of a certain person', () => {
    let requests: Readonly<Record<string, Record<string, string>>>
    beforeEach(async () => {
      const { tokens } = await redeem(host, callbackOf(await signIn(host, browser, mira)))
      requests = {
        id_token_hint: { id_token_hint: tokens.id_token! },
        'the sub claim': {
          claims: JSON.stringify({ id_token: { sub: { value: 'mira' } } }),
        },
      }
    })

    for (const way of ['id_token_hint', 'the sub claim']) {
      it(`takes their session, asked by ${way}`, async () => {
        expect(callbackOf(await visit(requests[way]!)).get('code')).to.be.a('string')
      })

      it(`takes their password and code, asked by ${way}`, async () => {
        browser = new HttpClient()
        const verify = await typePassword(await visit(requests[way]!))
        expect(verify.name).to.equal('totp-verify')
        expect(callbackOf(await typeCode(verify)).get('code')).to.be.a('string')
      })
    }

    // The host checks an id_token_hint only when the request arrives, so this test uses the sub claim alone.
    it("does not take another's password, asked by the sub claim", async () => {
      browser = new HttpClient()
      const again = await typePassword(await visit(requests['the sub claim']!), 'noor')
      expect(again.name).to.equal('host-login')
      expect((await typePassword(again)).name).to.equal('totp-verify')
    })

    it("does not take another's session, asked by id_token_hint", async () => {
      const noor = await enrolledPerson(host, 'noor')
      browser = new HttpClient()
      await signIn(host, browser, noor)
      expect((await visit(requests.id_token_hint!)).name).to.equal('host-login')
      const silent = await visit({ ...requests.id_token_hint!, prompt: 'none' })
      expect(callbackOf(silent).get('error')).to.equal('login_required')
    })
  })
})
