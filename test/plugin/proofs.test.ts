import { createHash } from 'node:crypto'
import { expect } from 'chai'
import { HttpClient, type Page } from '../support/http-client.ts'
import { authorizeUrl, callbackOf, follow, showPassword } from './host.ts'
import { add, ask, begin, end, eventsOf, host, mira, open, press, prove } from './managed-host.ts'
import { PASSWORD } from './host-pages.ts'
import { nextCode, signIn, uidOf } from './sign-in.ts'

const SECRET = 'kept in the browser by the page'
const EMAIL = { purpose: 'change-email', secret: SECRET }

function actionOf({ purpose, secret }: typeof EMAIL = EMAIL): string {
  return `prove:${purpose}:${createHash('sha256').update(secret).digest('base64url')}`
}
const spend = (proof = EMAIL, accountId = 'mira'): Promise<boolean> =>
  host.mfa.accounts.spendProof(accountId, proof)

describe('a proof for a change that a page of the application makes', () => {
  beforeEach(() => begin())
  afterEach(end)

  it('R11 asks for a fresh factor, leads back at once, and is spent once', async () => {
    await signIn(host, mira.browser, mira, { prompt: 'login' })
    expect(await spend()).to.equal(false)
    const back = await prove(actionOf())
    expect(callbackOf(back).get('code')).to.be.a('string')
    expect(await spend({ ...EMAIL, secret: 'guessed' })).to.equal(false)
    expect(await spend({ ...EMAIL, purpose: 'turn-off' })).to.equal(false)
    expect(await spend(EMAIL, 'noah')).to.equal(false)
    expect(await spend()).to.equal(true)
    expect(await spend()).to.equal(false)
  })

  it('is made with a backup code too', async () => {
    const verify = await ask(actionOf())
    const { csrf = '' } = verify.form().fields
    const address = `${host.issuer}/mfa/${uidOf(verify)}/verify/backup-codes`
    const answer = await mira.browser.post(address, { csrf, backupCode: mira.codes[0]! })
    expect(callbackOf(await follow(host, mira.browser, answer)).get('code')).to.be.a('string')
    expect(await spend()).to.equal(true)
  })

  it('R11 is no proof for a change on the pages of its sign-in', async () => {
    const verify = await ask(actionOf())
    const { csrf = '' } = verify.form().fields
    const base = `${host.issuer}/mfa/${uidOf(verify)}`
    for (const isProved of [false, true]) {
      if (isProved) await mira.browser.submit(verify, { code: nextCode(host, mira) })
      for (const path of ['change', 'enrol/totp', 'choose']) {
        const fields = { csrf, factor: 'totp', name: 'Mine', code: '000000' }
        await mira.browser.post(`${base}/${path}`, fields)
      }
      await mira.browser.get(`${base}/change`)
    }
    expect(await eventsOf('enrolment-started', 'factor-removed', 'factor-renamed')).to.have.length(
      1,
    )
  })

  it('R20 is void after a change of factors that signs out everywhere else', async () => {
    await prove(actionOf())
    await press(await prove('renew:backup-codes'))
    expect(await spend()).to.equal(false)
  })

  it('R20 is good after a factor was added, which ends no session', async () => {
    await prove(actionOf())
    await add()
    expect(await spend()).to.equal(true)
  })

  it('R11 R17 is not made by a stolen session, nor without a page', async () => {
    const silent = await mira.browser.get(
      authorizeUrl(host, { mfa_action: actionOf(), prompt: 'none' }),
    )
    expect(callbackOf(silent).get('error')).to.equal('interaction_required')
    const verify = await ask(actionOf())
    await mira.browser.submit(verify, { code: '000000' })
    expect(await spend()).to.equal(false)
  })

  it('is for the apps that the application names, and of the one spelling', async () => {
    const refused = async (parameters: Record<string, string>) =>
      callbackOf(await mira.browser.get(authorizeUrl(host, parameters))).get('error')
    expect(await refused({ client_id: 'other', mfa_action: actionOf() })).to.equal(
      'invalid_request',
    )
    for (const action of ['prove', 'prove:email', 'prove:email:short', `${actionOf()}x`])
      expect(await refused({ mfa_action: action }), action).to.equal('invalid_request')
  })
})

describe('a proof of a person without a second factor', () => {
  const browser = (): HttpClient => new HttpClient()
  const typed = { username: 'noah', password: PASSWORD }
  afterEach(end)

  /** Signs in with the password alone, and asks for a proof in that browser. */
  async function asked(noah: HttpClient): Promise<Page> {
    expect(callbackOf(await showPassword(host, noah, 'noah')).get('code')).to.be.a('string')
    return ask(actionOf(), noah)
  }

  it('R11 is the password, typed for it and not before', async () => {
    await open({ mfa: { require: false } })
    const noah = browser()
    const login = await asked(noah)
    expect(login.name).to.equal('host-login')
    expect(await spend(EMAIL, 'noah')).to.equal(false)
    const back = await follow(host, noah, await noah.submit(login, typed))
    expect(callbackOf(back).get('code')).to.be.a('string')
    expect(await spend(EMAIL, 'noah')).to.equal(true)
    expect(await spend(EMAIL, 'noah')).to.equal(false)
  })

  it('R41 counts from when the login page says that the password was typed', async () => {
    await open({
      mfa: { require: false },
      answer: (here, request, response, accountId) =>
        here.mfa.interactionFinished(request, response, {
          login: { accountId, ts: here.clock.at - 600 },
        }),
    })
    const noah = browser()
    await follow(host, noah, await noah.submit(await asked(noah), typed))
    expect(await spend(EMAIL, 'noah')).to.equal(false)
  })

  it('R10 sets up no factor', async () => {
    await open({ mfa: { require: false, firstEnrolment: () => 'refused' } })
    const noah = browser()
    await follow(host, noah, await noah.submit(await asked(noah), typed))
    expect((await ask('add', noah)).name).to.equal('enrolment-refused')
  })

  it('R11 is the first factor’s set-up where the policy requires one, and no proof yet', async () => {
    await open()
    const noah = browser()
    const login = await ask(actionOf(), noah)
    const next = await follow(host, noah, await noah.submit(login, typed))
    expect(next.name).to.equal('totp-enrol')
    expect(await spend(EMAIL, 'noah')).to.equal(false)
  })

  it('R25 is not made without a page', async () => {
    await open({ mfa: { require: false } })
    const noah = browser()
    await asked(noah)
    const silent = await noah.get(authorizeUrl(host, { mfa_action: actionOf(), prompt: 'none' }))
    expect(callbackOf(silent).get('error')).to.equal('login_required')
  })
})
