import { expect } from 'chai'
import { passwordChanged } from '../../src/application/manage-accounts.ts'
import { hashOfSecret, type ShownProof } from '../../src/application/spend-proof.ts'
import { turnOff } from '../../src/application/turn-off.ts'
import { verifyFactor } from '../../src/application/verify-factor.ts'
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

  it('is nothing for an account that has no factor', async () => {
    expect(await turnOff(one.deps, 'noah', OFF)).to.deep.equal({ outcome: 'not-enrolled' })
  })
})
