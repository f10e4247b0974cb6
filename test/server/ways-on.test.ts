import { expect } from 'chai'
import { MfaError } from '../../src/domain/errors.ts'
import { setUpLinksOf } from '../../src/server/pages/links.ts'
import { layFoundation } from '../../src/server/boot/foundation.ts'
import { serverMfa } from '../../src/server/boot/mfa.ts'
import { HttpClient, type Page } from '../support/http-client.ts'
import {
  addPerson,
  APP,
  atTheApp,
  PASSWORD,
  signIn,
  startServer,
  stopServers,
  type TestOptions,
  type TestServer,
} from './support.ts'

describe('the way on', () => {
  let server: TestServer
  let browser: HttpClient
  afterEach(stopServers)

  const start = async (options: TestOptions = {}): Promise<void> => {
    server = await startServer(options)
    browser = new HttpClient()
  }
  const wayOnOf = (page: Page): string => page.link('main a.button').href
  const open = (page: Page): Promise<Page> => browser.visit(page.link('main a.button'), atTheApp)
  const at = (path: string): string => server.issuer + path
  const setUpLink = async (): Promise<string> => {
    const { account } = (await server.storage.accounts.byId((await addPerson(server)).id))!
    const foundation = await layFoundation(server.config, server)
    return (await setUpLinksOf(foundation, serverMfa(foundation)).make(account, 'invitation')).url
  }

  it('from the root of the issuer leads to the account page, by way of the sign-in', async () => {
    await start()
    const home = await browser.get(at('/'))
    expect([home.status, home.name]).to.deep.equal([200, 'home'])
    expect((await open(home)).name).to.equal('login')
  })

  it('from a password that was just set leads to the sign-in and the second step', async () => {
    await start()
    const page = await browser.get(await setUpLink())
    const password = 'a password that is new and long'
    const done = await browser.submit(page, { password, passwordAgain: password })
    expect(done.name).to.equal('set-up-link-done')
    const login = await open(done)
    expect(login.name).to.equal('login')
    const next = await browser.follow(await browser.submit(login, { username: 'alice', password }))
    expect(next.name).to.be.oneOf(['mfa-choose', 'totp-enrol'])
    const used = await browser.get(page.url)
    expect(used.name).to.equal('set-up-link-expired')
    expect(wayOnOf(used)).to.equal(at('/account'))
  })

  it('from a sign-out leads to the root, and a sign-out that was declined says so', async () => {
    await start({ clients: [{ ...APP, client_uri: 'https://app.example/home' }] })
    const alice = await addPerson(server)
    await signIn(browser, server.authorize(), alice, server)
    const decline = async (query = ''): Promise<Page> => {
      const logout = await browser.get(at(`/session/end${query}`))
      const form = 'form:has([data-refuse])'
      return browser.follow(await browser.submit(logout, {}, { form }))
    }
    const stayed = await decline()
    expect(stayed.name).to.equal('still-signed-in')
    expect(stayed.text).to.contain('alice')
    expect((await open(stayed)).name).to.equal('home')
    const ofApp = await decline('?client_id=app')
    expect(ofApp.name).to.equal('still-signed-in')
    expect(wayOnOf(ofApp)).to.equal('https://app.example/home')

    const out = await browser.follow(await browser.submit(await browser.get(at('/session/end'))))
    expect(out.name).to.equal('signed-out')
    expect((await open(out)).name).to.equal('home')
  })

  it('from too many passwords leads back to the login page', async () => {
    await start({ settings: { passwords: { failuresPerAddress: 1 } } })
    const login = await browser.visit(server.authorize())
    const wrong = { username: 'alice', password: 'wrong' }
    await browser.submit(login, wrong)
    const busy = await browser.submit(login, wrong)
    expect(busy.name).to.equal('busy')
    expect((await open(busy)).name).to.equal('login')
  })

  it('from a form that was refused leads to its page', async () => {
    await start()
    const login = await browser.visit(server.authorize())
    const refused = await browser.submit(login, { csrf: 'forged' })
    expect(refused.name).to.equal('forbidden')
    expect((await open(refused)).name).to.equal('login')
  })

  it('from a storage that does not answer leads to the same page again', async () => {
    await start()
    const alice = await addPerson(server)
    const login = await browser.visit(server.authorize())
    const { accounts } = server.storage
    const { byName } = accounts
    const away = () => Promise.reject(new MfaError('storage-unavailable', 'away'))
    Object.assign(accounts, { byName: away })
    const form = { username: alice.username, password: PASSWORD }
    const unavailable = await browser.submit(login, form)
    Object.assign(accounts, { byName })
    expect([unavailable.status, unavailable.name]).to.deep.equal([503, 'unavailable'])
    const again = await open(unavailable)
    expect(again.name).to.equal('login')
    expect((await browser.submit(again, form)).location?.pathname).to.match(/^\/auth\//)
  })

  it('from a sign-in whose app is unknown, and from no page at all, leads to the root', async () => {
    await start()
    for (const path of ['/interaction/gone', '/auth/gone', '/nothing', '/mfa/gone'])
      expect((await open(await browser.get(at(path)))).name, path).to.equal('home')
  })

  it('from a faulty request leads to its app, or to the root where the app has no address', async () => {
    const home = 'https://app.example/sign-in'
    await start({
      clients: [
        { ...APP, initiate_login_uri: home },
        { ...APP, client_id: 'shy' },
      ],
    })
    const faulty = (client_id: string): Promise<Page> =>
      browser.get(server.authorize({ client_id, redirect_uri: 'https://elsewhere.example/' }))
    const page = await faulty('app')
    expect([page.name, page.texts('main a.button')]).to.deep.equal(['error', ['Back to The App']])
    expect(wayOnOf(page)).to.equal(home)
    expect(wayOnOf(await faulty('shy'))).to.equal(at('/'))
    expect(wayOnOf(await faulty('unknown'))).to.equal(at('/'))
  })
})
