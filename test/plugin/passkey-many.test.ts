import { expect } from 'chai'
import { passkeys } from '../../src/factors/passkey/index.ts'
import { backupCodes } from '../../src/index.ts'
import { exported, registered } from '../factors/passkey/person.ts'
import { SoftAuthenticator } from '../support/authenticator.ts'
import { HttpClient, type Page } from '../support/http-client.ts'
import { optionsOf } from '../support/passkey-options.ts'
import { follow, showPassword, startHost, type Host } from './host.ts'

describe('many passkeys of one account', () => {
  let host: Host
  let key: SoftAuthenticator
  beforeEach(async () => {
    host = await startHost({
      hostname: 'localhost',
      mfa: { factors: [passkeys(), backupCodes()], manage: { clients: ['app'] } },
    })
    key = new SoftAuthenticator()
  })
  afterEach(() => host.close())

  /** Imports so many passkeys, of which `key` is the first. */
  async function own(count: number): Promise<void> {
    const others = Array.from({ length: count - 1 }, () => new SoftAuthenticator())
    const list = await Promise.all([key, ...others].map(async (each) => registered(each)))
    const outcome = await host.mfa.accounts.import('mira', { passkeys: list.map(exported) })
    expect(outcome).to.include({ outcome: 'imported' })
  }

  /** Asks for one passkey more, and proves the first one. */
  async function add(browser: HttpClient): Promise<Page> {
    const asked = { mfa_action: 'add:passkey', prompt: 'login' }
    const page = await showPassword(host, browser, 'mira', asked)
    const { origin } = new URL(host.issuer)
    const credential = key.get(optionsOf(page), { origin })
    return follow(host, browser, await browser.submit(page, { credential }))
  }
  const owned = async (): Promise<number> =>
    (await host.mfa.accounts.status('mira')).factors.filter(({ factor }) => factor === 'passkey')
      .length

  it('R40 are twenty: the twentieth is set up, and no other one', async () => {
    await own(19)
    const browser = new HttpClient()
    const setUp = await add(browser)
    expect(setUp.name).to.equal('passkey-enrol')
    const { excludeCredentials } = JSON.parse(optionsOf(setUp)) as {
      excludeCredentials: readonly object[]
    }
    expect(excludeCredentials).to.have.length(19)
    const credential = new SoftAuthenticator({ origin: host.issuer }).create(optionsOf(setUp))
    expect((await browser.submit(setUp, { credential })).status).to.equal(303)
    expect(await owned()).to.equal(20)
    const refused = await add(new HttpClient())
    expect([refused.status, refused.name]).to.deep.equal([410, 'expired'])
    expect(await owned()).to.equal(20)
  })

  it('R40 are not one more of two set-ups that were begun before the twentieth', async () => {
    await own(19)
    const [one, other] = [new HttpClient(), new HttpClient()]
    const pages = [await add(one), await add(other)]
    const answers = await Promise.all(
      [one, other].map((browser, nth) => {
        const page = pages[nth]!
        const device = new SoftAuthenticator({ origin: host.issuer })
        return browser.submit(page, { credential: device.create(optionsOf(page)) })
      }),
    )
    expect(answers.map(({ status }) => status).sort()).to.deep.equal([303, 410])
    expect(await owned()).to.equal(20)
  })
})
