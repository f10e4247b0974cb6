import { createHash } from 'node:crypto'
import { expect } from 'chai'
import { changeFactors } from '../../src/application/change-factors.ts'
import { beginFactor, confirmFactor, describePending } from '../../src/application/enrol-factor.ts'
import { importFactors } from '../../src/import/import-factors.ts'
import { readStatus, resetAccount } from '../../src/application/manage-accounts.ts'
import { restoreAccount } from '../../src/application/restore-account.ts'
import { verifyFactor, type Place } from '../../src/application/verify-factor.ts'
import { isFirstSignIn } from '../../src/domain/enrolment.ts'
import { RENEWAL_SECONDS } from '../../src/import/rules.ts'
import { totp } from '../../src/factors/totp/index.ts'
import type { Form } from '../../src/factors/factor.ts'
import { ownCode } from '../support/totp.ts'
import { factorOf, owner, verify } from '../application/person.ts'
import {
  heardOf,
  load,
  nodeBeside,
  placeOf,
  settledRecord,
  world,
  type World,
} from '../application/world.ts'

const SECRET = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP'
const SHORT = 'JBSWY3DPEHPK3PXP'
const CODES = ['7KQ4M-WXA9R-TDHN3', '2HD8C-WMXK4-RTQN7']
let attempts = 0

/** Submits a form in a new sign-in, as the page does. */
async function type(of: World, id: string, form: Form, accountId = 'mira') {
  const factor = factorOf(of, id)
  const seen = await load(of, accountId)
  const response: unknown = factor.parseResponse(form)
  if (response === undefined) return { outcome: 'unreadable' as const }
  attempts += 1
  const place = placeOf({ accountId, interaction: `i${attempts}`, epoch: seen.record.epoch })
  return verifyFactor(of.deps, factor, place, response, { seen })
}

const hash = (code: string): string => createHash('sha256').update(code).digest('hex')

describe('taking over what another application kept', () => {
  let one: World
  beforeEach(() => {
    one = world()
  })

  const code = (secret: string, later = 30): Form => ({
    code: ownCode({ secret }, one.clock.now() + later),
  })

  it('signs in with the authenticator and with the codes of before', async () => {
    const outcome = await importFactors(one.deps, 'mira', { totp: SECRET, backupCodes: CODES })
    expect(outcome).to.deep.equal({
      outcome: 'imported',
      factors: ['totp', 'imported-codes'],
      warnings: [],
    })
    one.clock.advance(30)
    expect(await type(one, 'totp', code(SECRET, 0))).to.include({ outcome: 'accepted' })
    for (const typed of ['7kq4mwxa9rtdhn3', '2HD8C WMXK4 RTQN7']) {
      const first = await type(one, 'imported-codes', { backupCode: typed })
      expect(first).to.include({ outcome: 'accepted' })
      expect(await type(one, 'imported-codes', { backupCode: typed })).to.include({
        outcome: 'refused',
      })
    }
    expect((await readStatus(one.deps, 'mira')).factors[1]).to.include({ remaining: 0 })
  })

  it('R5 R40 accepts a code once where the secret stands in two columns, and a backup code that is listed twice', async () => {
    const otpauth_url = `otpauth://totp/x?secret=${SECRET}`
    const twice = [CODES[0], CODES[0]?.replaceAll('-', '')]
    const fields = { two_factor_secret: SECRET, otpauth_url, backup_codes: twice }
    expect(await importFactors(one.deps, 'mira', fields)).to.include({ outcome: 'imported' })
    one.clock.advance(30)
    const backupCode = CODES[0] ?? ''
    for (const outcome of ['accepted', 'refused']) {
      expect(await type(one, 'totp', code(SECRET, 0))).to.include({ outcome })
      expect(await type(one, 'imported-codes', { backupCode })).to.include({ outcome })
    }
    const { factors } = await readStatus(one.deps, 'mira')
    expect(factors.map(({ factor }) => factor)).to.deep.equal(['totp', 'imported-codes'])
  })

  it('R5 does not accept the code that the other application has just accepted', async () => {
    await importFactors(one.deps, 'mira', { totp: SECRET })
    expect(await type(one, 'totp', code(SECRET, 0))).to.include({ outcome: 'refused' })
  })

  it('R8 R31 R35 keeps neither secret nor code in the clear, in no record and no event', async () => {
    const backupCodes = [hash('abcd-efgh'), hash('ijkl-mnop')]
    await importFactors(one.deps, 'mira', { two_factor_secret: SECRET, backupCodes })
    const kept = JSON.stringify([await settledRecord(one), await heardOf(one)])
    for (const secret of [SECRET, ...backupCodes, 'abcd']) expect(kept).not.to.contain(secret)
    expect(await type(one, 'imported-codes', { backupCode: 'ijkl-mnop' })).to.include({
      outcome: 'accepted',
    })
  })

  it('changes nothing the second time, and computes nothing', async () => {
    await importFactors(one.deps, 'mira', { totp: SECRET, backupCodes: CODES })
    const before = await settledRecord(one)
    const hasher = { ...one.deps.hasher, hash: () => Promise.reject(new Error('hashed')) }
    const again = nodeBeside(one, { hasher })
    for (const fields of [{ totp: SECRET, backupCodes: CODES }, { totp: SHORT }, {}])
      expect(await importFactors(again.deps, 'mira', fields)).to.deep.equal({ outcome: 'exists' })
    expect(await settledRecord(one)).to.deep.equal(before)
  })

  it('R18 happens once when two runs meet', async () => {
    const outcomes = await Promise.all(
      [one, nodeBeside(one), nodeBeside(one)].map(({ deps }) =>
        importFactors(deps, 'mira', { totp: SECRET, backupCodes: CODES }),
      ),
    )
    expect(outcomes.filter(({ outcome }) => outcome === 'imported')).to.have.length(1)
    expect((await settledRecord(one)).authenticators).to.have.length(2)
  })

  it('leaves an account with a factor, or one that was reset, as it is', async () => {
    await owner(one)
    expect(await importFactors(one.deps, 'mira', { totp: SECRET })).to.include({
      outcome: 'exists',
    })
    await resetAccount(one.deps, 'mira')
    expect(await importFactors(one.deps, 'mira', { totp: SECRET })).to.include({
      outcome: 'exists',
    })
  })

  it('R10 notes that there was no factor, so that the password alone enrols nothing', async () => {
    const outcome = await importFactors(one.deps, 'mira', { two_factor_enabled: true })
    expect(outcome).to.deep.equal({ outcome: 'imported', factors: [], warnings: ['must-enrol'] })
    const { record } = await load(one)
    expect(isFirstSignIn(record)).to.equal(false)
    expect(await readStatus(one.deps, 'mira')).to.include({
      enrolled: false,
      importedAt: one.clock.now(),
      mustEnrolSince: one.clock.now(),
    })
  })

  it('R7 R8 lets what is weak work for 30 days, says so, and then examines it no more', async () => {
    const renewBy = one.clock.now() + RENEWAL_SECONDS
    const outcome = await importFactors(one.deps, 'mira', {
      totp: SHORT,
      backupCodes: ['12345678'],
    })
    expect(outcome).to.deep.include({ renewBy, warnings: ['secret-weak', 'codes-weak'] })
    const { factors } = await readStatus(one.deps, 'mira')
    expect(factors.map((factor) => factor.renewBy)).to.deep.equal([renewBy, renewBy])
    const told = await heardOf(one, 'factor-imported')
    expect(told.map(({ detail }) => detail.until)).to.deep.equal([renewBy, renewBy])

    one.clock.advance(RENEWAL_SECONDS - 1)
    expect(await type(one, 'totp', code(SHORT, 0))).to.include({ outcome: 'accepted' })
    one.clock.advance(1)
    for (const [id, form] of [
      ['totp', code(SHORT, 30)],
      ['imported-codes', { backupCode: '12345678' }],
    ] as const)
      expect(await type(one, id, form)).to.deep.equal({
        outcome: 'closed',
        gate: { open: false, reason: 'factor-ended' },
      })
    expect(await readStatus(one.deps, 'mira')).to.include({ enrolled: true })
    expect((await settledRecord(one)).throttle.failedAt).to.deep.equal([])
  })

  it('goes on with what is strong beside what has ended', async () => {
    await importFactors(one.deps, 'mira', { totp: [SHORT, SECRET] })
    one.clock.advance(RENEWAL_SECONDS)
    expect(await type(one, 'totp', code(SECRET, 0))).to.include({ outcome: 'accepted' })
    expect(await type(one, 'totp', code(SHORT, 30))).to.include({ outcome: 'refused' })
  })

  it('is refused with its faults, and stores nothing', async () => {
    expect(await importFactors(one.deps, 'mira', { totp: 'x!', backupCodes: [7] })).to.deep.equal({
      outcome: 'refused',
      faults: [
        { field: 'totp', code: 'secret-unusable' },
        { field: 'backupCodes', code: 'codes-unreadable' },
      ],
    })
    expect(await load(one)).to.include({ version: 0 })
  })

  it('refuses a number of codes at once with which none would be hashed', async () => {
    for (const codesAtOnce of [0, -1, 1.5, NaN]) {
      const fields = { totp: SECRET, backupCodes: CODES }
      const refused = importFactors(one.deps, 'mira', fields, { codesAtOnce })
      const error: unknown = await refused.catch((thrown: unknown) => thrown)
      expect(error).to.include({ code: 'options-invalid' })
    }
    expect(await one.deps.storage.records.load('mira')).to.equal(undefined)
  })

  it('is refused where the factor is not offered', async () => {
    const few = world({ listed: [totp()] })
    expect(
      await importFactors(few.deps, 'mira', { totp: SECRET, backupCodes: CODES }),
    ).to.deep.equal({
      outcome: 'refused',
      faults: [{ field: 'imported-codes', code: 'factor-not-offered' }],
    })
  })

  it('says beforehand what would come of it', async () => {
    const fields = { totp: SHORT, backupCodes: CODES }
    const dry = await importFactors(one.deps, 'mira', fields, { dryRun: true })
    expect(await load(one)).to.include({ version: 0 })
    expect(await importFactors(one.deps, 'mira', fields)).to.deep.equal(dry)
  })
})

describe('an imported authenticator that ends', () => {
  it('R18 does not make up for the last one that stays', async () => {
    const one = world()
    await importFactors(one.deps, 'mira', { totp: [SHORT, SECRET] })
    one.clock.advance(30)
    const [weak, strong] = (await settledRecord(one)).authenticators
    const place = placeOf({ interaction: 'removal', epoch: 2 })
    const form = { code: ownCode({ secret: SECRET }, one.clock.now()) }
    expect(await verify(one, 'totp', form, place)).to.include({ outcome: 'accepted' })
    const remove = async (authenticatorId = '') =>
      changeFactors(one.deps, place, { kind: 'remove', authenticatorId }, await load(one))
    expect(await remove(strong?.id)).to.deep.equal({ outcome: 'last-factor' })
    expect(await remove(weak?.id)).to.include({ outcome: 'changed' })
  })
})

describe('backup codes that came from another application', () => {
  let one: World
  beforeEach(async () => {
    one = world()
    await importFactors(one.deps, 'mira', { totp: SECRET, backupCodes: CODES })
  })

  /** Gives a fresh second factor in this interaction, which permits a change of factors. */
  const prove = async (interaction: string): Promise<Place> => {
    one.clock.advance(30)
    const { record } = await load(one)
    const place = placeOf({ interaction, epoch: record.epoch })
    const form = { code: ownCode({ secret: SECRET }, one.clock.now()) }
    expect(await verify(one, 'totp', form, place)).to.include({ outcome: 'accepted' })
    return place
  }
  const renew = async (): Promise<readonly string[]> => {
    const place = await prove('renewal')
    const change = { kind: 'renew', factor: 'backup-codes' } as const
    const renewed = await changeFactors(one.deps, place, change, await load(one))
    if (renewed.outcome !== 'changed') throw new Error(renewed.outcome)
    return renewed.shown
  }

  it('R11 open nothing any more when fresh ones were made', async () => {
    const [fresh = ''] = await renew()
    const { authenticators, epoch } = await settledRecord(one)
    expect(authenticators.map(({ factor }) => factor)).to.deep.equal(['totp', 'backup-codes'])
    const place = placeOf({ interaction: 'afterwards', epoch })
    for (const backupCode of CODES)
      expect(await verify(one, 'imported-codes', { backupCode }, place)).to.deep.equal({
        outcome: 'stale',
      })
    expect(await verify(one, 'backup-codes', { backupCode: fresh }, place)).to.include({
      outcome: 'accepted',
    })
  })

  it('do for a set: an authenticator that is added brings no second one', async () => {
    const place = await prove('adding')
    const totpFactor = factorOf(one, 'totp')
    const ground = {
      rule: 'refused',
      adding: true,
      locale: 'en',
      issuer: 'https://id.example.com',
    } as const
    expect(await beginFactor(one.deps, totpFactor, place, ground)).to.equal('begun')
    const { record } = await load(one)
    const label = { issuerName: 'Acme', label: 'mira' }
    const page = await describePending(one.deps, totpFactor, record, place.interaction, label)
    const response: unknown = totpFactor.parseResponse({
      code: ownCode({ secret: String(page?.['secret']) }, one.clock.now()),
    })
    const about = { ...ground, name: '' }
    const added = await confirmFactor(one.deps, totpFactor, place, response, about)
    expect(added).to.deep.include({ outcome: 'enrolled', shown: [] })
    const { authenticators } = await settledRecord(one)
    expect(authenticators.map(({ factor }) => factor)).to.deep.equal([
      'totp',
      'imported-codes',
      'totp',
    ])
  })

  it('are told as backup codes that were used, with the number that is left', async () => {
    await type(one, 'imported-codes', { backupCode: CODES[0] ?? '' })
    const [used] = await heardOf(one, 'backup-code-used')
    expect(used?.detail).to.include({ factor: 'imported-codes', remaining: 1 })
    expect((await settledRecord(one)).accepted.at(-1)?.assurance.amr).to.deep.equal(['backup_code'])
  })

  it('R37 are all spent by a restore', async () => {
    await restoreAccount(one.deps, 'mira')
    expect(await type(one, 'imported-codes', { backupCode: CODES[0] ?? '' })).to.include({
      outcome: 'refused',
    })
  })

  it('R18 are no lasting factor: the authenticator beside them stays', async () => {
    const [authenticator] = (await settledRecord(one)).authenticators
    const place = await prove('removal')
    const change = { kind: 'remove', authenticatorId: authenticator?.id ?? '' } as const
    expect(await changeFactors(one.deps, place, change, await load(one))).to.deep.equal({
      outcome: 'last-factor',
    })
  })
})
