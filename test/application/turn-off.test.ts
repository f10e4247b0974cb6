import { expect } from 'chai'
import { passwordChanged } from '../../src/application/manage-accounts.ts'
import { hashOfSecret, type ShownProof } from '../../src/application/spend-proof.ts'
import { turnOff, turnOffProved } from '../../src/application/turn-off.ts'
import { verifyFactor } from '../../src/application/verify-factor.ts'
import { NOT_NOW_SECONDS } from '../../src/domain/factor-offer.ts'
import type { AnyFactor } from '../../src/factors/factor.ts'
import { factorOf, owner, type Owner } from './person.ts'
import { heardOf, load, nodeBeside, settledRecord, world, type World } from './world.ts'

const OFF: ShownProof = { purpose: 'turn-off', secret: 'a secret of the browser' }

describe('turning the second factor off with a proof', () => {
  let one: World
  let mira: Owner
  beforeEach(async () => {
    one = world()
    mira = await owner(one)
  })

  async function prove({ purpose, secret }: ShownProof): Promise<void> {
    one.clock.advance(30)
    const seen = await load(one)
    const factor = factorOf(one, 'totp')
    const place = mira.place({ interaction: purpose, epoch: seen.record.epoch })
    const response: unknown = factor.parseResponse(mira.code())
    const asked = { purpose, secretHash: hashOfSecret(secret) }
    const { outcome } = await verifyFactor(one.deps, factor, place, response, { seen, asked })
    expect(outcome).to.equal('accepted')
  }
  const off = (shown = OFF, of = one) => turnOff(of.deps, 'mira', shown)
  const factorsOf = async (): Promise<number> => (await settledRecord(one)).authenticators.length

  it('R11 removes nothing without its own proof', async () => {
    await prove({ ...OFF, purpose: 'change-email' })
    for (const shown of [OFF, { ...OFF, secret: 'guessed' }])
      expect(await off(shown)).to.deep.equal({ outcome: 'not-proved' })
    expect(await factorsOf()).to.equal(2)
  })

  it('R11 R18 removes all with one proof, once, on two nodes', async () => {
    await prove(OFF)
    const answers = await Promise.all([off(), off(OFF, nodeBeside(one))])
    expect(answers.map(({ outcome }) => outcome).toSorted()).to.deep.equal([
      'not-enrolled',
      'turned-off',
    ])
    expect(answers).to.deep.include({ outcome: 'turned-off', epochs: { from: 2, to: 3 } })
    expect(await factorsOf()).to.equal(0)
    const removed = await heardOf(one, 'factor-removed')
    expect(removed.map(({ detail }) => detail.reason)).to.deep.equal(['turned-off', 'turned-off'])
  })

  it('R9 is shut after a password that came by mail, and keeps its proof', async () => {
    await passwordChanged(one.deps, 'mira', { by: 'mail', address: 'mira@example.com' })
    await prove(OFF)
    const refused = await off()
    expect(refused).to.deep.nested.include({
      outcome: 'shut',
      'door.reason': 'after-mailed-reset',
    })
    expect(await factorsOf()).to.equal(2)
    expect((await settledRecord(one)).proofs).to.have.length(1)
  })

  it('keeps the offer of a factor that it removes away', async () => {
    const factor = factorOf(one, 'totp')
    const offered = { ...factor, pages: { ...factor.pages, offer: true } } as AnyFactor
    const deps = { ...one.deps, factors: new Map([...one.deps.factors, ['totp', offered]]) }
    const until = one.clock.now() + NOT_NOW_SECONDS
    const offers = [{ factor: 'totp', until }]
    await turnOffProved(deps, 'mira', (await load(one)).record.epoch, {})
    expect(await settledRecord(one)).to.deep.include({ authenticators: [], offers })

    one = world()
    mira = await owner(one)
    await prove(OFF)
    await turnOff({ ...deps, ...one.deps, factors: deps.factors }, 'mira', OFF)
    const record = await settledRecord(one)
    expect(record.authenticators).to.deep.equal([])
    expect(record.offers?.map((offer) => offer.factor)).to.deep.equal(['totp'])
  })

  it('is nothing for an account that has no factor', async () => {
    expect(await turnOff(one.deps, 'noah', OFF)).to.deep.equal({ outcome: 'not-enrolled' })
  })
})
