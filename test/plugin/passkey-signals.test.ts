import { expect } from 'chai'
import type { Core } from '../../interactions/core.ts'
import { scriptsFor } from '../../src/account/beside.ts'
import { passkeys } from '../../src/factors/passkey/index.ts'
import { backupCodes, totp } from '../../src/index.ts'
import { owner } from '../application/person.ts'
import { load, world } from '../application/world.ts'
import { exported, registered } from '../factors/passkey/person.ts'
import { deedsOf, press } from '../support/account-forms.ts'
import { SoftAuthenticator } from '../support/authenticator.ts'
import { HttpClient, type Page } from '../support/http-client.ts'
import { optionsOf } from '../support/passkey-options.ts'
import { follow, PASSWORD, showPassword, startHost, type Host } from './host.ts'
import { enrolledPerson, nextCode, type Person } from './sign-in.ts'

interface Data {
  readonly rpId: string
  readonly name: string
  readonly users: readonly { readonly userId: string; readonly ids: readonly string[] }[]
}

describe('the passkeys that the account page names to the browser', () => {
  let host: Host
  let required: boolean
  beforeEach(async () => {
    required = true
    host = await startHost({
      hostname: 'localhost',
      mfa: {
        account: true,
        factors: [passkeys(), totp(), backupCodes()],
        require: () => required,
      },
    })
  })
  afterEach(async () => host.close())

  /** Sets up an app, and after the next sign-in the passkey that is offered. */
  async function withPasskey(username: string) {
    const person = await enrolledPerson(host, username)
    const browser = new HttpClient()
    const verify = await showPassword(host, browser, username)
    const form = { code: nextCode(host, person), offer: 'passkey' }
    const offer = await follow(host, browser, await browser.submit(verify, form))
    const setUp = await follow(host, browser, await browser.submit(offer, { answer: 'set-up' }))
    const device = new SoftAuthenticator({ origin: host.issuer })
    const options = optionsOf(setUp)
    const credential = device.create(options)
    await follow(host, browser, await browser.submit(setUp, { credential }))
    const { user } = JSON.parse(options) as { user: { id: string } }
    return { browser, person, device, id: device.credentialId, userId: user.id }
  }
  const account = async (browser: HttpClient): Promise<Page> =>
    browser.visit(`${host.issuer}/account`)
  const dataOn = (page: Page): Data[] =>
    page.tags('script[data-page-data]').map((tag) => JSON.parse(tag['data-page-data']!) as Data)

  it('are the person’s own, with the name of the account', async () => {
    const mira = await withPasskey('mira')
    const theo = await withPasskey('theo')
    for (const [name, { browser, id, userId }] of Object.entries({ mira, theo })) {
      const page = await account(browser)
      expect(page.name).to.equal('account')
      expect(dataOn(page)).to.deep.equal([
        { rpId: 'localhost', name: `${name}@example.com`, users: [{ userId, ids: [id] }] },
      ])
    }
  })

  it('are on no page before the second factor, and not of a person without one', async () => {
    await withPasskey('mira')
    const browser = new HttpClient()
    const page = await showPassword(host, browser, 'mira')
    expect(dataOn(page)).to.deep.equal([])
    const without = await enrolledPerson(host, 'una')
    expect(dataOn(await account(without.browser))).to.deep.equal([])
  })

  /** Shows the factor that a page asks for, and follows to the next page. */
  async function prove(browser: HttpClient, page: Page, given: SoftAuthenticator | Person) {
    const isKey = given instanceof SoftAuthenticator
    expect(page.name).to.equal(isKey ? 'passkey-verify' : 'totp-verify')
    const form = isKey
      ? { credential: given.get(optionsOf(page), { origin: host.issuer }) }
      : { code: nextCode(host, given) }
    return browser.follow(await browser.submit(page, form))
  }
  /** Adds a passkey on the account page, where the factor that was used last is asked for. */
  async function add(browser: HttpClient, shown: SoftAuthenticator | Person) {
    const asked = await browser.follow(await press(browser, await account(browser), 'add:passkey'))
    const setUp = await prove(browser, asked, shown)
    const device = new SoftAuthenticator({ origin: host.issuer })
    const credential = device.create(optionsOf(setUp))
    const after = await browser.follow(await browser.submit(setUp, { credential }))
    expect(after.name, after.body).to.equal('account')
    return device
  }
  /** Removes the authenticator in this row of the account page; returns the page after it. */
  async function remove(browser: HttpClient, row: number, shown: SoftAuthenticator | Person) {
    const page = await account(browser)
    const rows = deedsOf(page).filter((deed) => deed.startsWith('remove:'))
    const asked = await prove(
      browser,
      await browser.follow(await press(browser, page, rows.at(row)!)),
      shown,
    )
    expect(asked.name).to.equal('factor-remove')
    const after = await browser.follow(await browser.submit(asked))
    expect(after.name).to.equal('account')
    return after
  }

  it('are the others after one was removed, and none after the last one', async () => {
    const { browser, person, device: older, userId } = await withPasskey('mira')
    const newer = await add(browser, older)
    expect(newer.userHandle).to.equal(userId)
    const usersOn = (page: Page) => dataOn(page).map(({ users }) => users)
    expect(usersOn(await account(browser))[0]?.[0]?.ids).to.have.members([
      older.credentialId,
      newer.credentialId,
    ])
    const left = await remove(browser, -1, older)
    expect(usersOn(left)).to.deep.equal([[{ userId, ids: [older.credentialId] }]])
    const none = await remove(browser, -1, older)
    expect(usersOn(none)).to.deep.equal([[{ userId, ids: [] }]])

    // Another browser has the passkeys too, and hears of it when its person has shown a factor there.
    const elsewhere = new HttpClient()
    const verify = await showPassword(host, elsewhere, 'mira')
    expect(usersOn(verify)).to.deep.equal([])
    await follow(host, elsewhere, await elsewhere.submit(verify, { code: nextCode(host, person) }))
    expect(usersOn(await account(elsewhere))).to.deep.equal([[{ userId, ids: [] }]])

    // A passkey that is set up later is named beside it.
    const later = await add(browser, person)
    expect(usersOn(await account(browser))).to.deep.equal([
      [
        { userId: later.userHandle, ids: [later.credentialId] },
        { userId, ids: [] },
      ],
    ])
  })

  it('are none once the second step is turned off', async () => {
    const { browser, device, userId } = await withPasskey('mira')
    required = false
    const off = await browser.visit(`${host.issuer}/account/turn-off`)
    const after = await prove(
      browser,
      await browser.follow(await press(browser, off, 'turn-off')),
      device,
    )
    expect(after.name).to.equal('account')
    expect(dataOn(after)[0]?.users).to.deep.equal([{ userId, ids: [] }])
  })

  it('are told for each user handle of imported ones', async () => {
    const devices = [new SoftAuthenticator(), new SoftAuthenticator()] as const
    const list = await Promise.all(devices.map((device) => registered(device)))
    const imported = await host.mfa.accounts.import('ida', { passkeys: list.map(exported) })
    expect(imported).to.deep.include({ outcome: 'imported' })
    const browser = new HttpClient()
    const login = await browser.visit(`${host.issuer}/account`)
    const verify = await browser.follow(
      await browser.submit(login, { username: 'ida', password: PASSWORD }),
    )
    const page = await prove(browser, verify, devices[0])
    expect(dataOn(page)[0]?.users.map(({ ids }) => ids.length)).to.deep.equal([1, 1])
    const names = deedsOf(page).filter((deed) => deed.startsWith('remove:'))
    expect(names).to.have.length(2)
    const after = await remove(browser, 1, devices[0])
    const { users } = dataOn(after)[0]!
    const left = users.find(({ ids }) => ids.length === 1)
    const gone = users.find(({ ids }) => ids.length === 0)
    expect(list.map(({ userHandle }) => userHandle)).to.have.members([left?.userId, gone?.userId])
  })

  it('are not given to a session in which no factor was proved', async () => {
    const of = world({ listed: [dataFactor(), backupCodes()] })
    await owner(of)
    const core = {
      deps: of.deps,
      provider: { issuer: 'https://id.example.com' },
      record: async () => load(of, 'mira'),
    } as unknown as Core
    const visit = { accountId: 'mira', name: 'Mira' }
    expect(await scriptsFor(core, visit)).to.deep.equal([])
    expect(await scriptsFor(core, { ...visit, provedAt: of.clock.now() })).to.deep.equal([
      { factor: 'totp', data: { count: 1, label: 'Mira', issuer: 'https://id.example.com' } },
    ])
  })
  /** A factor of one line that gives values to its script. */
  const dataFactor = () => ({
    ...totp(),
    pageData: (
      states: readonly unknown[],
      { label, issuer }: { label: string; issuer: string },
    ) => ({
      count: states.length,
      label,
      issuer,
    }),
  })
})
