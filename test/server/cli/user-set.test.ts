import { expect } from 'chai'
import { keyOfAccount } from '../../../src/server/accounts/name-lock.ts'
import { findByName } from '../../../src/server/accounts/people.ts'
import { setUpLinksOf } from '../../../src/server/pages/links.ts'
import { onEachStorage } from './on-each-storage.ts'

onEachStorage('user set', (line) => {
  const { cli, file, within } = line

  beforeEach(async () => {
    const claims = file('first.json', { name: 'Mira M.', locale: 'de' })
    const added = await cli(
      `user add mira --email mira@example.com --group staff --group crew --claims ${claims}`,
    )
    expect(added.code).to.equal(0)
  })

  const shown = async (name = 'mira') => (await cli(`user show ${name} --json`)).json()
  const types = async (): Promise<string[]> =>
    (await cli('audit --user mira --json')).out
      .match(/"type": "[a-z-]+"/g)!
      .map((text) => text.slice(9, -1))
  /** The addresses and templates of the mails that wait. */
  const mails = (): Promise<string[]> =>
    within(async ({ storage, letters }) =>
      (await storage.outbox.list({ limit: 100 }))
        .map((row) => letters.open(row))
        .map(({ to, template }) => `${template} ${to}`)
        .sort(),
    )

  it('changes what is named, and nothing else', async () => {
    const { mfa: _mfa, ...before } = await shown()
    const set = await cli('user set mira --group guests --name Mira --json')
    expect(set).to.include({ code: 0, err: '' })
    expect(set.json()['changed']).to.deep.equal(['groups', 'claims'])
    const { mfa: _later, ...after } = await shown()
    expect(after).to.deep.equal({
      ...before,
      groups: ['guests'],
      claims: { name: 'Mira', locale: 'de' },
    })
    expect(await mails()).to.deep.equal([])
    expect(await types())
      .to.include('user-changed')
      .and.not.to.include('email-changed')
  })

  it('replaces the claims by those of a file, under a name that is given beside it', async () => {
    const path = file('claims.json', { name: 'M.', nickname: 'mi' })
    expect((await cli(`user set mira --claims ${path}`)).code).to.equal(0)
    expect((await shown())['claims']).to.deep.equal({ name: 'M.', nickname: 'mi' })
    expect((await cli(`user set mira --claims ${path} --name Mira`)).code).to.equal(0)
    expect((await shown())['claims']).to.deep.equal({ name: 'Mira', nickname: 'mi' })
    expect((await cli('user set mira --name=')).code).to.equal(0)
    expect((await shown())['claims']).to.deep.equal({ nickname: 'mi' })
  })

  it('removes all groups', async () => {
    expect((await cli('user set mira --no-groups --json')).json()['groups']).to.deep.equal([])
    expect(await types()).to.include('user-changed')
  })

  it('gives another user name, by which the person is found then', async () => {
    expect((await cli('user set mira --username theo')).out).to.equal(
      'theo was changed: username.\n',
    )
    expect(await shown('theo')).to.include({ username: 'theo', email: 'mira@example.com' })
    expect((await cli('user show mira --json')).failure()).to.equal('user-unknown')
    expect((await cli('user add mira')).code).to.equal(0)
  })

  it('R4 leaves no lock to the next person with the former name, and keeps that of the same name', async () => {
    await within(async ({ storage, settings, clock }) => {
      const { account } = (await findByName(storage.accounts, 'mira'))!
      const limit = { limit: settings.passwords.failuresPerName }
      for (let count = 0; count < limit.limit; count += 1)
        await storage.counters.reserve(keyOfAccount(account), limit, clock.now())
    })
    await cli('user set mira --username Mira')
    expect((await shown())['name_lock']).not.to.equal(null)
    await cli('user set mira --username theo')
    expect((await cli('user add mira')).code).to.equal(0)
    expect(await shown()).to.include({ username: 'mira', name_lock: null })
  })

  it('tells the former and the new address of a change, and the trail', async () => {
    const set = await cli('user set mira --email m2@example.com --actor root --json')
    expect(set.json()).to.deep.include({ email: 'm2@example.com', email_verified: true })
    expect(await mails()).to.deep.equal([
      'email-changed m2@example.com',
      'email-changed mira@example.com',
    ])
    const trail = (await cli('audit --user mira --type email-changed')).out
    expect(trail).to.contain('reason=administrator').and.to.contain('actor=root')
    expect((await cli('user show M2@example.com')).code).to.equal(0)
    expect((await cli('user show mira@example.com')).code).to.equal(1)
  })

  it('takes another address as young, so that it proves no first enrolment for days', async () => {
    await cli('user set mira --email m2@example.com')
    await within(async ({ storage, clock }) => {
      const { account } = (await findByName(storage.accounts, 'mira'))!
      expect(account.emailVerifiedAt).to.be.closeTo(clock.now(), 60)
    })
  })

  it('makes void a link that may have gone to the former address', async () => {
    const { set_up_link: url } = (await cli('user link mira --json')).json()
    const look = () =>
      within((foundation, mfa) =>
        setUpLinksOf(foundation, mfa).look(String(url).split('/').at(-1) ?? ''),
      )
    await cli('user set mira --group other')
    expect(await look()).to.have.property('username', 'mira')
    await cli('user set mira --email m2@example.com')
    expect(await look()).to.equal(undefined)
  })

  it('takes an address as not verified, so that nobody signs in by it, and as verified again', async () => {
    const unverified = await cli('user set mira --email-unverified --json')
    expect(unverified.json()).to.deep.include({ email_verified: false, changed: ['email'] })
    expect((await cli('user show mira@example.com')).code).to.equal(1)
    expect(await mails()).to.deep.equal(['email-changed mira@example.com'])
    await cli('user set mira --email mira@example.com')
    expect(await shown()).to.include({ email_verified: false })
    const file2 = file('e.json', { email: 'mira@example.com', email_verified: true })
    await cli(`user set mira --claims ${file2}`)
    expect(await shown('mira@example.com')).to.include({ email_verified: true })
  })

  it('says that nothing was changed, and records nothing', async () => {
    const set = await cli('user set mira --email mira@example.com --group staff --group crew')
    expect(set.out).to.equal('mira is like this already.\n')
    expect(await types()).not.to.include.members(['user-changed'])
    expect(await mails()).to.deep.equal([])
  })

  it('refuses a name or address that somebody has, in any spelling, and changes nothing', async () => {
    await cli('user add theo --email theo@example.com')
    for (const options of [
      '--username THEO',
      '--email Theo@Example.com',
      '--username theo@example.com',
    ]) {
      const refused = await cli(`user set mira --group g ${options} --json`)
      expect(refused.failure(), options).to.equal('taken')
    }
    expect((await shown())['groups']).to.deep.equal(['staff', 'crew'])
  })

  it('checks what is given as user add does', async () => {
    const bad = file('bad.json', { sub: 'admin' })
    for (const [options, code] of [
      ['--username \u0007', 'username-unfit'],
      ['--email nowhere', 'email-unfit'],
      ['--group \u0007', 'group-unfit'],
      [`--name ${'x'.repeat(1001)}`, 'claims'],
      [`--claims ${bad}`, 'claims'],
    ] as const)
      expect((await cli(`user set mira ${options} --json`)).failure(), code).to.equal(code)
    await cli('user add theo')
    const refused = await cli('user set theo --email-unverified --json')
    expect(refused.failure()).to.equal('no-email')
    expect((await cli('user set nobody --no-groups --json')).failure()).to.equal('user-unknown')
  })

  for (const options of ['', ' --actor root', ' --group a --no-groups'])
    it(`is not understood with "${options}"`, async () => {
      const refused = await cli(`user set mira --json${options}`)
      expect(refused.code).to.equal(2)
      expect(refused.failure()).to.equal('usage')
    })
})
