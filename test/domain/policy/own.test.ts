import { expect } from 'chai'
import { firstOf } from '../../../src/domain/policy/own.ts'
import type { Proof } from '../../../src/domain/policy/proofs.ts'

const PASSKEY: Proof = {
  amr: ['hwk', 'user'],
  kinds: ['possession', 'knowledge'],
  phishingResistant: true,
  factor: 'passkey',
  time: 1_800_000_000,
}
const APP: Proof = {
  amr: ['otp'],
  kinds: ['possession'],
  phishingResistant: false,
  factor: 'totp',
  time: 1_800_000_000,
}
const PASSWORD: Proof = {
  amr: ['pwd'],
  kinds: ['knowledge'],
  phishingResistant: false,
  time: 1_700_000_000,
}

describe('the first factor among proofs', () => {
  it('is that of the login page, where there is one', () => {
    expect(firstOf([PASSKEY, APP, PASSWORD])).to.deep.equal([PASSWORD])
  })

  it('R26 is a factor of two kinds where a person has signed in with it alone, and proves no more than a password', () => {
    const { amr, time } = PASSKEY
    expect(firstOf([PASSKEY, APP])).to.deep.equal([{ ...PASSWORD, amr, time }])
  })

  it('R26 is no factor of one kind, however often it names it', () => {
    const twice: Proof = { ...APP, kinds: ['possession', 'possession'] }
    expect(firstOf([APP, twice])).to.deep.equal([])
  })
})
