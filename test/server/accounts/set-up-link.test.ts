import { expect } from 'chai'
import { DAY_SECONDS } from '../../../src/domain/time.ts'
import type { Account } from '../../../src/ports/accounts.ts'
import { addPerson, changeAccount } from '../../../src/server/accounts/people.ts'
import { setUpLinks, type SetUpLinks } from '../../../src/server/accounts/set-up-link.ts'
import { passwordCheck } from '../../../src/server/accounts/sign-in.ts'
import { random, world, type World } from './support.ts'

const GOOD = 'correct horse battery staple'

describe('a set-up link', () => {
  let here: World
  let links: SetUpLinks
  let account: Account
  let raised: string[]

  beforeEach(async () => {
    here = world()
    raised = []
    const { storage, hasher, clock, record } = here
    links = setUpLinks({
      ...{ accounts: storage.accounts, oneTime: storage.oneTime, counters: storage.counters },
      ...{ hasher, clock, random, record },
      issuer: 'https://id.example.com',
      serviceName: 'Acme',
      minimumLength: 8,
      passwordChanged: async (id) => {
        raised.push(id)
      },
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

  it('R12 is made from the issuer and carries 256 bits', async () => {
    const { url, expiresAt } = await links.make(account, 'invitation')
    expect(url).to.match(/^https:\/\/id\.example\.com\/set-up\/[A-Za-z0-9_-]{43}$/)
    expect(expiresAt).to.equal(here.clock.time + 3 * DAY_SECONDS)
    expect((await links.make(account, 'reset')).expiresAt).to.equal(here.clock.time + DAY_SECONDS)
  })

  it('sets the password and counts as the owner’s proof until it would have expired (R10)', async () => {
    const { url, expiresAt } = await links.make(account, 'invitation')
    expect((await links.use(tokenOf(url), GOOD)).outcome).to.equal('done')
    expect(await current()).to.deep.include({
      passwordOrigin: 'set-up-link',
      enrolmentProofUntil: expiresAt,
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
        ...{ name: 'alice', password, address },
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
