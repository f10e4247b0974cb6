import { expect } from 'chai'
import { settleAccepted } from '../../src/domain/attempt.ts'
import { raiseEpoch, settleEnrolled } from '../../src/domain/enrolment.ts'
import { unspentProof } from '../../src/domain/factor-change.ts'
import { keepProof, spendProof, type ProofRequest } from '../../src/domain/proof.ts'
import { acceptance, authenticator, enrolled, NOW } from './records.ts'

const ASKED: ProofRequest = { purpose: 'change-email', secretHash: 'hash' }

describe('a proof for a page of the application', () => {
  const { record, accepted } = settleAccepted(enrolled(), acceptance({ asked: ASKED }))

  it('R11 is spent once, by its purpose and its secret', () => {
    expect(spendProof(record, { ...ASKED, purpose: 'change-password' }, NOW)).to.equal(undefined)
    expect(spendProof(record, { ...ASKED, secretHash: 'other' }, NOW)).to.equal(undefined)
    const spent = spendProof(record, ASKED, NOW)
    expect(spent).to.deep.equal({ ...record, proofs: [] })
    expect(spendProof(spent!, ASKED, NOW)).to.equal(undefined)
  })

  it('R41 is over ten minutes after the factor was shown', () => {
    expect(spendProof(record, ASKED, NOW + 599)).to.deep.include({ proofs: [] })
    expect(spendProof(record, ASKED, NOW + 600)).to.equal(undefined)
  })

  it('R41 is spent by the session in which the factor was shown, and by no earlier one', () => {
    expect(spendProof(record, { ...ASKED, provedAt: NOW - 1 }, NOW)).to.equal(undefined)
    expect(spendProof(record, { ...ASKED, provedAt: NOW }, NOW)).to.deep.include({ proofs: [] })
  })

  it('R20 ends with its epoch', () => {
    expect(spendProof({ ...record, epoch: 2 }, ASKED, NOW)).to.equal(undefined)
    expect(raiseEpoch(record, 'test').record.proofs).to.deep.equal([])
    const added = acceptance({ authenticator: authenticator({ id: 'new' }) })
    expect(settleEnrolled(record, added, []).record.proofs).to.deep.equal([])
  })

  it('R11 makes no change on the pages of its interaction', () => {
    expect(accepted.spentOn).to.equal(accepted.fingerprint)
    expect(unspentProof(record, 'interaction-1', NOW)).to.equal(undefined)
  })

  it('is kept however many sign-ins happen beside it', () => {
    let later = record
    for (let nth = 0; nth < 40; nth += 1)
      later = settleAccepted(later, acceptance({ interaction: `sign-in-${nth}` })).record
    expect(spendProof(later, ASKED, NOW)).not.to.equal(undefined)
  })

  it('makes room for 64 proofs, of which the oldest goes first, and for none that is over', () => {
    const nth = (n: number): ProofRequest => ({ purpose: 'email', secretHash: String(n) })
    let many = keepProof(enrolled(), nth(0), NOW - 600)
    for (let n = 1; n <= 65; n += 1) many = keepProof(many, nth(n), NOW)
    expect(many.proofs).to.have.length(64)
    expect(many.proofs?.[0]?.secretHash).to.equal('2')
    expect(keepProof(many, nth(9), NOW).proofs).to.have.length(64)
    expect(keepProof(many, nth(9), NOW + 600).proofs).to.have.length(1)
  })
})
