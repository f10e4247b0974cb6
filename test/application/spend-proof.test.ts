import { expect } from 'chai'
import { factorGate } from '../../src/application/factor-gate.ts'
import { passwordChanged } from '../../src/application/manage-accounts.ts'
import { hashOfSecret, spendShownProof } from '../../src/application/spend-proof.ts'
import { verifyFactor } from '../../src/application/verify-factor.ts'
import type { ServerStorage } from '../../src/ports/server-storage.ts'
import { STORAGES } from '../plugin/recorded-storage.ts'
import { testClock } from '../../src/testing/runner.ts'
import { factorOf, owner, verify, type Owner } from './person.ts'
import { load, nodeBeside, settledRecord, world, type World } from './world.ts'

const EMAIL = { purpose: 'change-email', secret: 'a secret of the browser' }

describe('a proof for a page of the application', () => {
  let one: World
  let mira: Owner

  const prove = async (shown = EMAIL, interaction = 'proving') => {
    one.clock.advance(30)
    const { record } = await load(one)
    const factor = factorOf(one, 'totp')
    const place = mira.place({ interaction, epoch: record.epoch })
    const outcome = await verifyFactor(one.deps, factor, place, factor.parseResponse(mira.code()), {
      seen: await load(one),
      asked: { purpose: shown.purpose, secretHash: hashOfSecret(shown.secret) },
    })
    expect(outcome.outcome).to.equal('accepted')
  }
  const spend = (shown = EMAIL, accountId = 'mira', of = one) =>
    spendShownProof(of.deps, accountId, shown)

  let opened: ServerStorage | undefined
  afterEach(async () => {
    await opened?.close()
    opened = undefined
  })

  for (const [name, open] of Object.entries(STORAGES))
    it(`R11 R18 is spent once by 50 requests at the same moment on two nodes: ${name}`, async () => {
      const clock = testClock()
      opened = open(clock)
      one = world({ storage: opened, clock })
      mira = await owner(one)
      await prove()
      const nodes = [one, nodeBeside(one)]
      const outcomes = await Promise.all(
        Array.from({ length: 50 }, (_, nth) => spend(EMAIL, 'mira', nodes[nth % 2])),
      )
      expect(outcomes.filter(Boolean)).to.have.length(1)
      expect(await spend()).to.equal(false)
    })

  describe('of an account', () => {
    beforeEach(async () => {
      one = world()
      mira = await owner(one)
      await prove()
    })

    it('R11 is of no use with another secret or purpose, and for another account', async () => {
      expect(await spend({ ...EMAIL, secret: 'guessed' })).to.equal(false)
      expect(await spend({ ...EMAIL, purpose: 'change-password' })).to.equal(false)
      expect(await spend(EMAIL, 'noah')).to.equal(false)
      expect(await spend()).to.equal(true)
    })

    it('R20 is void after the epoch has risen', async () => {
      await passwordChanged(one.deps, 'mira')
      expect(await spend()).to.equal(false)
    })

    it('R41 is void after ten minutes', async () => {
      one.clock.advance(600)
      expect(await spend()).to.equal(false)
    })

    it('R39 is stored without its secret', async () => {
      const { proofs } = await settledRecord(one)
      expect(proofs).to.have.length(1)
      expect(JSON.stringify(proofs)).not.to.include(EMAIL.secret)
    })

    it('stays through every code of an authenticator app and every backup code beside it', async () => {
      const { epoch } = await settledRecord(one)
      let accepted = 0
      const signIn = async (factor: string, form: Readonly<Record<string, string>>) => {
        const place = mira.place({
          interaction: `beside-${accepted}`,
          epoch,
          tokenHashes: ['laptop'],
        })
        expect(
          factorGate(
            one.deps,
            (await load(one)).record,
            factorOf(one, factor),
            place,
            one.clock.now(),
          ).open,
        ).to.equal(true)
        const { outcome } = await verify(one, factor, form, place)
        expect(outcome).to.equal('accepted')
        accepted += 1
      }
      for (let nth = 0; nth < 19; nth += 1) {
        one.clock.advance(30)
        await signIn('totp', mira.code())
      }
      for (const code of mira.codes) await signIn('backup-codes', { backupCode: code })
      expect(accepted).to.equal(29)
      expect(await spend()).to.equal(true)
    })
  })
})
