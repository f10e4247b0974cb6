import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import mongoose from 'mongoose'
import { mongooseStorage } from '../../../src/adapters/mongoose/index.ts'
import { memoryStorage } from '../../../src/adapters/memory/index.ts'
import {
  callbackOf,
  follow,
  redeem,
  showPassword,
  startHost,
  type Host,
} from '../../plugin/host.ts'
import { signedInSessions } from '../../plugin/recorded-storage.ts'
import { enrolledPerson } from '../../plugin/sign-in.ts'
import { HttpClient, type Page } from '../../support/http-client.ts'
import { requireMongodb } from '../../support/requirements.ts'
import { totpCode } from '../../support/totp.ts'
import {
  command,
  objectId,
  openApplication,
  SECRET,
  sha256,
  type Application,
  type Document,
} from './support.ts'

const HASHED = ['k7q4-mwxa', '2hd8-cwmx']
const ADA = objectId(1)
const BEN = objectId(2)
const CLEO = objectId(3)
const DORA = objectId(4)
const EVE = objectId(5)

const PEOPLE: readonly Document[] = [
  {
    _id: ADA,
    name: 'ada',
    two_factor_enabled: true,
    two_factor_secret: SECRET,
    backup_codes: HASHED.map(sha256),
  },
  { _id: BEN, name: 'ben', twoFactorEnabled: true, twoFactorSecret: 'not a secret!' },
  { _id: CLEO, name: 'cleo', two_factor_enabled: false, two_factor_secret: SECRET },
  { _id: DORA, name: 'dora', two_factor_enabled: 'perhaps', two_factor_secret: SECRET },
  { _id: EVE, name: 'eve' },
]

/** Moves the clock to the next time step and returns the code that the authenticator app shows then. */
const nextCode = (host: Host, secret = SECRET): string => {
  host.clock.at += 30
  return totpCode({ secret }, host.clock.at)
}

async function withBackupCode(host: Host, id: unknown, backupCode: string): Promise<Page> {
  const browser = new HttpClient()
  const verify = await showPassword(host, browser, String(id))
  const ways = await browser.get(verify.link('[data-other-way]'))
  const form = await follow(host, browser, await browser.submit(ways, { factor: 'imported-codes' }))
  return follow(host, browser, await browser.submit(form, { backupCode }))
}

describe('migrate legacy', function () {
  this.timeout(30_000)
  let url: string
  let application: Application

  before(async function () {
    url = await requireMongodb(this)
  })
  beforeEach(async () => {
    application = await openApplication(url, PEOPLE)
  })
  afterEach(() => application.close())

  const stored = (id: unknown) => application.users.findOne({ _id: { $eq: id } } as object)

  it('says in a dry run what would come of it, and changes nothing', async () => {
    const before = await application.dump()
    const { code, err, json, out } = await application.migrate('--dry-run')
    expect(code).to.equal(1)
    expect(json()).to.deep.include({
      dry_run: true,
      documents: 5,
      enrolled: 1,
      must_enrol: 1,
      not_enrolled: 1,
      unchanged: 0,
      set_up_here: 0,
      without_fields: 1,
      bad: 1,
      warnings: { 'codes-weak': 1, 'secret-unusable': 1, 'must-enrol': 1, 'not-enabled': 1 },
      bad_documents: [
        { id: String(DORA), faults: [{ field: 'two_factor_enabled', code: 'enabled-unreadable' }] },
      ],
    })
    expect(await application.dump()).to.equal(before)
    expect(out + err).not.to.contain(SECRET)
    expect(out + err).not.to.contain(sha256(HASHED[0]!))
  })

  it('says each kind of warning once, with the count and the first documents', async () => {
    const weak = { two_factor_enabled: true, two_factor_secret: SECRET.slice(0, 16) }
    const ids = [11, 12, 13, 14].map(objectId)
    await application.users.insertMany(ids.map((_id) => ({ _id, ...weak })))
    const { err, json } = await application.migrate('--dry-run')
    const told = err.split('\n').filter((line) => line.includes('secret-weak'))
    expect(told).to.have.length(1)
    const { warnings, warning_examples: examples } = json()
    expect(warnings['secret-weak']).to.equal(4)
    expect(examples['secret-weak']).to.have.length(3)
    expect(ids.map(String)).to.include.members([...(examples['secret-weak'] ?? [])])
    const about = JSON.parse(told[0] ?? '') as { id: string }
    expect(examples['secret-weak']?.[0]).to.equal(about.id)
  })

  it('says the same of the real run, and the old fields stay', async () => {
    const { code, json } = await application.migrate()
    expect(code).to.equal(1)
    expect(json()).to.deep.include({
      documents: 5,
      enrolled: 1,
      must_enrol: 1,
      not_enrolled: 1,
      bad: 1,
    })
    const { mfa, ...rest } = (await stored(ADA)) as Document
    expect(rest).to.deep.equal(PEOPLE[0])
    expect(mfa).to.have.keys('version', 'record')
    expect(await stored(DORA)).to.deep.equal(PEOPLE[3])
    expect(await stored(EVE)).to.deep.equal(PEOPLE[4])
  })

  it('lets the authenticator app of before sign in', async () => {
    await application.migrate()
    const host = await application.host()
    const browser = new HttpClient()
    const verify = await showPassword(host, browser, String(ADA))
    expect(verify.name).to.equal('totp-verify')
    const answer = await browser.submit(verify, { code: nextCode(host) })
    const { claims } = await redeem(host, callbackOf(await follow(host, browser, answer)))
    expect(claims).to.deep.include({ sub: String(ADA), amr: ['pwd', 'otp', 'mfa'] })
  })

  it('R5 lets a backup code that was kept as sha256 sign in once', async () => {
    await application.migrate()
    const host = await application.host()
    const first = await withBackupCode(host, ADA, HASHED[0]!)
    expect(first.name).to.equal('backup-codes-low')
    expect((await withBackupCode(host, ADA, HASHED[0]!)).status).to.equal(422)
    const { factors } = await host.mfa.accounts.status(String(ADA))
    expect(factors.map(({ remaining }) => remaining)).to.deep.equal([undefined, 1])
  })

  it('tells the listeners of the application what was taken over', async () => {
    await application.migrate()
    const host = await application.host()
    const browser = new HttpClient()
    const verify = await showPassword(host, browser, String(ADA))
    await browser.submit(verify, { code: nextCode(host) })
    await host.mfa.settled()
    const imported = host.events.filter(({ type }) => type === 'factor-imported')
    expect(imported.map(({ detail }) => detail.factor)).to.deep.equal(['totp', 'imported-codes'])
  })

  const expectNoFactor = async (id: unknown): Promise<void> => {
    await application.migrate()
    const host = await application.host({
      firstEnrolment: ({ firstSignIn }) => (firstSignIn ? 'allowed' : 'refused'),
    })
    expect((await host.mfa.accounts.status(String(id))).enrolled).to.equal(false)
    const refused = await showPassword(host, new HttpClient(), String(id))
    expect([refused.status, refused.name]).to.deep.equal([403, 'enrolment-refused'])
    expect(signedInSessions(host.writes)).to.deep.equal([])
    // The same rule allows the enrolment of a person without any second-factor fields in the application.
    expect((await showPassword(host, new HttpClient(), String(EVE))).name).to.equal('totp-enrol')
  }

  it('R10 nobody has a factor, and the password alone sets none up, where it was on without a secret', () =>
    expectNoFactor(BEN))

  it('R10 nor where it was off, with a secret', () => expectNoFactor(CLEO))

  it('changes nothing in a second run', async () => {
    await application.migrate()
    const before = await application.dump()
    const { json } = await application.migrate()
    expect(json()).to.deep.include({
      unchanged: 3,
      enrolled: 0,
      must_enrol: 0,
      not_enrolled: 0,
      bad: 1,
    })
    expect(await application.dump()).to.equal(before)
  })

  it('leaves alone who has set a factor up here meanwhile, and says so', async () => {
    const host = await application.host()
    const ada = await enrolledPerson(host, String(ADA))
    const before = await stored(ADA)
    const { json } = await application.migrate()
    expect(json()).to.deep.include({ enrolled: 0, set_up_here: 1, set_up_here_ids: [String(ADA)] })
    expect(await stored(ADA)).to.deep.equal(before)
    const browser = new HttpClient()
    const verify = await showPassword(host, browser, String(ADA))
    const answer = await browser.submit(verify, { code: nextCode(host, ada.secret) })
    expect(callbackOf(await follow(host, browser, answer)).get('code')).to.be.a('string')
  })

  it('reads fields wherever the application has them', async () => {
    await application.users.deleteMany({})
    await application.users.insertOne({
      _id: ADA,
      twoFactor: { on: 1, secret: SECRET, codes: HASHED.map(sha256) },
      // Names from options replace the common names.
      two_factor_enabled: false,
    })
    const told = ['enabled=twoFactor.on', 'secret=twoFactor.secret', 'codes=twoFactor.codes']
    const options = told.flatMap((field) => ['--field', field])
    expect((await application.migrate(...options)).json()).to.include({ enrolled: 1 })
    expect((await application.migrate('--remove-legacy', ...options)).code).to.equal(0)
    expect(await stored(ADA)).to.have.keys('_id', 'mfa', 'twoFactor', 'two_factor_enabled')
    expect((await stored(ADA))!['twoFactor']).to.deep.equal({})
  })

  it('takes people of every type of _id, in one collection too', async () => {
    const ids = [7, 'ada@example.com', new mongoose.mongo.UUID(), ADA]
    await application.users.deleteMany({})
    await application.users.insertMany([...ids, new Date(0)].map((_id) => ({ ...PEOPLE[0], _id })))
    const { json } = await application.migrate()
    expect(json()).to.deep.include({ documents: 5, enrolled: 4, bad: 1 })
    expect(json().bad_documents[0]!.faults).to.deep.equal([
      { field: '_id', code: 'account-id-unfit' },
    ])
    for (const [id, type] of [
      [ids[0], 'Number'],
      [ids[1], 'String'],
      [ids[2], 'UUID'],
    ] as const) {
      const host = await application.host({}, type)
      const browser = new HttpClient()
      const verify = await showPassword(host, browser, String(id))
      const answer = await browser.submit(verify, { code: nextCode(host) })
      expect(callbackOf(await follow(host, browser, answer)).get('code')).to.be.a('string')
    }
  })

  it('keeps the records in a collection of their own where it is told', async () => {
    await application.users.updateOne({ _id: ADA } as object, {
      $set: { sub: 'ada-of-acme', mfa: { of: 'the application' } },
    })
    const options = ['--own-collection', '--account-id', 'sub']
    const { json } = await application.migrate(...options)
    expect(json()).to.deep.include({ enrolled: 1, must_enrol: 0, bad: 3 })
    const host = await startHost({
      storage: (clock) => ({
        ...memoryStorage({ clock }),
        ...mongooseStorage(application.connection),
      }),
    })
    try {
      const browser = new HttpClient()
      const verify = await showPassword(host, browser, 'ada-of-acme')
      const answer = await browser.submit(verify, { code: nextCode(host) })
      expect(callbackOf(await follow(host, browser, answer)).get('code')).to.be.a('string')
    } finally {
      await host.close()
    }
    const leave = [BEN, CLEO, DORA].flatMap((id) => ['--leave', String(id)])
    expect((await application.migrate('--remove-legacy', ...options, ...leave)).code).to.equal(0)
    expect(await stored(ADA)).to.have.keys('_id', 'name', 'sub', 'mfa')
  })

  it("reports a document whose field mfa is the application's own, and does not touch it", async () => {
    const own = { ...PEOPLE[0]!, mfa: { enabled: true } }
    await application.users.replaceOne({ _id: ADA } as object, own)
    const { json } = await application.migrate()
    expect(json().bad_documents[0]).to.deep.equal({
      id: String(ADA),
      faults: [{ field: 'mfa', code: 'record-unreadable' }],
    })
    expect(await stored(ADA)).to.deep.equal(own)
  })

  describe('--remove-legacy', () => {
    const mend = async () => {
      await application.users.updateOne({ _id: DORA } as object, {
        $set: { two_factor_enabled: true },
      })
      return application.migrate()
    }

    it('refuses while something is not taken over, and removes nothing', async () => {
      await application.migrate()
      const before = await application.dump()
      const { code, err } = await application.migrate('--remove-legacy')
      expect(code).to.equal(1)
      expect(err).to.contain('legacy-needed').and.to.contain(String(DORA))
      expect(await application.dump()).to.equal(before)
    })

    it('removes nothing before the first run', async () => {
      const before = await application.dump()
      const { code } = await application.migrate('--remove-legacy')
      expect(code).to.equal(1)
      expect(await application.dump()).to.equal(before)
    })

    it('removes the old fields and nothing else, and the person signs in as before', async () => {
      await application.migrate()
      await mend()
      const { mfa } = (await stored(ADA)) as Document
      const { code, json } = await application.migrate('--remove-legacy')
      expect(code).to.equal(0)
      expect(json()).to.deep.include({ removed: 4, without_fields: 1, needed: 0 })
      expect(await stored(ADA)).to.deep.equal({ _id: ADA, name: 'ada', mfa })
      const host = await application.host()
      const browser = new HttpClient()
      const verify = await showPassword(host, browser, String(ADA))
      const answer = await browser.submit(verify, { code: nextCode(host) })
      expect(callbackOf(await follow(host, browser, answer)).get('code')).to.be.a('string')
    })

    it('leaves those that it is told to leave', async () => {
      await application.migrate()
      const { json } = await application.migrate('--remove-legacy', '--leave', String(DORA))
      expect(json()).to.deep.include({ removed: 3, left: 1 })
      expect(await stored(DORA)).to.deep.equal(PEOPLE[3])
    })

    it('changes nothing in a dry run', async () => {
      await application.migrate()
      await mend()
      const before = await application.dump()
      const { json } = await application.migrate('--remove-legacy', '--dry-run')
      expect(json()).to.deep.include({ dry_run: true, removed: 4, needed: 0 })
      expect(await application.dump()).to.equal(before)
    })

    it('R35 refuses while a record does not open with the keys that are given', async () => {
      await application.migrate()
      await mend()
      // Only ada has backup codes. The status of the others decrypts nothing, so the check must open their records.
      await application.users.deleteOne({ _id: ADA } as object)
      const before = await application.dump()
      const other = {
        ...application.environment,
        ENCRYPTION_KEYS: Buffer.alloc(32, 8).toString('base64'),
      }
      const { code, err } = await command(other, '--remove-legacy')
      expect(code).to.equal(1)
      expect(err).to.contain('key-missing').and.to.contain('legacy-needed')
      expect(await application.dump()).to.equal(before)
    })
  })

  describe('is told', () => {
    let folder: string
    beforeEach(() => {
      folder = mkdtempSync(join(tmpdir(), 'mfa-legacy-'))
    })
    afterEach(() => rmSync(folder, { recursive: true }))

    it('the database by a file as well', async () => {
      const file = join(folder, 'url')
      const { APPLICATION_MONGODB_URL, ENCRYPTION_KEYS } = application.environment
      writeFileSync(file, `${APPLICATION_MONGODB_URL}\n`)
      const { json } = await command(
        { ENCRYPTION_KEYS: ENCRYPTION_KEYS! },
        '--url-file',
        file,
        '--dry-run',
      )
      expect(json()).to.include({ documents: 5 })
    })

    it('its settings, and makes none by itself', async () => {
      const { code, err } = await command({})
      expect(code).to.equal(1)
      expect(
        (JSON.parse(err) as { error: { faults: { setting: string }[] } }).error.faults.map(
          ({ setting }) => setting,
        ),
      ).to.deep.equal(['ENCRYPTION_KEYS', 'APPLICATION_MONGODB_URL'])
    })

    it('R31 no password in what it says of a database that it cannot open', async () => {
      const { code, err } = await command({
        ...application.environment,
        APPLICATION_MONGODB_URL: 'mongodb://ada:hush@127.0.0.1:1/app?serverSelectionTimeoutMS=1',
      })
      expect(code).to.equal(1)
      expect(err).to.contain('storage-unavailable').and.not.to.contain('hush')
    })

    for (const [what, options, error] of [
      ['a field that nobody reads', ['--field', 'colour=a'], 'field'],
      ['a path with an operator', ['--field', 'secret=$where'], 'field'],
      ['the field where the records go', ['--field', 'secret=mfa.secret'], 'field'],
      ['a collection that is not there', ['--collection', 'user'], 'collection'],
      ['an account id beside the _id', ['--account-id', 'sub'], 'account-id'],
      ['ids to leave in a run that removes nothing', ['--leave', 'x'], 'leave'],
    ] as const)
      it(`${what}, and refuses`, async () => {
        const { code, err } = await application.migrate(...options)
        expect(code).to.equal(1)
        expect((JSON.parse(err) as { error: { code: string } }).error.code).to.equal(error)
      })
  })
})
