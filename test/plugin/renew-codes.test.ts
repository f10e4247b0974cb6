import { expect } from 'chai'
import { backupCodesOf } from '../support/enrolment.ts'
import { HttpClient, type Page } from '../support/http-client.ts'
import { authorizeUrl, callbackOf, follow, redeem, showPassword } from './host.ts'
import {
  ask,
  begin,
  end,
  eventsOf,
  host,
  ids,
  isSignedIn,
  mira,
  press,
  prove,
} from './managed-host.ts'
import { nextCode, signIn, uidOf } from './sign-in.ts'

describe('making new backup codes', () => {
  beforeEach(() => begin())
  afterEach(end)

  it('R8 R11 shows ten new ones once, and the old ones are gone with the same commit', async () => {
    const page = await prove('renew:backup-codes')
    expect(page.name).to.equal('factor-renew')
    const shown = await press(page)
    expect(shown.name).to.equal('backup-codes')
    const codes = backupCodesOf(shown)
    expect(new Set([...codes, ...mira.codes]).size).to.equal(20)
    expect(await ids('backup-codes')).to.have.length(1)
    const back = await press(shown, { saved: 'yes' })
    expect((await redeem(host, callbackOf(back))).status).to.equal(200)
    const told = await eventsOf('backup-codes-created')
    expect(told.at(-1)?.detail).to.include({ reason: 'renewed', factor: 'backup-codes' })

    const tryCode = async (backupCode: string): Promise<Page> => {
      const browser = new HttpClient()
      const verify = await showPassword(host, browser, 'mira')
      const choose = await browser.get(verify.link('[data-other-way]'))
      const chosen = await browser.submit(choose, {}, { button: 'backup-codes' })
      return browser.submit(await browser.follow(chosen), { backupCode })
    }
    expect((await tryCode(mira.codes[0]!)).status).to.equal(422)
    expect((await tryCode(codes[0]!)).status).to.equal(303)
  })

  it('R20 signs out everything else', async () => {
    const elsewhere = new HttpClient()
    await signIn(host, elsewhere, mira)
    const shown = await press(await prove('renew:backup-codes'))
    await press(shown, { saved: 'yes' })
    expect(await isSignedIn(elsewhere)).to.equal(false)
    expect(await isSignedIn(mira.browser)).to.equal(true)
  })

  it('R25 answers login_required when max_age passes meanwhile: not with an old sign-in', async () => {
    await signIn(host, mira.browser, mira, { prompt: 'login' })
    const url = authorizeUrl(host, { mfa_action: 'renew:backup-codes', max_age: '300' })
    const verify = await follow(host, mira.browser, await mira.browser.get(url))
    host.clock.at += 200
    const page = await press(verify, { code: nextCode(host, mira) })
    host.clock.at += 200
    const shown = await press(page)
    expect(shown.name).to.equal('backup-codes')
    const back = callbackOf(await press(shown, { saved: 'yes' }))
    expect([back.get('error'), back.get('code')]).to.deep.equal(['login_required', null])
  })

  it('R38 makes one set of a double tap, and shows it whichever answer arrives', async () => {
    const page = await prove('renew:backup-codes')
    const answers = await Promise.all([mira.browser.submit(page), mira.browser.submit(page)])
    expect(answers.map(({ location }) => location?.pathname)).to.deep.equal(
      answers.map(() => `/mfa/${uidOf(page)}/backup-codes`),
    )
    expect(await eventsOf('backup-codes-created')).to.have.length(2)
    const later = await mira.browser.submit(page)
    expect((await follow(host, mira.browser, later)).name).to.equal('backup-codes')
    expect(await eventsOf('backup-codes-created')).to.have.length(2)
  })

  it('is not stopped by the warning that few are left', async () => {
    for (const backupCode of mira.codes.slice(0, 7)) {
      const browser = mira.browser
      const verify = await ask('renew:backup-codes')
      const choose = await browser.get(verify.link('[data-other-way]'))
      const chosen = await browser.submit(choose, {}, { button: 'backup-codes' })
      const answer = await browser.submit(await browser.follow(chosen), { backupCode })
      const page = await browser.follow(answer)
      if (page.name === 'backup-codes-low')
        expect((await press(page)).name).to.equal('factor-renew')
      else expect(page.name).to.equal('factor-renew')
    }
  })
})

describe('the warning that few backup codes are left', () => {
  afterEach(end)

  for (const [how, url] of [
    ['leads to where new ones are made', 'https://acme.example/account'],
    ['leads nowhere where the application has no such page', undefined],
  ] as const)
    it(how, async () => {
      await begin({ mfa: { manage: { clients: [], ...(url === undefined ? {} : { url }) } } })
      let page: Page | undefined
      for (const backupCode of mira.codes.slice(0, 7)) {
        const browser = new HttpClient()
        const verify = await showPassword(host, browser, 'mira')
        const choose = await browser.get(verify.link('[data-other-way]'))
        const chosen = await browser.submit(choose, {}, { button: 'backup-codes' })
        const answer = await browser.submit(await browser.follow(chosen), { backupCode })
        page =
          answer.location?.host === new URL(host.issuer).host
            ? await browser.get(answer.location)
            : undefined
      }
      expect(page?.name).to.equal('backup-codes-low')
      const links = page?.tags('a:not([data-replace])').map(({ href }) => href)
      expect(links).to.deep.equal(url === undefined ? [] : [url])
    })
})
