import { expect } from 'chai'
import { confirmFactor } from '../../src/application/enrol-factor.ts'
import { endEverything } from '../../src/application/manage-accounts.ts'
import { sealState } from '../../src/application/sealed-state.ts'
import { challengeFactor } from '../../src/application/verify-factor.ts'
import type { Json } from '../../src/domain/json.ts'
import type { AnyFactor } from '../../src/factors/factor.ts'
import { backupCodes } from '../../src/factors/backup-codes/index.ts'
import {
  challengeFactor as testKey,
  deliveredCodeFactor,
  softKey,
} from '../../src/testing/factors.ts'
import { ADDRESS, begin, challenged, confirm, factorOf, keyOwner, verify } from './person.ts'
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

describe('a challenge-response factor', () => {
  let one: World
  let mira: Awaited<ReturnType<typeof keyOwner>>
  beforeEach(async () => {
    one = world({ listed: [testKey(), backupCodes()] })
    mira = await keyOwner(one)
  })

  const answer = (challenge: string, userVerified = false) => ({
    credential: mira.key.answer(challenge, userVerified),
  })

  it('R26 is enrolled, challenged and proved; the proof decides what it is worth', async () => {
    const challenge = await challenged(one, mira.place())
    const outcome = await verify(one, 'test-key', answer(challenge, true), mira.place())
    expect(outcome).to.deep.nested.include({
      outcome: 'accepted',
      'accepted.assurance': {
        ...{ amr: ['swk', 'user'], kinds: ['possession', 'inherence'], phishingResistant: true },
      },
    })
  })

  it('R28 takes an answer to its own challenge alone, of its own interaction', async () => {
    const first = await challenged(one, mira.place())
    const second = mira.place({ interaction: 'second' })
    await challenged(one, second)
    expect(await verify(one, 'test-key', answer(first), second)).to.deep.equal({
      outcome: 'refused',
    })
  })

  it('R28 takes an answer to the newest challenge, not to the one before', async () => {
    const before = await challenged(one, mira.place())
    const newest = await challenged(one, mira.place())
    expect(newest).not.to.equal(before)
    const outcomes = [before, newest].map((challenge) => answer(challenge))
    expect(await verify(one, 'test-key', outcomes[0]!, mira.place())).to.include({
      outcome: 'refused',
    })
    expect(await verify(one, 'test-key', outcomes[1]!, mira.place())).to.include({
      outcome: 'accepted',
    })
  })

  it('R28 takes no answer before it was asked, and none after ten minutes', async () => {
    expect(await verify(one, 'test-key', answer('nothing'), mira.place())).to.include({
      outcome: 'refused',
    })
    const challenge = await challenged(one, mira.place())
    one.clock.advance(600)
    expect(await verify(one, 'test-key', answer(challenge), mira.place())).to.include({
      outcome: 'refused',
    })
  })

  it('R28 is answered once, also when two nodes get an answer at the same time', async () => {
    const challenge = await challenged(one, mira.place())
    const outcomes = await Promise.all(
      [one, nodeBeside(one, { listed: [testKey()] })].map((node) =>
        verify(node, 'test-key', answer(challenge), mira.place()),
      ),
    )
    expect(outcomes.map(({ outcome }) => outcome).toSorted()).to.deep.equal(['accepted', 'refused'])
  })

  it('R1 is not guessed: what it refuses is told of, counts nowhere and locks nobody out', async () => {
    const thief = softKey()
    const challenge = await challenged(one, mira.place())
    for (let n = 0; n < 12; n += 1)
      await verify(one, 'test-key', { credential: thief.answer(challenge) }, mira.place())
    expect(await heardOf(one, 'factor-refused')).to.have.length(12)
    expect((await settledRecord(one)).throttle.failedAt).to.deep.equal([])
    expect(await verify(one, 'test-key', answer(challenge), mira.place())).to.include({
      outcome: 'accepted',
    })
  })

  it('R29 refuses an answer of a copied key, whose counter lags behind, and says replayed', async () => {
    const [second, third] = ['second', 'third'].map((interaction) => mira.place({ interaction }))
    const byCopy = answer(await challenged(one, third!))
    const byOwner = answer(await challenged(one, second!))
    expect(await verify(one, 'test-key', byOwner, second!)).to.include({ outcome: 'accepted' })
    expect(await verify(one, 'test-key', byCopy, third!)).to.deep.equal({ outcome: 'refused' })
    const [refused] = await heardOf(one, 'factor-refused')
    expect(refused?.detail.reason).to.equal('replayed')
  })

  it('asks for the key that was used last, and takes that one alone', async () => {
    const old = softKey()
    const place = { id: 'old', factor: 'test-key' }
    const publicKey = (JSON.parse(old.answer('')) as { publicKey: string }).publicKey
    const sealed = sealState(one.deps.box, 'mira', place, { publicKey, counter: 0 })
    const { record, version } = await load(one)
    const authenticators = [{ ...place, name: '', createdAt: 0, sealed }, ...record.authenticators]
    const both = JSON.parse(JSON.stringify({ ...record, authenticators }))
    await one.storage.records.save('mira', both, version)

    const challenge = await challenged(one, mira.place())
    const byOld = { credential: old.answer(challenge) }
    expect(await verify(one, 'test-key', byOld, mira.place())).to.include({ outcome: 'refused' })
    expect(await verify(one, 'test-key', answer(challenge), mira.place())).to.include({
      outcome: 'accepted',
    })
  })

  it('R20 is not challenged under an epoch that is over', async () => {
    await endEverything(one.deps, 'mira', 'disabled')
    const outcome = await challengeFactor(one.deps, factorOf(one, 'test-key'), mira.place())
    expect(outcome).to.equal('stale')
    expect((await settledRecord(one)).challenges).to.deep.equal([])
  })

  it('is not challenged for an account that has none', async () => {
    const place = placeOf({ accountId: 'theo' })
    expect(await challengeFactor(one.deps, factorOf(one, 'test-key'), place)).to.equal('stale')
  })

  it('is the only kind that is challenged', async () => {
    const outcome = await challengeFactor(one.deps, factorOf(one, 'backup-codes'), mira.place())
    expect(outcome).to.equal('not-needed')
  })

  it('R35 fails with a challenge that was moved here from another interaction', async () => {
    const challenge = await challenged(one, mira.place({ interaction: 'attacker' }))
    await challenged(one, mira.place())
    const { record, version } = await load(one)
    const [attacker, own] = record.challenges
    const moved = { ...record, challenges: [{ ...own!, sealed: attacker!.sealed }] }
    await one.storage.records.save('mira', JSON.parse(JSON.stringify(moved)), version)
    const attempt = verify(one, 'test-key', answer(challenge), mira.place())
    expect(await codeOf(attempt)).to.equal('seal-broken')
  })
})

describe('a delivered factor', () => {
  let one: World
  const factor = () => factorOf(one, 'test-mailed-code')
  const place = (changes = {}) => placeOf({ epoch: 2, ...changes })
  const lastCode = () => ({ code: one.mails.at(-1)!.values.code! })

  beforeEach(async () => {
    one = world({ listed: [deliveredCodeFactor()] })
    await begin(one, 'test-mailed-code')
    await confirm(one, 'test-mailed-code', lastCode())
    await settledRecord(one)
    one.clock.advance(3_600)
    one.heard.length = 0
  })

  it('is enrolled with a mailed code, mailed another and proved with that', async () => {
    expect(one.mails).to.have.length(1)
    expect(await challengeFactor(one.deps, factor(), place())).to.equal('opened')
    expect(one.mails).to.have.length(2)
    expect(one.mails[1]).to.include({ channel: 'mail', to: ADDRESS })
    expect(await verify(one, 'test-mailed-code', lastCode(), place())).to.include({
      outcome: 'accepted',
    })
  })

  it('R5 takes a code once, and in its own interaction', async () => {
    await challengeFactor(one.deps, factor(), place())
    const code = lastCode()
    const elsewhere = place({ interaction: 'elsewhere' })
    expect(await verify(one, 'test-mailed-code', code, elsewhere)).to.include({
      outcome: 'refused',
    })
    expect(await verify(one, 'test-mailed-code', code, place())).to.include({ outcome: 'accepted' })
    const again = place({ interaction: 'again' })
    expect(await verify(one, 'test-mailed-code', code, again)).to.include({ outcome: 'refused' })
  })

  it('R3 resends after a minute, and resets no count with it', async () => {
    await challengeFactor(one.deps, factor(), place())
    await verify(one, 'test-mailed-code', { code: '00000000' }, place())
    expect(await challengeFactor(one.deps, factor(), place())).to.deep.equal({
      notBefore: one.clock.now() + 60,
    })
    one.clock.advance(60)
    const before = lastCode()
    expect(await challengeFactor(one.deps, factor(), place())).to.equal('opened')
    expect((await settledRecord(one)).throttle.unknownBrowsers.failures).to.equal(1)
    const [old, fresh] = [before, lastCode()]
    expect(await verify(one, 'test-mailed-code', old, place())).to.include({ outcome: 'refused' })
    expect(await verify(one, 'test-mailed-code', fresh, place())).to.include({
      outcome: 'accepted',
    })
  })

  it('R3 mails five times an hour at most, whatever the interaction', async () => {
    for (let n = 0; n < 5; n += 1) {
      const where = place({ interaction: `sign-in ${n}` })
      expect(await challengeFactor(one.deps, factor(), where)).to.equal('opened')
      one.clock.advance(60)
    }
    const sixth = await challengeFactor(one.deps, factor(), place({ interaction: 'sixth' }))
    expect(sixth).to.deep.equal({ notBefore: one.clock.now() + 3_300 })
    expect(one.mails).to.have.length(6)
  })

  it('R3 counts what is mailed to set it up as well', async () => {
    const theo = placeOf({ accountId: 'theo' })
    const first = await begin(one, 'test-mailed-code', theo)
    const mailed = one.mails.length
    const again = await begin(one, 'test-mailed-code', theo)
    expect([first.began, again.began]).to.deep.equal([true, { notBefore: one.clock.now() + 60 }])
    expect(one.mails).to.have.length(mailed)
    const confirmed = await confirmFactor(one.deps, factor(), theo, lastCode(), {
      ...{ rule: 'allowed', name: '' },
    })
    expect(confirmed).to.include({ outcome: 'enrolled' })
  })

  it('R2 is not mailed while no code would be examined', async () => {
    for (let n = 0; n < 5; n += 1)
      await verify(
        one,
        'test-mailed-code',
        { code: '00000000' },
        place({ interaction: `wrong ${n}` }),
      )
    const mailed = one.mails.length
    expect(await challengeFactor(one.deps, factor(), place())).to.equal('closed')
    expect(one.mails).to.have.length(mailed)
  })

  it('R18 mails the code that was saved, and no other, when a save is lost', async () => {
    const mails: string[] = []
    const node = nodeBeside(one, {
      listed: [deliveredCodeFactor()],
      mailer: { send: async ({ values }) => void mails.push(values.code!) },
      records: interrupted(one.storage.records, (nth) =>
        nth === 1 ? touch(one.storage.records) : undefined,
      ),
    })
    expect(await challengeFactor(node.deps, factorOf(node, 'test-mailed-code'), place())).to.equal(
      'opened',
    )
    expect(mails).to.have.length(1)
    const outcome = await verify(node, 'test-mailed-code', { code: mails[0]! }, place())
    expect(outcome).to.include({ outcome: 'accepted' })
  })

  it('R32 says so when a message cannot be handed over, without saying what it was', async () => {
    const cause = new Error('550 no such mailbox')
    const node = nodeBeside(one, {
      listed: [deliveredCodeFactor()],
      mailer: { send: () => Promise.reject(cause) },
    })
    const attempt = challengeFactor(node.deps, factorOf(node, 'test-mailed-code'), place())
    expect(await codeOf(attempt)).to.equal('mail-failed')
    await attempt.catch((error: Error & { status: number }) => {
      expect(error).to.include({ status: 503, cause })
      expect(error.message).not.to.match(/\d{8}|550/)
    })
  })

  it('R32 says so when there is nothing to send with', async () => {
    const node = nodeBeside(one, { listed: [deliveredCodeFactor()], mailer: undefined })
    const attempt = challengeFactor(node.deps, factorOf(node, 'test-mailed-code'), place())
    expect(await codeOf(attempt)).to.equal('mail-failed')
  })
})

describe('a factor of somebody else', () => {
  it('R5 gets no hint out for a code that was replayed, whatever its other authenticators say', async () => {
    const late = { outcome: 'refused', behindSeconds: 60 } as const
    const factor: AnyFactor = {
      ...deliveredCodeFactor(),
      parseState: (stored: Json) => stored,
      examine: async ({ state }: { state: Json }) =>
        state === 'used' ? { outcome: 'proved', proof: null } : late,
      consume: () => undefined,
    }
    const one = world({ listed: [factor] })
    const { id } = factor
    const authenticators = ['used', 'late'].map((state) => ({
      ...{ id: state, factor: id, name: '', createdAt: 0 },
      sealed: sealState(one.deps.box, 'mira', { id: state, factor: id }, state),
    }))
    const record = JSON.parse(JSON.stringify({ ...(await load(one)).record, authenticators }))
    await one.storage.records.save('mira', record, 0)
    expect(await verify(one, id, { code: '12345678' }, placeOf())).to.deep.equal({
      outcome: 'refused',
    })
    const [refused] = await heardOf(one, 'factor-refused')
    expect(refused?.detail.reason).to.equal('replayed')
  })
})
