import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { layFoundation } from '../../src/server/boot/foundation.ts'
import { serverMfa } from '../../src/server/boot/mfa.ts'
import { CookieJar } from '../support/cookie-jar.ts'
import { HttpClient, type Page } from '../support/http-client.ts'
import { totpCode } from '../support/totp.ts'
import {
  addPerson,
  atTheApp,
  authorizationUrl,
  redeem,
  signIn,
  startServer,
  stopServers,
  type Person,
  type TestServer,
} from './support.ts'

const TWO_HOURS = 7200
/** The right time, which browsers have. */
const now = Date.now

/** The cookies of a browser whose clock is right, whatever the server's is. */
class RightJar extends CookieJar {
  override store(url: URL, headers: readonly string[]): void {
    atRightTime(() => super.store(url, headers))
  }

  override header(url: URL): string | undefined {
    return atRightTime(() => super.header(url))
  }
}

function atRightTime<T>(work: () => T): T {
  const ofServer = Date.now
  Date.now = now
  try {
    return work()
  } finally {
    Date.now = ofServer
  }
}

const newBrowser = (): HttpClient => new HttpClient({ jar: new RightJar() })

describe('a clock that jumps', () => {
  /** The seconds by which the clock of the server is ahead. The apps of the test agree with it, and browsers do not. */
  let ahead = 0
  let server: TestServer

  beforeEach(async () => {
    ahead = 0
    Date.now = () => now() + ahead * 1000
    server = await startServer({ renewalMilliseconds: 20 })
  })
  afterEach(async () => {
    Date.now = now
    await stopServers()
  })

  const enter = (person: Person, browser = newBrowser()): Promise<Page> =>
    signIn(browser, server.authorize(), person, server)
  const isSignedIn = (page: Page): boolean => page.location?.searchParams.has('code') === true
  /** Goes on to the page that asks for the code. */
  const upToCode = async (person: Person, browser: HttpClient): Promise<Page> => {
    const login = await browser.visit(server.authorize(), atTheApp)
    const { username, password } = person
    return browser.follow(await browser.submit(login, { username, password }), atTheApp)
  }
  const codeOf = ({ secret = '' }: Person): string => totpCode({ secret }, server.clock.now())
  /** A person with an authenticator app. */
  const enrolled = async (username: string): Promise<Person> => {
    const person = await addPerson(server, { username })
    expect(isSignedIn(await enter(person))).to.equal(true)
    return person
  }

  for (const jump of [-TWO_HOURS, -600, TWO_HOURS])
    it(`by ${jump} s ends no new sign-in, of the same and of other people`, async () => {
      const alice = await enrolled('alice')
      const bea = await addPerson(server, { username: 'bea' })
      ahead = jump
      expect(isSignedIn(await enter(alice)), 'the same person').to.equal(true)
      expect(isSignedIn(await enter(bea)), 'the first sign-in of another one').to.equal(true)
      const cara = await enrolled('cara')
      ahead += 30
      for (const person of [alice, bea, cara])
        expect(isSignedIn(await enter(person)), person.username).to.equal(true)
    })

  it('keeps a session, and its tokens are given', async () => {
    const alice = await addPerson(server)
    const browser = newBrowser()
    await enter(alice, browser)
    ahead = -TWO_HOURS
    const page = await browser.visit(server.authorize(), atTheApp)
    expect((await redeem(server, page)).claims['sub']).to.equal(alice.id)
  })

  it('lets a sign-in go on at the login page', async () => {
    const alice = await enrolled('alice')
    const browser = newBrowser()
    const login = await browser.visit(server.authorize())
    ahead = -TWO_HOURS
    const { username, password } = alice
    const code = await browser.follow(await browser.submit(login, { username, password }), atTheApp)
    expect(code.name).to.equal('totp-verify')
    const done = await browser.submit(code, { code: codeOf(alice) })
    expect(isSignedIn(await browser.follow(done, atTheApp))).to.equal(true)
  })

  it('lets a sign-in begin again that asks for the code', async () => {
    const alice = await enrolled('alice')
    const browser = newBrowser()
    const page = await upToCode(alice, browser)
    ahead = -TWO_HOURS
    const over = await browser.submit(page, { code: codeOf(alice) })
    expect([over.status, over.name]).to.deep.equal([410, 'expired'])
    expect(over.body).to.match(/<a[^>]+href="https:\/\/app\.example/)
    expect(isSignedIn(await enter(alice, browser))).to.equal(true)
  })

  it('R5 accepts no code a second time, also one from before the time that comes again', async () => {
    const alice = await enrolled('alice')
    ahead = 60
    const first = codeOf(alice)
    expect(isSignedIn(await enter(alice))).to.equal(true)
    ahead = TWO_HOURS
    expect(isSignedIn(await enter(alice))).to.equal(true)
    ahead = 60
    const browser = newBrowser()
    const again = await browser.submit(await upToCode(alice, browser), { code: first })
    expect([again.status, again.name]).to.deep.equal([422, 'totp-verify'])
    ahead = 120
    const next = await browser.submit(again, { code: codeOf(alice) })
    expect(isSignedIn(await browser.follow(next, atTheApp))).to.equal(true)
  })

  it('R18 accepts no authorization code a second time', async () => {
    const alice = await addPerson(server)
    const page = await enter(alice)
    expect((await redeem(server, page)).status).to.equal(200)
    ahead = -TWO_HOURS
    expect((await redeem(server, page)).status).to.equal(400)
  })

  it('R20 keeps the end of a session', async () => {
    const alice = await addPerson(server)
    const browser = newBrowser()
    await enter(alice, browser)
    const { storage, issuer, config, clock } = server
    const foundation = await layFoundation(config, { storage, clock })
    await serverMfa(foundation, {}).accounts.reset(alice.id)
    ahead = -TWO_HOURS
    const url = authorizationUrl(issuer, { prompt: 'none' })
    const page = await browser.visit(url, atTheApp)
    expect(page.location?.searchParams.get('error')).to.equal('login_required')
  })

  it('opens a lock that a clock a year ahead has set', async () => {
    const year = 365 * 86_400
    const alice = await enrolled('alice')
    ahead = year
    const browser = newBrowser()
    let page = await upToCode(alice, browser)
    for (let wrong = 0; wrong < 5; wrong += 1) page = await browser.submit(page, { code: '000000' })
    expect((await browser.submit(page, { code: codeOf(alice) })).name).to.equal('locked')
    ahead = 60
    expect(isSignedIn(await enter(alice))).to.equal(true)
  })

  it('is told in the log, once, with its direction and seconds', async () => {
    ahead = -TWO_HOURS
    const told = () => server.lines.filter((line) => line.includes('the clock has jumped'))
    while (told().length === 0) await sleep(10)
    await sleep(100)
    expect(told()).to.have.length(1)
    const [level, { direction, seconds }, message] = JSON.parse(told()[0] ?? '') as [
      string,
      { direction: string; seconds: number },
      string,
    ]
    expect([level, direction, message]).to.deep.equal(['warn', 'back', 'the clock has jumped'])
    // A busy machine reads the two clocks at different moments.
    expect(seconds).to.be.closeTo(TWO_HOURS, 10)
  })
})
