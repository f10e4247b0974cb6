import { expect } from 'chai'
import { authenticatorsForPolicy, enrollableOf } from '../../src/application/policy-person.ts'
import { sealState } from '../../src/application/sealed-state.ts'
import { newRecord, type MfaRecord } from '../../src/domain/mfa-record.ts'
import type { AnyFactor } from '../../src/factors/factor.ts'
import { backupCodes } from '../../src/factors/backup-codes/index.ts'
import { importedCodes, totp } from '../../src/index.ts'
import { world } from './world.ts'

const NOW = 1_800_000_000

/** A factor whose state is the name of the store of keys that it is on. */
const stores: AnyFactor = {
  ...totp(),
  id: 'stores',
  parseState: (stored) => stored,
  deviceOf: (state) => (state === 'none' ? undefined : String(state)),
}

describe('the device of an authenticator', () => {
  const { deps } = world({ listed: [stores, totp(), backupCodes()] })
  const recordOf = (
    ...states: readonly (readonly [factor: string, state: string])[]
  ): MfaRecord => ({
    ...newRecord('mira'),
    authenticators: states.map(([factor, state], nth) => {
      const place = { id: `id-${nth}`, factor }
      return { ...place, name: '', createdAt: 1, sealed: sealState(deps.box, 'mira', place, state) }
    }),
  })
  const devicesOf = (record: MfaRecord): number =>
    new Set(authenticatorsForPolicy(deps, record, NOW).map(({ device }) => device)).size

  it('is its own unless the factor names another', () => {
    expect(devicesOf(recordOf(['totp', 'a'], ['totp', 'a']))).to.equal(2)
    expect(devicesOf(recordOf(['stores', 'none'], ['stores', 'none']))).to.equal(2)
  })

  it('is the same for two that the factor says are on one', () => {
    expect(devicesOf(recordOf(['stores', 'cloud'], ['stores', 'cloud']))).to.equal(1)
    expect(devicesOf(recordOf(['stores', 'cloud'], ['stores', 'key ring']))).to.equal(2)
  })

  it('is another one than that of an authenticator whose id has the same text', () => {
    expect(devicesOf(recordOf(['stores', 'id-1'], ['totp', 'a']))).to.equal(2)
  })

  it('opens no state of a factor that names none, nor of one that is not configured', () => {
    const record = recordOf(['totp', 'a'], ['gone', 'b'])
    const broken = record.authenticators.map((one) => ({ ...one, sealed: 'broken' }))
    expect(devicesOf({ ...record, authenticators: broken })).to.equal(2)
    const own = recordOf(['stores', 'cloud'])
    const torn = own.authenticators.map((one) => ({ ...one, sealed: 'broken' }))
    expect(() => devicesOf({ ...own, authenticators: torn })).to.throw()
  })

  it('is no second one where it has look-up secrets, imported ones included', () => {
    const listed = world({ listed: [totp(), backupCodes(), importedCodes()] })
    const record = recordOf(['totp', 'a'], ['backup-codes', 'b'], ['imported-codes', 'c'])
    const own = authenticatorsForPolicy(listed.deps, record, NOW)
    expect(own.map(({ isBackup }) => isBackup)).to.deep.equal([false, true, true])
  })

  it('is none for an account without a factor', () => {
    expect(authenticatorsForPolicy(deps, newRecord('mira'), NOW)).to.deep.equal([])
  })
})

describe('the strength of an authenticator', () => {
  const SOFT = { kinds: ['possession'], phishingResistant: true } as const
  const keys: AnyFactor = {
    ...totp(),
    id: 'keys',
    strength: { ...SOFT, hardware: true },
    parseState: (stored) => stored,
    strengthOf: (state) => (state === 'certified' ? { ...SOFT, hardware: true } : SOFT),
    judgedAs: (state) => (state === 'soft' ? SOFT : { ...SOFT, hardware: true }),
    isUsable: (state, now) => state !== 'barred' && now <= NOW,
  }
  const { deps } = world({ listed: [keys, totp()] })
  const own = (factor: string, state: string, now = NOW, given = deps) => {
    const place = { id: 'id', factor }
    const sealed = sealState(given.box, 'mira', place, state)
    const authenticators = [{ ...place, name: '', createdAt: 1, sealed }]
    return authenticatorsForPolicy(given, { ...newRecord('mira'), authenticators }, now)[0]
  }

  it('is that of its state where the factor tells one, and else that of the factor', () => {
    expect(own('keys', 'certified')).to.deep.include({ ...SOFT, hardware: true })
    expect(own('keys', 'soft')).to.deep.include(SOFT).and.not.to.have.property('hardware')
    expect(own('totp', 'a')).to.deep.include({ kinds: ['possession'], phishingResistant: false })
    expect(enrollableOf(deps)[0]).to.deep.include({ id: 'keys', hardware: true })
  })

  it('has the one beside it by which rules judge, where the factor tells it', () => {
    expect(own('keys', 'withdrawn')).to.deep.include({ judgedAs: { ...SOFT, hardware: true } })
    expect(own('keys', 'withdrawn')).not.to.have.property('hardware')
    expect(own('keys', 'soft')).to.deep.include({ judgedAs: SOFT })
    expect(own('totp', 'a')).not.to.have.property('judgedAs')
  })

  it('is told by a factor that reads the state for nothing else', () => {
    const { strengthOf: _, isUsable: __, ...rest } = keys
    const only = world({ listed: [rest] })
    expect(own('keys', 'certified', NOW, only.deps)).to.deep.include({
      judgedAs: { ...SOFT, hardware: true },
    })
  })

  it('stays where the factor refuses every response, which is said beside it', () => {
    expect(own('keys', 'barred')).to.deep.include({ ...SOFT, isUnusable: true })
    expect(own('keys', 'soft')).not.to.have.property('isUnusable')
    expect(own('keys', 'soft', NOW + 1)).to.deep.include({ ...SOFT, isUnusable: true })
    expect(own('totp', 'a')).not.to.have.property('isUnusable')
  })
})

describe('the factors that people can set up', () => {
  it('are those that a person confirms, without backup codes and imported ones', () => {
    const { deps } = world({ listed: [totp(), backupCodes(), importedCodes()] })
    expect(enrollableOf(deps).map(({ id }) => id)).to.deep.equal(['totp'])
  })
})
