import { expect } from 'chai'
import { secretBox } from '../../../src/adapters/crypto/index.ts'
import type { Account } from '../../../src/ports/accounts.ts'
import {
  addedAddresses,
  type AddedAddresses,
} from '../../../src/server/accounts/added-addresses.ts'
import {
  isOwnAddress,
  verifiedAddresses,
  withAddress,
  withAddressesOf,
  withEmail,
  withoutAddress,
} from '../../../src/server/accounts/addresses.ts'
import { addPerson, changeAccount } from '../../../src/server/accounts/people.ts'
import { random, world, type World } from './support.ts'

const SENDER = { ip: '192.0.2.1', userAgent: 'Firefox', locale: 'en' }
const BACKUP = 'mira@backup.example'

describe('the addresses of an account', () => {
  const account: Account = {
    id: '1',
    username: 'mira',
    email: 'mira@example.com',
    emailVerified: true,
    groups: [],
    claims: {},
    createdAt: 100,
    updatedAt: 100,
    passwordOrigin: 'administrator',
  }

  it('are those that were verified, each with its time, its own first', () => {
    const more = { ...account, addresses: [{ address: BACKUP, verifiedAt: 200 }] }
    expect(verifiedAddresses(more)).to.deep.equal([
      { address: 'mira@example.com', verifiedAt: 100 },
      { address: BACKUP, verifiedAt: 200 },
    ])
    expect(verifiedAddresses({ ...more, emailVerifiedAt: 300 })[0]?.verifiedAt).to.equal(300)
    expect(verifiedAddresses({ ...more, emailVerified: false })).to.deep.equal(more.addresses)
  })

  it('are one address in whatever spelling', () => {
    const more = { ...account, addresses: [{ address: BACKUP, verifiedAt: 200 }] }
    for (const typed of ['MIRA@example.com', ' mira@EXAMPLE.com ', 'Mira@Backup.Example'])
      expect(isOwnAddress(more, typed), typed).to.equal(true)
    expect(isOwnAddress(more, 'ole@example.com')).to.equal(false)
  })

  it('are three at most, and each of them once', () => {
    const one = withAddress(account, BACKUP, 5) as Account
    expect(withAddress(one, BACKUP.toUpperCase(), 6)).to.equal(undefined)
    expect(withAddress(account, 'MIRA@example.com', 6)).to.equal(undefined)
    const two = withAddress(one, 'third@example.com', 6) as Account
    expect(two.addresses?.map(({ verifiedAt }) => verifiedAt)).to.deep.equal([5, 6])
    expect(withAddress(two, 'fourth@example.com', 7)).to.equal(undefined)
  })

  it('lose an added one, and never their own', () => {
    const one = withAddress(account, BACKUP, 5) as Account
    const none = withoutAddress(one, BACKUP, 6)
    expect(none).to.deep.equal({ ...account, updatedAt: 6 })
    expect(withoutAddress(one, 'mira@example.com', 6)).to.equal(undefined)
  })

  it('get another one for their own, which is then no added one', () => {
    const one = withAddress(account, BACKUP, 5) as Account
    expect(withEmail(one, BACKUP, 9)).to.deep.equal({
      ...account,
      email: BACKUP,
      emailVerifiedAt: 9,
      updatedAt: 9,
    })
    expect(withEmail(one, 'new@example.com', 9).addresses).to.deep.equal(one.addresses)
  })

  it('come back as they were', () => {
    const { email: _, ...without } = { ...account, emailVerified: false }
    const full = { ...(withAddress(account, BACKUP, 5) as Account), emailVerifiedAt: 4 }
    for (const before of [account, without, full]) {
      const after = withEmail(before, BACKUP, 9)
      expect(withAddressesOf(after, before, 10)).to.deep.equal({ ...before, updatedAt: 10 })
    }
  })
})

describe('an address that is added', () => {
  const place = { accountId: '', sessionUid: 'here' }
  let here: World
  let added: AddedAddresses
  let epoch: number
  let told: string[]
  /** Runs just before and right after the account is written. */
  let meanwhile: () => void
  let afterwards: () => void

  beforeEach(async () => {
    meanwhile = () => undefined
    afterwards = () => undefined
    here = world()
    epoch = 3
    told = []
    const { storage, clock } = here
    added = addedAddresses({
      accounts: storage.accounts,
      oneTime: storage.oneTime,
      counters: storage.counters,
      clock,
      random,
      macs: secretBox({ keys: [new Uint8Array(32)] }),
      change: async (id, change, events) => {
        meanwhile()
        const changed = await changeAccount(storage.accounts, id, change)
        if (changed !== undefined) told.push(...events.map(({ type }) => type))
        afterwards()
        return changed
      },
      epochOf: async () => epoch,
    })
    const person = await addPerson(
      { accounts: storage.accounts, clock, random },
      { username: 'mira', email: 'mira@example.com' },
    )
    if (!person.ok) throw new Error(person.fault)
    place.accountId = person.account.id
  })

  const addresses = async () =>
    (await here.storage.accounts.byId(place.accountId))?.account.addresses
  const begin = async (address = BACKUP): Promise<string> =>
    (await added.begin(place, address, epoch))?.code ?? ''
  const wrong = (code: string): string => (code === '00000000' ? '11111111' : '00000000')

  it('R44 is confirmed by a code of eight digits, however it is typed, and told of', async () => {
    const code = await begin()
    expect(code).to.match(/^\d{8}$/)
    expect(await added.waiting(place)).to.equal(BACKUP)
    const typed = ` ${code.slice(0, 4)} - ${code.slice(4)} `
    expect(await added.confirm(place, typed, SENDER)).to.equal('added')
    expect(await addresses()).to.deep.equal([{ address: BACKUP, verifiedAt: here.clock.time }])
    expect(told).to.deep.equal(['address-added'])
    expect(await added.waiting(place)).to.equal(undefined)
  })

  it('R3 has five tries, over all nodes at once', async () => {
    const code = await begin()
    const tries = await Promise.all(
      Array.from({ length: 20 }, () => added.confirm(place, wrong(code), SENDER)),
    )
    expect(tries.filter((outcome) => outcome === 'wrong')).to.have.length(5)
    expect(await added.confirm(place, code, SENDER)).to.equal('gone')
    expect(await addresses()).to.equal(undefined)
  })

  it('R3 has ten minutes, and another code ends the one before', async () => {
    const first = await begin()
    const second = await begin('other@example.com')
    if (first !== second) expect(await added.confirm(place, first, SENDER)).to.equal('wrong')
    here.clock.time += 600
    expect(await added.confirm(place, second, SENDER)).to.equal('gone')
    expect(await addresses()).to.equal(undefined)
  })

  it('R41 is confirmed in the session that has asked, and in no other', async () => {
    const code = await begin()
    for (const other of [
      { ...place, sessionUid: 'elsewhere' },
      { ...place, accountId: 'somebody else' },
    ]) {
      expect(await added.waiting(other)).to.equal(undefined)
      expect(await added.confirm(other, code, SENDER)).to.equal('gone')
    }
    expect(await added.confirm(place, code, SENDER)).to.equal('added')
  })

  it('R20 is void once the epoch has changed', async () => {
    const code = await begin()
    epoch += 1
    expect(await added.waiting(place)).to.equal(undefined)
    expect(await added.confirm(place, code, SENDER)).to.equal('gone')
    expect(await addresses()).to.equal(undefined)
  })

  it('R18 R44 is gone if its owner locks the account while the code is used, before or after the write', async () => {
    const lock = (): void => {
      meanwhile = () => undefined
      afterwards = () => undefined
      epoch += 1
    }
    for (const moment of ['before', 'after'] as const) {
      const code = await begin()
      if (moment === 'before') meanwhile = lock
      else afterwards = lock
      expect(await added.confirm(place, code, SENDER), moment).to.equal('gone')
      expect(await addresses(), moment).to.equal(undefined)
    }
    expect(told).to.deep.equal([
      'address-added',
      'address-removed',
      'address-added',
      'address-removed',
    ])
  })

  it('R3 is not confirmed by a code that another one has ended while it was examined', async () => {
    const code = await begin()
    const { counters } = here.storage
    const reserve = counters.reserve.bind(counters)
    counters.reserve = async (...asked) => {
      counters.reserve = reserve
      await begin('other@example.com')
      return reserve(...asked)
    }
    expect(await added.confirm(place, code, SENDER)).to.equal('gone')
    expect(await addresses()).to.equal(undefined)
  })

  it('R20 R44 is not sent for a session that has ended before its turn', async () => {
    expect(await added.begin(place, BACKUP, epoch - 1)).to.equal(undefined)
  })

  it('R18 is added once by many right codes at the same moment', async () => {
    const code = await begin()
    const outcomes = await Promise.all(
      Array.from({ length: 5 }, () => added.confirm(place, code, SENDER)),
    )
    expect(outcomes.filter((outcome) => outcome === 'added')).to.have.length(1)
    expect(await addresses()).to.have.length(1)
    expect(told).to.deep.equal(['address-added'])
  })

  it('R43 costs five mails an hour at most', async () => {
    for (let i = 0; i < 5; i += 1) expect(await begin()).to.match(/^\d{8}$/)
    expect(await added.begin(place, BACKUP, epoch)).to.equal(undefined)
    here.clock.time += 3600
    expect(await begin()).to.match(/^\d{8}$/)
  })

  it('is refused if it is none, is there already, or there are three', async () => {
    const account = (await here.storage.accounts.byId(place.accountId))?.account as Account
    const judged = (typed: string, more: Partial<Account> = {}) =>
      added.judge({ ...account, ...more }, typed)
    expect(judged(` ${BACKUP} `)).to.deep.equal({ outcome: 'fit', address: BACKUP })
    for (const typed of ['', 'x', 'a@b, c@d', 'a@b\r\nBcc: c@d', `${'a'.repeat(300)}@b.example`])
      expect(judged(typed), typed).to.deep.equal({ outcome: 'refused', reason: 'unfit' })
    expect(judged('MIRA@example.com')).to.deep.equal({ outcome: 'refused', reason: 'own' })
    const full = ['b@example.com', 'c@example.com'].map((address) => ({ address, verifiedAt: 1 }))
    expect(judged(BACKUP, { addresses: full })).to.deep.equal({
      outcome: 'refused',
      reason: 'full',
    })
  })

  it('is removed, and told of', async () => {
    await added.confirm(place, await begin(), SENDER)
    expect(await added.remove(place.accountId, 'mira@example.com', SENDER)).to.equal(false)
    expect(await added.remove(place.accountId, BACKUP, SENDER)).to.equal(true)
    expect(await added.remove(place.accountId, BACKUP, SENDER)).to.equal(false)
    expect(await addresses()).to.equal(undefined)
    expect(told).to.deep.equal(['address-added', 'address-removed'])
  })

  it('R39 leaves its code out of the storage', async () => {
    const stored: string[] = []
    const { storage, clock } = here
    const listening = addedAddresses({
      accounts: storage.accounts,
      counters: storage.counters,
      oneTime: {
        ...storage.oneTime,
        put: async (key, value, until) => {
          stored.push(key, JSON.stringify(value))
          return storage.oneTime.put(key, value, until)
        },
      },
      clock,
      random,
      macs: secretBox({ keys: [new Uint8Array(32)] }),
      change: async () => undefined,
      epochOf: async () => epoch,
    })
    const { code } = (await listening.begin(place, BACKUP, epoch)) ?? { code: '' }
    expect(stored.join(' ')).not.to.contain(code)
    expect(stored).to.have.length(2)
  })
})
