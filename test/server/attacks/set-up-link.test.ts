import { expect } from 'chai'
import { passwordHasher, systemRandom } from '../../../src/adapters/crypto/index.ts'
import { addPerson as add, changeAccount } from '../../../src/server/accounts/people.ts'
import { setUpLinks, type LinkKind } from '../../../src/server/accounts/set-up-link.ts'
import { HttpClient, type Page } from '../../support/http-client.ts'
import { startServer, stopServers, type TestServer } from '../support.ts'

const GOOD = 'a password that is new and long'
const hasher = passwordHasher({ memoryKib: 8, iterations: 1 })

describe('a set-up link in the wrong hands', () => {
  let server: TestServer
  let browser: HttpClient
  let accountId: string

  beforeEach(async () => {
    server = await startServer()
    browser = new HttpClient()
    const added = await add(
      { accounts: server.storage.accounts, clock: server.clock, random: systemRandom },
      { username: 'alice', email: 'alice@example.com' },
    )
    if (!added.ok) throw new Error(added.fault)
    accountId = added.account.id
  })
  afterEach(stopServers)

  const link = async (kind: LinkKind = 'invitation'): Promise<string> => {
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
      hasher,
      record: async () => undefined,
      passwordChanged: async () => undefined,
      epochOf: async () => 1,
      // The server uses the link that is made here.
      change: async () => undefined,
    })
    const account = (await storage.accounts.byId(accountId))?.account
    if (account === undefined) throw new Error('The account is gone.')
    return (await links.make(account, kind)).url
  }
  const use = async (page: Page, password = GOOD): Promise<Page> =>
    browser.submit(page, { password, passwordAgain: password })
  const passwordHash = async (): Promise<string | undefined> =>
    (await server.storage.accounts.byId(accountId))?.account.passwordHash

  it('R12 is made of the issuer and of nothing else, with 256 bits that nobody guesses', async () => {
    const url = new URL(await link())
    expect(url.origin).to.equal(server.issuer)
    expect(url.pathname).to.match(/^\/set-up\/[\w-]{43}$/)
    expect(url.search + url.hash).to.equal('')
  })

  for (const [kind, seconds] of [
    ['invitation', 72 * 3600],
    ['reset', 24 * 3600],
  ] as const)
    it(`R36 is over after its time (${kind}), for a form that was opened before too`, async () => {
      const url = await link(kind)
      const opened = await browser.get(url)
      server.clock.ahead += seconds - 60
      expect((await browser.get(url)).status).to.equal(200)
      server.clock.ahead += 61
      for (const page of [await browser.get(url), await use(opened)])
        expect([page.status, page.name]).to.deep.equal([410, 'set-up-link-expired'])
      expect(await passwordHash()).to.equal(undefined)
    })

  it('is not used by looking at it: mail programs and scanners do', async () => {
    const url = await link()
    for (let i = 0; i < 5; i += 1) await browser.get(url)
    await fetch(url, { method: 'HEAD' })
    expect((await use(await browser.get(url))).name).to.equal('set-up-link-done')
  })

  it('R18 used from many browsers at once sets one password', async () => {
    const page = await browser.get(await link())
    const pages = await Promise.all(
      Array.from({ length: 6 }, (_, i) => use(page, `${GOOD} number ${i}`)),
    )
    expect(pages.filter(({ name }) => name === 'set-up-link-done')).to.have.length(1)
    expect(pages.filter(({ status }) => status === 410)).to.have.length(5)
    const winner = pages.findIndex(({ name }) => name === 'set-up-link-done')
    expect(await hasher.verify((await passwordHash()) ?? '', `${GOOD} number ${winner}`)).to.equal(
      true,
    )
  })

  it('R33 tells used, late, forged and of a disabled account apart by nothing', async () => {
    const [used, late, disabled] = [await link(), await link('reset'), await link()]
    const forged = used.replace(/.{43}$/, 'x'.repeat(43))
    const before = await browser.get(used)
    await use(before)
    server.clock.ahead += 24 * 3600 + 1
    const bodies: unknown[] = []
    const look = async (url: string): Promise<void> => {
      const { status, headers, body } = await new HttpClient().get(url)
      const { date, 'x-request-id': id, ...rest } = headers
      expect([date, id]).not.to.include(undefined)
      bodies.push([status, rest, body])
    }
    for (const url of [used, late, forged]) await look(url)
    await changeAccount(server.storage.accounts, accountId, (account) => ({
      ...account,
      disabledAt: server.clock.now(),
    }))
    await look(disabled)
    for (const body of bodies) expect(body).to.deep.equal(bodies[0])
    expect(JSON.stringify(bodies)).not.to.match(/alice/)
  })

  it('R20 is over once the password was set by another one', async () => {
    const [first, second] = [await link(), await link()]
    await use(await browser.get(second))
    const hash = await passwordHash()
    expect((await browser.get(first)).status).to.equal(410)
    expect(await passwordHash()).to.equal(hash)
  })

  it('R12 is neither a session nor a way around the second factor', async () => {
    await use(await browser.get(await link()))
    expect(browser.jar.all().map(({ key }) => key)).to.not.include('session')
    const page = await browser.get(server.authorize({ prompt: 'none' }))
    expect(page.location?.searchParams.get('error')).to.equal('login_required')
  })

  describe('R16 takes passwords of all of Unicode', () => {
    for (const [what, password] of [
      ['emoji with joiners', '👩‍👩‍👧‍👦 mein Haus 🏠 am Meer'],
      ['letters of several scripts', 'пароль и ключ 密码很长 مفتاح'],
      ['64 letters and more', 'wörter '.repeat(20).trim()],
      ['spaces at the ends', '  between two pairs of spaces  '],
      ['what HTML would mind', '<b>"quotes" & \'more\'</b>'],
      ['eight characters outside of the basic plane', '𝒫𝒶𝓈𝓈𝒸𝓄𝒹𝓊'],
    ] as const)
      it(`${what}, and knows them again`, async () => {
        const done = await use(await browser.get(await link()), password)
        expect(done.name).to.equal('set-up-link-done')
        const login = await browser.visit(server.authorize())
        const entered = await browser.submit(login, { username: 'alice', password })
        expect(entered.status).to.equal(303)
      })

    it('composed or decomposed, as the keyboard has it', async () => {
      await use(await browser.get(await link()), 'Grüße aus Köln, für alle'.normalize('NFD'))
      const login = await browser.visit(server.authorize())
      const password = 'Grüße aus Köln, für alle'.normalize('NFC')
      expect((await browser.submit(login, { username: 'alice', password })).status).to.equal(303)
    })

    for (const [what, password] of [
      ['seven letters, in fourteen units', '𝒫𝒶𝓈𝓈𝒸𝓄𝒹'],
      ['a common one in full width', 'ｐａｓｓｗｏｒｄ１２３'],
      ['the name in capitals', 'ALICE2026!'],
      ['nothing to see', '\u200b'.repeat(20)],
      ['more bytes than are hashed', '🏠'.repeat(300)],
    ] as const)
      it(`and refuses ${what}, with the link as good as before`, async () => {
        const url = await link()
        const refused = await use(await browser.get(url), password)
        expect([refused.status, refused.name]).to.deep.equal([422, 'set-up-link'])
        expect(refused.alert).to.be.a('string')
        expect(refused.body).not.to.contain(password)
        expect(await passwordHash()).to.equal(undefined)
        expect((await use(await browser.get(url))).name).to.equal('set-up-link-done')
      })
  })
})
