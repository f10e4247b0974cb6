import { expect } from 'chai'
import { openMongoStorage } from '../../src/adapters/mongoose/server-storage.ts'
import { parseRecord } from '../../src/application/record-format.ts'
import { FREE_FAILURES } from '../../src/domain/throttle.ts'
import type { MfaRecord } from '../../src/domain/mfa-record.ts'
import type { ServerStorage } from '../../src/ports/server-storage.ts'
import type { HttpClient, Page } from '../support/http-client.ts'
import { openDatabase } from '../support/mongodb.ts'
import { requireMongodb } from '../support/requirements.ts'
import { ownCode, totpCode } from '../support/totp.ts'
import { Deployment, ISSUER } from './deployment.ts'
import {
  APP,
  atTheApp,
  redeem,
  signIn as signInAt,
  type Person,
  type TestServer,
} from './support.ts'

/** The sign-ins that an attacker with the password begins, half on each node, and the attempts in each sign-in. */
const SIGN_INS = 40
const TIMES = 5
const ALL = SIGN_INS * TIMES

describe('two servers on one MongoDB', function () {
  this.timeout(120_000)
  let database: Awaited<ReturnType<typeof openDatabase>>
  let storage: ServerStorage
  let deployment: Deployment
  let names = 0

  before(async function () {
    database = await openDatabase(await requireMongodb(this))
    deployment = await Deployment.start(database.url)
    storage = await openMongoStorage({ url: database.url })
    await applyClient()
  })

  after(async () => {
    await deployment?.stop()
    await storage?.close()
    await database?.close()
  })

  const here = (): TestServer => ({ url: nodeUrl(0), clock: deployment.clock }) as TestServer
  const nodeUrl = (nth: number): string => deployment.nodes[nth]!.url
  const applyClient = (changes: object = {}): Promise<string> =>
    deployment.command('client apply clients.json', '', {
      'clients.json': JSON.stringify([{ ...APP, ...changes }]),
    })

  const signIn = (browser: HttpClient, person: Person, params = {}): Promise<Page> =>
    signInAt(browser, deployment.authorize(params), person, here())

  /** Adds a person who has set up a first factor and whose present code is not spent. */
  async function enrolled(): Promise<Person & { id: string; browser: HttpClient }> {
    names += 1
    const person = await deployment.addPerson(`person-${names}`)
    const browser = deployment.browser()
    const end = await signIn(browser, person)
    expect(end.location?.searchParams.has('code'), end.text).to.equal(true)
    await deployment.later(60)
    const { account } = (await storage.accounts.byName(person.username))!
    return Object.assign(person, { id: account.id, browser })
  }

  /** Types the password and returns the page that asks for a code. */
  async function codePage(browser: HttpClient, person: Person): Promise<Page> {
    const login = await browser.visit(deployment.authorize(), atTheApp)
    const { username, password } = person
    const page = await browser.follow(await browser.submit(login, { username, password }))
    expect(page.name, page.text).to.equal('totp-verify')
    return page
  }

  async function recordOf({ id }: { id: string }): Promise<MfaRecord> {
    return parseRecord((await storage.records.load(id))!.record!, id)
  }

  const present = (person: Person): string =>
    totpCode({ secret: person.secret! }, deployment.clock.now())

  async function isSignedIn(browser: HttpClient): Promise<boolean> {
    const silent = await browser.get(deployment.authorize({ prompt: 'none' }))
    return silent.location?.searchParams.has('code') === true
  }

  it('carry one sign-in between them, a request here and a request there, and the token too', async () => {
    const alice = await enrolled()
    const browser = deployment.browser()
    const back = await signIn(browser, alice)
    const server = { ...here(), url: nodeUrl(1) } as TestServer
    const { status, claims } = await redeem(server, back)
    expect(status).to.equal(200)
    expect(claims).to.include({ iss: ISSUER, sub: alice.id })
    expect(claims['amr']).to.deep.equal(['pwd', 'otp', 'mfa'])
    for (const node of deployment.nodes)
      expect(await isSignedIn(node.browser(browser.jar))).to.equal(true)
  })

  it('R5 refuse on one node a code that was used on the other', async () => {
    const alice = await enrolled()
    const [first, second] = deployment.nodes.map((node) => node.browser())
    const code = present(alice)
    const page = await codePage(second!, alice)
    const used = await first!.submit(await codePage(first!, alice), { code })
    expect(used.status).to.equal(303)
    expect((await second!.submit(page, { code })).status).to.equal(422)
  })

  it('R2 lock on both nodes after failures on one', async () => {
    const alice = await enrolled()
    const [first, second] = deployment.nodes.map((node) => node.browser())
    const page = await codePage(second!, alice)
    for (const code of wrongCodes(alice).slice(0, FREE_FAILURES))
      await first!.submit(await codePage(first!, alice), { code }).catch(() => undefined)
    const locked = await second!.submit(page, { code: present(alice) })
    expect({ status: locked.status, name: locked.name }).to.deep.equal({
      status: 429,
      name: 'locked',
    })
  })

  it('R20 end a session on both nodes, and its tokens, when the account is disabled', async () => {
    const alice = await enrolled()
    const jar = alice.browser.jar
    expect(await isSignedIn(deployment.nodes[0]!.browser(jar))).to.equal(true)
    await deployment.command(`user disable ${alice.username}`)
    for (const node of deployment.nodes) expect(await isSignedIn(node.browser(jar))).to.equal(false)
  })

  it('R19 end a session on both nodes at the sign-out', async () => {
    const alice = await enrolled()
    const { jar } = alice.browser
    const page = await deployment.nodes[0]!.browser(jar).visit(`${ISSUER}/session/end`)
    await deployment.nodes[0]!.browser(jar).submit(page)
    for (const node of deployment.nodes) expect(await isSignedIn(node.browser(jar))).to.equal(false)
  })

  it('see a changed client within 5 s', async () => {
    const inFiveSeconds = async (status: number, text = ''): Promise<void> => {
      await deployment.later(5)
      for (const node of deployment.nodes) {
        const page = await node.browser().visit(deployment.authorize())
        expect(page.status).to.equal(status)
        expect(page.text).to.contain(text)
      }
    }
    for (const name of ['The App', 'The Renamed App']) {
      await applyClient({ client_name: name })
      await inFiveSeconds(200, name)
    }
    await deployment.command('client remove app')
    await inFiveSeconds(400)
    await applyClient()
  })

  it('finish on one node what the other had begun when it was killed, and after it is back', async () => {
    const alice = await enrolled()
    const [first, second] = deployment.nodes
    const browser = first!.browser()
    const page = await codePage(browser, alice)
    await first!.end('SIGKILL')
    const moved = second!.browser(browser.jar)
    const back = await moved.follow(await moved.submit(page, { code: present(alice) }), atTheApp)
    expect(back.location?.searchParams.has('code') || back.name === 'consent').to.equal(true)

    await deployment.later(30)
    const other = second!.browser()
    const pending = await codePage(other, alice)
    await first!.start(deployment.clock.ahead)
    const returned = first!.browser(other.jar)
    const answer = await returned.submit(pending, { code: present(alice) })
    expect(answer.status).to.equal(303)
  })

  describe(`at ${ALL} attempts at once`, () => {
    /**
     * Makes `ALL` attempts at once, `TIMES` in each sign-in and half of them on each node. Attempt n submits
     * `formOf(n)`, and submits it again while the node is too busy to examine it.
     */
    async function race(person: Person, formOf: (nth: number) => Record<string, string>) {
      const visitors = await inTurns(SIGN_INS, async (nth) => {
        const browser = deployment.nodes[nth % 2]!.browser()
        return { jar: browser.jar, page: await codePage(browser, person) }
      })
      const useBackup = 'backupCode' in formOf(0)
      if (useBackup)
        for (const [nth, visitor] of visitors.entries()) {
          const browser = deployment.nodes[nth % 2]!.browser(visitor.jar)
          const ways = await browser.get(visitor.page.link('[data-other-way]'))
          visitor.page = await browser.follow(
            await browser.submit(ways, { factor: 'backup-codes' }),
          )
        }
      const answers = await Promise.all(
        Array.from({ length: ALL }, async (_, nth) => {
          const { jar, page } = visitors[nth % SIGN_INS]!
          const browser = deployment.nodes[Math.floor(nth / 2) % 2]!.browser(jar)
          for (;;) {
            const answer = await browser.submit(page, formOf(nth))
            if (answer.name !== 'busy' && answer.status !== 503) return answer
          }
        }),
      )
      return answers.map(({ status, location, name }) =>
        status === 303 && location?.pathname.startsWith('/auth/') ? 'accepted' : (name ?? status),
      )
    }
    const accepted = (answers: readonly unknown[]): number =>
      answers.filter((answer) => answer === 'accepted').length

    it('R1 R2 R18 examine exactly five wrong codes', async () => {
      const alice = await enrolled()
      const codes = wrongCodes(alice)
      const answers = await race(alice, (nth) => ({ code: codes[nth]! }))
      expect(accepted(answers)).to.equal(0)
      expect((await recordOf(alice)).throttle.failedAt).to.have.length(FREE_FAILURES)
    })

    it('R5 R18 accept one code of an authenticator app once', async () => {
      const alice = await enrolled()
      const before = (await recordOf(alice)).accepted.length
      const code = present(alice)
      await race(alice, () => ({ code }))
      const record = await recordOf(alice)
      // A double tap gets the same response as the first tap, and both are one sign-in.
      expect(record.accepted.length - before).to.equal(1)
      expect(record.throttle.failedAt).to.have.length(FREE_FAILURES)
    })

    it('R5 R8 R18 accept one backup code once', async () => {
      const alice = await enrolled()
      const before = (await recordOf(alice)).accepted.length
      const backupCode = alice.codes![3]!
      await race(alice, () => ({ backupCode }))
      const record = await recordOf(alice)
      expect(record.accepted.length - before).to.equal(1)
      expect(record.accepted.at(-1)).to.include({ factor: 'backup-codes', remaining: 9 })
    })

    it('R18 R21 give tokens for one authorization code once', async () => {
      const alice = await enrolled()
      const back = await signIn(deployment.browser(), alice)
      const outcomes = await Promise.all(
        Array.from({ length: 50 }, (_, nth) => redeem({ ...here(), url: nodeUrl(nth % 2) }, back)),
      )
      expect(outcomes.filter(({ status }) => status === 200)).to.have.length.within(0, 1)
      expect(outcomes.filter(({ status }) => status >= 500)).to.deep.equal([])
      const tokens = outcomes.find(({ status }) => status === 200)
      if (tokens !== undefined) expect(tokens.claims['sub']).to.equal(alice.id)
    })
  })

  function wrongCodes(person: Person): string[] {
    const near = new Set(
      Array.from({ length: 41 }, (_, step) =>
        ownCode({ secret: person.secret! }, deployment.clock.now() + (step - 20) * 30),
      ),
    )
    return Array.from({ length: 300 }, (_, value) => String(value * 7).padStart(6, '0')).filter(
      (code) => !near.has(code),
    )
  }
})

/** Does the work eight at a time, because the server's queue of password hashes is limited. */
async function inTurns<T>(count: number, work: (nth: number) => Promise<T>): Promise<T[]> {
  const results: T[] = []
  const turn = async (from: number): Promise<void> => {
    for (let nth = from; nth < count; nth += 8) results[nth] = await work(nth)
  }
  await Promise.all(Array.from({ length: 8 }, (_, from) => turn(from)))
  return results
}
