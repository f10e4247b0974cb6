import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import type { Connection } from 'mongoose'
import { openMongoStorage } from '../../src/adapters/mongoose/server-storage.ts'
import { parseRecord } from '../../src/application/record-format.ts'
import type { MfaRecord } from '../../src/domain/mfa-record.ts'
import type { ServerStorage } from '../../src/ports/server-storage.ts'
import type { Clock } from '../../src/ports/services.ts'
import { HttpClient, type Page } from '../support/http-client.ts'
import { openDatabase, startStandIn, type MongoServer } from '../support/mongodb.ts'
import { requireOwnMongodb } from '../support/requirements.ts'
import { SessionJournal } from '../support/session-journal.ts'
import {
  authorizeUrl,
  callbackOf,
  follow,
  redeem,
  showPassword,
  startHost,
  type Host,
} from '../plugin/host.ts'
import { enrolledPerson, nextCode, signIn, wrongCode, type Person } from '../plugin/sign-in.ts'
import { STEPS, type Answer, type Step } from './steps.ts'
import { TcpProxy, type Cut } from './tcp-proxy.ts'

const WRITES = ['insert', 'update', 'delete', 'findAndModify']

describe('a MongoDB in trouble', function () {
  this.timeout(120_000)
  let server: MongoServer
  let proxy: TcpProxy
  let database: { connection: Connection; url: string; close(): Promise<void> }
  let storage: ServerStorage
  /** The same database without the proxy. */
  let direct: ServerStorage
  let folder: string
  let journal: SessionJournal
  let host: Host
  let person: Person

  before(async function () {
    requireOwnMongodb(this)
    server = await startStandIn()
    proxy = await TcpProxy.start(Number(new URL(server.url).port))
  })
  after(async () => {
    await proxy?.stop()
    await server?.stop()
  })

  beforeEach(async () => {
    database = await openDatabase(server.url)
    // The driver must connect to the proxy, and not to the address that the server announces.
    const url = new URL(database.url)
    url.port = String(proxy.port)
    url.searchParams.set('directConnection', 'true')
    let clock: Clock | undefined
    const now = (): number => clock?.now() ?? Math.floor(Date.now() / 1000)
    folder = mkdtempSync(join(tmpdir(), 'mfa-faults-'))
    journal = new SessionJournal(join(folder, 'sessions'))
    storage = journal.noting(await openMongoStorage({ url: url.href, clock: { now } }))
    direct = await openMongoStorage({ url: database.url, clock: { now } })
    host = await startHost({
      storage: (given) => {
        clock = given
        return storage
      },
    })
    person = await enrolledPerson(host)
  })
  afterEach(async () => {
    proxy.pass()
    await failPoint('off')
    await host.close()
    await direct.close()
    await database.close()
    rmSync(folder, { recursive: true })
  })

  /** Sets a fail point in the server, which only affects the connections of the host's storage. */
  async function failPoint(mode: unknown, data: object = {}): Promise<void> {
    await database.connection
      .getClient()
      .db('admin')
      .command({
        configureFailPoint: 'failCommand',
        mode,
        data: { appName: 'oidc-provider-mfa', ...data },
      })
  }

  /** Reads the record directly from the database, without the proxy. */
  async function record(): Promise<MfaRecord> {
    const found = await database.connection
      .collection<{ _id: string; record: string }>('mfa_records')
      .findOne({ _id: person.username })
    return parseRecord(JSON.parse(found!.record), person.username)
  }

  const signedInSessions = (): Promise<number> => journal.signedInSessions(direct)

  async function recovers(): Promise<void> {
    // A driver that has lost its server finds it again at its next check of the server.
    for (let tries = 0; tries < 100; tries += 1) {
      const back = await signIn(host, new HttpClient(), person).catch(() => undefined)
      if (back?.location?.searchParams.has('code')) {
        const { status, claims } = await redeem(host, callbackOf(back))
        expect(status).to.equal(200)
        expect(claims.amr).to.deep.equal(['pwd', 'otp', 'mfa'])
        return
      }
    }
    expect.fail('nobody can sign in any more')
  }

  const OUTAGES: Readonly<
    Record<string, { begin(): unknown; refused: (step: Step) => boolean; mayBeApplied?: true }>
  > = {
    'refuses connections': { begin: () => proxy.refuse(), refused: () => true },
    'answers after five seconds': {
      begin: () => {
        proxy.delayMs = 5_000
      },
      refused: () => true,
      mayBeApplied: true,
    },
    'is no primary any more': {
      begin: () =>
        failPoint('alwaysOn', {
          failCommands: WRITES,
          errorCode: 10107,
          errorLabels: ['RetryableWriteError'],
        }),
      refused: ({ writes }) => writes,
    },
    'cannot reach a majority': {
      begin: () =>
        failPoint('alwaysOn', {
          failCommands: WRITES,
          writeConcernError: { code: 64, errmsg: 'waiting for replication timed out' },
        }),
      refused: ({ writes }) => writes,
      mayBeApplied: true,
    },
  }

  for (const [name, { begin, refused, mayBeApplied }] of Object.entries(OUTAGES))
    it(`R32 that ${name}: 503, no session, no free guess, and it recovers by itself`, async () => {
      const prepared: Prepared[] = []
      for (const step of STEPS) prepared.push({ step, ...(await step.prepare(host, person)) })
      await host.mfa.settled()
      const before = await record()
      const sessions = await signedInSessions()
      await begin()
      // The driver takes a server for lost after each refused write, and a read at that moment waits until it is known
      // again. So the steps that only read are tried before the others.
      const [writing, reading] = [true, false].map((isRefused) =>
        prepared.filter(({ step }) => refused(step) === isRefused),
      )
      const tried = [...(await attempt(reading)), ...(await attempt(writing))]

      for (const { step, answer } of tried) {
        if (refused(step)) expectUnavailable(step, answer)
        else expect(answer.status, step.name).to.be.oneOf(step.ordinary)
        expect(answer.body, step.name).not.to.match(/mongo|node_modules|at file:|\.ts:/i)
      }
      proxy.pass()
      await failPoint('off')
      if (!mayBeApplied) {
        expect((await record()).throttle).to.deep.equal(before.throttle)
        expect(await signedInSessions()).to.equal(sessions)
      }
      await recovers()
      for (const { step, browser, answer } of tried)
        if (answer.status >= 400 && step.name !== 'the token') {
          const silent = await browser.get(authorizeUrl(host, { prompt: 'none' }))
          expect(callbackOf(silent).get('error'), step.name).to.equal('login_required')
        }
    })

  interface Prepared {
    readonly step: Step
    readonly browser: HttpClient
    readonly act: () => Promise<Answer>
  }

  /** Performs all steps at once. */
  function attempt(prepared: readonly Prepared[] = []) {
    return Promise.all(
      prepared.map(async ({ step, browser, act }) => ({ step, browser, answer: await act() })),
    )
  }

  /** Types a code in a new browser; returns the browser and the response. */
  async function guess(codeOf: () => string): Promise<{ browser: HttpClient; page: Page }> {
    const browser = new HttpClient()
    const page = await showPassword(host, browser, person.username)
    return { browser, page: await browser.submit(page, { code: codeOf() }) }
  }
  const failures = async (): Promise<number> => (await record()).throttle.failedAt.length

  for (const cut of ['before it is applied', 'after it was applied'] as Cut[]) {
    it(`R18 the connection cut once in a save, ${cut}: tried again, and done once`, async () => {
      const browser = new HttpClient()
      const page = await showPassword(host, browser, person.username)
      await host.mfa.settled()
      proxy.trap(cut, 'update', 'mfa_records', 1)
      const wrong = await browser.submit(page, { code: wrongCode(host, person) })
      expect(proxy.cuts).to.be.greaterThan(0)
      expect(wrong.status).to.equal(422)
      expect(await failures()).to.equal(1)
      expect(await host.mfa.accounts.status(person.username)).to.include({ enrolled: true })
    })

    it(`R5 R18 the connection cut in every save, ${cut}: a wrong code is no free guess`, async () => {
      const browser = new HttpClient()
      const page = await showPassword(host, browser, person.username)
      await host.mfa.settled()
      proxy.trap(cut, 'update', 'mfa_records')
      const code = wrongCode(host, person)
      expect((await browser.submit(page, { code })).status).to.equal(503)
      proxy.pass()
      const counted = cut === 'after it was applied' ? 1 : 0
      expect(await failures()).to.equal(counted)
      await recovers()
    })

    it(`R5 R18 the connection cut in every save, ${cut}: a right code signs in once at most`, async () => {
      const sessions = await signedInSessions()
      const browser = new HttpClient()
      const page = await showPassword(host, browser, person.username)
      await host.mfa.settled()
      const code = nextCode(host, person)
      proxy.trap(cut, 'update', 'mfa_records')
      expect((await browser.submit(page, { code })).status).to.equal(503)
      proxy.pass()
      expect(await signedInSessions()).to.equal(sessions)

      // The same form in the same sign-in is a double tap (R38), whether or not the first save was applied.
      const again = await browser.submit(page, { code })
      expect(callbackOf(await follow(host, browser, again)).has('code')).to.equal(true)
      expect((await guess(() => code)).page.status).to.equal(422)
    })
  }

  it('R5 R18 a save that no majority has confirmed counts: the code is spent, and nobody is signed in', async () => {
    const sessions = await signedInSessions()
    const { browser, page } = await (async () => {
      const stranger = new HttpClient()
      return { browser: stranger, page: await showPassword(host, stranger, person.username) }
    })()
    await host.mfa.settled()
    const code = nextCode(host, person)
    await failPoint('alwaysOn', {
      failCommands: ['update'],
      writeConcernError: { code: 64, errmsg: 'waiting for replication timed out' },
    })
    expect((await browser.submit(page, { code })).status).to.equal(503)
    await failPoint('off')
    expect(await signedInSessions()).to.equal(sessions)
    expect((await guess(() => code)).page.status).to.equal(422)
    await recovers()
  })

  for (const [name, errorCode] of [
    ['a step-down', 10107],
    ['a server that shuts down', 91],
  ] as const)
    it(`R18 ${name} in the middle of a save is tried again, and counted once`, async () => {
      const browser = new HttpClient()
      const page = await showPassword(host, browser, person.username)
      await host.mfa.settled()
      await failPoint(
        { times: 1 },
        { failCommands: ['update'], errorCode, errorLabels: ['RetryableWriteError'] },
      )
      const wrong = await browser.submit(page, { code: wrongCode(host, person) })
      expect(wrong.status).to.equal(422)
      expect(await failures()).to.equal(1)
    })
})

function expectUnavailable({ name, by }: Step, { status, headers, body, name: page }: Answer) {
  // The login page of the test answers with the code of the error that it has caught.
  if (by === 'application' && status === 500)
    return expect(body, name).to.equal('storage-unavailable')
  expect(status, name).to.equal(503)
  expect(headers['retry-after'], name).to.match(/^[1-9]\d*$/)
  if (by === 'plugin') expect(page, name).to.equal('unavailable')
}
