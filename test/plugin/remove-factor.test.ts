import { expect } from 'chai'
import { HttpClient, type Page } from '../support/http-client.ts'
import { callbackOf, follow, redeem } from './host.ts'
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
  press,
  prove,
} from './managed-host.ts'
import { STORAGES } from './recorded-storage.ts'
import { nextCode, signIn } from './sign-in.ts'

describe('a change of factors after a password that came by mail', () => {
  beforeEach(() => begin())
  afterEach(end)

  it('R9 is refused for 72 h, with the reason and without a code; adding is not', async () => {
    const { secret } = await add()
    const tablet = { ...mira, secret }
    const [phone] = await ids('totp')
    const changes = [`remove:${phone}`, `replace:${phone}`, 'renew:backup-codes']
    const begun = await ask(changes[0]!)
    await host.mfa.accounts.passwordChanged('mira', { by: 'mail', address: 'mira@example.com' })
    // A sign-in with the new password and a factor opens none of them.
    await signIn(host, mira.browser, tablet)
    for (const change of changes) {
      const page = await ask(change)
      expect([page.status, page.name], change).to.deep.equal([403, 'factor-change-shut'])
      expect(page.alert).to.include('Your password was set by mail')
      expect(callbackOf(await press(page)).get('error')).to.equal('access_denied')
    }
    expect((await ask('add')).name).to.equal('totp-verify')
    const late = await mira.browser.submit(begun, { code: nextCode(host, tablet) })
    expect((await follow(host, mira.browser, late)).name).to.equal('factor-change-shut')
    host.clock.at += 259_200
    await signIn(host, mira.browser, tablet)
    expect((await ask(changes[0]!)).name).to.equal('totp-verify')
  })
})

describe('removing an authenticator', () => {
  beforeEach(() => begin())
  afterEach(end)

  it('R11 R20 needs another pair of the second level, and signs out what it had signed in', async () => {
    const [phone] = await ids('totp')
    const { secret } = await add()
    const tablet = { ...mira, secret }
    const elsewhere = new HttpClient()
    await signIn(host, elsewhere, tablet)
    const verify = await ask(`remove:${phone}`)
    const proved = await mira.browser.submit(verify, { code: nextCode(host, tablet) })
    const page = await follow(host, mira.browser, proved)
    expect(page.name).to.equal('factor-remove')
    const back = await press(page)
    expect((await redeem(host, callbackOf(back))).status).to.equal(200)
    expect((await factors()).map(({ name }) => name)).to.have.members(['', 'Tablet'])
    expect(await isSignedIn(elsewhere)).to.equal(false)
    const [removed] = await eventsOf('factor-removed')
    expect(removed?.detail).to.include({ authenticatorId: phone, authenticatorName: 'Phone' })
  })

  it('is refused for the last one, with the reason and without a code', async () => {
    const [phone] = await ids('totp')
    const page = await ask(`remove:${phone}`)
    expect([page.status, page.name]).to.deep.equal([403, 'factor-remove-refused'])
    const back = await press(page)
    expect(callbackOf(back).get('error')).to.equal('access_denied')
  })

  it('R38 answers a double tap alike', async () => {
    await add()
    const [phone] = await ids('totp')
    const page = await prove(`remove:${phone}`)
    const answers = await Promise.all([mira.browser.submit(page), mira.browser.submit(page)])
    expect(answers.map(({ status }) => status)).to.deep.equal([303, 303])
    expect(await eventsOf('factor-removed')).to.have.length(1)
  })
})

for (const [name, storage] of Object.entries(STORAGES))
  describe(`removing the last two authenticators (${name})`, () => {
    afterEach(end)

    it('R18 two at once never leave none', async () => {
      await begin({ storage })
      await add()
      const [phone, tablet] = await ids('totp')
      const pages: { page: Page; browser: HttpClient }[] = []
      for (const id of [phone, tablet]) {
        const browser = new HttpClient()
        await signIn(host, browser, mira)
        pages.push({ browser, page: await prove(`remove:${id}`, browser) })
      }
      const answers = await Promise.all(pages.map(({ page, browser }) => browser.submit(page)))
      expect(answers.map(({ status }) => status).toSorted()).to.deep.equal([303, 410])
      expect(await ids('totp')).to.have.length(1)
    })
  })
