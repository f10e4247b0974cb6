import { expect } from 'chai'
import type { OutgoingMail } from '../../src/index.ts'
import { HttpClient, type Page } from '../support/http-client.ts'
import { showPassword, startHost, type Host } from './host.ts'
import { enrolledPerson } from './sign-in.ts'

const HOUR = 3_600
const DAY = 24 * HOUR

describe('the link of a notice that cancels a recovery', () => {
  let host: Host
  let mails: OutgoingMail[]

  beforeEach(async () => {
    mails = []
    host = await startHost({
      mfa: {
        recovery: true,
        notices: true,
        youngSeconds: 0,
        sendMail: async (mail) => mails.push(mail),
        describe: ({ accountId }) => ({
          label: accountId,
          addresses: [{ address: 'mira@example.com', verifiedAt: 1 }],
          language: 'en',
        }),
      },
    })
    await enrolledPerson(host)
  })
  afterEach(async () => host.close())

  const begin = async (): Promise<void> => {
    host.clock.at += 60
    const browser = new HttpClient()
    const verify = await showPassword(host, browser, 'mira')
    const lost = await browser.visit(verify.link('[data-lost]'))
    const page = await browser.follow(await browser.submit(lost))
    const code = /\b\d{8}\b/.exec(mails.at(-1)!.text)![0]
    await browser.submit(page, { code })
    await host.mfa.settled()
  }
  const linkIn = (mail: OutgoingMail | undefined): string | undefined =>
    /https?:\/\/\S+\/cancel-recovery\/\S+/.exec(mail?.text ?? '')?.[0]
  const link = (): string => linkIn(mails.at(-1))!
  const open = (url: string): Promise<Page> => new HttpClient().get(url)
  const press = async (url: string): Promise<Page> => {
    const browser = new HttpClient()
    return browser.follow(await browser.submit(await browser.get(url)))
  }
  const recovery = async () => (await host.mfa.accounts.status('mira')).recovery
  const told = async (type: string) => {
    await host.mfa.settled()
    return host.events.filter((event) => event.type === type)
  }

  it('R9 is in the notices of the start, of half of the wait and of its end, and in no other', async () => {
    await begin()
    const linked = [mails.at(-1)]
    for (const hours of [36, 36]) {
      host.clock.at += hours * HOUR
      await host.mfa.accounts.tellRecovery('mira')
      await host.mfa.settled()
      linked.push(mails.at(-1))
    }
    expect(new Set(linked.map((mail) => mail?.subject)).size).to.equal(3)
    for (const mail of linked)
      expect(linkIn(mail)).to.match(new RegExp(`^${host.issuer}/mfa/cancel-recovery/[\\w.-]+$`))
    expect((await press(link())).name).to.equal('recovery-cancelled')
    await host.mfa.settled()
    const others = mails.filter((mail) => !linked.includes(mail))
    expect(others.at(-1)?.subject).to.contain('stopped')
    for (const mail of others) expect(linkIn(mail)).to.equal(undefined)
  })

  it('R9 cancels without a sign-in, and counts as a cancellation', async () => {
    for (let times = 1; times <= 2; times += 1) {
      await begin()
      const page = await open(link())
      expect([page.status, page.name]).to.deep.equal([200, 'recovery-status'])
      expect(page.all('[data-do=cancel-recovery]')).to.have.length(1)
      expect((await press(link())).name).to.equal('recovery-cancelled')
      expect(await recovery()).to.equal(undefined)
      const cancelled = await told('recovery-cancelled')
      expect(cancelled.map(({ detail }) => detail.reason)).to.deep.equal(
        Array.from({ length: times }, () => 'mail'),
      )
      expect(cancelled.at(-1)?.detail).to.include.keys('ip', 'locale')
    }
    const verify = await showPassword(host, new HttpClient(), 'mira')
    expect(verify.name).to.equal('totp-verify')
    host.clock.at += 60
    const browser = new HttpClient()
    const lost = await browser.visit(
      (await showPassword(host, browser, 'mira')).link('[data-lost]'),
    )
    expect([lost.status, lost.name]).to.deep.equal([403, 'recovery'])
  })

  it('R30 changes nothing by a GET or a HEAD, as mail scanners send them, nor by a form of another page', async () => {
    await begin()
    const url = link()
    const writes = host.writes.length
    for (const method of ['GET', 'HEAD']) {
      expect((await fetch(url, { method })).status).to.equal(200)
      expect((await fetch(new URL('done', url), { method })).status).to.equal(200)
    }
    const notMe = (await open(host.mfa.notMeUrl('mira'))).form().fields
    for (const fields of [{}, { csrf: 'x' }, { csrf: notMe.csrf ?? '' }]) {
      const answer = await new HttpClient().post(url, fields)
      expect([answer.status, answer.name]).to.deep.equal([403, 'forbidden'])
    }
    const { csrf = '' } = (await open(url)).form().fields
    const headers = { origin: 'https://evil.example' }
    expect((await new HttpClient().post(url, { csrf }, { headers })).status).to.equal(403)
    expect(host.writes.length).to.equal(writes)
    expect(await recovery()).to.include({ state: 'waiting' })
  })

  it('R9 is void with its recovery: the link of an earlier one does not end a later one', async () => {
    await begin()
    const first = link()
    const kept = await open(first)
    await press(first)
    host.clock.at += HOUR
    await begin()
    for (const page of [
      await open(first),
      await new HttpClient().post(first, { csrf: kept.form().fields.csrf ?? '' }),
    ])
      expect([page.status, page.name]).to.deep.equal([410, 'recovery-over'])
    expect(await recovery()).to.include({ state: 'waiting' })
    host.clock.at += 72 * HOUR
    expect((await open(link())).name).to.equal('recovery-status')
    host.clock.at += 7 * DAY
    expect((await open(link())).name).to.equal('recovery-over')
  })

  it('R9 holds for its account alone, and nobody else can make one', async () => {
    await begin()
    const ofMira = link()
    await enrolledPerson(host, 'theo')
    const since = (await recovery())!.since
    const ofTheo = host.mfa.cancelRecoveryUrl('theo', { since })
    const sealed = new URL(ofMira).pathname.split('/').at(-1)!
    const notMe = new URL(host.mfa.notMeUrl('mira')).pathname.split('/').at(-1)!
    const at = (token: string): string => new URL(token, ofMira).href
    for (const url of [ofTheo, at(sealed.slice(0, -2)), at('x'), at(notMe)]) {
      expect((await open(url)).name, url).to.equal('recovery-over')
      expect((await new HttpClient().post(url, {})).status, url).to.be.oneOf([403, 410])
    }
    expect(await recovery()).to.include({ state: 'waiting' })
  })

  it('is in the language of the mail, and can be made by a process without a provider', async () => {
    await begin()
    const since = (await recovery())!.since
    const german = await open(host.mfa.cancelRecoveryUrl('mira', { since, language: 'de' }))
    expect(german.all('html[lang=de]')).to.have.length(1)
    expect(host.mfa.cancelRecoveryUrl('mira', { since, issuer: 'https://id.example/op' })) //
      .to.match(/^https:\/\/id\.example\/op\/mfa\/cancel-recovery\//)
  })
})
