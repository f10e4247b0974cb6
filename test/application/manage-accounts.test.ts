import { expect } from 'chai'
import { completeSignIn } from '../../src/application/complete-sign-in.ts'
import {
  endEverything,
  freezeAccount,
  passwordChanged,
  readDoors,
  readEpoch,
  readStatus,
  resetAccount,
} from '../../src/application/manage-accounts.ts'
import { browserFailed, knowsBrowser } from '../../src/application/known-browsers.ts'
import { isMailbox, markOfMailbox } from '../../src/application/mailbox.ts'
import { isFirstSignIn } from '../../src/domain/enrolment.ts'
import { backupCodes } from '../../src/factors/backup-codes/index.ts'
import { totp } from '../../src/factors/totp/index.ts'
import { begin, owner, verify, type Owner } from './person.ts'
import {
  codeOf,
  heardOf,
  load,
  nodeBeside,
  placeOf,
  settledRecord,
  world,
  type World,
} from './world.ts'

describe('the status of an account', () => {
  let one: World
  let mira: Owner
  beforeEach(async () => {
    one = world()
    mira = await owner(one)
  })

  it('R36 lists the factors, and holds no secret', async () => {
    await verify(one, 'backup-codes', { backupCode: mira.codes[0]! }, mira.place())
    const status = await readStatus(one.deps, 'mira')
    const now = one.clock.now()
    expect(status).to.deep.include({
      enrolled: true,
      codesDisabled: false,
      passwordSuspected: false,
      knownBrowsers: 2,
      epoch: 2,
      firstSignInAt: now - 3_600,
      firstEnrolledAt: now - 3_600,
    })
    const [app, codes] = status.factors
    expect(app).to.deep.include({ factor: 'totp', name: 'Phone', createdAt: now - 3_600 })
    expect(codes).to.deep.include({ factor: 'backup-codes', remaining: 9, lastUsedAt: now })
    expect(JSON.stringify(status)).not.to.match(/v1\.|argon2|sealed/)
  })

  it('of an unknown account is that of an account without a factor', async () => {
    expect(await readStatus(one.deps, 'nobody')).to.deep.equal({
      enrolled: false,
      factors: [],
      codesDisabled: false,
      passwordSuspected: false,
      knownBrowsers: 0,
      epoch: 1,
    })
  })

  it('gives the end of the wait of unknown browsers, while they wait', async () => {
    for (let n = 0; n < 5; n += 1)
      await verify(one, 'totp', mira.wrong, mira.place({ interaction: `wrong ${n}` }))
    const until = one.clock.now() + 30
    expect((await readStatus(one.deps, 'mira')).lockedUntil).to.equal(until)
    one.clock.advance(30)
    expect(await readStatus(one.deps, 'mira')).not.to.have.property('lockedUntil')
  })

  it('names factors that are not configured any more', async () => {
    const node = nodeBeside(one, { listed: [totp()] })
    const { factors } = await readStatus(node.deps, 'mira')
    expect(factors.map(({ factor }) => factor)).to.deep.equal(['totp', 'backup-codes'])
    expect(factors[1]).not.to.have.property('remaining')
  })

  it('R35 does not count codes that it cannot open', async () => {
    const node = nodeBeside(one, { key: Buffer.alloc(32, 9), listed: [backupCodes()] })
    expect(await codeOf(readStatus(node.deps, 'mira'))).to.equal('key-missing')
  })
})

describe('the administration of an account', () => {
  let one: World
  let mira: Owner
  beforeEach(async () => {
    one = world()
    mira = await owner(one)
  })

  it('R36 R20 resets: no factor is left, and sessions and grants have ended', async () => {
    await resetAccount(one.deps, 'mira')
    const status = await readStatus(one.deps, 'mira')
    expect(status).to.deep.include({ enrolled: false, factors: [], knownBrowsers: 0, epoch: 3 })
    expect(await verify(one, 'totp', mira.code(), mira.place())).to.deep.equal({ outcome: 'stale' })
    expect((await heardOf(one)).map(({ type }) => type)).to.deep.equal(['reset', 'epoch-raised'])
  })

  it('R10 resets an account that had never signed in, and its next sign-in is no first sign-in', async () => {
    await resetAccount(one.deps, 'theo')
    expect(isFirstSignIn(await settledRecord(one, 'theo'))).to.equal(false)
  })

  it('R20 ends what was made with the old password, and keeps the factors', async () => {
    await passwordChanged(one.deps, 'mira')
    const record = await settledRecord(one)
    expect(record.epoch).to.equal(3)
    expect(record.authenticators).to.have.length(2)
    const [raised] = await heardOf(one)
    expect(raised).to.deep.include({
      type: 'epoch-raised',
      detail: { epoch: 3, reason: 'password-changed' },
    })
  })

  it('R20 ends everything without touching a factor or a suspicion', async () => {
    for (let n = 0; n < 10; n += 1) {
      await verify(one, 'totp', mira.wrong, mira.place({ interaction: `wrong ${n}` }))
      one.clock.advance(3_600)
    }
    await endEverything(one.deps, 'mira', 'disabled')
    const status = await readStatus(one.deps, 'mira')
    expect(status).to.include({ enrolled: true, passwordSuspected: true, epoch: 3 })
    await passwordChanged(one.deps, 'mira')
    expect(await readStatus(one.deps, 'mira')).to.include({ passwordSuspected: false })
  })

  it('R20 ends an enrolment that is under way', async () => {
    const place = placeOf({ accountId: 'theo' })
    await begin(one, 'totp', place)
    await endEverything(one.deps, 'theo', 'theft')
    expect((await settledRecord(one, 'theo')).pending).to.deep.equal([])
  })
})

describe('a sign-in with the first factor alone', () => {
  let one: World
  const place = placeOf({ newTokenHash: 'laptop' })
  const complete = async (where = place) =>
    (await completeSignIn(one.deps, where, await load(one))) !== undefined

  beforeEach(() => {
    one = world()
  })

  it('makes the browser known, and makes an event', async () => {
    expect(await complete()).to.equal(true)
    const record = await settledRecord(one)
    expect(record.browsers.map(({ tokenHash }) => tokenHash)).to.deep.equal(['laptop'])
    expect(record.history.firstSignInAt).to.equal(one.clock.now())
    const [heard] = await heardOf(one)
    expect(heard).to.deep.nested.include({ type: 'signed-in', 'detail.browser': 'unknown' })
  })

  it('writes nothing the next time in the same browser', async () => {
    await complete()
    const before = await settledRecord(one).then(() => load(one))
    expect(await complete(placeOf({ tokenHashes: ['laptop'] }))).to.equal(true)
    expect(await load(one)).to.deep.equal(before)
  })

  it('R4 resets the count of wrong passwords in a known browser', async () => {
    await complete()
    for (let n = 0; n < 9; n += 1) await browserFailed(one.deps, 'mira', ['laptop'])
    await complete(placeOf({ tokenHashes: ['laptop'] }))
    await browserFailed(one.deps, 'mira', ['laptop'])
    expect(await knowsBrowser(one.deps, 'mira', ['laptop'])).to.equal(true)
  })

  it('is the first one also in a browser that was known before', async () => {
    await complete()
    const { record, version } = await settledRecord(one).then(() => load(one))
    const { firstSignInAt: _, ...history } = record.history
    const older = JSON.parse(JSON.stringify({ ...record, history }))
    await one.storage.records.save('mira', older, version)
    await complete(placeOf({ tokenHashes: ['laptop'] }))
    expect((await settledRecord(one)).history.firstSignInAt).to.equal(one.clock.now())
  })

  it('R20 is refused in an older epoch', async () => {
    await endEverything(one.deps, 'mira', 'disabled')
    expect(await complete()).to.equal(false)
    expect((await settledRecord(one)).browsers).to.deep.equal([])
  })
})

describe('the epoch of an account', () => {
  it('R20 is the record’s, and the first one before there is a record', async () => {
    const { deps } = world()
    expect(await readEpoch(deps, 'mira')).to.equal(1)
    await passwordChanged(deps, 'mira')
    expect(await readEpoch(deps, 'mira')).to.equal(2)
  })

  it('R35 is never guessed for a record without one', async () => {
    const { deps } = world()
    await deps.storage.records.save('mira', { schema: 1 }, 0)
    const error: unknown = await readEpoch(deps, 'mira').catch((caught: unknown) => caught)
    expect(error).to.have.property('code', 'record-unreadable')
  })
})

describe('the doors of an account, and the mailbox that set its password', () => {
  const shut = async ({ deps }: World): Promise<string[]> =>
    Object.entries(await readDoors(deps, 'mira')).flatMap(([door, { open }]) =>
      open ? [] : [door],
    )

  it('R9 are shut by a password that was set by mail, whose address the record does not show', async () => {
    const one = world()
    await owner(one)
    const before = (await load(one)).record.epoch
    expect(await shut(one)).to.deep.equal([])
    const how = { by: 'mail', address: 'Mira@Example.com' } as const
    expect(await passwordChanged(one.deps, 'mira', how)).to.equal(true)
    expect(await shut(one)).to.include.members(['email', 'recovery', 'remove'])
    const { record } = await load(one)
    expect(JSON.stringify(record)).not.to.match(/mira@example/i)
    expect(record.epoch).to.equal(before + 1)
    const { mailbox } = record.history.passwordByMail!
    for (const same of ['mira@example.com', ' MIRA+shop@EXAMPLE.com'])
      expect(isMailbox(one.deps, 'mira', same, mailbox), same).to.equal(true)
    for (const other of ['mira@example.org', 'mirakel@example.com'])
      expect(isMailbox(one.deps, 'mira', other, mailbox), other).to.equal(false)
    expect(isMailbox(one.deps, 'other', 'mira@example.com', mailbox)).to.equal(false)
  })

  it('R9 R35 take every mailbox for the marked one when the key of the mark is gone', async () => {
    const one = world()
    const mark = markOfMailbox(one.deps, 'mira', 'mira@example.com')
    const later = nodeBeside(one, { key: Buffer.alloc(32, 9) })
    expect(isMailbox(later.deps, 'mira', 'mira@example.org', mark)).to.equal(true)
  })

  it('R44 are shut by a lock, which ends everything live; the mailed reset is refused until a factor is proved', async () => {
    const one = world()
    const mira = await owner(one)
    const before = (await load(one)).record.epoch
    await freezeAccount(one.deps, 'mira', { ip: '192.0.2.7' })
    expect(await shut(one)).to.deep.equal(['recovery', 'mailed-reset'])
    expect(await readStatus(one.deps, 'mira')).to.include({
      frozenAt: one.clock.now(),
      knownBrowsers: 0,
    })
    const how = { by: 'mail', address: 'mira@example.com' } as const
    expect(await passwordChanged(one.deps, 'mira', how)).to.equal(false)
    const epoch = (await load(one)).record.epoch
    expect(epoch).to.equal(before + 1)
    const [locked] = await heardOf(one, 'account-locked-by-owner')
    expect(locked?.detail).to.deep.equal({ ip: '192.0.2.7', since: one.clock.now() })
    await verify(one, 'backup-codes', { backupCode: mira.codes[0]! }, mira.place({ epoch }))
    expect(await shut(one)).to.deep.equal([])
    expect(await passwordChanged(one.deps, 'mira', how)).to.equal(true)
  })
})

describe('a reset of one factor', () => {
  it('R36 removes that factor, and all if only backup codes would be left', async () => {
    const one = world()
    await owner(one)
    await resetAccount(one.deps, 'mira', { factor: 'backup-codes' })
    const factors = async () =>
      (await readStatus(one.deps, 'mira')).factors.map(({ factor }) => factor)
    expect(await factors()).to.deep.equal(['totp'])
    const two = world()
    await owner(two)
    await resetAccount(two.deps, 'mira', { factor: 'totp' })
    expect((await readStatus(two.deps, 'mira')).enrolled).to.equal(false)
  })
})
