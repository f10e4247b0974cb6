import { expect } from 'chai'
import { backupCodes, totp } from '../../src/index.ts'
import { challengeFactor, deliveredCodeFactor } from '../../src/testing/factors.ts'
import { secretOf } from '../support/enrolment.ts'
import { HttpClient, type Page } from '../support/http-client.ts'
import { ownCode, totpCode } from '../support/totp.ts'
import { callbackOf, redeem, showPassword } from './host.ts'
import {
  add,
  ask,
  begin,
  end,
  eventsOf,
  factors,
  host,
  ids,
  isSignedIn,
  mira,
  open,
  press,
  prove,
} from './managed-host.ts'
import { signIn, uidOf } from './sign-in.ts'

const browserKey = {
  ...challengeFactor('browser-key'),
  pages: { views: new URL('browser-key/', import.meta.url) },
}

describe('adding an authenticator', () => {
  beforeEach(() => begin())
  afterEach(end)

  it('R11 R20 binds it beside the first, and signs nobody out', async () => {
    const elsewhere = new HttpClient()
    await signIn(host, elsewhere, mira)
    const { secret, back } = await add()
    const { claims } = await redeem(host, callbackOf(back))
    expect(claims).to.deep.include({ sub: 'mira', amr: ['pwd', 'otp', 'mfa'] })
    expect((await factors()).map(({ factor, name }) => [factor, name])).to.deep.equal([
      ['totp', 'Phone'],
      ['backup-codes', ''],
      ['totp', 'Tablet'],
    ])
    expect(await isSignedIn(elsewhere)).to.equal(true)
    expect(await isSignedIn(mira.browser)).to.equal(true)
    const raised = await eventsOf('epoch-raised')
    expect(raised.map(({ detail }) => detail)).to.deep.equal([
      { epoch: 2, reason: 'factor-enrolled' },
    ])
    const tablet = await signIn(host, new HttpClient(), { ...mira, secret })
    expect(callbackOf(tablet).get('code')).to.be.a('string')
    const [enrolled] = (await eventsOf('factor-enrolled')).slice(-1)
    expect(enrolled?.detail).to.include({ authenticatorName: 'Tablet', clientId: 'app' })
    const [started] = (await eventsOf('enrolment-started')).slice(-1)
    expect(started?.detail.reason).to.equal('fresh-factor')
  })

  it('suggests a name that the first does not have', async () => {
    const setUp = await prove('add')
    expect(setUp.form().fields).to.include({ name: 'My phone 2' })
  })

  it('R19 R20 gives the session that made it a new identifier', async () => {
    const sessionOf = () => mira.browser.jar.all().find(({ key }) => key === '_session')?.value
    const before = sessionOf()
    await add()
    expect(sessionOf()).to.be.a('string').and.not.to.equal(before)
  })

  it('R5 spends the code that confirms it', async () => {
    const { secret } = await add()
    const stranger = new HttpClient()
    const again = await showPassword(host, stranger, 'mira')
    const refused = await stranger.submit(again, { code: ownCode({ secret }, host.clock.at) })
    expect(refused.status).to.equal(422)
  })

  it('R11 spends the proof: the same interaction adds no second one', async () => {
    const { setUp } = await add()
    const base = `${host.issuer}/mfa/${uidOf(setUp)}`
    const { csrf = '' } = setUp.form().fields
    for (const path of ['change', 'choose', 'enrol/totp']) {
      const answer = await mira.browser.post(`${base}/${path}`, {
        csrf,
        factor: 'totp',
        code: '000000',
      })
      expect(answer.status, path).to.equal(410)
    }
    expect(await ids('totp')).to.have.length(2)
  })

  it('R11 keeps its proof while it is in progress, for half an hour', async () => {
    const setUp = await prove('add')
    const confirm = (page: Page) =>
      mira.browser.submit(page, { code: totpCode({ secret: secretOf(page) }, host.clock.at) })
    host.clock.at += 1_800
    expect((await confirm(setUp)).status).to.equal(410)
    expect(await ids('totp')).to.have.length(1)
    const other = await prove('add')
    host.clock.at += 1_799
    expect((await confirm(other)).status).to.equal(303)
    expect(await ids('totp')).to.have.length(2)
  })

  it('R11 cannot be begun more than ten minutes after its proof', async () => {
    await end()
    await begin({ mfa: { factors: [totp(), browserKey, backupCodes()] } })
    const choice = await prove('add')
    expect(choice.name).to.equal('mfa-choose')
    expect(choice.text).to.contain('Add another way')
    host.clock.at += 600
    const late = await mira.browser.submit(choice, { factor: 'totp' })
    expect(late.status).to.equal(410)
  })

  it('shows no choice where the app has named the factor', async () => {
    await end()
    await begin({ mfa: { factors: [totp(), browserKey, backupCodes()] } })
    expect((await prove('add:totp')).name).to.equal('totp-enrol')
    expect((await prove('add:browser-key')).name).to.equal('browser-key-enrol')
  })

  it('R38 answers a double tap of the confirming code alike', async () => {
    const setUp = await prove('add')
    const code = totpCode({ secret: secretOf(setUp) }, host.clock.at)
    const [one, two] = await Promise.all([
      mira.browser.submit(setUp, { code }),
      mira.browser.submit(setUp, { code }),
    ])
    expect([one.status, two.status]).to.deep.equal([303, 303])
    expect(one.location?.href).to.equal(two.location?.href)
    expect(await ids('totp')).to.have.length(2)
  })

  it('R18 R20 of two that are confirmed at once under two proofs both are bound, and neither ends the other sign-in', async () => {
    const browsers = [new HttpClient(), new HttpClient()]
    const pages: { page: Page; code: string; browser: HttpClient }[] = []
    for (const browser of browsers) {
      await signIn(host, browser, mira)
      const page = await prove('add', browser)
      pages.push({ page, browser, code: '' })
    }
    const answers = await Promise.all(
      pages.map(({ page, browser }) =>
        browser.submit(page, { code: totpCode({ secret: secretOf(page) }, host.clock.at) }),
      ),
    )
    expect(answers.map(({ status }) => status)).to.deep.equal([303, 303])
    expect(await ids('totp')).to.have.length(3)
    for (const browser of browsers) expect(await isSignedIn(browser)).to.equal(true)
  })
})

describe('adding a factor that the app has named', () => {
  afterEach(end)

  it('R11 adds no other one', async () => {
    const pages = { views: new URL('./mailed-code/', import.meta.url) }
    const factors = [totp(), backupCodes(), { ...deliveredCodeFactor(), pages }]
    await begin({ mfa: { factors, sendMail: async () => {} } })
    const choose = await prove('add:totp')
    const { csrf = '' } = choose.form().fields
    const url = new URL(`/mfa/${uidOf(choose)}/change`, host.issuer)
    const other = await mira.browser.post(url, { csrf, factor: 'test-mailed-code' })
    expect(other.status).to.equal(410)
    const named = await mira.browser.post(url, { csrf, factor: 'totp' })
    expect(named.location?.pathname).to.match(/\/enrol\/totp$/)
  })
})

describe('adding to an account that has no factor yet', () => {
  afterEach(end)

  it('R10 is a first enrolment: ten codes with it, and one factor', async () => {
    await open({ mfa: { require: false } })
    const browser = new HttpClient()
    const setUp = await showPassword(host, browser, 'noor', { mfa_action: 'add' })
    expect(setUp.name).to.equal('totp-enrol')
    expect(await isSignedIn(browser)).to.equal(false)
    const code = totpCode({ secret: secretOf(setUp) }, host.clock.at)
    const shown = await press(setUp, { code }, browser)
    expect(shown.name).to.equal('backup-codes')
    const back = await press(shown, { saved: 'yes' }, browser)
    expect((await redeem(host, callbackOf(back))).claims.amr).to.include('otp')
    expect((await host.mfa.accounts.status('noor')).factors).to.have.length(2)
  })

  it('R10 takes the proof that a first enrolment takes', async () => {
    await open({ mfa: { require: false, firstEnrolment: () => 'refused' } })
    const page = await showPassword(host, new HttpClient(), 'noor', { mfa_action: 'add' })
    expect([page.status, page.name]).to.deep.equal([403, 'enrolment-refused'])
  })

  it('R10 R11 is nothing that an old session can do: the password is asked for again', async () => {
    await open({ mfa: { require: false } })
    const browser = new HttpClient()
    callbackOf(await showPassword(host, browser, 'noor'))
    host.clock.at += 601
    expect((await ask('add', browser)).name).to.equal('host-login')
  })

  it('has nothing to make anew', async () => {
    await open({ mfa: { require: false } })
    const back = await showPassword(host, new HttpClient(), 'noor', {
      mfa_action: 'renew:backup-codes',
    })
    expect(callbackOf(back).get('error')).to.equal('invalid_request')
  })
})
