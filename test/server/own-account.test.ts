import { expect } from 'chai'
import { press } from '../support/account-forms.ts'
import { HttpClient, type Page } from '../support/http-client.ts'
import {
  addPerson,
  PASSWORD,
  signIn,
  startServer,
  stopServers,
  type Person,
  type TestServer,
} from './support.ts'

describe('the account pages of the server', () => {
  let server: TestServer
  let browser: HttpClient
  let alice: Person & { id: string }

  before(async () => {
    server = await startServer()
    browser = new HttpClient({ headers: { 'accept-language': 'en' } })
    alice = await addPerson(server)
    await signIn(browser, new URL('/account', server.issuer), alice, server)
  })
  after(stopServers)

  const open = (name: string): Promise<Page> =>
    browser.visit(new URL(`/account/${name}`, server.issuer))
  const languageOf = ({ body }: Page): string | undefined => /<html lang="([^"]+)"/.exec(body)?.[1]

  it('are led to by the overview, in words', async () => {
    const overview = await open('')
    for (const [name, text] of Object.entries({
      activity: 'Activity',
      language: 'Language',
    })) {
      const [link] = overview.all(`a[href="/account/${name}"]`)
      expect(link?.textContent?.trim()).to.equal(text)
    }
    const [lock] = overview.all('form [data-do=lock]')
    expect(lock?.textContent?.trim()).to.equal('Sign out everywhere and lock changes')
  })

  describe('with the person’s own events', () => {
    it('say in sentences what has happened, where and when, and no address', async () => {
      const page = await open('activity')
      expect([page.status, page.name]).to.deep.equal([200, 'account-activity'])
      expect(page.text)
        .to.contain('A second step was set up')
        .and.to.contain('The right password was entered')
        .and.to.contain('Network: 127.0.0.0/24')
      expect(page.text).not.to.contain('Event: ').and.not.to.contain('127.0.0.1')
      expect(page.all('li[data-event]').length).to.be.greaterThan(3)
      expect(page.all('time[datetime]').length).to.equal(page.all('li[data-event]').length)
    })

    it('come in pages, and nobody else’s are among them', async () => {
      const { audit } = server.storage
      const at = server.clock.now() - 1000
      await audit.add(
        [...Array<number>(60).keys()].map((number) => ({
          id: `old-${number}`,
          type: 'locked',
          accountId: alice.id,
          at: at - number,
          detail: {},
        })),
      )
      await audit.add([{ id: 'bob', type: 'codes-disabled', accountId: 'bob', at, detail: {} }])
      const seen: string[] = []
      let page = await open('activity')
      for (let pages = 0; pages < 6; pages += 1) {
        seen.push(
          ...page.all('li[data-event]').map((each) => each.getAttribute('data-event') ?? ''),
        )
        if (page.all('a[rel=next]').length === 0) break
        page = await browser.visit(page.link('a[rel=next]'))
      }
      expect(seen.filter((type) => type === 'locked')).to.have.length(60)
      expect(seen).not.to.include('codes-disabled')
      for (const before of ['x', '-1', '1e9', '99999999999999'])
        expect((await open(`activity?before=${before}`)).status, before).to.equal(400)
    })

    it('R30 show what senders have written as text, never as a part of the page', async () => {
      const hostile = '<img src=x onerror=alert(1)>{{ 71*73 }}\r\nSet-Cookie: a=b'
      await server.storage.audit.add([
        {
          id: 'hostile',
          type: hostile,
          accountId: alice.id,
          at: server.clock.now(),
          detail: {
            authenticatorName: hostile,
            clientId: hostile,
            factor: hostile,
            ip: hostile,
            userAgent: hostile,
          },
        },
      ])
      const page = await open('activity')
      expect(page.body).not.to.contain('<img src=x').and.not.to.contain('5183')
      expect(page.body).to.contain('&lt;img src=x')
      expect(page.headers['set-cookie'] ?? []).not.to.include('a=b')
    })

    it('R31 are in a file with everything that is known, and no secret', async () => {
      const answer = await press(browser, await open('activity'), 'export')
      expect(answer.status).to.equal(200)
      expect(answer.headers['content-disposition']).to.match(
        /^attachment; filename="security-data-\d{4}-\d\d-\d\d\.json"$/,
      )
      expect(answer.headers['cache-control']).to.equal('no-store')
      const data = JSON.parse(answer.body) as Record<string, unknown[]>
      expect(data).to.have.nested.property('account.username', 'alice')
      expect(data['factors']).to.have.length.greaterThan(1)
      expect(data['events']).to.have.length.greaterThan(60)
      expect(data['sessions']).to.have.length(1)
      for (const secret of [alice.secret ?? '', PASSWORD, '$argon2', ...(alice.codes ?? [])])
        expect(answer.body).not.to.contain(secret)
    })

    it('R11 are in a file only after a fresh factor', async () => {
      const page = await open('activity')
      server.clock.ahead += 6 * 60
      const asked = await press(browser, page, 'export')
      expect(asked.status).to.equal(303)
      expect((await browser.follow(asked)).name).to.equal('totp-verify')
    })
  })

  describe('with the language', () => {
    it('keep the choice with the account: in this browser and in every other', async () => {
      const page = await open('language')
      expect([page.name, languageOf(page)]).to.deep.equal(['account-language', 'en'])
      expect(page.form().fields['language']).to.equal('')
      const saved = await browser.follow(await browser.submit(page, { language: 'de' }))
      expect([saved.name, languageOf(saved)]).to.deep.equal(['account-language', 'de'])
      expect(
        saved.all('[role=status]').map(({ textContent }) => textContent?.trim()),
      ).to.deep.equal(['Die Sprache ist eingestellt.'])
      for (const name of ['', 'activity', 'lock'])
        expect(languageOf(await open(name))).to.equal('de')
      const elsewhere = new HttpClient({ headers: { 'accept-language': 'en' } })
      const login = await elsewhere.visit(server.authorize())
      const verify = await elsewhere.follow(
        await elsewhere.submit(login, { username: 'alice', password: PASSWORD }),
      )
      expect([languageOf(login), verify.name, languageOf(verify)]).to.deep.equal([
        'en',
        'totp-verify',
        'de',
      ])
    })

    it('replace one choice by another', async () => {
      await browser.submit(await open('language'), { language: 'en' })
      expect(languageOf(await open('language'))).to.equal('en')
      await browser.submit(await open('language'), { language: 'de' })
      expect(languageOf(await open('language'))).to.equal('de')
    })

    it('give it back to the browser', async () => {
      const saved = await browser.follow(
        await browser.submit(await open('language'), { language: '' }),
      )
      expect(languageOf(saved)).to.equal('en')
      expect((await server.storage.accounts.byId(alice.id))?.account.claims).to.deep.equal({})
      expect(saved.name).to.equal('account-language')
      expect((await browser.submit(saved, { language: '../de' })).status).to.equal(400)
    })
  })

  describe('with the lock', () => {
    it('R44 sign out everywhere, this browser too, without a factor, and say what to do next', async () => {
      const page = await open('lock')
      expect([page.status, page.name]).to.deep.equal([200, 'account-lock'])
      server.clock.ahead += 6 * 60
      const done = await browser.follow(await press(browser, page, 'lock'))
      expect([done.status, done.name]).to.deep.equal([200, 'not-me-done'])
      expect((await open('')).name).to.equal('login')
      const trail = await server.storage.audit.list({ type: 'account-locked-by-owner', limit: 5 })
      expect(trail.map(({ accountId }) => accountId)).to.deep.equal([alice.id])
      // The form of a session that has ended does nothing more.
      expect((await press(browser, page, 'lock')).location?.pathname).to.equal('/account')
      const again = await server.storage.audit.list({ type: 'account-locked-by-owner', limit: 5 })
      expect(again).to.have.length(1)
    })
  })
})
