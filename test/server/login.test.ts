import { expect } from 'chai'
import type { AuditEntry } from '../../src/ports/audit-trail.ts'
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
  type Person,
  type TestServer,
} from './support.ts'

/** The tests send the address of a browser as a proxy does. */
const TRUSTED = { TRUSTED_PROXIES: '127.0.0.1/8,::1' }

describe('the login page', () => {
  let server: TestServer
  let alice: Person & { id: string }
  let browser: HttpClient

  const start = async (settings: object = {}, environment = {}): Promise<void> => {
    server = await startServer({ settings, environment })
    alice = await addPerson(server)
    browser = new HttpClient()
  }
  const open = (client = browser): Promise<Page> => client.visit(server.authorize(), atTheApp)
  const post = (page: Page, fields: Record<string, string>, headers: Record<string, string> = {}) =>
    browser.post(new URL(page.form().action, page.url), fields, { headers })
  const csrfOf = (page: Page): string => page.form().fields['csrf'] ?? ''
  const sessions = async (): Promise<string> => JSON.stringify(browser.jar.all())
  afterEach(stopServers)

  it('names the app, keeps what automation relies on, and works without a script', async () => {
    await start()
    const page = await open()
    expect(page.name).to.equal('login')
    expect(page.text).to.contain('The App')
    const inputs = page.tags('form input').map(({ name }) => name)
    expect(inputs).to.include.members(['username', 'password', 'csrf'])
    expect(page.headers['content-security-policy']).to.match(/frame-ancestors 'none'/)
    expect(page.headers['cache-control']).to.equal('no-store')
    expect(page.headers['referrer-policy']).to.equal('same-origin')
  })

  it('R33 refuses unknown, wrong and disabled in the same words, the name kept and the password gone', async () => {
    await start()
    const bodies = new Set<string>()
    for (const username of ['alice', 'nobody']) {
      const page = await browser.submit(await open(), { username, password: 'wrong guess' })
      expect(page.status).to.equal(422)
      expect(page.name).to.equal('login')
      expect(page.alert).to.be.a('string')
      expect(page.form().fields).to.deep.include({ username, password: '' })
      expect(page.body).not.to.contain('wrong guess')
      bodies.add(page.text.replaceAll(username, ''))
    }
    expect(bodies.size).to.equal(1)
  })

  it('R18 R20 takes no password that was changed while it was checked', async () => {
    await start()
    const { audit } = server.storage
    const add = audit.add.bind(audit)
    const foundation = await layFoundation(server.config, { storage: server.storage })
    Object.assign(audit, {
      // The entry is written after the hash and before the response; at this moment the owner sets a new password.
      add: async (events: readonly AuditEntry[]) => {
        if (events.some(({ type }) => type === 'password-accepted'))
          await serverMfa(foundation).accounts.passwordChanged(alice.id)
        return add(events)
      },
    })
    const page = await browser.submit(await open(), {
      username: alice.username,
      password: alice.password,
    })
    expect(page.status).to.equal(410)
  })

  it('counts an empty field for nothing', async () => {
    await start({ passwords: { failuresPerAddress: 1 } })
    for (let i = 0; i < 3; i += 1) {
      const page = await browser.submit(await open(), { username: 'alice', password: '' })
      expect(page.status).to.equal(400)
      expect(page.alert).to.be.a('string')
    }
    expect(
      (await browser.submit(await open(), { username: 'alice', password: PASSWORD })).status,
    ).to.equal(303)
  })

  it('R4 makes an address wait after too many failures, and says how long', async () => {
    await start({ passwords: { failuresPerAddress: 2, addressWindowSeconds: 60 } })
    for (let i = 0; i < 2; i += 1)
      await browser.submit(await open(), { username: `n${i}`, password: 'wrong' })
    const page = await browser.submit(await open(), { username: 'alice', password: PASSWORD })
    expect(page.status).to.equal(429)
    expect(page.name).to.equal('busy')
    expect(Number(page.headers['retry-after'])).to.be.within(1, 60)
  })

  it('R31 R47 leaves an entry for each of eight wrong passwords, five of them answered 429', async () => {
    await start({ passwords: { failuresPerAddress: 3 } })
    const statuses: number[] = []
    for (let i = 0; i < 8; i += 1)
      statuses.push(
        (await browser.submit(await open(), { username: 'alice', password: 'x' })).status,
      )
    expect(statuses).to.deep.equal([422, 422, 422, 429, 429, 429, 429, 429])
    const entries = await server.storage.audit.list({ type: 'password-refused', limit: 20 })
    expect(entries.map(({ detail }) => detail.reason)).to.deep.equal([
      ...Array(5).fill('throttled'),
      ...Array(3).fill('wrong'),
    ])
  })

  it('R47 records the number of the attempts beyond ten a minute, at a stop at the latest', async () => {
    await start({ passwords: { failuresPerAddress: 1 } })
    for (let i = 0; i < 14; i += 1)
      await browser.submit(await open(), { username: 'alice', password: 'x' })
    await server.stop()
    const [last] = await server.storage.audit.list({ type: 'password-refused', limit: 20 })
    expect(last?.detail).to.include({ reason: 'throttled', count: 3 })
  })

  it('R43 lets the owner in while one address fills its share of the hashing queue', async () => {
    await start({ passwords: { hashingAtOnce: 1, hashingQueue: 64 } }, TRUSTED)
    const from = (ip: string) => new HttpClient({ headers: { 'x-forwarded-for': ip } })
    browser = from('192.0.2.1')
    await signIn(browser, server.authorize(), alice, server)
    const bob = await addPerson(server, { username: 'bob' })
    const elsewhere = from('192.0.2.2')
    const other = await open(elsewhere)
    const again = await browser.visit(server.authorize({ prompt: 'login' }))
    const attacker = from('192.0.2.1')
    const login = await open(attacker)
    const flood = Array.from({ length: 75 }, () =>
      attacker.submit(login, { username: 'alice', password: 'wrong' }),
    )
    const owners = await Promise.all([
      browser.submit(again, { username: 'alice', password: PASSWORD }),
      elsewhere.submit(other, { username: bob.username, password: PASSWORD }),
    ])
    expect(owners.map(({ status }) => status)).to.deep.equal([303, 303])
    const statuses = (await Promise.all(flood)).map(({ status }) => status)
    expect(statuses.filter((status) => status === 422).length).to.be.within(17, 75)
    expect(new Set(statuses)).to.deep.equal(new Set([422, 429]))
  })

  it('R4 lets a known browser in all the same', async () => {
    await start({ passwords: { failuresPerAddress: 2 } })
    await signIn(browser, server.authorize(), alice, server)
    const stranger = new HttpClient()
    for (let i = 0; i < 3; i += 1)
      await stranger.submit(await open(stranger), { username: `n${i}`, password: 'wrong' })
    const again = await browser.visit(server.authorize({ prompt: 'login' }))
    const page = await browser.submit(again, { username: 'alice', password: PASSWORD })
    expect(page.status).to.equal(303)
  })

  it('R30 takes a form of its own only: token, origin and interaction have to fit', async () => {
    await start()
    const page = await open()
    const right = { username: 'alice', password: PASSWORD, csrf: csrfOf(page) }
    const forged = [
      await post(page, { ...right, csrf: '' }),
      await post(page, { ...right, csrf: 'x'.repeat(43) }),
      await post(page, right, { origin: 'https://evil.example' }),
      await post(page, right, { 'sec-fetch-site': 'cross-site' }),
    ]
    expect(forged.map(({ status, name }) => `${status} ${String(name)}`)).to.deep.equal(
      Array(4).fill('403 forbidden'),
    )
    const other = new HttpClient()
    const token = csrfOf(await other.visit(server.authorize()))
    expect((await post(page, { ...right, csrf: token })).status).to.equal(403)
    expect((await post(page, right)).status).to.equal(303)
  })

  it('R17 answers only the interaction of this browser, and only while it asks for a password', async () => {
    await start()
    const page = await open()
    const foreign = await new HttpClient().visit(server.authorize())
    const elsewhere = new URL(foreign.form().action, page.url)
    const fields = { username: 'alice', password: PASSWORD, csrf: csrfOf(foreign) }
    expect((await browser.post(elsewhere, fields)).status).to.equal(410)
    // A browser sends the cookie only to its path; another client can send it anywhere.
    const cookie = browser.jar.header(page.url) ?? ''
    expect((await browser.post(elsewhere, fields, { headers: { cookie } })).status).to.equal(410)

    await browser.follow(
      await browser.submit(page, { username: 'alice', password: PASSWORD }),
      atTheApp,
    )
    const late = await post(page, { username: 'alice', password: PASSWORD, csrf: csrfOf(page) })
    expect(late.status).to.equal(410)
    expect(late.name).to.equal('expired')
  })

  it('R17 R19 signs nobody in by the password alone', async () => {
    await start()
    const page = await open()
    const next = await browser.follow(
      await browser.submit(page, { username: 'alice', password: PASSWORD }),
      atTheApp,
    )
    expect(next.name).to.equal('mfa-choose')
    const silent = await browser.get(server.authorize({ prompt: 'none' }))
    expect(silent.location?.searchParams.get('error')).to.equal('login_required')
  })

  it('R34 reads nothing but a form: 415, 413 and 400', async () => {
    await start()
    const page = await open()
    const url = new URL(page.form().action, page.url)
    const json = await browser.postRaw(url, '{}', {
      headers: { 'content-type': 'application/json' },
    })
    expect(json.status).to.equal(415)
    expect((await browser.postRaw(url, `a=${'x'.repeat(20_000)}`)).status).to.equal(413)
    for (const body of ['username[$ne]=x', 'username=a&username=b', 'username=%00', '__proto__=x'])
      expect((await browser.postRaw(url, body)).status, body).to.equal(400)
  })

  it('leads back to the app without signing in', async () => {
    await start()
    const page = await open()
    const back = await browser.follow(
      await browser.submit(page, {}, { form: '[action$="/cancel"]' }),
      atTheApp,
    )
    expect(back.location?.searchParams.get('error')).to.equal('access_denied')
  })

  it('R12 R23 makes no address from what a request says of itself', async () => {
    await start()
    const page = await browser.get(
      new URL(server.authorize().pathname + server.authorize().search, server.url),
      {
        headers: {
          host: 'evil.example',
          'x-forwarded-host': 'evil.example',
          'x-forwarded-proto': 'https',
        },
      },
    )
    expect(page.status).to.equal(303)
    expect(page.headers.location).to.match(/^(\/|http:\/\/localhost:)/)
    expect(JSON.stringify(page.headers)).not.to.contain('evil')
    const discovery = await browser.get(`${server.url}/.well-known/openid-configuration`, {
      headers: { host: 'evil.example' },
    })
    expect(discovery.body).not.to.contain('evil')
    expect(await sessions()).not.to.contain('evil')
  })

  it('R31 leaves neither password nor name nor query in the log', async () => {
    await start()
    const hinted = await browser.visit(server.authorize({ login_hint: 'hinted@example.com' }))
    await browser.submit(hinted, { username: 'hunter2', password: 'my secret password' })
    const log = server.lines.join('\n')
    expect(log).to.contain('/login')
    expect(log).not.to.match(/hunter2|secret password|hinted|code_challenge/)
  })

  it('is behind a proxy as safe as before: cookies secure and prefixed, addresses the proxy’s word', async () => {
    const issuer = 'https://id.example.com'
    await start({}, { ISSUER: issuer, TRUSTED_PROXIES: '127.0.0.1' })
    browser = new HttpClient({
      origins: { [issuer]: { url: server.url, headers: { 'x-forwarded-for': '198.51.100.7' } } },
    })
    const page = await open()
    expect(page.url.origin).to.equal(issuer)
    expect(page.headers['strict-transport-security']).to.match(/max-age=\d{8}/)
    const cookies = browser.jar.all()
    expect(cookies.map(({ key }) => key)).to.include('__Secure-interaction')
    expect(cookies.every(({ secure, httpOnly }) => secure && httpOnly)).to.equal(true)
    await browser.submit(page, { username: 'alice', password: 'wrong' })
    const [entry] = await server.storage.audit.list({ type: 'password-refused', limit: 1 })
    expect(entry?.detail.ip).to.equal('198.51.100.7')
    await signIn(browser, server.authorize(), alice, server)
    expect(browser.jar.all().map(({ key }) => key)).to.include('__Host-session')
  })

  it('is followed by a second factor where the client asks for one, whatever the server does', async () => {
    server = await startServer({
      settings: { mfa: { required: 'optional' } },
      clients: [
        { ...APP, first_party: true },
        { ...APP, client_id: 'strict', first_party: true, mfa: 'required' },
      ],
    })
    alice = await addPerson(server)
    browser = new HttpClient()
    const lax = await signIn(browser, server.authorize(), alice, server)
    expect(lax.location?.searchParams.has('code')).to.equal(true)
    expect(alice.secret).to.equal(undefined)
    const bob = await addPerson(server, { username: 'bob' })
    const strict = server.authorize({ client_id: 'strict' })
    const page = await signIn(new HttpClient(), strict, bob, server)
    expect(page.location?.searchParams.has('code')).to.equal(true)
    expect(bob.secret).to.be.a('string')
  })
})
