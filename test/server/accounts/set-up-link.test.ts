import { expect } from 'chai'
import { DAY_SECONDS } from '../../../src/domain/time.ts'
import type { Account } from '../../../src/ports/accounts.ts'
import {
  addPerson,
  changeAccount,
  spendEnrolmentProof,
  withdrawCredentials,
} from '../../../src/server/accounts/people.ts'
import { hashProof, setUpLinks, type SetUpLinks } from '../../../src/server/accounts/set-up-link.ts'
import { passwordCheck } from '../../../src/server/accounts/sign-in.ts'
import { random, world, type World } from './support.ts'

const GOOD = 'correct horse battery staple'

describe('a set-up link', () => {
  let here: World
  let links: SetUpLinks
  let account: Account
  let raised: string[]
  /** For each rise of the epoch: whether the new password was already stored. */
  let stored: boolean[]
  let hashBefore: string | undefined

  beforeEach(async () => {
    here = world()
    raised = []
    stored = []
    hashBefore = undefined
    const { storage, hasher, clock, record } = here
    links = setUpLinks({
      accounts: storage.accounts,
      oneTime: storage.oneTime,
      counters: storage.counters,
      hasher,
      clock,
      random,
      record,
      issuer: 'https://id.example.com',
      serviceName: 'Acme',
      minimumLength: 8,
      passwordChanged: async (id) => {
        raised.push(id)
        stored.push((await current())?.passwordHash !== hashBefore)
      },
      epochOf: async () => raised.length,
      change: here.accountEvents.change,
    })
    const added = await addPerson(
      { accounts: storage.accounts, clock, random },
      { username: 'alice', email: 'al@example.com' },
    )
    if (!added.ok) throw new Error(added.fault)
    account = added.account
  })

  const tokenOf = (url: string): string => url.split('/').at(-1) ?? ''
  const make = async (kind: 'invitation' | 'reset' = 'invitation'): Promise<string> =>
    tokenOf((await links.make((await current()) ?? account, kind)).url)
  const current = async (): Promise<Account | undefined> =>
    (await here.storage.accounts.byId(account.id))?.account

  it('R36 R10 of a reset that keeps the password sets none, once, and is the owner’s proof', async () => {
    await links.use(await make(), GOOD)
    const before = await current()
    raised = []
    const { url, expiresAt } = await links.make(before ?? account, 'enrolment')
    expect(expiresAt).to.equal(here.clock.time + DAY_SECONDS)
    expect(await links.setsPassword(tokenOf(url))).to.equal(false)
    expect(await links.setsPassword(await make('reset'))).to.equal(true)
    const use = await links.use(tokenOf(url), 'another good long one')
    if (use.outcome !== 'done') throw new Error(use.outcome)
    const after = await current()
    expect(after?.passwordHash).to.equal(before?.passwordHash)
    expect(after?.enrolmentProof).to.deep.include({
      browser: hashProof(use.proof),
      usedAt: here.clock.time,
    })
    expect(raised).to.deep.equal([])
    expect((await links.use(tokenOf(url), '')).outcome).to.equal('gone')
  })

  it('tells the owner of a password that replaces another, and not of the first one', async () => {
    for (const [kind, mails] of [
      ['invitation', 0],
      ['reset', 1],
    ] as const) {
      expect((await links.use(await make(kind), 'correct horse battery staple')).outcome).to.equal(
        'done',
      )
      await here.accountEvents.settled()
      expect(await here.storage.outbox.list({ limit: 9 }), kind).to.have.length(mails)
    }
    const entries = await here.storage.audit.list({ type: 'password-set', limit: 9 })
    expect(entries.map(({ detail }) => detail.reason)).to.have.members(['invitation', 'reset'])
  })

  it('R12 is made from the issuer and carries 256 bits', async () => {
    const { url, expiresAt } = await links.make(account, 'invitation')
    expect(url).to.match(/^https:\/\/id\.example\.com\/set-up\/[A-Za-z0-9_-]{43}$/)
    expect(expiresAt).to.equal(here.clock.time + 3 * DAY_SECONDS)
    expect((await links.make(account, 'reset')).expiresAt).to.equal(here.clock.time + DAY_SECONDS)
  })

  it('sets the password and counts for an hour as the owner’s proof, in the browser that used it (R10)', async () => {
    const { url } = await links.make(account, 'invitation')
    const use = await links.use(tokenOf(url), GOOD)
    if (use.outcome !== 'done') throw new Error(use.outcome)
    expect(use.proof).to.match(/^[A-Za-z0-9_-]{43}$/)
    expect(await current()).to.deep.include({
      passwordOrigin: 'set-up-link',
      enrolmentProof: {
        usedAt: here.clock.time,
        until: here.clock.time + 3600,
        epoch: raised.length,
        browser: hashProof(use.proof),
      },
      emailVerified: true,
    })
    const verdict = await passwordCheck(here.services)({
      name: 'alice',
      password: GOOD,
      address: '192.0.2.1',
      browserIsKnown: async () => false,
      browserFailed: async () => {},
    })
    expect(verdict.outcome).to.equal('accepted')
  })

  it('R4 lets the owner of a name in again that strangers have used up', async () => {
    await links.use(await make(), GOOD)
    const check = passwordCheck(here.services)
    const attempt = (password: string, address: string) =>
      check({
        name: 'alice',
        password,
        address,
        browserIsKnown: async () => false,
        browserFailed: async () => {},
      })
    for (let i = 0; i < 100; i += 1) await attempt('wrong', `192.0.2.${i}`)
    expect((await attempt(GOOD, '203.0.113.1')).outcome).to.equal('refused')
    await links.use(await make('reset'), 'another good long one')
    expect((await attempt('another good long one', '203.0.113.1')).outcome).to.equal('accepted')
  })

  it('can be looked at without being used, and used once', async () => {
    const token = await make()
    for (let i = 0; i < 3; i += 1) expect((await links.look(token))?.id).to.equal(account.id)
    const uses = await Promise.all(Array.from({ length: 8 }, () => links.use(token, GOOD)))
    expect(uses.filter((use) => use.outcome === 'done')).to.have.length(1)
    expect(uses.filter((use) => use.outcome === 'gone')).to.have.length(7)
    expect(await links.look(token)).to.equal(undefined)
  })

  it('is spent even where the account is again what it was when the link was made', async () => {
    const token = await make()
    const { passwordHash: _, ...before } = account
    expect((await links.use(token, GOOD)).outcome).to.equal('done')
    await changeAccount(here.storage.accounts, account.id, () => before)
    expect(await links.look(token)).to.equal(undefined)
    expect(await links.use(token, GOOD)).to.deep.equal({ outcome: 'gone' })
  })

  it('survives a password that may not be used', async () => {
    const token = await make()
    expect(await links.use(token, 'short')).to.deep.equal({
      outcome: 'refused',
      reason: 'too-short',
    })
    expect(await links.use(token, 'Acme2026')).to.deep.equal({
      outcome: 'refused',
      reason: 'contains-name',
    })
    expect(await links.use(token, 'Password1!')).to.deep.equal({
      outcome: 'refused',
      reason: 'blocked',
    })
    expect((await links.use(token, GOOD)).outcome).to.equal('done')
  })

  it('ends with its time', async () => {
    const token = await make('reset')
    here.clock.time += DAY_SECONDS
    expect(await links.look(token)).to.equal(undefined)
    expect(await links.use(token, GOOD)).to.deep.equal({ outcome: 'gone' })
  })

  it('ends when another one set the password, or the account was disabled', async () => {
    const [first, second, third] = [await make(), await make(), await make()]
    expect((await links.use(second, GOOD)).outcome).to.equal('done')
    expect(await links.look(first)).to.equal(undefined)
    expect((await links.use(third, 'another good long one')).outcome).to.equal('gone')

    const fourth = await make('reset')
    await changeAccount(here.storage.accounts, account.id, (a) => ({ ...a, disabledAt: 1 }))
    expect(await links.look(fourth)).to.equal(undefined)
  })

  it('R20 ends what was begun with the password before', async () => {
    await links.use(await make(), GOOD)
    raised.length = 0
    await links.use(await make('reset'), 'another good long one')
    expect(raised).to.include(account.id)
    expect(await current()).to.deep.include({ passwordOrigin: 'reset' })
  })

  it('R18 R20 raises the epoch once more after the new password is stored', async () => {
    await links.use(await make(), GOOD)
    hashBefore = (await current())?.passwordHash
    stored.length = 0
    await links.use(await make('reset'), 'another good long one')
    expect(stored.at(-1)).to.equal(true)
  })

  describe('R10 R36 and a reset', () => {
    const withdraw = () =>
      withdrawCredentials({ accounts: here.storage.accounts, clock: here.clock }, account.id)

    it('leave neither password nor proof nor an older link', async () => {
      await links.use(await make(), GOOD)
      const older = await make('reset')
      await withdraw()
      expect(await current()).to.include({ passwordOrigin: 'none' })
      expect(await current()).not.to.have.any.keys('passwordHash', 'enrolmentProof')
      expect(await links.look(older)).to.equal(undefined)
      expect((await links.use(await make('reset'), GOOD)).outcome).to.equal('done')
    })

    it('void an invitation that nobody has used', async () => {
      const invitation = await make()
      await withdraw()
      expect((await links.use(invitation, GOOD)).outcome).to.equal('gone')
    })

    it('that comes while a link is used leave no proof behind', async () => {
      const token = await make()
      const { storage, hasher, clock, record } = here
      const slow = setUpLinks({
        accounts: storage.accounts,
        oneTime: storage.oneTime,
        counters: storage.counters,
        hasher,
        clock,
        random,
        record,
        issuer: 'https://id.example.com',
        serviceName: 'Acme',
        minimumLength: 8,
        passwordChanged: async () => {},
        change: here.accountEvents.change,
        epochOf: async () => {
          await withdraw()
          return 1
        },
      })
      expect((await slow.use(token, GOOD)).outcome).to.equal('gone')
      expect(await current()).not.to.have.any.keys('passwordHash', 'enrolmentProof')
    })
  })

  it('R10 its proof is spent by a sign-in since, and not by one before', async () => {
    await links.use(await make(), GOOD)
    const { accounts } = here.storage
    await spendEnrolmentProof(accounts, account.id, here.clock.time - 1)
    expect(await current()).to.have.property('enrolmentProof')
    await spendEnrolmentProof(accounts, account.id, here.clock.time)
    expect(await current()).not.to.have.property('enrolmentProof')
    expect(await current()).to.have.property('passwordHash')
  })

  it('R31 is kept where reading the storage does not give it away', async () => {
    const keys: string[] = []
    const { oneTime } = here.storage
    const put = oneTime.put.bind(oneTime)
    Object.assign(oneTime, {
      put: (...entry: Parameters<typeof put>) => {
        keys.push(JSON.stringify(entry))
        return put(...entry)
      },
    })
    const token = await make()
    expect(keys).to.have.length(1)
    expect(keys.join()).not.to.contain(token)
    expect(JSON.stringify(await here.storage.audit.list({ limit: 9 }))).not.to.contain(token)
  })

  for (const nonsense of ['', 'x', `${'a'.repeat(43)}`, '../../etc', 'é'.repeat(43)])
    it(`is not ${JSON.stringify(nonsense.slice(0, 12))}`, async () => {
      expect(await links.look(nonsense)).to.equal(undefined)
      expect(await links.use(nonsense, GOOD)).to.deep.equal({ outcome: 'gone' })
    })
})
