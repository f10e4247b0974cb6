import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { HttpClient, type Page } from '../support/http-client.ts'
import {
  addPerson,
  APP,
  atTheApp,
  PASSWORD,
  signIn,
  startServer,
  stopServers,
  type TestServer,
} from './support.ts'

const german = { headers: { 'accept-language': 'de' } }
const languageOf = ({ body }: Page): string | undefined => /<html lang="([^"]+)"/.exec(body)?.[1]

describe('the language of the pages', () => {
  let server: TestServer
  before(async () => {
    server = await startServer({ clients: [{ ...APP, first_party: false }] })
  })
  after(stopServers)

  const withPassword = async (browser: HttpClient, login: Page, username: string): Promise<Page> =>
    browser.follow(await browser.submit(login, { username, password: PASSWORD }), atTheApp)

  it('is that of the request, then the person’s choice, then that of the browser', async () => {
    await addPerson(server, { username: 'greta', claims: { locale: 'de_DE' } })
    for (const [ui_locales, login, afterwards] of [
      [undefined, 'en', 'de'],
      ['fr', 'en', 'de'],
      ['en', 'en', 'en'],
    ] as const) {
      const browser = new HttpClient({ headers: { 'accept-language': 'en' } })
      const first = await browser.visit(server.authorize(ui_locales ? { ui_locales } : {}))
      expect(languageOf(first)).to.equal(login)
      expect(languageOf(await withPassword(browser, first, 'greta'))).to.equal(afterwards)
    }
  })

  it('is the person’s choice on the consent page, too', async () => {
    const person = await addPerson(server, { username: 'gustav', claims: { locale: 'de' } })
    const browser = new HttpClient()
    let page = await browser.visit(server.authorize(), atTheApp)
    expect(languageOf(page)).to.equal('en')
    page = await signIn(browser, server.authorize(), person, server)
    expect(page.location?.searchParams.has('code')).to.equal(true)
    page = await browser.visit(server.authorize({ prompt: 'consent' }), atTheApp)
    expect(page.name).to.equal('consent')
    expect(languageOf(page)).to.equal('de')
  })

  it('can be chosen before the sign-in, for every later page of the browser', async () => {
    await addPerson(server, { username: 'anna' })
    const browser = new HttpClient({ headers: { 'accept-language': 'en-GB' } })
    const login = await browser.visit(server.authorize())
    expect(login.body).to.contain('lang="de">Deutsch</button>').and.not.to.contain('>English<')
    const chosen = await browser.follow(
      await browser.submit(login, {}, { form: '.languages', button: 'de' }),
    )
    expect([chosen.name, languageOf(chosen)]).to.deep.equal(['login', 'de'])
    expect(chosen.body).to.contain('>English</button>')
    const next = await withPassword(browser, chosen, 'anna')
    expect([next.name, languageOf(next)]).to.deep.equal(['mfa-choose', 'de'])
    expect(languageOf(await browser.visit(new URL('/', server.issuer)))).to.equal('de')
    expect(languageOf(await new HttpClient().visit(server.authorize()))).to.equal('en')
  })

  it('leaves out a choice that would have no effect', async () => {
    const { body } = await new HttpClient().visit(server.authorize({ ui_locales: 'en' }))
    expect(body).not.to.contain('Deutsch')
    const { body: other } = await new HttpClient().visit(server.authorize({ ui_locales: 'fr' }))
    expect(other).to.contain('Deutsch')
  })

  it('R30 R34 takes a choice from the form of this sign-in alone, and only a language that there is', async () => {
    const browser = new HttpClient()
    const login = await browser.visit(server.authorize())
    const { action, fields } = login.form('.languages')
    const other = (await new HttpClient().visit(server.authorize())).form('.languages')
    const at = new URL(action, login.url)
    const csrf = fields['csrf'] ?? ''
    for (const [status, form] of [
      [403, { language: 'de' }],
      [403, { language: 'de', csrf: other.fields['csrf'] ?? '' }],
      [403, { language: 'de', csrf: login.form().fields['csrf'] ?? '' }],
      [400, { csrf }],
      [400, { csrf, language: '../de' }],
      [400, { csrf, language: 'de\r\nSet-Cookie: a=b' }],
    ] as const) {
      const answer = await browser.post(at, form)
      expect(answer.status, JSON.stringify(form)).to.equal(status)
      expect(String(answer.headers['set-cookie'])).not.to.contain('language=')
    }
    expect((await browser.post(new URL(other.action, login.url), { csrf })).status).to.equal(410)
  })

  it('does not depend on a cookie that is no language', async () => {
    for (const value of ['..%2Fde', 'de%2C*', 'x'.repeat(500), '__proto__']) {
      const browser = new HttpClient(german)
      browser.jar.store(new URL(server.issuer), [`language=${value}; Path=/`])
      const page = await browser.visit(server.authorize())
      expect([page.status, languageOf(page)], value).to.deep.equal([200, 'de'])
    }
  })
})

describe('a third language', () => {
  const folder = mkdtempSync(join(tmpdir(), 'views-'))
  after(async () => {
    await stopServers()
    rmSync(folder, { recursive: true })
  })

  it('is one file: pages, their choice and discovery have it, and English where it says nothing', async () => {
    mkdirSync(join(folder, 'messages'))
    const words = { 'login.title': 'Connexion', 'language.direction': 'ltr' }
    writeFileSync(join(folder, 'messages/fr.json'), JSON.stringify(words))
    const server = await startServer({ settings: { service: { views: folder } } })
    const login = await new HttpClient().visit(server.authorize())
    expect(login.body).to.contain('lang="fr">Français</button>')
    const french = await new HttpClient().visit(server.authorize({ ui_locales: 'fr-CA' }))
    expect(languageOf(french)).to.equal('fr')
    expect(french.body).to.contain('<h1>Connexion</h1>').and.to.contain('User name or email')
    const discovery = await fetch(new URL('/.well-known/openid-configuration', server.url))
    const { ui_locales_supported: locales } = (await discovery.json()) as Record<string, string[]>
    expect(locales).to.have.members(['de', 'en', 'fr'])
  })
})
