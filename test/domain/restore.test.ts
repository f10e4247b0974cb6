import { expect } from 'chai'
import { isFirstSignIn } from '../../src/domain/enrolment.ts'
import { newRecord } from '../../src/domain/mfa-record.ts'
import { settleRestored } from '../../src/domain/restore.ts'
import { authenticator, enrolled, NOW } from './records.ts'

describe('a restore from a backup', () => {
  const before = enrolled({ epoch: 7 }, ['laptop'])
  const spent = [authenticator({ sealed: 'spent' })]
  const { record, events } = settleRestored(before, spent, NOW)

  it('R37 leaves nothing alive: no known browser, and an epoch that the lost storage cannot have reached', () => {
    expect(record).to.deep.include({ browsers: [], authenticators: spent, epoch: NOW })
    expect(record).to.deep.include({ pending: [], challenges: [], accepted: [] })
    expect(events).to.deep.equal([
      { type: 'restored', detail: {} },
      { type: 'epoch-raised', detail: { epoch: NOW, reason: 'restored' } },
    ])
  })

  it('R37 of the same backup, later, comes to another epoch, and a second one in a row to a higher', () => {
    expect(settleRestored(before, spent, NOW + 60).record.epoch).to.equal(NOW + 60)
    expect(settleRestored(record, spent, NOW).record.epoch).to.equal(NOW + 1)
  })

  it('R10 makes no sign-in the first one again', () => {
    expect(isFirstSignIn(settleRestored(newRecord('mira'), [], NOW).record)).to.equal(false)
  })
})
