import { expect } from 'chai'
import type { OutgoingMail, VerifiedAddress } from '../../src/index.ts'
import { SoftAuthenticator } from '../support/authenticator.ts'
import { HttpClient, type Page } from '../support/http-client.ts'
import { optionsOf } from '../support/passkey-options.ts'
import { follow, showPassword } from './host.ts'
import { startPasskeyHost, type PasskeyHost } from './passkey-host.ts'

const DAY = 24 * 3_600
const ADDRESS = 'mira@example.com'

describe('a passkey alone, while somebody recovers the account', () => {
  let site: PasskeyHost
  let key: SoftAuthenticator
  let mails: OutgoingMail[]
  let addresses: VerifiedAddress[]

  beforeEach(async () => {
    ;[mails, addresses] = [[], []]
    site = await startPasskeyHost({
      recovery: true,
      youngSeconds: 0,
      sendMail: async (mail) => mails.push(mail),
      describe: ({ accountId }) => ({ label: accountId, address: ADDRESS, addresses }),
    })
    addresses = [{ address: ADDRESS, verifiedAt: site.host.clock.at - 7 * DAY }]
    key = new SoftAuthenticator({ origin: new URL(site.host.issuer).origin })
    await site.enrol('mira', key)
  })
  afterEach(() => site.host.close())

  /** Somebody who has the password and the mailbox begins a recovery. */
  async function begin(): Promise<void> {
    const client = new HttpClient()
    const verify = await showPassword(site.host, client, 'mira')
    const lost = await client.visit(verify.link('[data-lost]'))
    const asked = await client.follow(await client.submit(lost))
    const code = /\b\d{8}\b/.exec(mails.at(-1)!.text)![0]
    await client.follow(await client.submit(asked, { code }))
    expect((await site.host.mfa.accounts.status('mira')).recovery).to.include({ state: 'waiting' })
  }
  async function alone(): Promise<{ client: HttpClient; page: Page }> {
    const { client, options, answer } = await site.open()
    return { client, page: await follow(site.host, client, await answer(key.get(options))) }
  }

  it('R9 asks the owner whether it was them, and cancels it where they say so', async () => {
    expect((await alone()).page.location?.searchParams.get('code')).to.be.a('string')
    await begin()
    const { client, page } = await alone()
    const credential = key.get(optionsOf(page))
    const asked = await follow(site.host, client, await client.submit(page, { credential }))
    expect(asked.name).to.equal('recovery-status')
    const cancelled = await client.submit(asked, {}, { button: 'cancel-recovery' })
    const told = await follow(site.host, client, cancelled)
    expect(told.name).to.equal('recovery-cancelled')
    const back = await follow(site.host, client, await client.submit(told))
    expect(back.location?.searchParams.get('code')).to.be.a('string')
    expect((await site.host.mfa.accounts.status('mira')).recovery).to.equal(undefined)
    expect((await alone()).page.location?.searchParams.get('code')).to.be.a('string')
  })
})
