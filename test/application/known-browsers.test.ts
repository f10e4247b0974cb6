import { expect } from 'chai'
import { endEverything } from '../../src/application/manage-accounts.ts'
import {
  browserFailed,
  forgetBrowser,
  knowsBrowser,
  readBrowsers,
} from '../../src/application/known-browsers.ts'
import { owner, verify, type Owner } from './person.ts'
import { heardOf, load, settledRecord, world, type World } from './world.ts'

describe('a browser of an account', () => {
  let one: World
  let mira: Owner
  beforeEach(async () => {
    one = world()
    mira = await owner(one)
  })

  it('R4 is known by its token, to its account alone', async () => {
    await owner(one, 'theo')
    expect(await knowsBrowser(one.deps, 'mira', ['other', 'laptop'])).to.equal(true)
    expect(await knowsBrowser(one.deps, 'mira', ['other'])).to.equal(false)
    expect(await knowsBrowser(one.deps, 'nobody', ['laptop'])).to.equal(false)
    expect(await knowsBrowser(one.deps, 'mira', [])).to.equal(false)
  })

  it('R4 is a stranger after ten wrong passwords, and the listeners hear of it', async () => {
    for (let n = 0; n < 9; n += 1) await browserFailed(one.deps, 'mira', ['laptop'])
    expect(await knowsBrowser(one.deps, 'mira', ['laptop'])).to.equal(true)
    expect(await heardOf(one)).to.deep.equal([])
    await browserFailed(one.deps, 'mira', ['laptop'])
    expect(await knowsBrowser(one.deps, 'mira', ['laptop'])).to.equal(false)
    const [forgotten] = await heardOf(one)
    expect(forgotten).to.deep.include({ type: 'browser-forgotten', detail: { reason: 'password' } })
  })

  it('R4 changes nothing of the account when a stranger types a wrong password', async () => {
    const before = await load(one)
    await browserFailed(one.deps, 'mira', ['other'])
    await browserFailed(one.deps, 'mira', [])
    expect(await load(one)).to.deep.equal(before)
  })

  it('is listed with its times and its place, the one that asks first, then the one seen last', async () => {
    const detail = {
      clientId: 'app',
      ip: '203.0.113.7',
      userAgent: 'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Safari/605.1.15',
    }
    const at = one.clock.now()
    const onPhone = mira.place({ interaction: 'second', newTokenHash: 'phone', detail })
    await verify(one, 'totp', mira.code(), onPhone)
    const phone = {
      id: 'phone',
      firstSeenAt: at,
      lastSeenAt: at,
      name: { browser: 'Safari', system: 'iPhone' },
      network: '203.0.113.0/24',
    }
    const laptop = {
      id: 'laptop',
      firstSeenAt: at - 3_600,
      lastSeenAt: at - 3_600,
      network: '192.0.2.0/24',
    }
    expect(await readBrowsers(one.deps, 'mira')).to.deep.equal([
      { ...phone, current: false },
      { ...laptop, current: false },
    ])
    expect(await readBrowsers(one.deps, 'mira', ['other', 'laptop'])).to.deep.equal([
      { ...laptop, current: true },
      { ...phone, current: false },
    ])
    expect(await readBrowsers(one.deps, 'nobody', ['laptop'])).to.deep.equal([])
  })

  it('is unknown when its owner has forgotten it, and the listeners hear of it once', async () => {
    const detail = { ip: '203.0.113.7' }
    const forgetLaptop = () => forgetBrowser(one.deps, 'mira', { id: 'laptop' }, detail)
    expect(await forgetLaptop()).to.equal(true)
    expect(await knowsBrowser(one.deps, 'mira', ['laptop'])).to.equal(false)
    expect(await forgetLaptop()).to.equal(false)
    expect((await heardOf(one)).map(({ type, detail }) => ({ type, detail }))).to.deep.equal([
      { type: 'browser-forgotten', detail: { ip: '203.0.113.7', reason: 'owner' } },
    ])
  })

  it('R42 is not forgotten for a session of another epoch', async () => {
    const { epoch } = await settledRecord(one)
    await endEverything(one.deps, 'mira', 'test')
    expect(await forgetBrowser(one.deps, 'mira', { id: 'laptop', epoch })).to.equal(false)
    expect(await knowsBrowser(one.deps, 'mira', ['laptop'])).to.equal(true)
    const now = { id: 'laptop', epoch: epoch + 1 }
    expect(await forgetBrowser(one.deps, 'mira', now)).to.equal(true)
  })

  it('that its owner has forgotten becomes known again by another token only', async () => {
    await forgetBrowser(one.deps, 'mira', { id: 'laptop' })
    const place = mira.place({ tokenHashes: ['laptop'], newTokenHash: 'fresh' })
    await verify(one, 'totp', mira.code(), place)
    const known = (await settledRecord(one)).browsers.map(({ tokenHash }) => tokenHash)
    expect(known).to.deep.equal(['fresh'])
  })
})
