import { createHash } from 'node:crypto'
import { expect } from 'chai'
import type { Account } from '../../../src/ports/accounts.ts'
import {
  addPerson,
  changeAccount,
  withdrawCredentials,
} from '../../../src/server/accounts/people.ts'
import {
  mayReset,
  resetLinks,
  type ByMail,
  type ResetLinks,
} from '../../../src/server/accounts/reset-link.ts'
import { random, world, type World } from './support.ts'

const GOOD = 'correct horse battery staple'
const ADDRESS = 'al@example.com'

describe('a link for a forgotten password', () => {
  let here: World
  let links: ResetLinks
  let account: Account
  let changes: (ByMail | undefined)[]
  let epoch: number
  /** The account allows no new password by mail. */
  let isShut: boolean
  /** Runs while a password is being changed, after the epoch was raised. */
  let meanwhile: () => Promise<void>
  /** Runs right before the password is stored. */
  let beforeTheWrite: () => Promise<void>

  beforeEach(async () => {
    here = world()
    changes = []
    epoch = 7
    isShut = false
    meanwhile = async () => undefined
    beforeTheWrite = async () => undefined
    const { storage, hasher, clock } = here
    links = resetLinks({
      accounts: storage.accounts,
      oneTime: storage.oneTime,
      counters: storage.counters,
      hasher,
      clock,
      random,
      issuer: 'https://id.example.com',
      serviceName: 'Acme',
      minimumLength: 8,
      passwordChanged: async (_id, how) => {
        if (isShut && how !== undefined) return false
        changes.push(how)
        epoch += 1
        await meanwhile()
        return true
      },
      epochOf: async () => epoch,
      change: async (...change) => {
        await beforeTheWrite()
        return here.accountEvents.change(...change)
      },
    })
    const added = await addPerson(
      { accounts: storage.accounts, clock, random },
      { username: 'alice', email: ADDRESS, passwordHash: await hasher.hash('the old password') },
    )
    if (!added.ok) throw new Error(added.fault)
    account = added.account
  })

  const current = async (): Promise<Account> =>
    (await here.storage.accounts.byId(account.id))?.account as Account
  const change = (apply: (before: Account) => Account) =>
    changeAccount(here.storage.accounts, account.id, apply)
  const make = async (): Promise<string> =>
    (await links.make(await current(), ADDRESS)).url.split('/').at(-1) ?? ''

  it('R12 is made from the issuer, carries 256 bits, and is good for ten minutes', async () => {
    const { url, expiresAt } = await links.make(account, ADDRESS)
    expect(url).to.match(/^https:\/\/id\.example\.com\/password\/reset\/[\w-]{43}$/)
    expect(expiresAt).to.equal(here.clock.time + 600)
  })

  it('R9 replaces the password once, and marks it as one that this mailbox has set', async () => {
    const token = await make()
    expect((await links.use(token, GOOD, {})).outcome).to.equal('done')
    expect(await current()).to.include({
      passwordHash: await here.hasher.hash(GOOD),
      passwordOrigin: 'mail',
      passwordMailedTo: ADDRESS,
    })
    expect((await links.use(token, 'another good long one', {})).outcome).to.equal('gone')
    expect((await current()).passwordHash).to.equal(await here.hasher.hash(GOOD))
  })

  it('R20 ends what the old password opened, before and after the new one is stored', async () => {
    await links.use(await make(), GOOD, {})
    const byMail = { by: 'mail', address: ADDRESS, askedAt: here.clock.time }
    expect(changes).to.deep.equal([byMail, undefined])
  })

  it('R9 R44 sets no password where the account allows none by mail, and is spent', async () => {
    const token = await make()
    isShut = true
    expect((await links.use(token, GOOD, {})).outcome).to.equal('gone')
    expect(await current()).to.deep.equal(account)
    isShut = false
    expect((await links.use(token, GOOD, {})).outcome).to.equal('gone')
  })

  it('R20 R44 ends what the old password opened also where the owner locks the account at that moment', async () => {
    const token = await make()
    beforeTheWrite = async () => {
      isShut = true
      epoch += 1
    }
    expect((await links.use(token, GOOD, {})).outcome).to.equal('done')
    expect(epoch).to.equal(7 + 3)
  })

  it('ends with its time, also for a form that was opened before', async () => {
    const token = await make()
    here.clock.time += 599
    expect((await links.look(token))?.id).to.equal(account.id)
    here.clock.time += 1
    expect(await links.look(token)).to.equal(undefined)
    expect((await links.use(token, GOOD, {})).outcome).to.equal('gone')
  })

  it('R16 survives a password that may not be used', async () => {
    const token = await make()
    expect(await links.use(token, 'short', {})).to.include({
      outcome: 'refused',
      reason: 'too-short',
    })
    expect(await links.use(token, 'Al-2026', {})).to.include({ outcome: 'refused' })
    expect((await links.use(token, GOOD, {})).outcome).to.equal('done')
  })

  for (const [what, apply] of Object.entries({
    'another password': (before: Account) => ({ ...before, passwordHash: 'g1$other' }),
    'a disabled account': (before: Account) => ({ ...before, disabledAt: 1 }),
    'another address': (before: Account) => ({ ...before, email: 'eve@example.com' }),
    'an address that is no longer verified': (before: Account) => ({
      ...before,
      emailVerified: false,
    }),
  }))
    it(`is void after ${what}`, async () => {
      const token = await make()
      await change(apply)
      expect(await links.look(token)).to.equal(undefined)
      expect((await links.use(token, GOOD, {})).outcome).to.equal('gone')
      expect(changes).to.deep.equal([])
    })

  it('is void after a reset by an administrator', async () => {
    const token = await make()
    await withdrawCredentials({ accounts: here.storage.accounts, clock: here.clock }, account.id)
    expect((await links.use(token, GOOD, {})).outcome).to.equal('gone')
    expect((await current()).passwordHash).to.equal(undefined)
  })

  it('is void once the epoch has changed, also to an earlier one', async () => {
    for (const other of [8, 6]) {
      epoch = 7
      isShut = false
      const token = await make()
      epoch = other
      expect(await links.look(token)).to.equal(undefined)
      expect((await links.use(token, GOOD, {})).outcome).to.equal('gone')
    }
  })

  it('R18 sets no password when its owner signs out everywhere while it is used', async () => {
    const token = await make()
    meanwhile = async () => {
      epoch += 1
    }
    expect((await links.use(token, GOOD, {})).outcome).to.equal('gone')
    expect((await current()).passwordHash).to.equal(account.passwordHash)
  })

  it('R18 sets no password when the address changes while it is used', async () => {
    const token = await make()
    meanwhile = async () => {
      await change((before) => ({ ...before, email: 'eve@example.com' }))
    }
    expect((await links.use(token, GOOD, {})).outcome).to.equal('gone')
    expect((await current()).passwordHash).to.equal(account.passwordHash)
  })

  it('R12 signs nobody out if it has become void while the new password was hashed', async () => {
    const token = await make()
    const hash = here.hasher.hash.bind(here.hasher)
    here.hasher.hash = async (password) => {
      await change((before) => ({ ...before, email: 'new@example.com' }))
      return hash(password)
    }
    expect((await links.use(token, GOOD, {})).outcome).to.equal('gone')
    expect(changes).to.deep.equal([])
  })

  it('R10 ends the proof of a set-up link, which was made for the password before', async () => {
    const enrolmentProof = { usedAt: 1, until: here.clock.time + 3600, epoch, browser: 'b' }
    await change((before) => ({ ...before, enrolmentProof }))
    expect((await links.use(await make(), GOOD, {})).outcome).to.equal('done')
    expect(await current()).not.to.have.property('enrolmentProof')
  })

  it('R4 forgives the failures of the name, whose owner alone got it', async () => {
    const name = `password:name:${createHash('sha256').update('alice').digest('base64url')}`
    const limit = { limit: 1, windowSeconds: 3600 }
    await here.storage.counters.reserve(name, limit, here.clock.now())
    await links.use(await make(), GOOD, {})
    expect((await here.storage.counters.reserve(name, limit, here.clock.now())).allowed).to.equal(
      true,
    )
  })

  it('R18 of two links used at once, one sets the password', async () => {
    const tokens = [await make(), await make(), await make()]
    const uses = await Promise.all(tokens.map((token, at) => links.use(token, `${GOOD} ${at}`, {})))
    expect(uses.filter(({ outcome }) => outcome === 'done').length).to.be.lessThan(2)
    for (const token of tokens)
      expect((await links.use(token, GOOD, {})).outcome, 'afterwards').to.equal('gone')
  })

  it('R39 is kept where reading the storage does not give it away', async () => {
    const token = await make()
    expect(await here.storage.oneTime.peek(`password-reset:${token}`, here.clock.time)).to.equal(
      undefined,
    )
    expect((await links.look(token))?.id).to.equal(account.id)
  })

  for (const token of ['', 'x', 'a'.repeat(42), '../../etc', 'é'.repeat(43), 'a'.repeat(43)])
    it(`is not ${JSON.stringify(token.slice(0, 12))}`, async () => {
      expect(await links.look(token)).to.equal(undefined)
      expect((await links.use(token, GOOD, {})).outcome).to.equal('gone')
    })
})

describe('who may get a link for a forgotten password', () => {
  const account: Account = {
    id: '1',
    username: 'alice',
    email: ADDRESS,
    emailVerified: true,
    passwordHash: 'g1$',
    groups: [],
    claims: {},
    createdAt: 0,
    updatedAt: 0,
    passwordOrigin: 'administrator',
  }
  const { email: _email, ...withoutAddress } = account
  const { passwordHash: _hash, ...withoutPassword } = account

  it('is a person with a password and a verified address', () => {
    expect(mayReset(account)).to.deep.equal({ address: ADDRESS })
  })

  it('is nobody else, with the reason', () => {
    expect(mayReset({ ...account, disabledAt: 1 })).to.deep.equal({ refused: 'disabled' })
    expect(mayReset(withoutPassword)).to.deep.equal({ refused: 'no-password' })
    expect(mayReset({ ...account, emailVerified: false })).to.deep.equal({ refused: 'no-address' })
    expect(mayReset(withoutAddress)).to.deep.equal({ refused: 'no-address' })
  })
})
