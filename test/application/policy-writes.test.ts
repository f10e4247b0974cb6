import { expect } from 'chai'
import { commit } from '../../src/application/commit.ts'
import { meetRules } from '../../src/application/meet-rules.ts'
import { postpone } from '../../src/application/postpone.ts'
import { revokeTrustedBrowsers } from '../../src/application/trusted-browsers.ts'
import { endReusedTrust } from '../../src/application/use-trust.ts'
import { settleTrusted } from '../../src/domain/trusted-browser.ts'
import { owner, type Owner } from './person.ts'
import { heardOf, load, settledRecord, world, type World } from './world.ts'

describe('the changes of a record that the policy makes', () => {
  let of: World
  let mira: Owner
  beforeEach(async () => {
    of = world()
    mira = await owner(of)
    await settledRecord(of)
  })
  const versionOf = async (): Promise<number> => (await load(of)).version

  describe('an enrolment that is put off', () => {
    const put = async (changes: { epoch?: number } = {}) => {
      const until = of.clock.now() + 600
      const postponed = { until, rules: ['grace', 'a day'], inForce: ['grace'] }
      return postpone(of.deps, mira.place(changes), postponed, await load(of))
    }

    it('is kept with the time at which its rule met the account, and has one event', async () => {
      expect(await put()).to.equal(true)
      const { rulesMet } = await settledRecord(of)
      expect({ ...rulesMet }).to.deep.equal({ grace: of.clock.now() })
      const [event, ...others] = await heardOf(of, 'enrolment-postponed')
      expect(others).to.deep.equal([])
      expect(event?.detail).to.deep.include({ clientId: 'app', until: of.clock.now() + 600 })
    })

    it('R20 is refused, and not kept, once the account is in another epoch', async () => {
      const before = await load(of)
      expect(await put({ epoch: before.record.epoch - 1 })).to.equal(false)
      expect(await load(of)).to.deep.equal(before)
      expect(await heardOf(of, 'enrolment-postponed')).to.deep.equal([])
    })
  })

  describe('rules that meet an account', () => {
    const meet = async (met: readonly string[]) =>
      meetRules(of.deps, 'mira', { met, inForce: ['grace', 'other'] }, await load(of))

    it('are kept at their first meeting, and nothing is written at a later one', async () => {
      await meet(['grace'])
      const at = of.clock.now()
      const version = await versionOf()
      of.clock.advance(60)
      await meet(['grace'])
      await meet([])
      expect(await versionOf()).to.equal(version)
      await meet(['grace', 'other'])
      expect({ ...(await load(of)).record.rulesMet }).to.deep.equal({ grace: at, other: at + 60 })
    })
  })

  describe('R14 a replaced token that is shown again', () => {
    const detail = { ip: '192.0.2.9' }
    const shown = [{ id: 'laptop', tokenHash: 'a replaced one' }]
    beforeEach(() =>
      commit(of.deps, 'mira', (record, now) => ({
        outcome: undefined,
        ...settleTrusted(
          record,
          { id: 'laptop', tokenHash: 'the present one', seconds: 3_600, factor: 'totp' },
          { now, detail: {} },
        ),
      })),
    )

    it('ends the trust, with an event', async () => {
      expect(await endReusedTrust(of.deps, await load(of), shown, detail)).to.equal(true)
      expect((await load(of)).record.trustedBrowsers).to.deep.equal([])
      expect(await heardOf(of, 'browser-trust-reused')).to.have.length(1)
    })

    it('changes nothing where the present token is shown', async () => {
      await settledRecord(of)
      const before = await load(of)
      const present = [{ id: 'laptop', tokenHash: 'the present one' }]
      expect(await endReusedTrust(of.deps, before, present, detail)).to.equal(false)
      expect(await load(of)).to.deep.equal(before)
    })

    it('ends nothing that another node has ended meanwhile', async () => {
      const seen = await load(of)
      await revokeTrustedBrowsers(of.deps, 'mira', {}, { reason: 'owner' })
      expect(await endReusedTrust(of.deps, seen, shown, detail)).to.equal(false)
      expect(await heardOf(of, 'browser-trust-reused')).to.deep.equal([])
      expect(await heardOf(of, 'browser-trust-revoked')).to.have.length(1)
    })
  })
})
