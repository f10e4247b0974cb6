import { expect } from 'chai'
import { keepProof } from '../../src/domain/proof.ts'
import { newRecord } from '../../src/domain/mfa-record.ts'
import { settleTurnedOff } from '../../src/domain/turn-off.ts'
import { authenticator, enrolled, NOW } from './records.ts'

const CODES = authenticator({ id: 'codes', factor: 'backup-codes', name: '' })
const DETAIL = { clientId: 'account', ip: '192.0.2.7' }

describe('turning the second factor off', () => {
  const history = { ...newRecord('mira').history, firstEnrolledAt: NOW, boundOnPasswordAt: NOW }
  const before = enrolled({ authenticators: [authenticator(), CODES], history }, ['laptop'])
  const waiting = keepProof(
    { ...before, throttle: { ...before.throttle, failedAt: [NOW] } },
    { purpose: 'change-email', secretHash: 'hash' },
    NOW,
  )

  it('R11 R20 leaves no factor, no known browser and no proof, and raises the epoch', () => {
    const { record } = settleTurnedOff(waiting, DETAIL)!
    expect(record).to.deep.include({ authenticators: [], browsers: [], proofs: [], epoch: 2 })
  })

  it('R10 is no way to a first sign-in: it keeps the time of the first set-up', () => {
    const { record } = settleTurnedOff(waiting, DETAIL)!
    expect(record.history.firstEnrolledAt).to.equal(NOW)
    expect(record.history).to.not.have.property('boundOnPasswordAt')
  })

  it('R1 does not begin the count of failures anew', () => {
    expect(settleTurnedOff(waiting, DETAIL)?.record.throttle.failedAt).to.deep.equal([NOW])
  })

  it('tells of the whole, and of each factor that it has removed', () => {
    const about = { ...DETAIL, reason: 'turned-off' }
    expect(settleTurnedOff(waiting, DETAIL)?.events).to.deep.equal([
      { type: 'factors-turned-off', detail: DETAIL },
      {
        type: 'factor-removed',
        detail: { ...about, factor: 'totp', authenticatorId: 'phone', authenticatorName: 'Phone' },
      },
      {
        type: 'factor-removed',
        detail: { ...about, factor: 'backup-codes', authenticatorId: 'codes' },
      },
      { type: 'epoch-raised', detail: { epoch: 2, reason: 'turned-off' } },
    ])
  })

  it('is nothing where there is no factor', () => {
    expect(settleTurnedOff(newRecord('mira'), DETAIL)).to.equal(undefined)
  })
})
