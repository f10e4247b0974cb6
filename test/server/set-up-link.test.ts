import { expect } from 'chai'
import { systemRandom } from '../../src/adapters/crypto/index.ts'
import type { Account } from '../../src/ports/accounts.ts'
import { addPerson as add } from '../../src/server/accounts/people.ts'
import { setUpLinks } from '../../src/server/accounts/set-up-link.ts'
import { HttpClient } from '../support/http-client.ts'
import { signIn, startServer, stopServers, type TestServer } from './support.ts'

const GOOD = 'a password that is new and long'

describe('the page of a set-up link', () => {
  let server: TestServer
  let browser: HttpClient
  let url: string

  const link = async (account: Account): Promise<string> => {
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
      hasher: undefined as never,
      record: async () => {},
      passwordChanged: async () => {},
      epochOf: async () => 1,
      // The server uses the link that is made here.
      change: async () => undefined,
    })
    return (await links.make(account, 'invitation')).url
  }
  const start = async (environment = {}): Promise<void> => {
    server = await startServer({ environment })
    browser = new HttpClient()
    const { accounts } = server.storage
    const added = await add(
      { accounts, clock: server.clock, random: systemRandom },
      { username: 'alice' },
    )
    if (!added.ok) throw new Error(added.fault)
    url = await link(added.account)
  }
  afterEach(stopServers)

  it('sets a password, says so, and counts as the proof for the first factor', async () => {
    await start()
    const page = await browser.get(url)
    expect(page.name).to.equal('set-up-link')
    expect(page.text).to.contain('alice')
    const done = await browser.submit(page, { password: GOOD, passwordAgain: GOOD })
    expect(done.name).to.equal('set-up-link-done')
    // The password came from a link, so it does not suffice for a first factor: the proof in this browser does (R10).
    const alice = { username: 'alice', password: GOOD, secret: undefined as never }
    const end = await signIn(browser, server.authorize(), alice, server)
    expect(end.location?.searchParams.has('code')).to.equal(true)
  })

  it('R12 signs nobody in', async () => {
    await start()
    await browser.submit(await browser.get(url), { password: GOOD, passwordAgain: GOOD })
    const silent = await browser.get(server.authorize({ prompt: 'none' }))
    expect(silent.location?.searchParams.get('error')).to.equal('login_required')
  })

  it('R16 says what is wrong with a password and keeps the link', async () => {
    await start()
    for (const [password, passwordAgain] of [
      ['short', 'short'],
      ['Password123', 'Password123'],
      [GOOD, `${GOOD}!`],
      [GOOD, ''],
    ] as const) {
      const page = await browser.submit(await browser.get(url), { password, passwordAgain })
      expect(page.status, password).to.equal(422)
      expect(page.alert).to.be.a('string')
      expect(page.body).not.to.contain(password)
    }
    const done = await browser.submit(await browser.get(url), {
      password: GOOD,
      passwordAgain: GOOD,
    })
    expect(done.name).to.equal('set-up-link-done')
  })

  it('R47 is gone when it was used, forged or too late, in one and the same way, with an entry', async () => {
    await start()
    const page = await browser.get(url)
    await browser.submit(page, { password: GOOD, passwordAgain: GOOD })
    const forged = url.replace(/.{43}$/, 'x'.repeat(43))
    const pages = [
      await browser.get(url),
      await browser.get(forged),
      await browser.submit(page, { password: GOOD, passwordAgain: GOOD }),
    ]
    for (const { status, name } of pages)
      expect(`${status} ${String(name)}`).to.equal('410 set-up-link-expired')
    const entries = await server.storage.audit.list({ type: 'set-up-link-refused', limit: 10 })
    expect(entries.map(({ detail }) => detail.reason)).to.deep.equal(['gone', 'gone', 'gone'])
    expect(JSON.stringify(entries)).not.to.contain(forged.slice(-43))
  })

  it('R30 takes its own form only', async () => {
    await start()
    const page = await browser.get(url)
    const fields = { ...page.form().fields, password: GOOD, passwordAgain: GOOD }
    expect((await browser.post(url, { ...fields, csrf: 'x' })).status).to.equal(403)
    expect(
      (await browser.post(url, fields, { headers: { 'sec-fetch-site': 'cross-site' } })).status,
    ).to.equal(403)
  })

  it('R31 leaves its token neither in the log nor to other sites', async () => {
    await start()
    const page = await browser.get(url)
    await browser.submit(page, { password: GOOD, passwordAgain: GOOD })
    expect(page.headers['referrer-policy']).to.equal('same-origin')
    expect(server.lines.join('\n')).to.contain('/set-up/…').and.not.to.contain(url.slice(-43))
  })
})
