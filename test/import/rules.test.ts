import { expect } from 'chai'
import {
  isEnrolled,
  isFirstSignIn,
  resetFactors,
  settleEnrolled,
} from '../../src/domain/enrolment.ts'
import { newRecord } from '../../src/domain/mfa-record.ts'
import { settleRestored } from '../../src/domain/restore.ts'
import {
  importRules,
  isImportable,
  RENEWAL_SECONDS,
  settleImported,
} from '../../src/import/rules.ts'
import { acceptance, authenticator, enrolled, NOW } from '../domain/records.ts'

const { endOf, isFactorRequired, isUsable } = importRules
const fresh = newRecord('mira')

describe('taking over the factors of another product', () => {
  it('gives them under a new epoch: sessions of the password alone are over', () => {
    const weak = authenticator({ id: 'old', renewBy: NOW + RENEWAL_SECONDS })
    const { record, events } = settleImported(fresh, [weak, authenticator()], true, NOW)
    expect(record.authenticators).to.deep.equal([weak, authenticator()])
    expect(record).to.include({ epoch: 2 })
    expect(record.history).to.include({ importedAt: NOW, firstEnrolledAt: NOW })
    expect(events).to.deep.equal([
      {
        type: 'factor-imported',
        detail: {
          factor: 'totp',
          authenticatorId: 'old',
          authenticatorName: 'Phone',
          until: NOW + RENEWAL_SECONDS,
        },
      },
      {
        type: 'factor-imported',
        detail: { factor: 'totp', authenticatorId: 'phone', authenticatorName: 'Phone' },
      },
      { type: 'epoch-raised', detail: { epoch: 2, reason: 'factor-imported' } },
    ])
  })

  it('R10 of none leaves the person without a factor, and the password alone enrols nothing', () => {
    const { record, events } = settleImported(fresh, [], false, NOW)
    expect(isEnrolled(record)).to.equal(false)
    expect(isFirstSignIn(record)).to.equal(false)
    expect(record).to.include({ epoch: 1 })
    expect(record.history).not.to.have.property('firstEnrolledAt')
    expect(events).to.deep.equal([])
  })

  it('R10 of one that was on and left nothing requires another, whatever the policy says, until it is there', () => {
    const { record } = settleImported(fresh, [], true, NOW)
    expect(record.history).to.include({ mustEnrolSince: NOW })
    expect(isFactorRequired(record, false)).to.equal(true)
    expect(isFactorRequired(settleRestored(record, [], NOW).record, false)).to.equal(true)
    for (const over of [
      settleEnrolled(record, acceptance(), []).record,
      resetFactors(record, NOW).record,
      settleImported(fresh, [], false, NOW).record,
      settleImported(fresh, [authenticator()], true, NOW).record,
    ]) {
      expect(over.history).not.to.have.property('mustEnrolSince')
      expect(isFactorRequired(over, false)).to.equal(false)
      expect(isFactorRequired(over, true)).to.equal(true)
    }
  })

  it('happens once, never beside a factor, and not after a reset', () => {
    expect(isImportable(fresh)).to.equal(true)
    expect(isImportable(settleImported(fresh, [], false, NOW).record)).to.equal(false)
    expect(isImportable(enrolled())).to.equal(false)
    expect(isImportable(resetFactors(fresh, NOW).record)).to.equal(false)
    expect(
      isImportable({ ...fresh, history: { ...fresh.history, firstEnrolledAt: NOW } }),
    ).to.equal(false)
  })

  it('R7 R8 lets what is weak be used until its time, and not then', () => {
    const weak = authenticator({ renewBy: NOW })
    expect(isUsable(authenticator(), NOW)).to.equal(true)
    expect(isUsable(weak, NOW - 1)).to.equal(true)
    expect(isUsable(weak, NOW)).to.equal(false)
    expect([endOf(authenticator()), endOf(weak)]).to.deep.equal([undefined, NOW])
  })
})
