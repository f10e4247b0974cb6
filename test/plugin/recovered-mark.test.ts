import { expect } from 'chai'
import { backupCodes, totp, type OutgoingMail } from '../../src/index.ts'
import { secretOf } from '../support/enrolment.ts'
import { HttpClient, type Page } from '../support/http-client.ts'
import { totpCode } from '../support/totp.ts'
import { callbackOf, follow, redeem, showPassword, startHost, type Host } from './host.ts'

const DAY = 86_400
const ADDRESS = 'mira@example.com'
const ASKED = { claims: JSON.stringify({ id_token: { authn_factors: null } }) }

interface Entry {
  readonly amr: readonly string[]
  readonly recovered_at?: number
}

describe('the mark of a recovery', () => {
  let host: Host
  let browser: HttpClient
  let mails: OutgoingMail[]

  async function begin(isWithBackupCodes: boolean): Promise<void> {
    mails = []
    const verifiedAt = Math.floor(Date.now() / 1000) - 8 * DAY
    host = await startHost({
      configuration: {
        async loadExistingGrant({ oidc: { client, session, provider } }) {
          const { clientId } = client!
          const grant = new provider.Grant({ clientId, accountId: session!.accountId! })
          grant.addOIDCScope('openid email')
          grant.addOIDCClaims(['authn_factors'])
          await grant.save()
          return grant
        },
      },
      mfa: {
        factors: isWithBackupCodes ? [totp(), backupCodes()] : [totp()],
        require: ({ account }) => account.accountId === 'mira' && isRequired,
        recovery: true,
        youngSeconds: 0,
        sendMail: async (mail) => mails.push(mail),
        describe: ({ accountId }) => ({
          label: accountId,
          address: ADDRESS,
          addresses: [{ address: ADDRESS, verifiedAt }],
        }),
      },
    })
    browser = new HttpClient()
    await setUp(await showPassword(host, browser, 'mira'))
  }
  let isRequired = true
  let secret = ''
  afterEach(() => {
    isRequired = true
    return host.close()
  })

  const entriesOf = async (back: Page): Promise<readonly Entry[]> =>
    (await redeem(host, callbackOf(back))).claims.authn_factors as readonly Entry[]

  /** Sets up an app on a page, and sees the backup codes where there are any. */
  async function setUp(page: Page): Promise<Page> {
    secret = secretOf(page)
    const code = totpCode({ secret }, host.clock.at)
    const next = await follow(host, browser, await browser.submit(page, { code }))
    return next.name === 'backup-codes'
      ? follow(host, browser, await browser.submit(next, { saved: 'yes' }))
      : next
  }

  /** Shows the password and the mailed code, in a browser without a session. */
  async function proveMailbox(): Promise<Page> {
    browser = new HttpClient()
    const verify = await showPassword(host, browser, 'mira', ASKED)
    const lost = await browser.visit(verify.link('[data-lost]'))
    const proof = await browser.follow(await browser.submit(lost))
    const code = /\b\d{8}\b/.exec(mails.at(-1)!.text)![0]
    return follow(host, browser, await browser.submit(proof, { code }))
  }

  async function recover(): Promise<Page> {
    await proveMailbox()
    host.clock.at += 3 * DAY
    return setUp(await proveMailbox())
  }

  async function signIn(): Promise<readonly Entry[]> {
    browser = new HttpClient()
    const page = await showPassword(host, browser, 'mira', ASKED)
    if (page.name !== 'totp-verify') return entriesOf(page)
    const code = totpCode({ secret }, host.clock.at)
    return entriesOf(await follow(host, browser, await browser.submit(page, { code })))
  }
  const marks = (entries: readonly Entry[]) =>
    Object.fromEntries(entries.map(({ amr, recovered_at: at }) => [amr.join(), at]))

  for (const isWithBackupCodes of [true, false])
    it(`R9 R45 is in the token of its own sign-in and of those in the seven days after it, ${
      isWithBackupCodes ? 'with' : 'without'
    } backup codes`, async () => {
      await begin(isWithBackupCodes)
      const own = await entriesOf(await recover())
      const recoveredAt = host.clock.at
      // The password of this sign-in was typed before the recovery was complete.
      expect(marks(own).otp).to.equal(recoveredAt)
      host.clock.at = recoveredAt + 7 * DAY - 1
      expect(marks(await signIn())).to.deep.equal({ pwd: recoveredAt, otp: recoveredAt })
      host.clock.at += 60
      expect(marks(await signIn())).to.deep.equal({ pwd: undefined, otp: undefined })
    })

  it('R9 R45 is in the token of a password alone', async () => {
    await begin(false)
    await recover()
    const recoveredAt = host.clock.at
    isRequired = false
    await host.mfa.accounts.reset('mira')
    host.clock.at += 60
    expect(marks(await signIn())).to.deep.equal({ pwd: recoveredAt })
  })
})
