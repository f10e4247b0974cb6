import { expect } from 'chai'
import { commit } from '../../src/application/commit.ts'
import { completeSignIn } from '../../src/application/complete-sign-in.ts'
import {
  readTrustedBrowsers,
  revokeTrustedBrowsers,
} from '../../src/application/trusted-browsers.ts'
import { settleTrusted } from '../../src/domain/trusted-browser.ts'
import { owner, type Owner } from './person.ts'
import { heardOf, load, settledRecord, world, type World } from './world.ts'

describe('the trusted browsers of an account', () => {
  let one: World
  let mira: Owner
  beforeEach(async () => {
    one = world()
    mira = await owner(one)
  })

  const trust = (
    id: string,
    seconds = 3_600,
    userAgent = '',
    earlier: readonly string[] = [],
  ): Promise<unknown> =>
    commit(one.deps, 'mira', (record, now) => ({
      outcome: undefined,
      ...settleTrusted(
        record,
        {
          id,
          tokenHash: `hash of ${id}`,
          seconds,
          factor: 'totp',
          beside: earlier.map((one) => ({ id: one, tokenHash: `hash of ${one}` })),
        },
        { now, detail: { ip: '203.0.113.7', userAgent } },
      ),
    }))
  const listed = async () => (await readTrustedBrowsers(one.deps, 'mira')).map(({ id }) => id)
  const heard = async () => (await heardOf(one)).filter(({ type }) => type.includes('revoked'))
  const revoke = (id?: string, epoch?: number) =>
    revokeTrustedBrowsers(
      one.deps,
      'mira',
      { ...(id === undefined ? {} : { id }), detail: { ip: '192.0.2.9' } },
      { reason: 'owner', ...(epoch === undefined ? {} : { epoch }) },
    )

  it('R14 are listed with their times and their place, the newest first, without a token', async () => {
    const since = one.clock.now()
    await trust('laptop', 3_600, 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Firefox/140.0')
    one.clock.advance(10)
    await trust('phone', 60)
    expect(await readTrustedBrowsers(one.deps, 'mira')).to.deep.equal([
      {
        id: 'phone',
        since: since + 10,
        until: since + 70,
        lastUsedAt: since + 10,
        network: '203.0.113.0/24',
      },
      {
        id: 'laptop',
        since,
        until: since + 3_600,
        lastUsedAt: since,
        name: { browser: 'Firefox', system: 'Linux' },
        network: '203.0.113.0/24',
      },
    ])
    one.clock.advance(60)
    expect(await listed()).to.deep.equal(['laptop'])
    expect(await readTrustedBrowsers(one.deps, 'nobody')).to.deep.equal([])
  })

  it('R14 are listed and revoked once, however often one was trusted', async () => {
    const since = one.clock.now()
    await trust('laptop')
    one.clock.advance(10)
    await trust('again', 60, '', ['laptop'])
    expect(await readTrustedBrowsers(one.deps, 'mira')).to.deep.equal([
      {
        id: 'laptop',
        since: since + 10,
        until: since + 3_600,
        lastUsedAt: since + 10,
        network: '203.0.113.0/24',
      },
    ])
    expect(await revoke('laptop')).to.equal(1)
    expect((await load(one)).record.trustedBrowsers).to.deep.equal([])
    expect((await heard()).map(({ detail }) => detail)).to.deep.equal([
      { ip: '192.0.2.9', reason: 'owner', count: 1 },
    ])
  })

  it('R14 are revoked one by one or together, with an event, and the epoch stays', async () => {
    for (const id of ['laptop', 'phone', 'tablet']) await trust(id)
    const { epoch } = (await load(one)).record
    expect(await revoke('phone')).to.equal(1)
    expect(await listed()).to.have.members(['laptop', 'tablet'])
    expect(await revoke()).to.equal(2)
    expect(await listed()).to.deep.equal([])
    expect((await load(one)).record.epoch).to.equal(epoch)
    expect((await heard()).map(({ detail }) => detail)).to.deep.equal([
      { ip: '192.0.2.9', reason: 'owner', count: 1 },
      { ip: '192.0.2.9', reason: 'owner', count: 2 },
    ])
  })

  it('R14 are counted and dropped without those whose time is over', async () => {
    await trust('laptop')
    await trust('phone', 60)
    one.clock.advance(60)
    expect((await load(one)).record.trustedBrowsers).to.have.length(2)
    expect(await revoke('laptop')).to.equal(1)
    expect((await load(one)).record.trustedBrowsers).to.deep.equal([])
    await trust('laptop')
    await trust('phone', 60)
    one.clock.advance(60)
    expect(await revoke()).to.equal(1)
    expect((await heard()).map(({ detail }) => (detail as { count?: number }).count)).to.deep.equal(
      [1, 1],
    )
  })

  it('R14 change nothing where there is none to revoke, or the session is of another epoch', async () => {
    await trust('laptop', 60)
    const before = await load(one)
    expect(await revoke('phone')).to.equal(0)
    expect(await revoke('laptop', before.record.epoch - 1)).to.equal(0)
    one.clock.advance(60)
    expect(await revoke()).to.equal(0)
    expect(await load(one)).to.deep.equal(before)
    expect(await heard()).to.deep.equal([])
  })

  it('R14 complete no sign-in once the trust that stands in is revoked, whatever other one is', async () => {
    await trust('laptop')
    await trust('phone')
    const seen = await load(one)
    const standIn = { id: 'laptop', tokenHash: 'hash of laptop', nextHash: 'next' }
    await revoke('phone')
    const place = mira.place({ interaction: 'later' })
    expect(await completeSignIn(one.deps, place, seen, { standIn })).to.deep.equal({
      isRenewed: true,
    })
    await revoke('laptop')
    await settledRecord(one)
    const before = await load(one)
    expect(await completeSignIn(one.deps, place, seen, { standIn })).to.equal(undefined)
    expect(await load(one)).to.deep.equal(before)
  })

  it('R14 give the new token to the tab alone that has replaced it', async () => {
    await trust('laptop')
    const seen = await load(one)
    const complete = (nextHash: string) =>
      completeSignIn(one.deps, mira.place({ interaction: nextHash }), seen, {
        standIn: { id: 'laptop', tokenHash: 'hash of laptop', nextHash },
      })
    expect(await complete('first')).to.deep.equal({ isRenewed: true })
    // The other tab has read the account before that.
    expect(await complete('second')).to.deep.equal({ isRenewed: false })
    // The second request of a double tap.
    expect(await complete('first')).to.deep.equal({ isRenewed: true })
  })
})
