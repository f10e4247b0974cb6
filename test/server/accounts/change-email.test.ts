import { expect } from 'chai'
import type { Account } from '../../../src/ports/accounts.ts'
import { emailChanges, type EmailChanges } from '../../../src/server/accounts/change-email.ts'
import { addPerson, changeAccount, findByName } from '../../../src/server/accounts/people.ts'
import { random, world, type World } from './support.ts'

const SENDER = { ip: '192.0.2.1', userAgent: 'Firefox', locale: 'en' }
const NEW = 'new@example.com'

describe('a change of the own address', () => {
  let here: World
  let changes: EmailChanges
  let id: string
  let epoch: number
  let told: string[]
  /** Runs just before the account is written. */
  let meanwhile: () => Promise<void>
  /** Runs right after the account was written. */
  let afterwards: () => Promise<void>

  const add = async (username: string): Promise<string> => {
    const { storage, clock } = here
    const person = await addPerson(
      { accounts: storage.accounts, clock, random },
      { username, email: `${username}@example.com` },
    )
    if (!person.ok) throw new Error(person.fault)
    return person.account.id
  }

  beforeEach(async () => {
    here = world()
    epoch = 3
    told = []
    meanwhile = async () => undefined
    afterwards = async () => undefined
    const { storage, clock } = here
    changes = emailChanges({
      accounts: storage.accounts,
      oneTime: storage.oneTime,
      counters: storage.counters,
      clock,
      random,
      issuer: 'https://id.example.com',
      change: async (accountId, change, events) => {
        await meanwhile()
        const changed = await changeAccount(storage.accounts, accountId, change)
        if (changed !== undefined) told.push(...events.map(({ type }) => type))
        await afterwards()
        return changed
      },
      epochOf: async () => epoch,
    })
    id = await add('mira')
  })

  const current = async (): Promise<Account> =>
    (await here.storage.accounts.byId(id))?.account as Account
  const make = async (address = NEW): Promise<string> =>
    (await changes.make(await current(), address, epoch))?.url.split('/').at(-1) ?? ''

  it('is made by a link to the new address, once, within a day, and told of', async () => {
    const made = await changes.make(await current(), NEW, epoch)
    expect(made?.url).to.match(/^https:\/\/id\.example\.com\/email\/confirm\/[\w-]{43}$/)
    expect(made?.expiresAt).to.equal(here.clock.time + 86_400)
    const token = made?.url.split('/').at(-1) ?? ''
    expect((await changes.look(token))?.address).to.equal(NEW)
    here.clock.time += 86_399
    expect((await changes.use(token, SENDER))?.email).to.equal(NEW)
    expect(await current()).to.include({
      email: NEW,
      emailVerified: true,
      emailVerifiedAt: here.clock.time,
    })
    expect((await findByName(here.storage.accounts, 'NEW@example.com'))?.account.id).to.equal(id)
    expect(await findByName(here.storage.accounts, 'mira@example.com')).to.equal(undefined)
    expect(told).to.deep.equal(['email-changed'])
    expect(await changes.use(token, SENDER)).to.equal(undefined)
  })

  it('ends with the day', async () => {
    const token = await make()
    here.clock.time += 86_400
    expect(await changes.look(token)).to.equal(undefined)
    expect(await changes.use(token, SENDER)).to.equal(undefined)
    expect((await current()).email).to.equal('mira@example.com')
  })

  it('R20 is void once the epoch has changed, or the account is disabled', async () => {
    const token = await make()
    epoch += 1
    expect(await changes.look(token)).to.equal(undefined)
    expect(await changes.use(token, SENDER)).to.equal(undefined)
    const second = await make()
    await changeAccount(here.storage.accounts, id, (account) => ({ ...account, disabledAt: 1 }))
    expect(await changes.look(second)).to.equal(undefined)
    expect(await changes.use(second, SENDER)).to.equal(undefined)
    expect((await current()).email).to.equal('mira@example.com')
  })

  it('R18 R44 is undone if its owner locks the account while the link is used, before or after the write', async () => {
    const BACKUP = [{ address: NEW.toUpperCase(), verifiedAt: 5 }]
    await changeAccount(here.storage.accounts, id, (account) => ({ ...account, addresses: BACKUP }))
    const before = await current()
    const lock = async (): Promise<void> => {
      meanwhile = async () => undefined
      afterwards = async () => undefined
      epoch += 1
    }
    for (const place of ['before', 'after'] as const) {
      const token = await make()
      if (place === 'before') meanwhile = lock
      else afterwards = lock
      expect(await changes.use(token, SENDER), place).to.equal(undefined)
      expect(await current(), place).to.deep.equal(before)
    }
    expect(await findByName(here.storage.accounts, NEW)).to.equal(undefined)
    expect(told).to.deep.equal(Array.from({ length: 4 }, () => 'email-changed'))
  })

  it('R44 leaves alone another change that was made before it is undone', async () => {
    const token = await make()
    afterwards = async () => {
      afterwards = async () => undefined
      epoch += 1
      await changeAccount(here.storage.accounts, id, (account) => ({
        ...account,
        email: 'later@example.com',
      }))
    }
    expect(await changes.use(token, SENDER)).to.equal(undefined)
    expect((await current()).email).to.equal('later@example.com')
  })

  it('R20 R44 is not made for a session that has ended before its turn', async () => {
    expect(await changes.make(await current(), NEW, epoch - 1)).to.equal(undefined)
  })

  it('R33 has no link for an address that is somebody’s, as its own or as a user name', async () => {
    await add('ole')
    expect(await changes.make(await current(), 'OLE@example.com', epoch)).to.equal(undefined)
    const { storage, clock } = here
    await addPerson({ accounts: storage.accounts, clock, random }, { username: 'eve@example.com' })
    expect(await changes.make(await current(), 'eve@example.com', epoch)).to.equal(undefined)
  })

  it('R18 is not made if somebody else got the address meanwhile', async () => {
    const token = await make()
    meanwhile = async () => {
      const { storage, clock } = here
      await addPerson(
        { accounts: storage.accounts, clock, random },
        { username: 'quick', email: NEW },
      )
    }
    expect(await changes.use(token, SENDER)).to.equal(undefined)
    expect((await current()).email).to.equal('mira@example.com')
  })

  it('R18 is made once by one link that is used many times at once', async () => {
    const token = await make()
    const uses = await Promise.all(Array.from({ length: 5 }, () => changes.use(token, SENDER)))
    expect(uses.filter((use) => use !== undefined)).to.have.length(1)
    expect(told).to.deep.equal(['email-changed'])
  })

  it('R43 costs five mails an hour at most', async () => {
    for (let i = 0; i < 5; i += 1) expect(await make()).to.have.length(43)
    expect(await changes.make(await current(), NEW, epoch)).to.equal(undefined)
  })

  it('is refused if it is no address, or the present one', async () => {
    const account = await current()
    expect(changes.judge(account, ` ${NEW} `)).to.deep.equal({ outcome: 'fit', address: NEW })
    for (const typed of ['', 'x', 'a@b, c@d', 'a@b\r\nBcc: c@d', '<b>@example.com'])
      expect(changes.judge(account, typed)).to.deep.equal({ outcome: 'refused', reason: 'unfit' })
    expect(changes.judge(account, 'MIRA@example.com')).to.deep.equal({
      outcome: 'refused',
      reason: 'own',
    })
    const unverified = { ...account, emailVerified: false }
    expect(changes.judge(unverified, 'mira@example.com').outcome).to.equal('fit')
    const more = { ...account, addresses: [{ address: NEW, verifiedAt: 1 }] }
    expect(changes.judge(more, NEW).outcome).to.equal('fit')
  })

  it('R39 is kept where reading the storage does not give its link away', async () => {
    const token = await make()
    expect(await here.storage.oneTime.peek(`email-change:${token}`, here.clock.time)).to.equal(
      undefined,
    )
    for (const made of ['', 'x', '../../etc', 'é'.repeat(43), 'a'.repeat(43)])
      expect(await changes.look(made)).to.equal(undefined)
  })
})
