import { expect } from 'chai'
import {
  APP,
  atTheApp,
  claimsOf,
  errorOf,
  MULTI_FACTOR,
  PASSWORD_ACR,
  relyingParty,
  startServerProcess,
  type RelyingParty,
  type ServerProcess,
  type Visitor,
} from './support.ts'

const ESSENTIAL = JSON.stringify({ id_token: { acr: { essential: true, value: MULTI_FACTOR } } })

describe('stepping up, where the second factor is optional', () => {
  let server: ServerProcess
  let app: RelyingParty
  let mira: Visitor

  before(async () => {
    server = await startServerProcess({
      clients: [APP, { ...APP, client_id: 'own', first_party: true }],
      // The password must suffice to set up a first factor: people here have signed in before, and without mail the
      // server can ask for no other proof (R10).
      settings: { mfa: { required: 'optional', firstEnrolment: 'password' } },
    })
    app = await relyingParty(server, 'own')
  })
  after(() => server.stop())

  let people = 0
  beforeEach(async () => {
    people += 1
    mira = await server.addPerson(`mira${people}`)
  })

  /** Signs in with the password alone and returns the claims. */
  const passwordOnly = async (): Promise<ReturnType<typeof claimsOf>> => {
    const request = await app.request()
    const claims = claimsOf(await app.redeem(await mira.signIn(request), request))
    expect(mira.seen).to.deep.equal(['login'])
    expect(claims).to.deep.include({ acr: PASSWORD_ACR, amr: ['pwd'] })
    return claims
  }

  it('R24 asks for the second factor alone and keeps the time of the password', async () => {
    const before = await passwordOnly()
    const request = await app.request({ claims: ESSENTIAL })
    const page = await mira.signIn(request)
    expect(mira.seen).to.deep.equal(['mfa-choose', 'totp-enrol', 'backup-codes'])
    const after = claimsOf(await app.redeem(page, request))
    expect(after).to.deep.include({
      acr: MULTI_FACTOR,
      amr: ['pwd', 'otp', 'mfa'],
      auth_time: before.auth_time,
    })
  })

  it('R19 makes a new session identifier', async () => {
    await passwordOnly()
    const idOf = (): string | undefined =>
      mira.browser.jar.all().find(({ key }) => key === 'session')?.value
    const before = idOf()
    await mira.signIn(await app.request({ claims: ESSENTIAL }))
    expect(before).to.be.a('string')
    expect(idOf()).to.be.a('string').and.not.to.equal(before)
  })

  it('R25 is interaction_required for prompt=none', async () => {
    await passwordOnly()
    const silent = await app.request({ claims: ESSENTIAL, prompt: 'none' })
    expect(errorOf(await mira.browser.get(silent.url))).to.equal('interaction_required')
  })

  it('asks nobody twice: what was reached stays reached, and is never lowered', async () => {
    await passwordOnly()
    await mira.signIn(await app.request({ claims: ESSENTIAL }))
    for (const params of [{ claims: ESSENTIAL }, { acr_values: PASSWORD_ACR }, {}]) {
      const request = await app.request({ ...params, prompt: 'none' })
      const page = await mira.browser.visit(request.url, atTheApp)
      expect(claimsOf(await app.redeem(page, request)).acr).to.equal(MULTI_FACTOR)
    }
  })

  it('once enrolled a person is asked at every sign-in, whatever the app wants', async () => {
    await mira.signIn(await app.request({ claims: ESSENTIAL }))
    const request = await app.request({ prompt: 'login', acr_values: PASSWORD_ACR })
    const page = await mira.signIn(request)
    expect(mira.seen).to.deep.equal(['login', 'totp-verify'])
    expect(claimsOf(await app.redeem(page, request)).acr).to.equal(MULTI_FACTOR)
  })

  it('prompt=mfa asks for a code although the session has the level', async () => {
    await mira.signIn(await app.request({ claims: ESSENTIAL }))
    const page = await mira.signIn(await app.request({ prompt: 'mfa' }))
    expect(mira.seen).to.deep.equal(['totp-verify'])
    expect(page.location?.searchParams.has('code')).to.equal(true)
  })

  it('R24 a person who turns back gets no token of the lower level', async () => {
    await passwordOnly()
    const page = await mira.browser.visit((await app.request({ claims: ESSENTIAL })).url)
    const cancelled = await mira.browser.submit(page, {}, { form: '[action$="/cancel"]' })
    const back = await mira.browser.follow(cancelled, atTheApp)
    expect(errorOf(back)).to.be.a('string')
    expect(back.location?.searchParams.has('code')).to.equal(false)
  })
})
