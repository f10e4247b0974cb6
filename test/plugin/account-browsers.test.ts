import { expect } from 'chai'
import { deedsOf, press } from '../support/account-forms.ts'
import { HttpClient, type Page } from '../support/http-client.ts'
import { enrol } from './enrol.ts'
import { follow, showPassword, startHost, type Host } from './host.ts'
import { nextCode, signIn, type Person } from './sign-in.ts'

const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'
const SAFARI = 'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Safari/605.1.15'

describe('the account page about known and trusted browsers', () => {
  let host: Host
  let mira: Person
  let phone: HttpClient
  afterEach(() => host.close())

  beforeEach(async () => {
    host = await startHost({
      mfa: { account: true, policy: { trustedBrowserSeconds: 30 * 86_400 } },
    })
    const browser = new HttpClient({ headers: { 'user-agent': FIREFOX } })
    mira = { ...(await enrol(host, browser, 'mira')), username: 'mira', browser }
    host.clock.at += 60
    phone = new HttpClient({ headers: { 'user-agent': SAFARI } })
    await signIn(host, phone, mira)
  })

  const to = (page: Page, browser = mira.browser): Promise<Page> =>
    browser.follow(page, ({ origin }) => origin !== new URL(host.issuer).origin)
  const visit = async (path = '/browsers', browser = mira.browser): Promise<Page> =>
    to(await browser.get(`${host.issuer}/account${path}`), browser)
  const enterCode = async (page: Page): Promise<Page> => {
    expect(page.name).to.equal('totp-verify')
    return to(await mira.browser.submit(page, { code: nextCode(host, mira) }))
  }
  const rows = (page: Page): string[] => page.texts('.managed li h2')
  const names = async (): Promise<(string | undefined)[]> =>
    (await host.mfa.browsers.list('mira')).map(({ name }) => name?.system)
  /** The deed that forgets the nth browser of the page. */
  const forgetting = (page: Page, nth: number): string => deedsOf(page)[nth] ?? ''

  it('R4 lists each with its name, network and times, this one first, and the overview leads there', async () => {
    const links = (await visit('')).tags('a').map(({ href }) => href)
    expect(links).to.include('/account/browsers')
    const page = await visit()
    expect([page.status, page.name]).to.deep.equal([200, 'account-browsers'])
    expect(rows(page)).to.deep.equal(['Firefox on Linux', 'Safari on iPhone'])
    expect(page.texts('li[data-current] h2')).to.deep.equal(['Firefox on Linux'])
    expect(page.texts('.managed li')[1]).to.include('127.0.0.0/24')
    expect(page.all('.managed li button[data-do=revoke-browser]')).to.have.length(2)
    expect(page.body).not.to.include('AppleWebKit').and.not.to.include('Mozilla')
    await visit('', phone)
    expect(rows(await visit('/browsers', phone))[0]).to.equal('Safari on iPhone')
  })

  it('R4 forgets one within five minutes of a second factor, which is told and has an event', async () => {
    const page = await visit()
    const after = await to(await press(mira.browser, page, forgetting(page, 1)))
    expect([after.name, after.texts('[role=status]')]).to.deep.equal([
      'account-browsers',
      ['The browser is forgotten. It counts as a new one at the next sign-in.'],
    ])
    expect(rows(after)).to.deep.equal(['Firefox on Linux'])
    await host.mfa.settled()
    const [event] = host.events.filter(({ type }) => type === 'browser-forgotten')
    expect(event?.detail).to.deep.include({ reason: 'owner', userAgent: FIREFOX, locale: 'en' })

    // A page that was opened before says nothing of a browser that is unknown already.
    const again = await to(await press(mira.browser, page, forgetting(page, 1)))
    expect([rows(again), again.texts('[role=status]')]).to.deep.equal([['Firefox on Linux'], []])
    host.events.length = 0
    await signIn(host, phone, mira, { prompt: 'login' })
    await host.mfa.settled()
    const [accepted] = host.events.filter(({ type }) => type === 'factor-accepted')
    expect(accepted?.detail).to.include({ browser: 'unknown' })
  })

  it('R11 asks for a second factor after five minutes, and then forgets the browser', async () => {
    const page = await visit()
    host.clock.at += 301
    const verify = await to(await press(mira.browser, page, forgetting(page, 1)))
    expect(verify.name).to.equal('totp-verify')
    expect(await names()).to.have.members(['Linux', 'iPhone'])
    const after = await enterCode(verify)
    expect([after.name, rows(after)]).to.deep.equal(['account-browsers', ['Firefox on Linux']])
  })

  it('are the last sign-ins of the overview, the newest first', async () => {
    host.clock.at += 60
    await signIn(host, phone, mira, { prompt: 'login' })
    const signIns = (await visit('')).texts('[data-sign-in]')
    expect(signIns).to.have.length(2)
    expect(signIns[0]).to.include('Safari on iPhone').and.include('127.0.0.0/24')
    expect(signIns[1]).to.include('Firefox on Linux').and.include('This browser')
  })

  it('forgets this browser too, and the page then has a way on', async () => {
    const page = await visit()
    const other = await to(await press(mira.browser, page, forgetting(page, 0)))
    expect([rows(other), other.all('[data-current]')]).to.deep.equal([['Safari on iPhone'], []])
    const none = await to(await press(mira.browser, other, forgetting(other, 0)))
    expect([none.status, rows(none)]).to.deep.equal([200, []])
    expect(none.link('a.button').href).to.equal(`${host.issuer}/account`)
    expect((await visit('')).name).to.equal('account')
  })

  it('forgets no browser of another account, and none for a session of another epoch', async () => {
    const noah = new HttpClient()
    await enrol(host, noah, 'noah')
    const [his] = await host.mfa.browsers.list('noah')
    const page = await visit()
    const { csrf = '' } = page.form().fields
    const url = `${host.issuer}/account/browsers`
    const fields = { csrf, do: 'revoke-browser' }
    await to(await mira.browser.post(url, { ...fields, id: his?.id ?? '' }))
    expect(await host.mfa.browsers.list('noah')).to.have.length(1)
    await host.mfa.accounts.endEverything('mira', 'test')
    const late = await to(await press(mira.browser, page, forgetting(page, 1)))
    expect(late.name).to.equal('host-login')
    expect(await names()).to.have.members(['Linux', 'iPhone'])
  })

  it('answers the same to a page of the application’s own', async () => {
    const { browsers } = host.mfa
    const [first, second] = await browsers.list('mira')
    expect([first?.name, first?.network, first?.current]).to.deep.equal([
      { browser: 'Safari', system: 'iPhone' },
      '127.0.0.0/24',
      false,
    ])
    const cookie = mira.browser.jar
      .all()
      .find(({ key }) => key.endsWith('mfa_browser'))
      ?.cookieString()
    const seen = await browsers.list('mira', { headers: { cookie } } as never)
    expect(seen.map(({ id, current }) => [id, current])).to.deep.equal([
      [second?.id, true],
      [first?.id, false],
    ])
    const forget = () => browsers.forget('mira', first?.id ?? '', { ip: '203.0.113.7' })
    expect([await forget(), await forget()]).to.deep.equal([true, false])
    expect(await names()).to.deep.equal(['Linux'])
  })

  /** Mira ticks the box in a browser. */
  const trustIn = async (browser: HttpClient): Promise<void> => {
    for (const name of ['_session', '_session.sig']) browser.jar.delete(name)
    const verify = await showPassword(host, browser, 'mira')
    const form = { code: nextCode(host, mira), trust: 'yes' }
    await follow(host, browser, await browser.submit(verify, form))
  }
  const trusted = async (): Promise<string[]> =>
    (await host.mfa.accounts.trustedBrowsers('mira')).map(({ id }) => id)

  it('R14 says which browsers are trusted and until when, and ends the trust in one without a factor', async () => {
    expect((await visit()).all('[data-trusted]')).to.have.length(0)
    await trustIn(phone)
    const [id = ''] = await trusted()
    const until = host.clock.at + 30 * 86_400
    const page = await visit()
    expect(page.texts('[data-trusted] h3')).to.deep.equal(['Safari on iPhone'])
    const moments = page.all('[data-trusted] time').map((one) => one.getAttribute('datetime'))
    expect(moments[1]).to.equal(new Date(until * 1_000).toISOString())
    expect(page.all('[data-do=revoke-all-trust]')).to.have.length(0)
    host.clock.at += 301
    const after = await to(await press(mira.browser, page, `revoke-trust:${id}`))
    expect([after.name, after.texts('[role=status]')]).to.deep.equal([
      'account-browsers',
      ['That browser is asked for the second step again.'],
    ])
    expect(after.all('[data-trusted]')).to.have.length(0)
    await host.mfa.settled()
    const [event] = host.events.filter(({ type }) => type === 'browser-trust-revoked')
    expect(event?.detail).to.deep.include({ reason: 'owner', count: 1, userAgent: FIREFOX })
    // A page that was opened before says nothing of a browser that is trusted no longer.
    const again = await to(await press(mira.browser, page, `revoke-trust:${id}`))
    expect(again.texts('[role=status]')).to.deep.equal([])
  })

  it('R14 lists a browser once that is trusted twice, and one button ends both', async () => {
    await trustIn(phone)
    const until = host.clock.at + 30 * 86_400
    host.clock.at += 61
    const rules = [{ name: 'short', trustedBrowserSeconds: 60 }]
    host.mfa.setPolicy({ trustedBrowserSeconds: 30 * 86_400, rules })
    await trustIn(phone)
    const cookies = phone.jar.all().filter(({ key }) => key.startsWith('mfa_trust_'))
    expect(cookies).to.have.length(2)
    const page = await visit('/browsers', phone)
    expect(page.texts('[data-trusted] h3')).to.deep.equal(['Safari on iPhone'])
    expect(page.texts('[data-trusted] strong')).to.deep.equal(['This browser'])
    const moments = page.all('[data-trusted] time').map((one) => one.getAttribute('datetime'))
    expect(moments[1]).to.equal(new Date(until * 1_000).toISOString())
    const [id = ''] = await trusted()
    await to(await press(phone, page, `revoke-trust:${id}`), phone)
    for (const later of [{ rules: [] }, { rules }]) {
      for (const name of ['_session', '_session.sig']) phone.jar.delete(name)
      host.mfa.setPolicy({ trustedBrowserSeconds: 30 * 86_400, ...later })
      expect((await showPassword(host, phone, 'mira')).name).to.equal('totp-verify')
    }
  })

  it('R14 ends the trust in all browsers, and none of another account, epoch or form', async () => {
    await trustIn(phone)
    await trustIn(mira.browser)
    const page = await visit()
    expect(page.texts('[data-trusted] strong')).to.deep.equal(['This browser'])
    const url = `${host.issuer}/account/browsers`
    const forged = await mira.browser.post(url, { csrf: 'forged', do: 'revoke-all-trust' })
    expect(forged.status).to.equal(403)
    const { csrf = '' } = page.form().fields
    await to(await mira.browser.post(url, { csrf, do: 'revoke-trust' }))
    const noah = new HttpClient()
    await enrol(host, noah, 'noah')
    const his = await to(await noah.get(url), noah)
    const theirs = { csrf: his.form().fields['csrf'] ?? '', id: (await trusted())[0] ?? '' }
    await to(await noah.post(url, { ...theirs, do: 'revoke-trust' }), noah)
    expect(await trusted()).to.have.length(2)
    const after = await to(await press(mira.browser, page, 'revoke-all-trust'))
    expect(after.texts('[role=status]')).to.deep.equal([
      'All browsers are asked for the second step again.',
    ])
    expect(await trusted()).to.deep.equal([])
  })
})
