import { expect } from 'chai'
import { accessEndings, endAccess } from '../../src/domain/app-access.ts'
import { raiseEpoch, settleEnrolled } from '../../src/domain/enrolment.ts'
import { newRecord } from '../../src/domain/mfa-record.ts'
import { acceptance, enrolled } from './records.ts'

describe('the access of an app', () => {
  it('R20 is counted each time it ends, apart from that of another app', () => {
    const record = newRecord('mira')
    expect(accessEndings(record, 'app')).to.equal(0)
    const once = endAccess(record, 'app')
    const both = endAccess(endAccess(once, 'other'), 'app')
    expect(['app', 'other', 'third'].map((id) => accessEndings(both, id))).to.deep.equal([2, 1, 0])
    expect(both.accessEnded).to.deep.equal([
      { clientId: 'other', times: 1 },
      { clientId: 'app', times: 2 },
    ])
  })

  it('R20 is counted anew in each epoch, in which no earlier grant is valid', () => {
    const ended = endAccess(enrolled(), 'app')
    const records = [
      raiseEpoch(ended, 'test').record,
      settleEnrolled(ended, acceptance(), []).record,
    ]
    expect(records.map((record) => accessEndings(record, 'app'))).to.deep.equal([0, 0])
  })
})
