import { expect } from 'chai'
import { admit, Flood, MOST_IN_FLIGHT } from '../../src/application/flood.ts'
import { remember } from '../../src/domain/known-browser.ts'
import { MfaError } from '../../src/domain/errors.ts'
import { newRecord } from '../../src/domain/mfa-record.ts'
import { measuresOf } from '../../src/observe/measures.ts'
import { collector } from '../support/collector.ts'
import { codeOf, heardOf, placeOf, world } from './world.ts'

const NOW = 1_800_000_000

/** An attempt that is in flight until the test lets it land. */
function attempt(answer = 'answer') {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  let runs = 0
  return {
    run: () => {
      runs += 1
      return promise
    },
    runs: () => runs,
    land: () => resolve(answer),
    fail: () => reject(new Error('The storage is away')),
  }
}

const at = (interaction: string, response = 'code', accountAndClass = 'mira') => ({
  interaction,
  response,
  accountAndClass,
})

describe('a flood of attempts', () => {
  it('is examined one at a time within an interaction', async () => {
    const flood = new Flood()
    const first = attempt()
    const second = attempt()
    const running = flood.run(at('i', 'one'), first.run)
    expect(await codeOf(flood.run(at('i', 'two'), second.run))).to.equal('too-many-attempts')
    expect(second.runs()).to.equal(0)
    first.land()
    expect(await running).to.equal('answer')
  })

  it('is answered 429', async () => {
    const flood = new Flood()
    const first = attempt()
    const running = flood.run(at('i', 'one'), first.run)
    const status = await flood
      .run(at('i', 'two'), first.run)
      .catch((e: { status: number }) => e.status)
    expect(status).to.equal(429)
    first.land()
    await running
  })

  it('R38 joins the very same response: a double tap is examined once and answered twice', async () => {
    const flood = new Flood()
    const first = attempt()
    const taps = [flood.run(at('i'), first.run), flood.run(at('i'), first.run)]
    first.land()
    expect(await Promise.all(taps)).to.deep.equal(['answer', 'answer'])
    expect(first.runs()).to.equal(1)
  })

  it('R38 joins nothing in another interaction', async () => {
    const flood = new Flood()
    const first = attempt('first')
    const second = attempt('second')
    const taps = [flood.run(at('i'), first.run), flood.run(at('j'), second.run)]
    first.land()
    second.land()
    expect(await Promise.all(taps)).to.deep.equal(['first', 'second'])
  })

  it('is examined four at a time within an account and browser class', async () => {
    const flood = new Flood()
    const four = Array.from({ length: MOST_IN_FLIGHT }, () => attempt())
    const running = four.map(({ run }, index) => flood.run(at(`i${index}`), run))
    expect(await codeOf(flood.run(at('fifth'), attempt().run))).to.equal('too-many-attempts')
    const other = attempt('other')
    const ofAnother = flood.run(at('other', 'code', 'theo'), other.run)
    four[0]!.land()
    await running[0]
    const sixth = attempt('sixth')
    const next = flood.run(at('sixth'), sixth.run)
    for (const each of [...four, other, sixth]) each.land()
    expect(await Promise.all([next, ofAnother])).to.deep.equal(['sixth', 'other'])
    await Promise.all(running)
  })

  it('leaves no attempt in flight, neither after results nor after errors', async () => {
    const flood = new Flood()
    for (let round = 0; round < 3; round += 1) {
      const four = Array.from({ length: MOST_IN_FLIGHT }, () => attempt())
      const running = four.map(({ run }, index) => flood.run(at(`i${index}`), run))
      four.forEach((each, index) => (index % 2 === 0 ? each.fail() : each.land()))
      const outcomes = await Promise.allSettled(running)
      expect(outcomes.map(({ status }) => status)).to.deep.equal([
        'rejected',
        'fulfilled',
        'rejected',
        'fulfilled',
      ])
    }
  })

  it('leaves nothing behind when an attempt fails before it is in flight', async () => {
    const flood = new Flood()
    const broken = () => {
      throw new Error('at once')
    }
    for (let round = 0; round <= MOST_IN_FLIGHT; round += 1)
      expect(await flood.run(at('i'), broken).catch((e: Error) => e.message)).to.equal('at once')
  })

  it('rejects a double tap with the error of the first attempt', async () => {
    const flood = new Flood()
    const first = attempt()
    const taps = [flood.run(at('i'), first.run), flood.run(at('i'), first.run)]
    first.fail()
    const outcomes = await Promise.allSettled(taps)
    expect(outcomes.map(({ status }) => status)).to.deep.equal(['rejected', 'rejected'])
  })
})

describe('an attempt that asks to be let through', () => {
  it('R2 R47 of a known browser is not refused because of unknown browsers, whose refusal is told', async () => {
    const one = world()
    const { deps } = one
    const { run } = attempt()
    const record = remember(newRecord('mira'), 'laptop', { now: NOW, detail: {} })
    const about = (fingerprint: string) => ({ fingerprint, seen: { record, version: 1 } })
    const strangers = Array.from({ length: MOST_IN_FLIGHT }, () => attempt())
    const running = strangers.map(({ run }, index) =>
      admit(deps, placeOf({ interaction: `i${index}` }), about('x'), run),
    )
    const stranger = admit(deps, placeOf({ interaction: 'i5' }), about('x'), attempt().run)
    expect(await codeOf(stranger)).to.equal('too-many-attempts')
    expect(await heardOf(one)).to.deep.equal([])
    const told = admit(deps, placeOf({ interaction: 'i6' }), { ...about('x'), factor: 'totp' }, run)
    expect(await codeOf(told)).to.equal('too-many-attempts')
    const [throttled] = await heardOf(one)
    expect(throttled).to.deep.include({ type: 'factor-refused', accountId: 'mira' })
    expect(throttled?.detail).to.deep.include({
      factor: 'totp',
      browser: 'unknown',
      reason: 'throttled',
    })
    const owner = attempt('owner')
    const place = placeOf({ interaction: 'own', tokenHashes: ['laptop'] })
    const answer = admit(deps, place, about('x'), owner.run)
    owner.land()
    expect(await answer).to.equal('owner')
    strangers.forEach(({ land }) => land())
    await Promise.all(running)
  })

  const FAULTS: readonly (readonly [Error, string | undefined])[] = [
    [new MfaError('storage-unavailable', 'away', { status: 503 }), 'storage-unavailable'],
    [new Error('E11000 duplicate key of mira'), 'error'],
    [new MfaError('handle-taken', 'taken', { status: 409 }), undefined],
  ]
  for (const [fault, reason] of FAULTS)
    it(`is counted as ${reason === undefined ? 'no failure' : `failed by ${reason}`} after: ${fault.message}`, async () => {
      const { meterProvider, points } = collector()
      const { deps } = world({ measures: measuresOf({ meterProvider, factors: ['totp'] }) })
      const seen = { record: newRecord('mira'), version: 0 }
      const admission = { fingerprint: 'x', seen, factor: 'totp', step: 'enrolment' as const }
      const answer = admit(deps, placeOf(), admission, () => Promise.reject(fault))
      expect(await answer.catch((error: unknown) => error)).to.equal(fault)
      const labels = { step: 'enrolment', factor: 'totp', outcome: 'failed', reason }
      expect(await points('oidc_mfa.sign_in.steps')).to.deep.equal(
        reason === undefined ? [] : [{ labels, value: 1 }],
      )
    })

  it('is not refused because of a flood on another account', async () => {
    const { deps } = world()
    const about = (accountId: string) => ({
      fingerprint: 'x',
      seen: { record: newRecord(accountId), version: 0 },
    })
    const strangers = Array.from({ length: MOST_IN_FLIGHT }, () => attempt())
    const running = strangers.map(({ run }, index) =>
      admit(deps, placeOf({ interaction: `i${index}` }), about('mira'), run),
    )
    const other = attempt('theo')
    const place = placeOf({ accountId: 'theo', interaction: 'other' })
    const answer = admit(deps, place, about('theo'), other.run)
    other.land()
    expect(await answer).to.equal('theo')
    strangers.forEach(({ land }) => land())
    await Promise.all(running)
  })
})
