import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { mailedCode } from '../../src/index.ts'
import { secretOf } from '../support/enrolment.ts'
import { HttpClient } from '../support/http-client.ts'
import { totpCode } from '../support/totp.ts'
import {
  authorizeUrl,
  callbackOf,
  follow,
  PASSWORD,
  showPassword,
  startHost,
  type Host,
} from './host.ts'
import { enrolledPerson, nextCode, signIn } from './sign-in.ts'

async function sessionOf(
  host: Host,
  browser: HttpClient,
): Promise<{ loginTs: number } | undefined> {
  const cookie = /_session=([^;]+)/.exec(browser.jar.header(new URL(host.issuer)) ?? '')?.[1]
  return (await host.provider.Session.adapter.find(cookie ?? '')) as { loginTs: number } | undefined
}

/**
 * The tests cover steps that a person who has only the password could prepare before the owner sets up a factor, and
 * steps that come too late.
 */
describe('the life of an account before its first factor', () => {
  let host: Host
  afterEach(async () => host.close())

  it('R10 R20 does not take a password that was checked before a change', async () => {
    let epoch: number | undefined
    host = await startHost({
      answer: async (started, request, response, accountId) => {
        // The application reads the epoch, then checks the password. The password changes while the hash is computed.
        epoch = await started.mfa.accounts.epoch(accountId)
        await started.mfa.accounts.passwordChanged(accountId)
        await started.mfa.interactionFinished(request, response, { login: { accountId, epoch } })
      },
    })
    const client = new HttpClient()
    const login = await follow(host, client, await client.get(authorizeUrl(host)))
    const answer = await client.post(login.url, { username: 'mira', password: PASSWORD })
    expect(epoch).to.equal(1)
    expect(answer.status).to.equal(500)
    expect(answer.body).to.equal('interaction-expired')
  })

  it('R10 does not let an interaction of before the first sign-in set up a factor after it', async () => {
    let required = false
    host = await startHost({
      mfa: {
        require: () => required,
        firstEnrolment: ({ firstSignIn }) => (firstSignIn ? 'allowed' : 'refused'),
      },
    })
    const stranger = new HttpClient()
    const setUp = await showPassword(host, stranger, 'mira', { prompt: 'mfa' })
    expect(setUp.name).to.equal('totp-enrol')
    const owner = await showPassword(host, new HttpClient(), 'mira')
    expect(callbackOf(owner).get('code')).to.be.a('string')
    required = true
    const code = totpCode({ secret: secretOf(setUp) }, host.clock.at)
    expect((await stranger.submit(setUp, { code })).status).to.equal(410)
    expect((await host.mfa.accounts.status('mira')).enrolled).to.equal(false)
  })

  it('R25 does not answer max_age with a session that grew too old during the step-up', async () => {
    host = await startHost()
    // The host's own check of max_age reads the real time, so the test's clock must be near the real time.
    host.clock.at -= 120
    const person = await enrolledPerson(host)
    const browser = new HttpClient()
    await signIn(host, browser, person)
    const { loginTs } = (await sessionOf(host, browser))!
    const age = Math.floor(Date.now() / 1000) - loginTs
    const maxAge = String(age + 1)
    const verify = await follow(
      host,
      browser,
      await browser.get(authorizeUrl(host, { prompt: 'mfa', max_age: maxAge })),
    )
    expect(verify.name).to.equal('totp-verify')
    await sleep(2_100)
    host.clock.at = Math.floor(Date.now() / 1000)
    const after = await browser.submit(verify, { code: nextCode(host, person) })
    const login = await follow(host, browser, after)
    expect(login.name).to.equal('host-login')
  })

  it('R17 takes nothing from a host page that only the pages of the factor may say', async () => {
    host = await startHost({
      answer: (started, request, response, accountId) =>
        started.mfa.interactionFinished(request, response, {
          login: { accountId },
          mfa: { at: 1 },
          firstFactor: { accountId: 'somebody-else' },
        }),
    })
    const choose = await showPassword(host, new HttpClient(), 'mira', { prompt: 'mfa' })
    expect(choose.name).to.equal('totp-enrol')
    expect(choose.body).to.contain('mira@example.com')
  })

  it('R3 says how long to wait where no further code is mailed', async () => {
    const mails: unknown[] = []
    host = await startHost({
      mfa: { firstEnrolment: mailedCode(async (mail) => mails.push(mail)) },
    })
    const stranger = new HttpClient()
    const offered = await showPassword(host, stranger, 'mira')
    await stranger.submit(offered)
    const owner = new HttpClient()
    const answer = await owner.submit(await showPassword(host, owner, 'mira'))
    expect(mails).to.have.length(1)
    expect(answer.status).to.equal(429)
    expect(answer.name).to.equal('owner-proof')
    expect(answer.text).to.contain('A code was sent a moment ago').and.to.contain('Send the code')
    expect(Number(answer.headers['retry-after'])).to.be.within(1, 60)
  })
})
