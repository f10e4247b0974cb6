import { expect } from 'chai'
import { confirmFactor } from '../../src/application/enrol-factor.ts'
import { endEverything } from '../../src/application/manage-accounts.ts'
import { nextDeliveryAt } from '../../src/domain/enrolment.ts'
import { sealState } from '../../src/application/sealed-state.ts'
import {
  makeChallenge,
  openKeptChallenge,
  sendChallenge,
} from '../../src/application/challenge-factor.ts'
import type { Json } from '../../src/domain/json.ts'
import type { Place } from '../../src/application/place.ts'
import type { AnyFactor, Owned } from '../../src/factors/factor.ts'
import { backupCodes } from '../../src/factors/backup-codes/index.ts'
import {
  challengeFactor as testKey,
  deliveredCodeFactor,
  softKey,
} from '../../src/testing/factors.ts'
import { ADDRESS, begin, challenged, confirm, factorOf, keyOwner, verify } from './person.ts'
import {
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

  it('R26 is enrolled, challenged and proved; the proof decides the assurance', async () => {
    const { challenge, sealed } = await challenged(one, mira.place())
    const outcome = await verify(one, 'test-key', answer(challenge, true), mira.place(), sealed)
    expect(outcome).to.deep.nested.include({
      outcome: 'accepted',
      'accepted.assurance': {
        amr: ['swk', 'user'],
        kinds: ['possession', 'inherence'],
        phishingResistant: true,
      },
    })
  })

  it('R28 takes an answer to its own challenge alone, of its own interaction', async () => {
    const first = await challenged(one, mira.place())
    const second = mira.place({ interaction: 'second' })
    const { sealed } = await challenged(one, second)
    for (const kept of [sealed, first.sealed])
      expect(await verify(one, 'test-key', answer(first.challenge), second, kept)).to.deep.equal({
        outcome: 'refused',
      })
  })

  it('R28 accepts no response before there is a challenge, and none after ten minutes', async () => {
    expect(await verify(one, 'test-key', answer('nothing'), mira.place())).to.include({
      outcome: 'refused',
    })
    const { challenge, sealed } = await challenged(one, mira.place())
    one.clock.advance(600)
    const late = await verify(one, 'test-key', answer(challenge), mira.place(), sealed)
    expect(late).to.include({ outcome: 'refused' })
  })

  it('R28 is answered once, also when two nodes get an answer at the same time', async () => {
    const { challenge, sealed } = await challenged(one, mira.place())
    const outcomes = await Promise.all(
      [one, nodeBeside(one, { listed: [testKey()] })].map((node) =>
        verify(node, 'test-key', answer(challenge), mira.place(), sealed),
      ),
    )
    expect(outcomes.map(({ outcome }) => outcome).toSorted()).to.deep.equal(['accepted', 'refused'])
  })

  it('R28 is spent by the answer that was accepted', async () => {
    const { challenge, sealed } = await challenged(one, mira.place())
    const first = await verify(one, 'test-key', answer(challenge), mira.place(), sealed)
    expect(first).to.include({ outcome: 'accepted' })
    const second = await verify(one, 'test-key', answer(challenge), mira.place(), sealed)
    expect(second).to.deep.equal({ outcome: 'refused' })
  })

  it('R1 cannot be guessed: a refused response makes an event, is not counted and locks nobody out', async () => {
    const thief = softKey()
    const { challenge, sealed } = await challenged(one, mira.place())
    for (let n = 0; n < 12; n += 1)
      await verify(one, 'test-key', { credential: thief.answer(challenge) }, mira.place(), sealed)
    expect(await heardOf(one, 'factor-refused')).to.have.length(12)
    expect((await settledRecord(one)).throttle.failedAt).to.deep.equal([])
    const owners = await verify(one, 'test-key', answer(challenge), mira.place(), sealed)
    expect(owners).to.include({ outcome: 'accepted' })
  })

  it('R29 refuses an answer of a copied key, whose counter lags behind, and says replayed', async () => {
    const [second, third] = ['second', 'third'].map((interaction) => mira.place({ interaction }))
    const [atSecond, atThird] = [await challenged(one, second!), await challenged(one, third!)]
    const byCopy = answer(atThird.challenge)
    const byOwner = answer(atSecond.challenge)
    expect(await verify(one, 'test-key', byOwner, second!, atSecond.sealed)).to.include({
      outcome: 'accepted',
    })
    expect(await verify(one, 'test-key', byCopy, third!, atThird.sealed)).to.deep.equal({
      outcome: 'refused',
    })
    const [refused] = await heardOf(one, 'factor-refused')
    expect(refused?.detail.reason).to.equal('replayed')
  })

  it('is answered by any of a person\u2019s keys, and moves on the one that has answered', async () => {
    const old = softKey()
    const place = { id: 'old', factor: 'test-key' }
    const { publicKey, handle } = JSON.parse(old.answer('')) as Record<string, string>
    const sealed = sealState(one.deps.box, 'mira', place, {
      publicKey: publicKey!,
      handle: handle!,
      counter: 0,
    })
    const { record, version } = await load(one)
    const authenticators = [{ ...place, name: '', createdAt: 0, sealed }, ...record.authenticators]
    const both = JSON.parse(JSON.stringify({ ...record, authenticators }))
    await one.storage.records.save('mira', both, version)

    for (const [interaction, key] of [
      ['one', old],
      ['two', mira.key],
    ] as const) {
      const where = mira.place({ interaction })
      const open = await challenged(one, where)
      const form = { credential: key.answer(open.challenge) }
      expect(await verify(one, 'test-key', form, where, open.sealed)).to.include({
        outcome: 'accepted',
      })
    }
    const used = (await settledRecord(one)).accepted.map(({ authenticatorId }) => authenticatorId)
    expect(used).to.deep.equal(['old', record.authenticators[0]!.id])
  })

  it('R20 is refused in an older epoch', async () => {
    const { challenge, sealed } = await challenged(one, mira.place())
    await endEverything(one.deps, 'mira', 'disabled')
    const outcome = await verify(one, 'test-key', answer(challenge), mira.place(), sealed)
    expect(outcome).to.deep.equal({ outcome: 'stale' })
  })

  it('is the only kind that is challenged', async () => {
    const place = mira.place()
    const about = { states: [], locale: 'en', issuer: 'https://id.example.com' }
    const made = await makeChallenge(one.deps, factorOf(one, 'backup-codes'), place, about)
    expect(made).to.equal(undefined)
    const sent = await sendChallenge(one.deps, factorOf(one, 'backup-codes'), place, about)
    expect(sent).to.equal('stale')
  })

  it('R35 does not open a challenge that was sealed to another account or factor', async () => {
    const { sealed } = await challenged(one, mira.place())
    const factor = factorOf(one, 'test-key')
    expect(openKeptChallenge(one.deps, factor, mira.place(), sealed)).not.to.equal(undefined)
    const elsewhere = placeOf({ accountId: 'theo' })
    expect(openKeptChallenge(one.deps, factor, elsewhere, sealed)).to.equal(undefined)
    const another = { ...factor, id: 'another' }
    expect(openKeptChallenge(one.deps, another, mira.place(), sealed)).to.equal(undefined)
  })
})

describe('a delivered factor', () => {
  let one: World
  const factor = () => factorOf(one, 'test-mailed-code')
  const place = (changes = {}) => placeOf({ epoch: 2, ...changes })
  const lastCode = () => ({ code: one.mails.at(-1)!.values.code! })

  const sendTo = (of: World, where: Place) =>
    sendChallenge(of.deps, factorOf(of, 'test-mailed-code'), where, {
      locale: 'en',
      issuer: 'https://id.example.com',
    })

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
    expect(await sendTo(one, place())).to.equal('sent')
    expect(one.mails).to.have.length(2)
    expect(one.mails[1]).to.include({ channel: 'mail', to: ADDRESS })
    expect(await verify(one, 'test-mailed-code', lastCode(), place())).to.include({
      outcome: 'accepted',
    })
  })

  it('R35 leaves nothing of the code in the record once it is used, sealed or not', async () => {
    await sendTo(one, place())
    const [open] = (await settledRecord(one)).challenges
    expect(await verify(one, 'test-mailed-code', lastCode(), place())).to.include({
      outcome: 'accepted',
    })
    expect(JSON.stringify(await settledRecord(one))).not.to.contain(open!.sealed)
  })

  it('R5 takes a code once, and in its own interaction', async () => {
    await sendTo(one, place())
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
    await sendTo(one, place())
    await verify(one, 'test-mailed-code', { code: '00000000' }, place())
    expect(await sendTo(one, place())).to.deep.equal({
      notBefore: one.clock.now() + 60,
    })
    one.clock.advance(60)
    const before = lastCode()
    expect(await sendTo(one, place())).to.equal('sent')
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
      expect(await sendTo(one, where)).to.equal('sent')
      one.clock.advance(60)
    }
    const sixth = await sendTo(one, place({ interaction: 'sixth' }))
    expect(sixth).to.deep.equal({ notBefore: one.clock.now() + 3_300 })
    expect(one.mails).to.have.length(6)
  })

  it('R3 counts what is mailed to set it up as well', async () => {
    const theo = placeOf({ accountId: 'theo' })
    const first = await begin(one, 'test-mailed-code', theo)
    const mailed = one.mails.length
    const again = await begin(one, 'test-mailed-code', theo)
    expect([first.began, again.began]).to.deep.equal(['begun', { notBefore: one.clock.now() + 60 }])
    expect(one.mails).to.have.length(mailed)
    const confirmed = await confirmFactor(one.deps, factor(), theo, lastCode(), {
      rule: 'allowed',
      name: '',
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
    expect(await sendTo(one, place())).to.equal('closed')
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
    expect(await sendTo(node, place())).to.equal('sent')
    expect(mails).to.have.length(1)
    const outcome = await verify(node, 'test-mailed-code', { code: mails[0]! }, place())
    expect(outcome).to.include({ outcome: 'accepted' })
  })

  it('R3 R32 says that nothing was sent, reports why, and takes nothing of the cooldown', async () => {
    const cause = new Error('550 no such mailbox')
    let refuses = true
    const reported: unknown[] = []
    const mails: string[] = []
    const node = nodeBeside(one, {
      listed: [deliveredCodeFactor()],
      mailer: {
        async send({ values }) {
          if (refuses) throw cause
          mails.push(values.code!)
        },
      },
      report: (error) => void reported.push(error),
    })
    const before = await settledRecord(one)
    for (let n = 0; n < 6; n += 1) expect(await sendTo(node, place())).to.equal('not-sent')
    const after = await settledRecord(one)
    expect(after.challenges).to.deep.equal(before.challenges)
    expect(nextDeliveryAt(after, node.clock.now())).to.equal(undefined)
    expect(reported).to.have.length(6)
    expect(reported[0]).to.include({ code: 'mail-failed', cause })
    expect(String(reported[0])).not.to.match(/\d{8}|550/)

    refuses = false
    expect(await sendTo(node, place())).to.equal('sent')
    expect(await verify(node, 'test-mailed-code', { code: mails[0]! }, place())).to.include({
      outcome: 'accepted',
    })
  })

  it('R3 keeps the code that was sent before, when another one cannot be handed over', async () => {
    await sendTo(one, place())
    const code = lastCode()
    one.clock.advance(60)
    const node = nodeBeside(one, {
      listed: [deliveredCodeFactor()],
      mailer: { send: () => Promise.reject(new Error('421 try later')) },
    })
    expect(await sendTo(node, place())).to.equal('not-sent')
    expect(await verify(one, 'test-mailed-code', code, place())).to.include({ outcome: 'accepted' })
  })

  it('R32 reports that no mailer is configured', async () => {
    const node = nodeBeside(one, { listed: [deliveredCodeFactor()], mailer: undefined })
    expect(await sendTo(node, place())).to.equal('not-sent')
  })

  it('is sent in the language of the page', async () => {
    const factor = factorOf(one, 'test-mailed-code')
    await sendChallenge(one.deps, factor, place(), {
      locale: 'de',
      issuer: 'https://id.example.com',
    })
    expect(one.mails.at(-1)).to.include({ locale: 'de' })
  })
})

describe('a factor of somebody else', () => {
  it('R5 gives no hint for a replayed code, even if another authenticator would', async () => {
    const late = { outcome: 'refused', behindSeconds: 60 } as const
    const factor: AnyFactor = {
      ...deliveredCodeFactor(),
      parseState: (stored: Json) => stored,
      examine: async ({ states }: { states: readonly Owned<Json>[] }) => {
        const used = states.find(({ state }) => state === 'used')
        return used === undefined
          ? late
          : { outcome: 'proved', authenticatorId: used.authenticatorId, proof: null }
      },
      consume: () => undefined,
    }
    const one = world({ listed: [factor] })
    const { id } = factor
    const authenticators = ['used', 'late'].map((state) => ({
      id: state,
      factor: id,
      name: '',
      createdAt: 0,
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
