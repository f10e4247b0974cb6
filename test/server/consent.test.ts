import { expect } from 'chai'
import { pagesOf, type HostClient } from '../../src/host/provider.ts'
import { layFoundation } from '../../src/server/boot/foundation.ts'
import { serverMfa } from '../../src/server/boot/mfa.ts'
import { HttpClient, type Page } from '../support/http-client.ts'
import {
  addPerson,
  APP,
  atTheApp,
  redeem,
  signIn,
  startServer,
  stopServers,
  type Person,
  type TestServer,
} from './support.ts'

const OURS = { ...APP, client_id: 'ours', client_name: 'Ours', first_party: true }
const DOCUMENTED = {
  ...APP,
  client_id: 'documented',
  client_uri: 'https://app.example/',
  policy_uri: 'https://app.example/privacy',
  tos_uri: 'http://app.example/terms',
}

describe('consent', () => {
  let server: TestServer
  let alice: Person & { id: string }
  let browser: HttpClient

  beforeEach(async () => {
    server = await startServer({ clients: [APP, OURS, DOCUMENTED] })
    alice = await addPerson(server)
    browser = new HttpClient()
    // The person signs in at an app of the service's own (`first_party`), which needs no consent.
    const page = await signIn(browser, server.authorize({ client_id: 'ours' }), alice, server)
    expect(page.location?.searchParams.has('code')).to.equal(true)
  })
  afterEach(stopServers)

  const ask = (params: Readonly<Record<string, string>> = {}): Promise<Page> =>
    browser.visit(server.authorize(params), atTheApp)
  const types = async (): Promise<string[]> =>
    (await server.storage.audit.list({ limit: 100 })).map(({ type }) => type)

  it('names the app and each thing that it gets', async () => {
    const page = await ask({
      scope: 'openid profile email address offline_access',
      prompt: 'consent',
    })
    expect(page.name).to.equal('consent')
    expect(page.status).to.equal(200)
    expect(page.text).to.contain('The App')
    expect(page.all('li')).to.have.length.at.least(4)
    expect(page.text).to.contain('alice')
  })

  it('links to the pages that the app has registered, and to no other address', async () => {
    const prompt = 'consent'
    const page = await ask({ client_id: 'documented', prompt })
    expect(page.tags('p.hint a').map(({ href }) => href)).to.deep.equal([
      'https://app.example/',
      'https://app.example/privacy',
      'http://app.example/terms',
    ])
    expect((await ask({ prompt })).all('p.hint a')).to.have.length(0)
    for (const address of ['javascript:alert(1)', 'data:text/html,x', 'app:terms', '/terms', '//a'])
      expect(
        pagesOf({ clientUri: address, policyUri: address, tosUri: address } as HostClient),
        address,
      ).to.deep.equal({})
  })

  it('is given once and asked again only for more', async () => {
    const first = await browser.follow(
      await browser.submit(await ask({ scope: 'openid email' })),
      atTheApp,
    )
    expect((await redeem(server, first)).claims['sub']).to.equal(alice.id)
    expect((await ask({ scope: 'openid email' })).location?.searchParams.has('code')).to.equal(true)
    expect((await ask({ scope: 'openid email profile' })).name).to.equal('consent')
    expect(await types()).to.include('consent-granted')
  })

  it('is remembered for the next session, but for nothing more than was given', async () => {
    await browser.follow(await browser.submit(await ask({ scope: 'openid email' })), atTheApp)
    browser = new HttpClient()
    server.clock.ahead += 60
    const page = await signIn(browser, server.authorize({ scope: 'openid email' }), alice, server)
    expect((await redeem(server, page)).claims['sub']).to.equal(alice.id)
    expect((await types()).filter((type) => type === 'consent-granted')).to.have.length(1)
    expect((await ask({ scope: 'openid profile' })).name).to.equal('consent')
  })

  it('R20 is forgotten when the account changes', async () => {
    await browser.follow(await browser.submit(await ask()), atTheApp)
    const foundation = await layFoundation(server.config, { storage: server.storage })
    await serverMfa(foundation).accounts.passwordChanged(alice.id)
    browser = new HttpClient()
    server.clock.ahead += 60
    await signIn(browser, server.authorize({ client_id: 'ours' }), alice, server)
    expect((await ask()).name).to.equal('consent')
  })

  it('R20 R42 is not given by a session that has ended: the person signs in again, and is asked then', async () => {
    const page = await ask()
    expect(page.name).to.equal('consent')
    const foundation = await layFoundation(server.config, { storage: server.storage })
    await serverMfa(foundation).accounts.passwordChanged(alice.id)
    const answered = await browser.follow(await browser.submit(page), atTheApp)
    expect(answered.name).to.equal('login')
    expect(answered.text).to.contain('The App')
    expect(await types()).not.to.include('consent-granted')

    // The app has no grant, neither in this browser nor in another.
    for (const next of [browser, new HttpClient()]) {
      server.clock.ahead += 60
      await signIn(next, server.authorize({ client_id: 'ours' }), alice, server)
      expect((await next.visit(server.authorize(), atTheApp)).name).to.equal('consent')
    }
  })

  it('refused brings the app access_denied, and nothing else', async () => {
    const page = await ask()
    const back = await browser.follow(
      await browser.submit(page, {}, { form: 'form:has([data-refuse])' }),
      atTheApp,
    )
    expect(back.location?.searchParams.get('error')).to.equal('access_denied')
    expect(back.location?.searchParams.has('code')).to.equal(false)
    expect(await types()).to.include('consent-refused')
    expect((await ask()).name).to.equal('consent')
  })

  it('is not asked for by an app of the service’s own, whatever it wants', async () => {
    const page = await ask({ client_id: 'ours', scope: 'openid profile email phone address' })
    const params = page.location?.searchParams
    expect(params?.has('code')).to.equal(true)
  })

  it('R25 is not asked for under prompt=none: the app hears that it is needed', async () => {
    const page = await browser.get(server.authorize({ prompt: 'none' }))
    expect(page.location?.searchParams.get('error')).to.equal('consent_required')
  })

  it('R30 R17 takes its own form only, in its own interaction', async () => {
    const page = await ask()
    const { action, fields } = page.form()
    const url = new URL(action, page.url)
    expect((await browser.post(url, { ...fields, csrf: 'x' })).status).to.equal(403)
    expect(
      (await browser.post(url, fields, { headers: { origin: 'https://evil.example' } })).status,
    ).to.equal(403)
    const stranger = new HttpClient()
    expect((await stranger.post(url, fields)).status).to.equal(410)
    const login = new URL(url.pathname.replace(/consent$/, 'login'), url)
    expect(
      (await browser.post(login, { ...fields, username: 'alice', password: 'x' })).status,
    ).to.equal(410)
  })

  it('R17 is given at its own prompt only', async () => {
    for (const path of ['consent', 'refuse']) {
      const stranger = new HttpClient()
      const page = await stranger.visit(server.authorize(), atTheApp)
      expect(page.name).to.equal('login')
      const url = new URL(`${page.url.pathname}/${path}`, page.url)
      expect((await stranger.post(url, page.form().fields)).status, path).to.equal(410)
    }
    expect(await types()).not.to.include.oneOf(['consent-granted', 'consent-refused'])
  })

  it('of one person does not hold for another in the same browser', async () => {
    await browser.follow(await browser.submit(await ask()), atTheApp)
    const bob = await addPerson(server, { username: 'bob' })
    const other = new HttpClient()
    await signIn(other, server.authorize({ client_id: 'ours' }), bob, server)
    expect((await other.visit(server.authorize(), atTheApp)).name).to.equal('consent')
  })
})
