import { expect } from 'chai'
import { endEverything, passwordChanged } from '../../src/application/manage-accounts.ts'
import { checkOwnerCode, sendOwnerCode } from '../../src/application/prove-owner.ts'
import { enrolmentStep, hasProved } from '../../src/domain/enrolment.ts'
import { ADDRESS } from './person.ts'
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

const send = (of: World, place = placeOf()) =>
  sendOwnerCode(of.deps, place, { address: ADDRESS, app: 'Fieldnotes', locale: 'en' })
const codeMailed = ({ mails }: World) => mails.at(-1)!.values.code!

describe('the proof of owning an address', () => {
  let one: World
  const place = placeOf()
  const check = (typed: string | undefined, where = place) => checkOwnerCode(one.deps, where, typed)
  const wrong = () => String((Number(codeMailed(one)) + 1) % 1e8).padStart(8, '0')

  beforeEach(() => {
    one = world()
  })

  it('R10 is a code of eight digits, mailed to the address, good for one enrolment', async () => {
    expect(await send(one)).to.equal('sent')
    expect(one.mails).to.have.length(1)
    expect(one.mails[0]).to.deep.include({
      channel: 'mail',
      to: ADDRESS,
      template: 'enrolment-code',
    })
    expect(codeMailed(one)).to.match(/^\d{8}$/)
    expect(await check(codeMailed(one))).to.deep.equal({ outcome: 'proved' })
    const record = await settledRecord(one)
    const now = one.clock.now()
    expect(enrolmentStep(record, 'mailed-code', 'interaction-1', now)).to.equal('choose')
    expect(enrolmentStep(record, 'mailed-code', 'interaction-2', now)).to.equal('prove')
    expect((await heardOf(one)).map(({ type }) => type)).to.deep.equal(['owner-proved'])
  })

  it('R34 is accepted in the ways in which people type it', async () => {
    await send(one)
    const code = codeMailed(one)
    const spaced = ` ${code.slice(0, 4)}\u2013${code.slice(4)} `
    expect(await check(spaced)).to.deep.equal({ outcome: 'proved' })
  })

  it('R34 refuses a text that is no code, and does not charge it', async () => {
    await send(one)
    for (const typed of [undefined, '', '1234567', '123456789', 'abcdefgh', '1'.repeat(500)])
      expect(await check(typed)).to.deep.equal({ outcome: 'unreadable' })
    expect((await settledRecord(one)).throttle.failedAt).to.deep.equal([])
  })

  it('R31 R35 is in no record: neither the code nor its plain hash', async () => {
    await send(one)
    const { record } = await load(one)
    expect(JSON.stringify(record)).not.to.include(codeMailed(one))
    expect(record.challenges[0]?.sealed).to.match(/^v1\./)
  })

  it('R1 counts wrong codes on the account, and locks it', async () => {
    await send(one)
    for (let n = 0; n < 5; n += 1)
      expect(await check(wrong())).to.deep.equal({ outcome: 'refused' })
    const before = await settledRecord(one)
    expect(before.throttle.failedAt).to.have.length(5)
    expect(await check(codeMailed(one))).to.deep.equal({
      outcome: 'closed',
      gate: { open: false, reason: 'code', until: one.clock.now() + 30 },
    })
    expect(await settledRecord(one)).to.deep.equal(before)
    const [refused] = await heardOf(one, 'refused-while-locked')
    expect(refused?.detail).to.include({ factor: 'owner-proof', browser: 'unknown' })
    one.clock.advance(30)
    expect(await check(codeMailed(one))).to.deep.equal({ outcome: 'proved' })
  })

  it('R3 is sent again after a minute, five times an hour, and resets no count', async () => {
    await send(one)
    await check(wrong())
    expect(await send(one)).to.deep.equal({ notBefore: one.clock.now() + 60 })
    for (let n = 0; n < 4; n += 1) {
      one.clock.advance(60)
      expect(await send(one)).to.equal('sent')
    }
    one.clock.advance(60)
    expect(await send(one)).to.deep.equal({ notBefore: one.clock.now() + 3_300 })
    expect((await settledRecord(one)).throttle.unknownBrowsers.failures).to.equal(1)
  })

  it('R3 takes the newest code alone', async () => {
    await send(one)
    const before = codeMailed(one)
    one.clock.advance(60)
    await send(one)
    expect(await check(before)).to.deep.equal({ outcome: 'refused' })
    expect(await check(codeMailed(one))).to.deep.equal({ outcome: 'proved' })
  })

  it('R3 is over after ten minutes, and good in its own interaction alone', async () => {
    await send(one)
    const elsewhere = placeOf({ interaction: 'elsewhere' })
    expect(await check(codeMailed(one), elsewhere)).to.deep.equal({ outcome: 'stale' })
    one.clock.advance(600)
    expect(await check(codeMailed(one))).to.deep.equal({ outcome: 'stale' })
    expect((await settledRecord(one)).throttle.failedAt).to.deep.equal([])
  })

  it('R38 answers a double tap alike, on one node and on two', async () => {
    await send(one)
    const taps = [one, one, nodeBeside(one)].map(({ deps }) =>
      checkOwnerCode(deps, place, codeMailed(one)),
    )
    const outcomes = await Promise.all(taps)
    expect(outcomes.map(({ outcome }) => outcome)).to.deep.equal(['proved', 'proved', 'proved'])
    expect((await settledRecord(one)).history.ownerProofs).to.have.length(1)
  })

  it('R20 ends with the epoch: it is neither sent nor accepted', async () => {
    await send(one)
    await passwordChanged(one.deps, 'mira')
    expect(await check(codeMailed(one))).to.deep.equal({ outcome: 'stale' })
    one.clock.advance(60)
    expect(await send(one)).to.equal('stale')
    expect(one.mails).to.have.length(1)
  })

  it('R20 does not show a lock to a sign-in that has ended', async () => {
    await send(one)
    for (let n = 0; n < 5; n += 1) await check(wrong())
    await endEverything(one.deps, 'mira', 'disabled')
    expect(await check(codeMailed(one))).to.deep.equal({ outcome: 'stale' })
  })

  it('R20 that was given is over with the epoch', async () => {
    await send(one)
    await check(codeMailed(one))
    await passwordChanged(one.deps, 'mira')
    expect(hasProved(await settledRecord(one), 'interaction-1', one.clock.now())).to.equal(false)
  })

  it('R18 is mailed once, and as it was saved, when a save is lost', async () => {
    const node = nodeBeside(one, {
      records: interrupted(one.storage.records, (nth) =>
        nth === 1 ? touch(one.storage.records) : undefined,
      ),
    })
    expect(await send(node)).to.equal('sent')
    expect(node.mails).to.have.length(1)
    expect(await check(codeMailed(node))).to.deep.equal({ outcome: 'proved' })
  })

  it('R32 is never reported as sent if it was not', async () => {
    const node = nodeBeside(one, { mailer: { send: () => Promise.reject(new Error('away')) } })
    const reported: unknown[] = []
    Object.assign(node.deps, { report: (error: unknown) => reported.push(error) })
    expect(await send(node)).to.equal('not-sent')
    expect(reported[0]).to.include({ code: 'mail-failed' })
    expect((await settledRecord(node)).challenges).to.deep.equal([])
  })
})
