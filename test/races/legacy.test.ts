import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { callbackOf, follow, showPassword, type Host } from '../plugin/host.ts'
import {
  objectId,
  openApplication,
  SECRET,
  sha256,
  type Application,
  type Report,
} from '../server/import/support.ts'
import { secretOf } from '../support/enrolment.ts'
import { HttpClient } from '../support/http-client.ts'
import { requireMongodb } from '../support/requirements.ts'
import { totpCode } from '../support/totp.ts'

const PROGRAM = fileURLToPath(new URL('../../bin/oidc-provider-mfa.mjs', import.meta.url))
const PEOPLE = 300
/** The numbers of imported accounts at which the process is killed, one run after the other. */
const ENDED_AT = [1, 90, 220]

describe('kill -9 in the middle of migrate legacy', function () {
  this.timeout(120_000)
  let application: Application
  let legacy: object[]

  before(async function () {
    const url = await requireMongodb(this)
    legacy = Array.from({ length: PEOPLE }, (_, nth) => ({
      _id: objectId(nth),
      two_factor_enabled: true,
      two_factor_secret: SECRET,
      // The migration computes a slow hash of each code, so only every tenth account has codes.
      backup_codes: nth % 10 === 0 ? [sha256('a'), sha256('b')] : [],
    }))
    application = await openApplication(url, legacy as never[])
  })
  after(() => application.close())

  const start = (): ChildProcess =>
    spawn(process.execPath, [PROGRAM, 'migrate', 'legacy', '--json'], {
      env: { ...application.environment, PATH: process.env['PATH'] },
      stdio: ['ignore', 'pipe', 'ignore'],
    })
  const there = () =>
    application.users
      .find({ mfa: { $exists: true } } as object)
      .sort({ _id: 1 })
      .toArray()
  const expectWhole = async (host: Host): Promise<void> => {
    for (const user of await there()) {
      const { factors } = await host.mfa.accounts.status(String(user._id))
      const codes = (user['backup_codes'] as unknown[]).length > 0 ? ['imported-codes'] : []
      expect(factors.map(({ factor }) => factor)).to.deep.equal(['totp', ...codes])
    }
  }

  for (const many of ENDED_AT)
    it(`with ${many} done, leaves whole records and every old field`, async () => {
      const child = start()
      const gone = once(child, 'exit')
      while ((await there()).length < many && child.exitCode === null) await sleep(5)
      child.kill('SIGKILL')
      await gone
      expect((await there()).length).to.be.within(many, PEOPLE - 1)
      await expectWhole(await application.host())
      const left = await application.users.find({}, { projection: { mfa: 0 } }).toArray()
      expect(left).to.have.deep.members(legacy)
    })

  it('loses nobody: the same command once more takes over the rest, and changes nobody else', async () => {
    const before = await there()
    const child = start()
    let out = ''
    child.stdout?.on('data', (part) => (out += String(part)))
    const [code] = (await once(child, 'close')) as [number]
    expect(code).to.equal(0)
    expect(JSON.parse(out) as Report).to.include({
      documents: PEOPLE,
      enrolled: PEOPLE - before.length,
      unchanged: before.length,
      bad: 0,
    })
    const after = await there()
    expect(after).to.have.length(PEOPLE)
    const changed = before.filter(
      (user) =>
        JSON.stringify(after.find(({ _id }) => String(_id) === String(user._id))) !==
        JSON.stringify(user),
    )
    expect(changed).to.deep.equal([])
    await expectWhole(await application.host())
  })
})

describe('migrate legacy while people sign in', function () {
  this.timeout(60_000)
  const people = Array.from({ length: 16 }, (_, nth) => objectId(nth))
  let application: Application

  before(async function () {
    const url = await requireMongodb(this)
    application = await openApplication(
      url,
      people.map((_id, nth) => ({
        _id,
        two_factor_enabled: true,
        two_factor_secret: SECRET,
        backup_codes: [sha256(`a${nth}`), sha256(`b${nth}`)],
      })),
    )
  })
  after(() => application.close())

  it('R18 of a factor that is set up and one that is taken over only the first is kept', async () => {
    const host = await application.host()
    const setUps = await Promise.all(
      people.map(async (id) => {
        const browser = new HttpClient()
        const page = await showPassword(host, browser, String(id))
        return { id: String(id), browser, page, secret: secretOf(page) }
      }),
    )
    // The record already has a pending set-up. Only a set-up that is confirmed earlier keeps a migration away.
    const confirmed = setUps.map(async ({ browser, page, secret }, nth) => {
      await sleep(nth * 20)
      return browser.submit(page, { code: totpCode({ secret }, host.clock.at) })
    })
    const [report, answers] = await Promise.all([application.migrate(), Promise.all(confirmed)])

    const mine = setUps.filter((_, nth) => answers[nth]!.status === 303)
    expect(report.json()).to.deep.include({
      set_up_here: mine.length,
      enrolled: people.length - mine.length,
      bad: 0,
    })
    expect(report.json().set_up_here_ids).to.have.members(mine.map(({ id }) => id))
    host.clock.at += 60
    for (const [nth, { id, secret }] of setUps.entries()) {
      const [right, wrong] = answers[nth]!.status === 303 ? [secret, SECRET] : [SECRET, secret]
      const browser = new HttpClient()
      const verify = await showPassword(host, browser, id)
      const refused = await browser.submit(verify, {
        code: totpCode({ secret: wrong }, host.clock.at),
      })
      expect(refused.status, id).to.equal(422)
      const answer = await browser.submit(verify, {
        code: totpCode({ secret: right }, host.clock.at),
      })
      expect(callbackOf(await follow(host, browser, answer)).get('code'), id).to.be.a('string')
    }
  })
})
