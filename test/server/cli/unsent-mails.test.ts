import { expect } from 'chai'
import { mailReport } from '../../../src/server/cli/unsent-mails.ts'

const letters = (count: number, from = 0) =>
  Array.from({ length: count }, (_, nth) => ({ id: `id-${from + nth}`, template: 'mfa-reset' }))

/** An outbox in which every row waits, that counts the questions. */
function waiting() {
  const outbox = {
    asked: 0,
    async find(id: string) {
      outbox.asked += 1
      return { id, accountId: 'a', value: '', claims: 0, dueAt: 0 }
    },
  }
  return outbox
}

describe('the report of unsent mails', () => {
  it('gives each attempt once', () => {
    const report = mailReport()
    report.put(letters(2))
    report.tried({ id: 'id-0', outcome: 'sent' })
    expect(report.takeAttempts()).to.have.lengthOf(1)
    report.tried({ id: 'id-1', outcome: 'postponed', fault: 'busy' })
    expect(report.takeAttempts().map(({ id }) => id)).to.deep.equal(['id-1'])
    expect(report.takeAttempts()).to.deep.equal([])
  })

  it('has what was not sent, by its last attempt', async () => {
    const report = mailReport()
    expect(report.hasPut).to.equal(false)
    report.put(letters(4))
    expect(report.hasPut).to.equal(true)
    report.tried({ id: 'id-0', outcome: 'postponed', fault: 'busy' })
    report.tried({ id: 'id-0', outcome: 'sent' })
    report.tried({ id: 'id-1', outcome: 'postponed', fault: 'busy' })
    report.tried({ id: 'id-2', outcome: 'given-up', fault: 'unknown', reason: 'refused' })
    report.tried({ id: 'of another process', outcome: 'postponed', fault: 'busy' })
    const kind = 'mfa-reset'
    expect(await report.unsent(waiting(), undefined)).to.have.deep.members([
      { kind, reason: 'busy', next: 'retry', count: 1 },
      { kind, reason: 'unknown', next: 'given-up', count: 1 },
      { kind, reason: 'it was not tried yet', next: 'server', count: 1 },
    ])
  })

  it('follows 10,000 unsent mails, and counts further ones', async () => {
    const report = mailReport()
    const outbox = waiting()
    for (let batch = 0; batch < 250; batch += 1) report.put(letters(100, batch * 100))
    expect(await report.unsent(outbox, 'no mail server')).to.deep.equal([
      { kind: 'mfa-reset', reason: 'no mail server', next: 'server', count: 25_000 },
    ])
    expect(outbox.asked).to.equal(10_000)
  })

  it('forgets what was sent, so that any number of mails may be sent', async () => {
    const report = mailReport()
    const outbox = waiting()
    for (let batch = 0; batch < 250; batch += 1) {
      report.put(letters(100, batch * 100))
      for (const { id } of letters(100, batch * 100)) report.tried({ id, outcome: 'sent' })
    }
    expect(await report.unsent(outbox, undefined)).to.deep.equal([])
    expect(outbox.asked).to.equal(0)
  })
})
