import { expect } from 'chai'
import { findByName } from '../../../src/server/accounts/people.ts'
import { keyOfAccount } from '../../../src/server/accounts/name-lock.ts'
import { setUpLinksOf } from '../../../src/server/pages/links.ts'
import { onEachStorage } from './on-each-storage.ts'

onEachStorage('user remove', (line) => {
  const { cli, within } = line

  beforeEach(async () => {
    for (const name of ['mira', 'theo']) await cli(`user add ${name} --email ${name}@example.com`)
  })

  const isThere = async (name = 'mira'): Promise<boolean> =>
    (await cli(`user show ${name}`)).code === 0

  it('removes the account, its record and the mails that wait, and no other person', async () => {
    for (const name of ['mira', 'theo']) await cli(`user reset-mfa ${name}`)
    const id = await within(
      async ({ storage }) => (await findByName(storage.accounts, 'mira'))!.account.id,
    )
    const removed = await cli('user remove mira@example.com --confirm --json')
    expect(removed).to.include({ code: 0, err: '' })
    expect(removed.json()).to.deep.equal({ id, username: 'mira', removed: true })
    expect(await isThere()).to.equal(false)
    expect(await isThere('theo')).to.equal(true)
    await within(async ({ storage }) => {
      expect(await storage.records.load(id)).to.equal(undefined)
      const waiting = await storage.outbox.list({ limit: 9 })
      expect(waiting).to.have.lengthOf(1)
      expect(waiting[0]?.accountId).not.to.equal(id)
      const trail = await storage.audit.list({ accountId: id, limit: 99 })
      expect(trail.map(({ type }) => type)).to.include.members([
        'user-added',
        'reset',
        'user-removed',
      ])
    })
    expect((await cli('user add mira --email mira@example.com')).code).to.equal(0)
  })

  it('ends the lock of the name, so that the next person of this name is not locked', async () => {
    const lockOf = async () => (await cli('user show mira --json')).json()['name_lock']
    await within(async ({ storage, clock }) => {
      const { account } = (await findByName(storage.accounts, 'mira'))!
      for (let nth = 0; nth < 5; nth += 1)
        await storage.counters.reserve(keyOfAccount(account), { limit: 5 }, clock.now())
    })
    expect(await lockOf()).not.to.equal(null)
    await cli('user remove mira --confirm')
    await cli('user add mira')
    expect(await lockOf()).to.equal(null)
  })

  it('makes void a link that was handed out', async () => {
    const { set_up_link: url } = (await cli('user link mira --json')).json()
    await cli('user remove mira --confirm')
    await within(async (foundation, mfa) => {
      const look = setUpLinksOf(foundation, mfa).look(String(url).split('/').at(-1) ?? '')
      expect(await look).to.equal(undefined)
    })
  })

  it('asks at a terminal for the name', async () => {
    line.answer = 'theo'
    const other = await cli('user remove mira')
    expect(other.code).to.equal(1)
    expect(other.err).to.contain('nobody was removed')
    line.answer = ''
    expect((await cli('user remove mira')).code).to.equal(1)
    expect(await isThere()).to.equal(true)
    line.answer = ' Mira '
    expect((await cli('user remove mira')).out).to.contain('mira was removed.')
    expect(await isThere()).to.equal(false)
    expect(await isThere('theo')).to.equal(true)
  })

  it('refuses without --confirm where nobody can be asked, and changes nothing', async () => {
    const refused = await cli('user remove mira')
    expect(refused.code).to.equal(1)
    expect(refused.err).to.contain('--confirm')
    line.answer = 'mira'
    expect((await cli('user remove mira --json')).failure()).to.equal('confirm')
    expect((await cli('user show mira --json')).json()).to.include({ disabled: false })
  })

  it('says that nobody has the name', async () => {
    const refused = await cli('user remove nobody --confirm --json')
    expect(refused.failure()).to.equal('user-unknown')
  })
})
