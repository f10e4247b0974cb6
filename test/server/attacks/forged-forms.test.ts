import { expect } from 'chai'
import { systemRandom } from '../../../src/adapters/crypto/index.ts'
import type { Account } from '../../../src/ports/accounts.ts'
import { setUpLinks } from '../../../src/server/accounts/set-up-link.ts'
import { HttpClient, type Page } from '../../support/http-client.ts'
import {
  addPerson,
  atTheApp,
  PASSWORD,
  signIn,
  startServer,
  stopServers,
  type Person,
  type TestServer,
} from '../support.ts'

const NEW_PASSWORD = 'a password that is new and long'

/**
 * One form of the server: `show` opens it in the victim's browser, `fields` are the values that are typed, and
 * `isDone` tells whether the submitted form had an effect.
 */
interface Target {
  readonly show: (browser: HttpClient) => Promise<Page>
  readonly form?: string
  readonly fields: Readonly<Record<string, string>>
  readonly isDone: (answer: Page, browser: HttpClient) => Promise<boolean>
}

describe('R30 a form that another site fills in', () => {
  let server: TestServer
  let people = 0

  const someone = (): Promise<Person & { id: string }> => {
    people += 1
    return addPerson(server, { username: `alice${people}` })
  }
  const linkFor = async (account: Account): Promise<string> => {
    const { storage, clock, issuer } = server
    const links = setUpLinks({
      accounts: storage.accounts,
      oneTime: storage.oneTime,
      counters: storage.counters,
      clock,
      issuer,
      random: systemRandom,
      serviceName: 'Acme',
      minimumLength: 8,
      hasher: { hash: async () => '', verify: async () => false, needsRehash: () => false },
      record: async () => undefined,
      passwordChanged: async () => undefined,
      epochOf: async () => 1,
      // The server uses the link that is made here.
      change: async () => undefined,
    })
    return (await links.make(account, 'reset')).url
  }
  const atConsent = async (browser: HttpClient): Promise<Page> => {
    const person = await someone()
    await signIn(browser, server.authorize(), person, server)
    return browser.visit(server.authorize({ scope: 'openid email' }), atTheApp)
  }
  const leadsOn = async ({ status }: Page): Promise<boolean> => status === 303

  const TARGETS: Readonly<Record<string, Target>> = {
    login: {
      show: (browser) => browser.visit(server.authorize()),
      fields: { username: 'alice', password: PASSWORD },
      isDone: leadsOn,
    },
    'leaving the login': {
      show: (browser) => browser.visit(server.authorize()),
      form: '[action$="/cancel"]',
      fields: {},
      isDone: leadsOn,
    },
    consent: { show: atConsent, fields: {}, isDone: leadsOn },
    'refusing consent': {
      show: atConsent,
      form: 'form:has([data-refuse])',
      fields: {},
      isDone: leadsOn,
    },
    'set-up link': {
      show: async (browser) => {
        const account = (await server.storage.accounts.byId((await someone()).id))?.account
        if (account === undefined) throw new Error('Nobody was added.')
        return browser.visit(await linkFor(account))
      },
      fields: { password: NEW_PASSWORD, passwordAgain: NEW_PASSWORD },
      isDone: async ({ name }) => name === 'set-up-link-done',
    },
    'forgotten password': {
      show: (browser) => browser.visit(new URL('/password/forgotten', server.issuer)),
      fields: { username: 'alice' },
      isDone: leadsOn,
    },
    'sign-out': {
      show: async (browser) => {
        await signIn(browser, server.authorize(), await someone(), server)
        return browser.visit(new URL('/session/end', server.issuer))
      },
      fields: { logout: 'yes' },
      isDone: leadsOn,
    },
  }

  beforeEach(async () => {
    server = await startServer({
      // The pages for a forgotten password need a mail server; nobody listens here.
      environment: { SMTP_URL: 'smtp://127.0.0.1:9' },
      settings: { mfa: { firstEnrolment: 'first-sign-in' } },
    })
    await addPerson(server)
  })
  afterEach(stopServers)

  for (const [name, { show, form, fields, isDone }] of Object.entries(TARGETS)) {
    const tokenOf = (page: Page): 'csrf' | 'xsrf' =>
      page.form(form).fields['xsrf'] === undefined ? 'csrf' : 'xsrf'
    const send = (
      browser: HttpClient,
      page: Page,
      changed: Record<string, string>,
      headers: Record<string, string> = {},
    ): Promise<Page> => {
      const target = page.form(form)
      const all = { ...target.fields, ...fields, ...changed }
      return browser.post(new URL(target.action, page.url), all, { headers })
    }

    it(`(${name}) is refused without its token, with one made up, and with that of the attacker`, async () => {
      const browser = new HttpClient()
      const page = await show(browser)
      const other = await show(new HttpClient())
      const token = tokenOf(page)
      const own = page.form(form).fields[token] ?? ''
      const forged = [
        '',
        'x'.repeat(own.length),
        `${own.slice(0, -2)}${own.endsWith('AA') ? 'BB' : 'AA'}`,
        `${own} `,
        other.form(form).fields[token] ?? '',
      ]
      for (const value of forged) {
        const answer = await send(browser, page, { [token]: value })
        expect(answer.status, JSON.stringify(value)).to.be.oneOf([400, 403])
        expect(await isDone(answer, browser)).to.equal(false)
        // For the form of `oidc-provider` itself, the sign-out, only the empty token is tried.
        if (token === 'xsrf') return
      }
      expect(await isDone(await send(browser, page, {}), browser)).to.equal(true)
    })

    // A set-up link is itself a secret, so its owner needs no cookie.
    if (name !== 'set-up link')
      it(`(${name}) is refused without the cookie of the sign-in, and with another one`, async () => {
        const page = await show(new HttpClient())
        const stranger = new HttpClient()
        const busy = new HttpClient()
        await show(busy)
        for (const browser of [stranger, busy]) {
          const answer = await send(browser, page, {})
          expect(answer.status).to.be.oneOf([400, 403, 410])
          expect(await isDone(answer, browser)).to.equal(false)
        }
      })

    if (name !== 'sign-out')
      it(`(${name}) is refused when the browser says that it comes from elsewhere`, async () => {
        const browser = new HttpClient()
        const page = await show(browser)
        for (const headers of [
          { origin: 'https://evil.example' },
          { origin: 'null', 'sec-fetch-site': 'cross-site' },
          { origin: `${server.issuer}.evil.example` },
          { origin: server.issuer.replace(/\d+$/, '1') },
          { 'sec-fetch-site': 'cross-site' },
          { 'sec-fetch-site': 'same-site' },
        ]) {
          const answer = await send(browser, page, {}, headers)
          expect([answer.status, answer.name], JSON.stringify(headers)).to.deep.equal([
            403,
            'forbidden',
          ])
          expect(await isDone(answer, browser)).to.equal(false)
        }
        expect(await isDone(await send(browser, page, {}), browser)).to.equal(true)
      })
  }

  it('R47 is logged with its cause, on the pages of the server and of the second factor', async () => {
    const browser = new HttpClient()
    const login = await browser.visit(server.authorize())
    await browser.submit(login, { csrf: 'x' })
    const headers = { 'sec-fetch-site': 'cross-site' }
    await browser.post(new URL('/mfa/a-sign-in/choose', server.issuer), {}, { headers })
    const [first, second] = server.lines
      .map((line) => JSON.parse(line) as [string, { code: string; cause: string }, string?])
      .filter(([, , message]) => message === 'a form was refused')
      .slice(-2)
      .map(([, about]) => about)
    expect(first).to.include({ code: 'form-forged' })
    expect(first?.cause).to.match(/csrf field was made for another form/)
    expect(second?.cause).to.match(/Sec-Fetch-Site is cross-site/)
  })

  it('is refused to an attacker who knows the address of a sign-in: its cookie is signed', async () => {
    const victim = new HttpClient()
    const page = await victim.visit(server.authorize())
    const [, , uid = ''] = page.url.pathname.split('/')
    expect(victim.jar.all().map(({ value }) => value)).to.include(uid)
    for (const cookie of [
      `interaction=${uid}`,
      `interaction=${uid}; interaction.sig=${'x'.repeat(43)}`,
    ]) {
      const thief = new HttpClient({ headers: { cookie } })
      expect((await thief.get(page.url)).status, cookie).to.equal(410)
      const { action, fields } = page.form()
      const sent = { ...fields, username: 'alice', password: PASSWORD }
      const answer = await thief.post(new URL(action, page.url), sent)
      expect(answer.status, cookie).to.equal(410)
    }
  })

  it('has a token that is good for nothing else: not for the other button of its page', async () => {
    const browser = new HttpClient()
    const login = await browser.visit(server.authorize())
    const consent = await atConsent(new HttpClient())
    const tokens = new Set([login, consent].map((page) => page.form().fields['csrf']))
    expect(tokens.size).to.equal(2)
    const answer = await browser.post(new URL(login.form().action, login.url), {
      csrf: consent.form().fields['csrf'] ?? '',
      username: 'alice',
      password: PASSWORD,
    })
    expect(answer.status).to.equal(403)
  })
})
