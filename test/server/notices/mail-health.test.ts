import { expect } from 'chai'
import { memoryStorage } from '../../../src/adapters/memory/index.ts'
import { mailHealth } from '../../../src/server/notices/mail-health.ts'

describe('the mail of a node', () => {
  const { outbox } = memoryStorage()
  const sent = { id: 'a', outcome: 'sent' } as const
  const postponed = { id: 'a', outcome: 'postponed', fault: 'ECONNREFUSED' } as const
  const givenUp = { id: 'a', outcome: 'given-up', fault: '451' } as const

  it('fails from the first attempt that fails until one succeeds', async () => {
    await outbox.add([{ id: 'waits', accountId: 'mira', value: 'sealed' }], 1)
    const mail = mailHealth(outbox)
    expect(await mail.isFailing()).to.equal(false)
    mail.tried(sent)
    expect(await mail.isFailing()).to.equal(false)
    mail.tried(postponed)
    expect(await mail.isFailing()).to.equal(true)
    mail.tried(sent)
    expect(await mail.isFailing()).to.equal(false)
    mail.tried({ ...givenUp, reason: 'not-accepted' })
    expect(await mail.isFailing()).to.equal(true)
  })

  it('says nothing of the mail server where one recipient is refused for good', async () => {
    const mail = mailHealth(outbox)
    mail.tried({ ...givenUp, reason: 'refused' })
    expect(await mail.isFailing()).to.equal(false)
    mail.tried(postponed)
    mail.tried({ ...givenUp, reason: 'refused' })
    expect(await mail.isFailing()).to.equal(true)
  })

  it('does not fail when nothing waits', async () => {
    const mail = mailHealth(memoryStorage().outbox)
    mail.tried(postponed)
    expect(await mail.isFailing()).to.equal(false)
  })
})
