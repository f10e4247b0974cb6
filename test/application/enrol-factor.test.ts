import { expect } from 'chai'
import { ScureBase32Plugin } from 'otplib'
import { importFactors } from '../../src/import/import-factors.ts'
import { backupCodes } from '../../src/factors/backup-codes/index.ts'
import { totp } from '../../src/factors/totp/index.ts'
import type { AnyFactor } from '../../src/factors/factor.ts'
import { beginFactor, confirmFactor } from '../../src/application/enrol-factor.ts'
import { commit } from '../../src/application/commit.ts'
import { endEverything } from '../../src/application/manage-accounts.ts'
import type { MfaRecord } from '../../src/domain/mfa-record.ts'
import type { JsonObject } from '../../src/domain/json.ts'
import { ownCode } from '../support/totp.ts'
import { ADDRESS, begin, confirm, factorOf, owner, verify } from './person.ts'
import {
  codeOf,
  heardOf,
  interrupted,
  load,
  nodeBeside,
  placeOf,
  settledRecord,
  touch,
  world,
  type World,
} from './world.ts'

/** Opens the set-up page and returns an authenticator app that has read it. */
async function setUp(of: World, place = placeOf()) {
  const { began, page } = await begin(of, 'totp', place)
  const secret = String(page?.secret)
  return { began, secret, code: () => ({ code: ownCode({ secret }, of.clock.now()) }) }
}

const wrong = { code: '00000000' }

describe('setting up a factor', () => {
  let one: World
  beforeEach(() => {
    one = world()
  })

  it('R7 shows a secret of 160 bits that the record keeps sealed', async () => {
    const { began, secret } = await setUp(one)
    expect(began).to.equal('begun')
    expect(secret).to.match(/^[A-Z2-7]{32}$/)
    expect(JSON.stringify(await settledRecord(one))).not.to.include(secret)
    const [started] = await heardOf(one)
    expect(started).to.deep.nested.include({ type: 'enrolment-started', 'detail.factor': 'totp' })
    // R10: that the password was enough is audited.
    expect(started).to.deep.nested.include({ 'detail.reason': 'allowed' })
  })

  it('binds it with a first good code, and shows ten backup codes once', async () => {
    const { code } = await setUp(one)
    const enrolled = await confirm(one, 'totp', code(), placeOf(), '  My\u202e \u0000 phone ')
    expect(enrolled).to.include({ outcome: 'enrolled' })
    const shown = enrolled.outcome === 'enrolled' ? enrolled.shown : []
    expect(new Set(shown).size).to.equal(10)
    const { authenticators, epoch } = await settledRecord(one)
    expect(authenticators.map(({ factor, name }) => [factor, name])).to.deep.equal([
      ['totp', 'My phone'],
      ['backup-codes', ''],
    ])
    expect(epoch).to.equal(2)
    expect((await heardOf(one)).map(({ type }) => type)).to.deep.equal([
      'enrolment-started',
      'factor-enrolled',
      'backup-codes-created',
      'epoch-raised',
    ])
  })

  it('keeps 64 characters of a name, whatever was typed', async () => {
    const { code } = await setUp(one)
    await confirm(one, 'totp', code(), placeOf(), `\ud800${'😀'.repeat(100)}`)
    expect((await settledRecord(one)).authenticators[0]?.name).to.equal(`\ufffd${'😀'.repeat(63)}`)
  })

  it('R5 spends the confirming code', async () => {
    const { code } = await setUp(one)
    await confirm(one, 'totp', code())
    const later = placeOf({ interaction: 'later', epoch: 2 })
    expect(await verify(one, 'totp', code(), later)).to.deep.equal({ outcome: 'refused' })
  })

  it('R38 answers a double tap alike, the backup codes included', async () => {
    const { code } = await setUp(one)
    const [first, second] = await Promise.all([1, 2].map(() => confirm(one, 'totp', code())))
    expect(first).to.nested.include({ outcome: 'enrolled' })
    expect(second).to.deep.equal(first)
    const { authenticators } = await settledRecord(one)
    expect(authenticators).to.have.length(2)
  })

  it('R38 R8 answers a tap that came later with the first result, without the codes', async () => {
    const { code } = await setUp(one)
    const first = await confirm(one, 'totp', code())
    const second = await confirm(one, 'totp', code())
    expect(second).to.deep.equal({ ...first, shown: [] })
  })

  it('R38 treats another code as a new attempt, which has no enrolment to confirm', async () => {
    const { code } = await setUp(one)
    await confirm(one, 'totp', code())
    one.clock.advance(30)
    expect(await confirm(one, 'totp', code())).to.deep.equal({ outcome: 'stale' })
  })

  it('R31 R47 refuses wrong codes, makes only this enrolment wait, and tells of each attempt', async () => {
    const { code } = await setUp(one)
    for (let n = 0; n < 5; n += 1)
      expect(await confirm(one, 'totp', wrong)).to.deep.equal({ outcome: 'refused' })
    const until = one.clock.now() + 30
    expect(await confirm(one, 'totp', code())).to.deep.equal({
      outcome: 'closed',
      gate: { open: false, reason: 'code', until },
    })
    expect((await settledRecord(one)).throttle.failedAt).to.deep.equal([])
    const told = await heardOf(one, 'factor-refused', 'refused-while-locked')
    expect(told.map(({ type, detail }) => [type, detail.factor, detail.reason])).to.deep.equal([
      ...Array(5).fill(['factor-refused', 'totp', 'wrong-confirmation']),
      ['refused-while-locked', 'totp', 'code'],
    ])
    expect(told[0]?.detail).to.include({ ip: '192.0.2.7', browser: 'unknown', clientId: 'app' })
    one.clock.advance(30)
    expect(await confirm(one, 'totp', code())).to.include({ outcome: 'enrolled' })
  })

  it('shows the same key when the factor is chosen again, and tells of one beginning', async () => {
    const first = await setUp(one)
    one.clock.advance(1_200)
    const again = await setUp(one)
    expect([again.began, again.secret]).to.deep.equal(['begun', first.secret])
    expect((await heardOf(one)).map(({ type }) => type)).to.deep.equal(['enrolment-started'])
    const elsewhere = await setUp(one, placeOf({ interaction: 'another' }))
    expect(elsewhere.secret).not.to.equal(first.secret)
  })

  it('lives half an hour, or as long as the application says', async () => {
    const other = world({ setUpSeconds: 600 })
    for (const [of, seconds] of [
      [one, 1_800],
      [other, 600],
    ] as const) {
      const { code } = await setUp(of)
      of.clock.advance(seconds - 1)
      expect(await confirm(of, 'totp', wrong)).to.deep.equal({ outcome: 'refused' })
      of.clock.advance(1)
      expect(await confirm(of, 'totp', code())).to.deep.equal({ outcome: 'stale' })
    }
  })

  it('R20 ends with the epoch', async () => {
    const { code } = await setUp(one)
    await endEverything(one.deps, 'mira', 'password-changed')
    expect(await confirm(one, 'totp', code())).to.deep.equal({ outcome: 'stale' })
    const later = placeOf({ epoch: 2 })
    expect(await confirm(one, 'totp', code(), later)).to.deep.equal({ outcome: 'stale' })
  })

  it('R10 ends once the account has a factor: none is added beside the owner’s', async () => {
    const mira = await owner(one)
    expect((await setUp(one, mira.place())).began).to.equal('stale')
    expect((await settledRecord(one)).pending).to.deep.equal([])
  })

  it('R10 R18 is won by one of two sign-ins that confirm at the same time', async () => {
    const places = ['one', 'two'].map((interaction) => placeOf({ interaction }))
    const begun = [await setUp(one, places[0]), await setUp(one, places[1])]
    const nodes = [one, nodeBeside(one)]
    const outcomes = await Promise.all(
      nodes.map((node, index) => confirm(node, 'totp', begun[index]!.code(), places[index])),
    )
    expect(outcomes.map(({ outcome }) => outcome).toSorted()).to.deep.equal(['enrolled', 'stale'])
    expect((await settledRecord(one)).authenticators).to.have.length(2)
  })

  it('R10 asks for a proof where the application says so', async () => {
    const factor = factorOf(one, 'totp')
    for (const rule of ['mailed-code', 'refused'] as const)
      expect(
        await beginFactor(one.deps, factor, placeOf(), {
          rule,
          locale: 'en',
          issuer: 'https://id.example.com',
        }),
      ).to.equal('stale')
    const { code } = await setUp(one)
    const outcome = await confirmFactor(one.deps, factor, placeOf(), code(), {
      rule: 'mailed-code',
      name: '',
    })
    expect(outcome).to.deep.equal({ outcome: 'stale' })
  })

  describe('beside what the account has', () => {
    /** Adds an authenticator app after this proof of another factor. Returns by how much the epoch rose. */
    const raisedBy = async (
      of: World,
      factor: string,
      form: Record<string, string>,
    ): Promise<number> => {
      const { epoch } = await settledRecord(of)
      const place = placeOf({ interaction: 'adding', epoch })
      const shown = await verify(of, factor, form, place)
      expect(shown).to.include({ outcome: 'accepted' })
      const ground = { rule: 'refused', adding: true } as const
      const { page } = await begin(of, 'totp', place, ground)
      const code = ownCode({ secret: String(page?.secret) }, of.clock.now())
      const added = await confirm(of, 'totp', { code }, place, '', ground)
      expect(added).to.include({ outcome: 'enrolled' })
      return (await settledRecord(of)).epoch - epoch
    }

    it('R20 keeps the epoch if one of these factors lasts', async () => {
      const { code } = await owner(one)
      expect(await raisedBy(one, 'totp', code())).to.equal(0)
    })

    it('R20 raises the epoch if only backup codes are left, which is a first factor again', async () => {
      const { codes } = await owner(one)
      await commit(one.deps, 'mira', (record) => ({
        outcome: undefined,
        record: {
          ...record,
          authenticators: record.authenticators.filter(({ factor }) => factor !== 'totp'),
        },
      }))
      expect(await raisedBy(one, 'backup-codes', { backupCode: codes[0] ?? '' })).to.equal(1)
    })
  })

  it('R1 R40 is refused for an eleventh authenticator of a guessable factor', async () => {
    await importFactors(one.deps, 'mira', {
      totp: Array.from({ length: 10 }, (_, nth) => ({ hex: String(10 + nth).repeat(10) })),
    })
    one.clock.advance(30)
    const { epoch } = await settledRecord(one)
    const place = placeOf({ interaction: 'adding', epoch })
    const secret = new ScureBase32Plugin().encode(Buffer.from('10'.repeat(10), 'hex'))
    const form = { code: ownCode({ secret }, one.clock.now()) }
    expect(await verify(one, 'totp', form, place)).to.include({ outcome: 'accepted' })
    const ground = {
      rule: 'refused',
      adding: true,
      locale: 'en',
      issuer: 'https://id.example.com',
    } as const
    expect(await beginFactor(one.deps, factorOf(one, 'totp'), place, ground)).to.equal('stale')
  })

  it('R40 is refused for a key that the account has', async () => {
    const { secret } = await owner(one)
    const known = { secret, algorithm: 'SHA1', digits: 6, periodSeconds: 30 } as const
    const same = { ...totp(), beginEnrolment: () => ({ value: known }) }
    const node = nodeBeside(one, { listed: [same, backupCodes()] })
    one.clock.advance(30)
    const { epoch } = await settledRecord(node)
    const place = placeOf({ interaction: 'adding', epoch })
    const form = { code: ownCode(known, one.clock.now()) }
    expect(await verify(node, 'totp', form, place)).to.include({ outcome: 'accepted' })
    const ground = {
      rule: 'refused',
      adding: true,
      locale: 'en',
      issuer: 'https://id.example.com',
      name: '',
    } as const
    const factor = factorOf(node, 'totp')
    expect(await beginFactor(node.deps, factor, place, ground)).to.equal('begun')
    one.clock.advance(30)
    const next = factor.parseResponse({ code: ownCode(known, one.clock.now()) })
    expect(await confirmFactor(node.deps, factor, place, next, ground)).to.deep.equal({
      outcome: 'refused',
    })
    expect((await settledRecord(node)).authenticators).to.have.length(2)
  })

  it('R20 is over with the epoch it was begun under', async () => {
    const { code } = await setUp(one)
    await endEverything(one.deps, 'mira', 'disabled')
    expect(await confirm(one, 'totp', code())).to.deep.equal({ outcome: 'stale' })
    expect((await setUp(one)).began).to.equal('stale')
  })

  it('is over after an hour, and confirmed in its own interaction alone', async () => {
    const { code } = await setUp(one)
    const elsewhere = placeOf({ interaction: 'elsewhere' })
    expect(await confirm(one, 'totp', code(), elsewhere)).to.deep.equal({ outcome: 'stale' })
    one.clock.advance(3_600)
    expect(await confirm(one, 'totp', code())).to.deep.equal({ outcome: 'stale' })
  })

  it('shows nothing where nothing was begun', async () => {
    const { page } = await begin(one, 'backup-codes')
    expect(page).to.equal(undefined)
  })

  it('is refused for issued factors', async () => {
    expect((await begin(one, 'backup-codes')).began).to.equal('stale')
    expect((await load(one)).version).to.equal(0)
  })

  it('makes the backup codes once, however often the save is lost', async () => {
    let issued = 0
    const codes = backupCodes()
    const counted: AnyFactor = {
      ...codes,
      issue: (input) => {
        issued += 1
        return codes.issue!(input)
      },
    }
    const { storage, clock } = one
    const node = world({
      storage,
      clock,
      listed: [totp(), counted],
      records: interrupted(storage.records, (nth) =>
        nth === 3 || nth === 4 ? touch(storage.records) : undefined,
      ),
    })
    const { code } = await setUp(node)
    await settledRecord(node)
    expect(await confirm(node, 'totp', code())).to.include({ outcome: 'enrolled' })
    expect(issued).to.equal(1)
  })

  it('makes none for a wrong code: an attacker could otherwise cause the work of ten hashes', async () => {
    const { storage, clock } = one
    const codes = backupCodes()
    const node = world({
      storage,
      clock,
      listed: [totp(), { ...codes, issue: () => Promise.reject(new Error('made')) }],
    })
    await setUp(node)
    expect(await confirm(node, 'totp', wrong)).to.deep.equal({ outcome: 'refused' })
  })

  it('works without a factor that is issued', async () => {
    const { storage, clock } = one
    const node = world({ storage, clock, listed: [totp()] })
    const { code } = await setUp(node)
    expect(await confirm(node, 'totp', code())).to.deep.include({ outcome: 'enrolled', shown: [] })
  })

  it('shows no values of a factor that describes none', async () => {
    const { describeEnrolment: _, ...plain } = totp()
    const node = world({ listed: [plain] })
    expect(await begin(node, 'totp')).to.deep.equal({ began: 'begun', page: {} })
  })

  it('R35 fails with a pending secret that was moved here from another interaction', async () => {
    const { code } = await setUp(one, placeOf({ interaction: 'attacker' }))
    await setUp(one, placeOf({ interaction: 'victim' }))
    const { record, version } = await load(one)
    const [attacker, victim] = record.pending
    const moved: MfaRecord = { ...record, pending: [{ ...victim!, sealed: attacker!.sealed }] }
    await one.storage.records.save('mira', moved as unknown as JsonObject, version)
    const attempt = confirm(one, 'totp', code(), placeOf({ interaction: 'victim' }))
    expect(await codeOf(attempt)).to.equal('seal-broken')
    expect((await load(one)).record.authenticators).to.deep.equal([])
  })

  it('R35 fails without the key that sealed the secret', async () => {
    const { code } = await setUp(one)
    const node = nodeBeside(one, { key: Buffer.alloc(32, 9) })
    expect(await codeOf(confirm(node, 'totp', code()))).to.equal('key-missing')
    expect((await load(one)).record.authenticators).to.deep.equal([])
  })

  it('works with an address that it does not need', async () => {
    const factor = factorOf(one, 'totp')
    const about = {
      rule: 'allowed',
      address: ADDRESS,
      locale: 'en',
      issuer: 'https://id.example.com',
    } as const
    expect(await beginFactor(one.deps, factor, placeOf(), about)).to.equal('begun')
    expect(one.mails).to.deep.equal([])
  })
})
