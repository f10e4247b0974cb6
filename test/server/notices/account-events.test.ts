import { expect } from 'chai'
import type { Account } from '../../../src/ports/accounts.ts'
import { addPerson } from '../../../src/server/accounts/people.ts'
import { accountEvents } from '../../../src/server/notices/account-events.ts'
import { random, world, type World } from '../accounts/support.ts'

const OLD = 'old@example.com'
const NEW = 'new@example.com'

describe('a change of an account that people are told of', () => {
  let here: World
  let account: Account

  beforeEach(async () => {
    here = world()
    const { storage, clock } = here
    const added = await addPerson(
      { accounts: storage.accounts, clock, random },
      { username: 'mira', email: OLD },
    )
    if (!added.ok) throw new Error(added.fault)
    account = added.account
  })

  const replaceAddress = (services = here.accountEvents) =>
    services.change(account.id, (current) => ({ ...current, email: NEW }), [
      { type: 'password-changed', detail: { ip: '203.0.113.77' } },
    ])
  const waiting = async (): Promise<string[]> => {
    const { storage, letters, clock } = here
    const rows = []
    for (;;) {
      const row = await storage.outbox.claim(clock.now(), clock.now() + 60)
      if (row === undefined) return rows.map(({ to }) => to)
      rows.push(letters.open(row))
    }
  }

  it('is in the trail and in the outbox, for the addresses before and after it', async () => {
    await replaceAddress()
    await here.accountEvents.settled()
    const [entry, ...others] = await here.storage.audit.list({ limit: 9 })
    expect(others).to.deep.equal([])
    expect(entry).to.include({ type: 'password-changed', accountId: account.id })
    expect(JSON.stringify(entry)).not.to.contain('example.com')
    expect(await waiting()).to.have.members([OLD, NEW])
    const stored = await here.storage.accounts.byId(account.id)
    expect(stored?.account).to.include({ email: NEW }).and.not.to.have.property('events')
  })

  it('is one write with what is told: a crash after it loses nothing, and the next node tells it', async () => {
    const away = async (): Promise<never> => Promise.reject(new Error('the node has died'))
    const { storage, letters, clock } = here
    const dying = accountEvents({
      ...storage,
      audit: { ...storage.audit, add: away },
      letters,
      clock,
    })
    await replaceAddress(dying)
    await dying.settled()
    expect(await storage.audit.list({ limit: 9 })).to.deep.equal([])
    expect(await storage.waitingEvents('accounts', 9)).to.deep.equal([account.id])

    await here.accountEvents.passOn(account.id)
    expect(await waiting()).to.have.members([OLD, NEW])
    expect(await storage.audit.list({ limit: 9 })).to.have.length(1)
    expect(await storage.waitingEvents('accounts', 9)).to.deep.equal([])
  })

  it('is told once when two nodes pass it on at once', async () => {
    const never = async (): Promise<never> => Promise.reject(new Error('the node has died'))
    const { storage, letters, clock } = here
    const dying = accountEvents({
      ...storage,
      audit: { ...storage.audit, add: never },
      letters,
      clock,
    })
    await replaceAddress(dying)
    await dying.settled()
    const nodes = [1, 2].map(() => accountEvents({ ...storage, letters, clock }))
    await Promise.all(nodes.map((node) => node.passOn(account.id)))
    expect(await waiting()).to.have.members([OLD, NEW])
    expect(await storage.audit.list({ limit: 9 })).to.have.length(1)
  })

  it('is not told when nothing was changed', async () => {
    const answer = await here.accountEvents.change(account.id, () => undefined, [
      { type: 'password-changed', detail: {} },
    ])
    await here.accountEvents.settled()
    expect(answer).to.equal(undefined)
    expect(await waiting()).to.deep.equal([])
    expect(await here.storage.audit.list({ limit: 9 })).to.deep.equal([])
  })
})
