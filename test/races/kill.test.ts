import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { parseRecord } from '../../src/application/record-format.ts'
import type { MfaRecord } from '../../src/domain/mfa-record.ts'
import type { ServerStorage } from '../../src/ports/server-storage.ts'
import { secretOf } from '../support/enrolment.ts'
import type { HttpClient, Page } from '../support/http-client.ts'
import { SessionJournal } from '../support/session-journal.ts'
import { ownCode } from '../support/totp.ts'
import { enrol } from '../plugin/enrol.ts'
import { authorizeUrl, callbackOf, follow, showPassword } from '../plugin/host.ts'
import { KILL_POINTS, Node, type KillPoint } from './nodes.ts'
import { openServerPlace, SERVER_PLACES, type Place } from './places.ts'

const USERNAME = 'mira'

for (const [name, make] of Object.entries(SERVER_PLACES))
  describe(`kill -9 between the spending of a code and the end of a sign-in, in ${name}`, function () {
    this.timeout(60_000)
    let place: Place
    let folder: string
    let journal: SessionJournal
    let storage: ServerStorage
    let node: Node
    let secret: string

    before(async function () {
      place = await make(this)
      folder = mkdtempSync(join(tmpdir(), 'mfa-kill-'))
      journal = new SessionJournal(join(folder, 'sessions'))
      node = await Node.start(place.address, Math.floor(Date.now() / 1000), journal)
      storage = await openServerPlace(place.address)
      secret = (await enrol(node, node.browser(), USERNAME)).secret
    })

    beforeEach(() => node.setClock(node.clock.at + 60))

    after(async () => {
      await node?.kill()
      await storage?.close()
      await place?.remove()
      rmSync(folder, { recursive: true, force: true })
    })

    const presentCode = (): string => ownCode({ secret }, node.clock.at)

    async function recordNow(username = USERNAME): Promise<MfaRecord> {
      return parseRecord((await storage.records.load(username))!.record!, username)
    }

    /** Waits until the record has no events: the save that removes them must not be the one at which the node ends. */
    async function killAt(point: KillPoint, username = USERNAME): Promise<void> {
      while ((await recordNow(username)).events.length > 0) await sleep(20)
      await node.killAt(point)
    }

    const signedInSessions = (): Promise<number> => journal.signedInSessions(storage)

    async function restart(): Promise<void> {
      await node.gone()
      node = await Node.start(place.address, node.clock.at, journal)
    }

    /** Submits the code to a node that ends itself at `point`, then starts the node again. Returns the code. */
    async function submitAndDie(
      point: KillPoint,
      browser: HttpClient,
      page: Page,
    ): Promise<string> {
      const code = presentCode()
      await killAt(point)
      const ended = await browser.submit(page, { code }).then(
        (answer) => follow(node, browser, answer).then(callbackOf, (error: Error) => error),
        (error: Error) => error,
      )
      expect(ended, 'the sign-in ended before the process did').to.be.instanceOf(Error)
      await restart()
      return code
    }

    /** The same browser, connected to the node that has been started again. */
    const again = (browser: HttpClient): HttpClient => node.browser(browser.jar)

    async function isSignedIn(browser: HttpClient): Promise<boolean> {
      const answer = await browser.get(authorizeUrl(node, { prompt: 'none' }))
      return callbackOf(answer).has('code')
    }

    async function expectReplay(code: string): Promise<void> {
      const before = (await recordNow()).throttle.failedAt.length
      const stranger = node.browser()
      const refused = await stranger.submit(await showPassword(node, stranger, USERNAME), { code })
      expect(refused.status).to.equal(422)
      expect((await recordNow()).throttle.failedAt).to.have.length(before + 1)
      expect(await isSignedIn(stranger)).to.equal(false)
    }

    async function expectNewCodeSignsIn(): Promise<void> {
      await node.setClock(node.clock.at + 30)
      const browser = node.browser()
      const answer = await browser.submit(await showPassword(node, browser, USERNAME), {
        code: presentCode(),
      })
      expect(callbackOf(await follow(node, browser, answer)).has('code')).to.equal(true)
    }

    async function beginSignIn(): Promise<{ browser: HttpClient; page: Page; sessions: number }> {
      const browser = node.browser()
      const page = await showPassword(node, browser, USERNAME)
      return { browser, page, sessions: await signedInSessions() }
    }

    it('R19 a sign-in waiting for its code outlives a restart', async () => {
      const { browser, page } = await beginSignIn()
      await node.kill()
      await restart()
      const answer = await again(browser).submit(page, { code: presentCode() })
      const end = await follow(node, again(browser), answer)
      expect(callbackOf(end).has('code')).to.equal(true)
    })

    const spent: readonly KillPoint[] = KILL_POINTS.filter(
      (point) => point !== 'before the save' && point !== 'after the session was stored',
    )
    for (const point of spent)
      it(`R5 R38 ${point}: the code stays spent, nobody is signed in, and a double tap finishes`, async () => {
        const { browser, page, sessions } = await beginSignIn()
        const code = await submitAndDie(point, browser, page)
        expect(await signedInSessions()).to.equal(sessions)
        expect(await isSignedIn(again(browser))).to.equal(false)
        await expectReplay(code)

        const answer = await again(browser).submit(page, { code })
        const end = await follow(node, again(browser), answer)
        expect(callbackOf(end).has('code')).to.equal(true)
        await expectNewCodeSignsIn()
      })

    it('R5 after the session was stored: the code stays spent, and no browser has the session', async () => {
      const { browser, page, sessions } = await beginSignIn()
      const code = await submitAndDie('after the session was stored', browser, page)
      expect(await signedInSessions()).to.equal(sessions + 1)
      expect(await isSignedIn(again(browser))).to.equal(false)
      await expectReplay(code)

      const over = await again(browser).submit(page, { code })
      expect({ status: over.status, name: over.name }).to.deep.equal({
        status: 410,
        name: 'expired',
      })
      await expectNewCodeSignsIn()
    })

    it('R18 before the save: nothing was answered, nothing was spent, and the code still signs in', async () => {
      const { browser, page, sessions } = await beginSignIn()
      const before = await recordNow()
      const code = await submitAndDie('before the save', browser, page)
      expect(await signedInSessions()).to.equal(sessions)
      expect(await isSignedIn(again(browser))).to.equal(false)
      const after = await recordNow()
      expect(after.throttle).to.deep.equal(before.throttle)
      expect(after.authenticators).to.deep.equal(before.authenticators)

      const answer = await again(browser).submit(page, { code })
      const end = await follow(node, again(browser), answer)
      expect(callbackOf(end).has('code')).to.equal(true)
    })

    it('R10 R38 after the save of a first enrolment: the factor is set up, and a double tap finishes', async () => {
      const username = 'newcomer'
      const browser = node.browser()
      const page = await showPassword(node, browser, username)
      const code = ownCode({ secret: secretOf(page) }, node.clock.at)
      await killAt('after the save', username)
      await browser.submit(page, { code }).catch(() => undefined)
      await restart()

      const stranger = node.browser()
      expect((await showPassword(node, stranger, username)).name).to.equal('totp-verify')
      const answer = await again(browser).submit(page, { code })
      expect(callbackOf(await follow(node, again(browser), answer)).has('code')).to.equal(true)
    })

    it('R31 what was decided before the process ended is in the trail after the next sign-in', async () => {
      const { browser, page } = await beginSignIn()
      await submitAndDie('while listeners are told', browser, page)
      const untold = (await recordNow()).events.map(({ id }) => id)
      expect(untold).not.to.deep.equal([])
      await expectNewCodeSignsIn()
      let told: string[] = []
      while (!untold.every((id) => told.includes(id))) {
        await sleep(20)
        told = (await storage.audit.list({ accountId: USERNAME, limit: 100 })).map(({ id }) => id)
      }
      expect((await recordNow()).accepted.at(-1)?.factor).to.equal('totp')
    })
  })
