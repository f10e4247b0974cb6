import { createHash } from 'node:crypto'
import { expect } from 'chai'
import type { Account } from '../../../src/ports/accounts.ts'
import {
  passwordChanges,
  type PasswordChange,
  type PasswordChangeOutcome,
} from '../../../src/server/accounts/change-password.ts'
import { addPerson, changeAccount } from '../../../src/server/accounts/people.ts'
import { random, world, type World } from './support.ts'

const SENDER = { ip: '192.0.2.1', userAgent: 'Firefox', locale: 'en' }
const OLD = 'the old password of mira'
const NEW = 'correct horse battery staple'

describe('a change of the own password', () => {
  let here: World
  let id: string
  let epoch: number
  let proofs: number
  let told: string[]
  /** Runs after the epoch was raised. */
  let meanwhile: () => Promise<void>
  let changePassword: (change: PasswordChange) => Promise<PasswordChangeOutcome>

  beforeEach(async () => {
    here = world()
    epoch = 3
    proofs = 1
    told = []
    meanwhile = async () => undefined
    const { storage, clock, hasher } = here
    changePassword = passwordChanges({
      accounts: storage.accounts,
      counters: storage.counters,
      passwords: hasher,
      hasher,
      clock,
      serviceName: 'Acme',
      minimumLength: 8,
      change: async (accountId, change, events) => {
        const changed = await changeAccount(storage.accounts, accountId, change)
        if (changed !== undefined) told.push(...events.map(({ type }) => type))
        return changed
      },
      passwordChanged: async () => {
        epoch += 1
        await meanwhile()
      },
      epochOf: async () => epoch,
    })
    const person = await addPerson(
      { accounts: storage.accounts, clock, random },
      { username: 'mira', email: 'mira@example.com', passwordHash: await hasher.hash(OLD) },
    )
    if (!person.ok) throw new Error(person.fault)
    id = person.account.id
  })

  const current = async (): Promise<Account> =>
    (await here.storage.accounts.byId(id))?.account as Account
  const change = (more: Partial<PasswordChange> = {}): Promise<PasswordChangeOutcome> =>
    changePassword({
      accountId: id,
      current: OLD,
      password: NEW,
      byFactor: true,
      spendProof: async () => (proofs -= 1) >= 0,
      sender: SENDER,
      ...more,
    })

  it('R20 ends what the old one opened, tells of it, and names the epochs for the session that goes on', async () => {
    expect(await change()).to.deep.equal({ outcome: 'done', epochs: { from: 3, to: 5 } })
    expect(epoch).to.equal(5)
    expect(await current()).to.include({
      passwordHash: await here.hasher.hash(NEW),
      passwordOrigin: 'owner',
    })
    expect(told).to.deep.equal(['password-changed'])
  })

  it('R11 consumes one proof, and not for a refused one', async () => {
    expect(await change({ current: 'wrong' })).to.deep.equal({
      outcome: 'refused',
      reason: 'wrong',
    })
    expect(await change({ password: 'short' })).to.deep.equal({
      outcome: 'refused',
      reason: 'too-short',
    })
    expect(proofs).to.equal(1)
    expect((await change()).outcome).to.equal('done')
    expect(await change({ current: NEW, password: `${NEW} again` })).to.deep.equal({
      outcome: 'stale',
    })
    expect((await current()).passwordHash).to.equal(await here.hasher.hash(NEW))
  })

  it('R18 of two at once with one proof, one is made', async () => {
    const outcomes = await Promise.all([change(), change({ password: `${NEW} too` })])
    expect(outcomes.filter(({ outcome }) => outcome === 'done').length).to.be.lessThan(2)
    expect(outcomes.filter(({ outcome }) => outcome === 'stale').length).to.be.greaterThan(0)
  })

  it('R10 ends the proof of a set-up link, which was made for the password before', async () => {
    const enrolmentProof = { usedAt: 1, until: here.clock.now() + 3600, epoch, browser: 'b' }
    await changeAccount(here.storage.accounts, id, (account) => ({ ...account, enrolmentProof }))
    expect((await change()).outcome).to.equal('done')
    expect(await current()).not.to.have.property('enrolmentProof')
  })

  it('R1 counts from the beginning again after the right one, and forgives failures at the sign-in', async () => {
    const { storage, clock } = here
    const atSignIn = `password:name:${createHash('sha256').update('mira').digest('base64url')}`
    const limit = { limit: 1, windowSeconds: 3600 }
    await storage.counters.reserve(atSignIn, limit, clock.now())
    for (let at = 0; at < 9; at += 1) await change({ current: 'wrong' })
    expect((await change()).outcome).to.equal('done')
    for (let at = 0; at < 10; at += 1)
      expect(await change({ current: 'wrong' })).to.deep.include({ reason: 'wrong' })
    expect(await change({ current: 'wrong' })).to.deep.include({ reason: 'too-many' })
    expect((await storage.counters.reserve(atSignIn, limit, clock.now())).allowed).to.equal(true)
  })

  it('R1 lets nobody guess the present one: ten tries an hour, over all nodes', async () => {
    const guesses = await Promise.all(
      Array.from({ length: 30 }, (_, at) => change({ current: `guess ${at}` })),
    )
    const reasons = guesses.map((guess) => guess.outcome === 'refused' && guess.reason)
    expect(reasons.filter((reason) => reason === 'wrong')).to.have.length(10)
    expect(reasons.filter((reason) => reason === 'too-many')).to.have.length(20)
    expect(here.hasher.verified).to.have.length(10)
    expect(await change()).to.deep.equal({ outcome: 'refused', reason: 'too-many' })
    here.clock.time += 3600
    expect((await change()).outcome).to.equal('done')
  })

  it('R20 loses against an end of everything at the same moment', async () => {
    meanwhile = async () => {
      epoch += 1
    }
    expect(await change()).to.deep.equal({ outcome: 'stale' })
    expect((await current()).passwordHash).to.equal(await here.hasher.hash(OLD))
  })

  it('R18 loses against another password that was set at the same moment', async () => {
    meanwhile = async () => {
      await changeAccount(here.storage.accounts, id, (account) => ({
        ...account,
        passwordHash: 'g1$by an administrator',
      }))
    }
    expect(await change()).to.deep.equal({ outcome: 'stale' })
    expect((await current()).passwordHash).to.equal('g1$by an administrator')
  })

  it('R9 keeps the mark of a mailed password, unless a second factor was proved for it', async () => {
    const mailed = { passwordOrigin: 'mail', passwordMailedTo: 'mira@example.com' } as const
    await changeAccount(here.storage.accounts, id, (account) => ({ ...account, ...mailed }))
    expect((await change({ byFactor: false })).outcome).to.equal('done')
    expect(await current()).to.include(mailed)
    proofs = 1
    expect((await change({ current: NEW, password: `${NEW} too` })).outcome).to.equal('done')
    expect((await current()).passwordMailedTo).to.equal(undefined)
    expect(await current()).to.include({ passwordOrigin: 'owner' })
  })

  it('is not there for an account that is disabled or has no password', async () => {
    await changeAccount(here.storage.accounts, id, (account) => ({ ...account, disabledAt: 1 }))
    expect(await change()).to.deep.equal({ outcome: 'stale' })
    await changeAccount(
      here.storage.accounts,
      id,
      ({ disabledAt: _, passwordHash: __, ...account }) => account,
    )
    expect(await change()).to.deep.equal({ outcome: 'stale' })
    expect(epoch).to.equal(3)
  })
})
