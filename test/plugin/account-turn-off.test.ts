import { expect } from 'chai'
import type { PolicyQuestion } from '../../src/index.ts'
import { deedsOf, press } from '../support/account-forms.ts'
import { HttpClient, type Page } from '../support/http-client.ts'
import { authorizeUrl, callbackOf, PASSWORD, startHost, type Host } from './host.ts'
import { enrolledPerson, nextCode, signIn, type Person } from './sign-in.ts'

describe('the account page that turns the second factor off', () => {
  let host: Host
  let mira: Person
  let required: boolean
  let asked: PolicyQuestion[]

  beforeEach(async () => {
    required = true
    asked = []
    host = await startHost({
      mfa: {
        account: true,
        require(question) {
          asked.push(question)
          return required
        },
      },
    })
    mira = await enrolledPerson(host)
    required = false
  })
  afterEach(async () => host.close())

  const to = (page: Page, browser = mira.browser): Promise<Page> =>
    browser.follow(page, ({ origin }) => origin !== new URL(host.issuer).origin)
  const visit = async (path = '/turn-off', browser = mira.browser): Promise<Page> =>
    to(await browser.get(`${host.issuer}/account${path}`), browser)
  const pressOff = async (page: Page): Promise<Page> =>
    to(await press(mira.browser, page, 'turn-off'))
  const enterCode = async (page: Page): Promise<Page> => {
    expect(page.name).to.equal('totp-verify')
    return to(await mira.browser.submit(page, { code: nextCode(host, mira) }))
  }
  const isEnrolled = async (): Promise<boolean> => (await host.mfa.accounts.status('mira')).enrolled

  it('R11 R20 tells the consequences, takes a fresh factor, and goes on here alone', async () => {
    const elsewhere = new HttpClient()
    await signIn(host, elsewhere, mira)
    expect((await visit('')).body).to.include('/account/turn-off"')
    const page = await visit()
    expect([page.status, page.name]).to.deep.equal([200, 'account-turn-off'])
    expect(page.text).to.include('backup codes too')
    const verify = await pressOff(page)
    expect(await isEnrolled()).to.equal(true)
    const after = await enterCode(verify)
    expect([after.name, after.url.pathname]).to.deep.equal(['account', '/account'])
    expect(after.texts('[role=status]')).to.deep.equal([
      'The second step is turned off. You are signed out everywhere else.',
    ])
    expect(await isEnrolled()).to.equal(false)
    expect(after.body).not.to.include('/account/turn-off')
    const silent = await elsewhere.get(authorizeUrl(host, { prompt: 'none' }))
    expect(callbackOf(silent).get('error')).to.equal('login_required')
    const gone = await visit()
    expect([gone.status, gone.alert]).to.deep.equal([
      200,
      'Your account has no second step that could be turned off.',
    ])
  })

  it('is refused with the reason and without a button where the policy requires a factor', async () => {
    required = true
    asked = []
    const page = await visit()
    expect([page.status, page.name, deedsOf(page)]).to.deep.equal([200, 'account-turn-off', []])
    expect(page.alert).to.include('A second step is required for your account')
    const [question] = asked.slice(-1)
    expect(question?.account.accountId).to.equal('mira')
    expect(question?.client.clientId).to.equal('account')
  })

  it('is refused where the policy begins to require a factor meanwhile', async () => {
    const verify = await pressOff(await visit())
    required = true
    const page = await enterCode(verify)
    expect([page.name, deedsOf(page)]).to.deep.equal(['account-turn-off', []])
    expect(await isEnrolled()).to.equal(true)
  })

  it('R9 is refused for 72 h after a password that came by mail', async () => {
    await host.mfa.accounts.passwordChanged('mira', { by: 'mail', address: 'mira@example.com' })
    await signIn(host, mira.browser, mira)
    const page = await visit()
    expect([page.name, deedsOf(page)]).to.deep.equal(['account-turn-off', []])
    expect(page.alert).to.include('Your password was set by mail')
  })

  it('R11 R30 does nothing for a stolen session, a foreign form or a proof of another deed', async () => {
    const page = await visit()
    await pressOff(page)
    // The thief leaves the proof out of the request, and comes back with the session alone.
    const { location } = await press(mira.browser, page, 'turn-off')
    location!.searchParams.delete('mfa_action')
    await to(await mira.browser.get(location!))
    const forged = { csrf: 'x', do: 'turn-off' }
    const foreign = await mira.browser.post(`${host.issuer}/account/turn-off`, forged)
    expect(foreign.status).to.equal(403)
    const proofOfAnother = await press(mira.browser, page, 'turn-off')
    const action = proofOfAnother.location!.searchParams.get('mfa_action')!
    const other = new URL(proofOfAnother.location!)
    other.searchParams.set('mfa_action', action.replace(/^prove:[^:]+/, 'prove:account-email'))
    await enterCode(await to(await mira.browser.get(other)))
    expect(await isEnrolled()).to.equal(true)
  })

  it('R42 does nothing in a session that has ended', async () => {
    const page = await visit()
    await host.mfa.accounts.endEverything('mira', 'test')
    const after = await pressOff(page)
    expect(after.name).to.equal('host-login')
    await mira.browser.post(after.url, { username: 'mira', password: PASSWORD })
    expect(await isEnrolled()).to.equal(true)
  })
})
