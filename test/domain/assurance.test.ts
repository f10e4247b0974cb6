import { expect } from 'chai'
import fc from 'fast-check'
import { combine, isMultiFactorAlone, type Assurance } from '../../src/domain/assurance.ts'
import { BACKUP_CODE, OTP, PASSKEY } from './records.ts'

const KNOWLEDGE = ['pwd', 'pin', 'kba']
const POSSESSION = ['otp', 'hwk', 'swk', 'sc', 'sms', 'tel', 'backup_code']
const INHERENCE = ['face', 'fpt', 'iris', 'retina', 'vbm']
/** References that name no kind of factor; the last ones are names of members of every JavaScript object. */
const SILENT = ['mfa', 'user', 'mca', 'rba', 'constructor', 'toString', '__proto__', 'valueOf']

const nothing: Assurance = { amr: [], kinds: [], phishingResistant: false }
const anyAmr = fc.oneof(
  fc.constantFrom(...KNOWLEDGE, ...POSSESSION, ...INHERENCE, ...SILENT),
  fc.string(),
)
const anyProof: fc.Arbitrary<Assurance> = fc.record({
  amr: fc.array(anyAmr, { maxLength: 3 }),
  kinds: fc.uniqueArray(fc.constantFrom('knowledge', 'possession', 'inherence'), { maxLength: 3 }),
  phishingResistant: fc.boolean(),
})

function kindsOf(amr: readonly string[]): Set<string> {
  return new Set([
    ...(amr.some((one) => KNOWLEDGE.includes(one)) ? ['knowledge'] : []),
    ...(amr.some((one) => POSSESSION.includes(one)) ? ['possession'] : []),
    ...(amr.some((one) => INHERENCE.includes(one)) ? ['inherence'] : []),
  ])
}

describe('the combination of two proofs', () => {
  it('R26 a password and a code are pwd, the code and mfa', () => {
    expect(combine(['pwd'], OTP)).to.deep.equal({ amr: ['pwd', 'otp', 'mfa'], multiFactor: true })
    expect(combine(['pwd'], BACKUP_CODE).amr).to.deep.equal(['pwd', 'backup_code', 'mfa'])
  })

  it('R26 two of one kind are not mfa', () => {
    expect(combine(['sms'], OTP)).to.deep.equal({ amr: ['sms', 'otp'], multiFactor: false })
    const pin: Assurance = { amr: ['pin'], kinds: ['knowledge'], phishingResistant: false }
    expect(combine(['pwd'], pin)).to.deep.equal({ amr: ['pwd', 'pin'], multiFactor: false })
  })

  it('R26 a key that verified its user is two kinds by itself', () => {
    expect(combine([], PASSKEY)).to.deep.equal({ amr: ['swk', 'user', 'mfa'], multiFactor: true })
  })

  it('R26 each method has its kind: it is a second factor beside the two other kinds, and none beside its own', () => {
    const kinds = [KNOWLEDGE, POSSESSION, INHERENCE]
    for (const own of kinds)
      for (const method of own)
        for (const other of kinds)
          expect(
            combine([other[0]!], { ...nothing, amr: [method] }).multiFactor,
            `${other[0]} and ${method}`,
          ).to.equal(other !== own)
  })

  it('R26 a reference that names no kind is no second factor', () => {
    for (const silent of SILENT)
      for (const one of ['pwd', 'otp', 'fpt'])
        expect(combine([one], { ...nothing, amr: [silent] }).multiFactor, silent).to.equal(false)
  })

  it('R26 mfa that was said before has to be earned again', () => {
    expect(combine(['pwd', 'mfa'], nothing)).to.deep.equal({ amr: ['pwd'], multiFactor: false })
  })

  it('R26 mfa is present exactly if two different kinds were proved', () => {
    fc.assert(
      fc.property(fc.array(anyAmr, { maxLength: 4 }), anyProof, (before, proof) => {
        const kinds = kindsOf([...before, ...proof.amr]).union(new Set<string>(proof.kinds))
        const { amr, multiFactor } = combine(before, proof)
        expect(multiFactor).to.equal(kinds.size >= 2)
        expect(amr.includes('mfa')).to.equal(multiFactor)
      }),
    )
  })

  it('R26 each proved method is present once, and no other', () => {
    fc.assert(
      fc.property(fc.array(anyAmr, { maxLength: 4 }), anyProof, (before, proof) => {
        const { amr } = combine(before, proof)
        const said = new Set([...before, ...proof.amr]).difference(new Set(['mfa']))
        expect(amr.filter((one) => one !== 'mfa')).to.deep.equal([...said])
        expect(new Set(amr).size).to.equal(amr.length)
      }),
    )
  })
})

describe('a proof without a first factor', () => {
  it('R26 reaches the second level only where it proves two different kinds by itself', () => {
    expect(isMultiFactorAlone(PASSKEY)).to.equal(true)
    for (const proof of [OTP, BACKUP_CODE, nothing, { ...PASSKEY, kinds: ['possession'] as const }])
      expect(isMultiFactorAlone({ ...proof, amr: proof.amr })).to.equal(false)
  })
})
