import { expect } from 'chai'
import { addPerson, changeAccount, findByName } from '../../../src/server/accounts/people.ts'
import { random, world } from './support.ts'

describe('people', () => {
  const here = () => {
    const { storage, clock } = world()
    return { accounts: storage.accounts, clock, random }
  }

  it('have a name and a verified address that nobody else gets, in any spelling', async () => {
    const services = here()
    expect(
      await addPerson(services, { username: 'Alice', email: 'A@example.com' }),
    ).to.have.property('ok', true)
    for (const username of ['ALICE', ' alice', 'a@EXAMPLE.com'])
      expect(await addPerson(services, { username })).to.deep.equal({ ok: false, fault: 'taken' })
    expect(await addPerson(services, { username: 'bob', email: 'a@Example.COM' })).to.deep.equal({
      ok: false,
      fault: 'taken',
    })
  })

  it('are not found by an address that is not verified, and do not keep others from it', async () => {
    const services = here()
    await addPerson(services, { username: 'bob', email: 'x@example.com', emailVerified: false })
    expect(await findByName(services.accounts, 'x@example.com')).to.equal(undefined)
    const second = await addPerson(services, { username: 'eve', email: 'x@example.com' })
    expect(second.ok).to.equal(true)
    expect((await findByName(services.accounts, 'X@EXAMPLE.com'))?.account.username).to.equal('eve')
  })

  it('need a name that is one, and an address that is one', async () => {
    const services = here()
    expect(await addPerson(services, { username: ' ' })).to.deep.equal({
      ok: false,
      fault: 'username-unfit',
    })
    expect(await addPerson(services, { username: 'a', email: 'a' })).to.deep.equal({
      ok: false,
      fault: 'email-unfit',
    })
  })

  it('have ids that say nothing', async () => {
    const services = here()
    const added = await addPerson(services, { username: 'alice' })
    expect(added.ok && added.account.id).to.match(/^[A-Za-z0-9_-]{22}$/)
  })

  it('keep each of two changes made at once', async () => {
    const services = here()
    const added = await addPerson(services, { username: 'alice' })
    if (!added.ok) throw new Error(added.fault)
    await Promise.all(
      ['a', 'b', 'c'].map((group) =>
        changeAccount(services.accounts, added.account.id, (account) => ({
          ...account,
          groups: [...account.groups, group],
        })),
      ),
    )
    const stored = await services.accounts.byId(added.account.id)
    expect(stored?.account.groups).to.have.members(['a', 'b', 'c'])
  })
})
