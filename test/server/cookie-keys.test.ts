import { randomBytes } from 'node:crypto'
import { expect } from 'chai'
import { CookieJar } from '../support/cookie-jar.ts'
import { HttpClient, type Page } from '../support/http-client.ts'
import { totpCode } from '../support/totp.ts'
import {
  addPerson,
  asNodeBeside,
  atTheApp,
  authorizationUrl,
  signIn,
  startServer,
  stopServers,
  type Person,
  type TestServer,
} from './support.ts'

const ISSUER = 'http://id.example'
const [OLD, NEW] = [1, 2].map(() => randomBytes(32).toString('base64')) as [string, string]

/** The values of COOKIE_KEYS in the order of the operating guide. */
const STEPS = [OLD, `${OLD},${NEW}`, `${NEW},${OLD}`, NEW]

describe('COOKIE_KEYS are rotated in a rolling restart of two nodes', function () {
  this.timeout(60_000)
  afterEach(stopServers)

  let nodes: TestServer[]
  let alice: Person

  beforeEach(async () => {
    const first = await startServer({ environment: { ISSUER, COOKIE_KEYS: OLD } })
    nodes = [first, await another(first, OLD)]
    alice = await addPerson(first)
    await signIn(at(first), authorizationUrl(ISSUER), alice, first)
  })

  /** Starts a node beside a running one: its keys are compared with those of that node. */
  function another(beside: TestServer, keys: string): Promise<TestServer> {
    const { storage, clock } = beside
    const environment = { ...asNodeBeside(beside), COOKIE_KEYS: keys }
    return startServer({ storage, clock, environment })
  }

  /** A browser whose requests this node answers. */
  function at({ url }: TestServer, jar = new CookieJar()): HttpClient {
    return new HttpClient({ jar, origins: { [ISSUER]: { url } } })
  }

  async function restart(nth: number, keys: string): Promise<void> {
    await nodes[nth]?.stop()
    nodes[nth] = await another(nodes[1 - nth]!, keys)
  }

  /** Types the password at one node, and answers the page that asks for a code. */
  async function begun(nth: number, jar: CookieJar): Promise<Page> {
    const browser = at(nodes[nth]!, jar)
    const { username, password } = alice
    const login = await browser.visit(authorizationUrl(ISSUER), atTheApp)
    const page = await browser.follow(await browser.submit(login, { username, password }), atTheApp)
    expect(page.name, page.text).to.equal('totp-verify')
    return page
  }

  async function finish(nth: number, jar: CookieJar, page: Page): Promise<void> {
    const node = nodes[nth]!
    // The code of the last sign-in is spent.
    node.clock.ahead += 30
    const code = totpCode({ secret: alice.secret ?? '' }, node.clock.now())
    const browser = at(node, jar)
    let end = await browser.follow(await browser.submit(page, { code }), atTheApp)
    if (end.name === 'consent') end = await browser.follow(await browser.submit(end), atTheApp)
    expect(end.location?.searchParams.has('code'), end.text).to.equal(true)
  }

  async function isSignedIn(nth: number, jar: CookieJar): Promise<boolean> {
    const silent = authorizationUrl(ISSUER, { prompt: 'none' })
    const answer = await at(nodes[nth]!, jar).visit(silent, atTheApp)
    return answer.location?.searchParams.has('code') === true
  }

  it('and no sign-in and no session is lost, whichever node goes on with it', async () => {
    const session = new CookieJar()
    await finish(0, session, await begun(0, session))

    for (const keys of STEPS.slice(1))
      for (const nth of [0, 1]) {
        const other = 1 - nth
        const jars = [0, 1, 2].map(() => new CookieJar()) as [CookieJar, CookieJar, CookieJar]
        const before = [await begun(other, jars[0]), await begun(nth, jars[1])] as const
        await restart(nth, keys)
        await finish(nth, jars[0], before[0])
        await finish(other, jars[1], before[1])
        const after = await begun(nth, jars[2])
        await finish(other, jars[2], after)
        for (const node of [0, 1]) expect(await isSignedIn(node, session)).to.equal(true)
      }
    for (const { lines } of nodes)
      expect(lines.filter((line) => line.startsWith('["error"'))).to.deep.equal([])
  })

  it('but a step that is left out stops at the first node', async () => {
    await nodes[1]?.stop()
    const error = await another(nodes[0]!, `${NEW},${OLD}`).then(
      () => undefined,
      (thrown: unknown) => thrown,
    )
    expect(error)
      .to.have.property('message')
      .that.matches(/COOKIE_KEYS does not fit the node/)
  })
})
