import { setTimeout } from 'node:timers/promises'
import { expect } from 'chai'
import { secretBox } from '../../src/adapters/crypto/index.ts'
import { memoryStorage } from '../../src/adapters/memory/index.ts'
import { HttpClient, type Page } from '../support/http-client.ts'
import { authorizeUrl, callbackOf, follow, showPassword, startHost, type Host } from './host.ts'
import type { OpenStorage } from './recorded-storage.ts'
import { enrolledPerson, nextCode, signIn, type Person } from './sign-in.ts'

const DAY = 86_400

describe('the page of a person who did not do what a notice says', () => {
  let host: Host
  let mira: Person
  let link: string
  /** The milliseconds that a save takes. */
  let saving = 0
  const slowStorage: OpenStorage = (clock) => {
    const storage = memoryStorage({ clock })
    const { records } = storage
    const save: typeof records.save = async (...about) => {
      await setTimeout(saving)
      return records.save(...about)
    }
    return { ...storage, records: { ...records, save } }
  }

  beforeEach(async () => {
    saving = 0
    host = await startHost({ storage: slowStorage })
    mira = await enrolledPerson(host)
    link = host.mfa.notMeUrl('mira')
  })
  afterEach(async () => host.close())

  const open = (url = link, headers: Record<string, string> = {}): Promise<Page> =>
    new HttpClient({ headers }).get(url)
  const lock = async (url = link): Promise<Page> => {
    const browser = new HttpClient()
    return browser.follow(await browser.submit(await browser.get(url)))
  }
  const silent = async (browser: HttpClient): Promise<URLSearchParams> =>
    callbackOf(
      await follow(host, browser, await browser.get(authorizeUrl(host, { prompt: 'none' }))),
    )
  const status = () => host.mfa.accounts.status('mira')

  it('R44 ends everything live and shuts the ways in by mail, without a sign-in or a factor', async () => {
    const browser = new HttpClient()
    await signIn(host, browser, mira)
    expect((await silent(browser)).get('code')).to.be.a('string')
    const page = await open()
    expect([page.status, page.name]).to.deep.equal([200, 'not-me'])
    const done = await lock()
    expect([done.status, done.name]).to.deep.equal([200, 'not-me-done'])
    expect((await silent(browser)).get('error')).to.equal('login_required')
    expect((await status()).frozenAt).to.equal(host.clock.at)
    const { recovery, 'mailed-reset': mailedReset } = await host.mfa.accounts.doors('mira')
    for (const door of [recovery, mailedReset])
      expect(door).to.deep.equal({ open: false, reason: 'frozen' })
    await host.mfa.settled()
    const told = host.events.find(({ type }) => type === 'account-locked-by-owner')
    expect(told?.accountId).to.equal('mira')
    expect(told?.detail).to.include.keys('ip', 'locale')
  })

  it('R44 leaves no browser known', async () => {
    const again = { prompt: 'login' }
    await signIn(host, mira.browser, mira, again)
    await host.mfa.settled()
    const known = host.events.findLast(({ type }) => type === 'factor-accepted')
    expect(known?.detail.browser).to.equal('known')
    await lock()
    await signIn(host, mira.browser, mira, again)
    await host.mfa.settled()
    const accepted = host.events.findLast(({ type }) => type === 'factor-accepted')
    expect(accepted?.detail.browser).to.equal('unknown')
  })

  it('R44 R9 stays locked until a second factor is proved: the password alone does not end it', async () => {
    await lock()
    const verify = await showPassword(host, new HttpClient(), 'mira')
    expect((await status()).frozenAt).to.be.a('number')
    expect(verify.name).to.equal('totp-verify')
    await signIn(host, new HttpClient(), mira)
    expect(await status()).not.to.have.property('frozenAt')
  })

  it('R44 ends a sign-in that is under way, with its proofs', async () => {
    const browser = new HttpClient()
    const verify = await showPassword(host, browser, 'mira')
    await lock()
    const answer = await browser.submit(verify, { code: nextCode(host, mira) })
    expect([answer.status, answer.name]).to.deep.equal([410, 'expired'])
  })

  it('R30 changes nothing by a GET or a HEAD, as mail scanners send them', async () => {
    const writes = host.writes.length
    for (const method of ['GET', 'HEAD'])
      for (let times = 0; times < 3; times += 1)
        expect((await fetch(link, { method })).status).to.equal(200)
    expect(host.writes.length).to.equal(writes)
    expect(await status()).not.to.have.property('frozenAt')
  })

  it('works again and again for 30 days, whatever the account does meanwhile', async () => {
    for (const days of [0, 1, 28]) {
      host.clock.at += days * DAY
      const { epoch } = await status()
      expect((await lock()).name).to.equal('not-me-done')
      expect((await status()).epoch).to.be.greaterThan(epoch)
      await signIn(host, new HttpClient(), mira)
    }
    host.clock.at += DAY
    const late = await open()
    expect([late.status, late.name]).to.deep.equal([410, 'not-me-expired'])
    const { epoch } = await status()
    expect((await new HttpClient().post(link, {})).status).to.equal(410)
    expect((await status()).epoch).to.equal(epoch)
  })

  it('R30 takes the form of this link alone, and of this origin', async () => {
    const theo = host.mfa.notMeUrl('theo')
    const { csrf: foreign = '' } = (await open(theo)).form().fields
    const { csrf = '' } = (await open()).form().fields
    const other = { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }
    for (const [form, headers] of [
      [{}, {}],
      [{ csrf: '' }, {}],
      [{ csrf: foreign }, {}],
      [{ csrf: `${csrf}x` }, {}],
      [{ csrf }, other],
    ] as const) {
      const answer = await new HttpClient().post(link, form, { headers })
      expect(answer.status, JSON.stringify(form)).to.equal(403)
    }
    expect((await host.mfa.accounts.status('mira')).epoch).to.equal(2)
  })

  it('R34 R35 is for no address that was changed, shortened, sealed for something else, or made with another key', async () => {
    const [, address = '', token = ''] = /^(.*\/)([^/]+)$/.exec(link) ?? []
    const stranger = secretBox({ keys: [Buffer.alloc(32, 9)] })
    const own = secretBox({ keys: [Buffer.alloc(32, 7)] })
    const claim = JSON.stringify({ accountId: 'mira', until: host.clock.at + DAY })
    const context = { accountId: '', purpose: 'not-me-link' }
    for (const forged of [
      token.slice(0, -1),
      `${token}A`,
      token.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A')),
      'v1..',
      'x'.repeat(4000),
      '%00',
      '__proto__',
      stranger.seal(claim, context),
      own.seal(claim, { accountId: 'mira', purpose: 'totp' }),
      own.seal('null', context),
      own.seal('{"accountId":"mira"}', context),
      own.seal('{"accountId":{"$ne":1},"until":9e9}', context),
    ]) {
      const page = await open(address + forged)
      expect([page.status, page.name], forged).to.deep.equal([410, 'not-me-expired'])
      expect((await new HttpClient().post(address + forged, { csrf: 'x' })).status).to.equal(410)
    }
    expect(await status()).not.to.have.property('frozenAt')
  })

  it('R12 is at the issuer, whatever Host a request has, and names nobody', async () => {
    expect(new URL(link).origin).to.equal(host.issuer)
    expect(link)
      .to.match(/\/mfa\/not-me\/[\w.-]+$/)
      .and.not.to.contain('mira')
    expect(host.mfa.notMeUrl('mira', { issuer: 'https://id.example/op' })) //
      .to.match(/^https:\/\/id\.example\/op\/mfa\/not-me\/[\w.-]+$/)
  })

  it('R44 takes presses that come while one is at work for the same press', async () => {
    const { csrf = '' } = (await open()).form().fields
    const { epoch } = await status()
    saving = 50
    const presses = Array.from({ length: 20 }, () => new HttpClient().post(link, { csrf }))
    for (const answer of await Promise.all(presses)) {
      expect(answer.status).to.equal(303)
      expect(answer.location?.pathname).to.equal('/mfa/not-me/done')
    }
    expect((await status()).epoch - epoch).to.be.within(1, 3)
  })

  it('is in the language of the mail', async () => {
    const german = await open(host.mfa.notMeUrl('mira', { language: 'de' }))
    expect(german.body).to.contain('<html lang="de"')
    expect((await open()).body).to.contain('<html lang="en"')
    expect((await open(link, { 'accept-language': 'de' })).body).to.contain('<html lang="de"')
  })

  it('R30 R31 is not stored by a browser, and sends its address to nobody', async () => {
    for (const page of [await open(), await lock(), await open(`${link}x`)]) {
      expect(page.headers['cache-control']).to.equal('no-store')
      expect(page.headers['referrer-policy']).to.equal('same-origin')
      expect(String(page.headers['content-security-policy'])).to.contain("frame-ancestors 'none'")
    }
  })
})
