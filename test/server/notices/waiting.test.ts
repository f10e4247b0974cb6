import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { systemRandom } from '../../../src/adapters/crypto/index.ts'
import { memoryStorage } from '../../../src/adapters/memory/index.ts'
import { formatRecord } from '../../../src/application/record-format.ts'
import type { MfaEvent } from '../../../src/domain/events.ts'
import { newRecord } from '../../../src/domain/mfa-record.ts'
import { addPerson, changeAccount } from '../../../src/server/accounts/people.ts'
import { startServer, stopServers } from '../support.ts'

const NOW = 1_767_261_600

describe('events that a crash has left', () => {
  afterEach(stopServers)

  it('are passed on at the start of the next node, whatever the account does', async () => {
    const storage = memoryStorage()
    const people = { accounts: storage.accounts, clock: { now: () => NOW }, random: systemRandom }
    const added = await addPerson(people, { username: 'mira', email: 'mira@example.com' })
    if (!added.ok) throw new Error(added.fault)
    const { id } = added.account
    // The change and its event are saved, and the node died before it passed the event on.
    const event = {
      id: 'left in the record',
      type: 'factor-removed',
      accountId: id,
      at: NOW,
      detail: { factor: 'totp', authenticatorId: 'a', browser: 'known' },
    } as MfaEvent
    await storage.records.save(id, formatRecord({ ...newRecord(id), events: [event] }), 0)
    await storage.records.save('broken', { events: [{}] }, 0)
    await changeAccount(storage.accounts, id, (account) => ({ ...account, groups: ['staff'] }), {
      at: NOW,
      events: [{ type: 'password-changed', detail: {} }],
    })

    const server = await startServer({ storage })
    const outbox = join(server.folder, 'outbox')
    const mails = (): string[] =>
      existsSync(outbox) ? readdirSync(outbox).filter((name) => name.endsWith('.eml')) : []
    while (mails().length < 2) await sleep(20)
    const subjects = mails().map(
      (name) => /^Subject: (.*)\r$/m.exec(readFileSync(join(outbox, name), 'utf8'))?.[1],
    )
    expect(subjects).to.have.members([
      'A second step was removed from your localhost account',
      'The password of your localhost account was changed',
    ])
    const trail = await storage.audit.list({ accountId: id, limit: 9 })
    expect(trail.map(({ type }) => type)).to.have.members(['factor-removed', 'password-changed'])
    while ((await storage.waitingEvents('records', 9)).length > 1) await sleep(20)
    expect(await storage.waitingEvents('records', 9)).to.deep.equal(['broken'])
    expect(await storage.waitingEvents('accounts', 9)).to.deep.equal([])
    expect(server.lines.join('\n')).to.contain('events that waited were not passed on')
  })
})
