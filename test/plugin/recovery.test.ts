import { expect } from 'chai'
import type { MfaRecord } from '../../src/domain/mfa-record.ts'
import type { MfaOptions, OutgoingMail, VerifiedAddress } from '../../src/index.ts'
import { backupCodesOf, secretOf } from '../support/enrolment.ts'
import { HttpClient, type Page } from '../support/http-client.ts'
import { totpCode } from '../support/totp.ts'
import { follow, showPassword, startHost, type Host } from './host.ts'
import { enrolledPerson, nextCode, signIn, wrongCode, type Person } from './sign-in.ts'

const HOUR = 3_600
const DAY = 24 * HOUR
const FIRST = 'mira@example.com'
const SECOND = 'mira@example.org'

describe('recovery', () => {
  let host: Host
  let mira: Person
  let mails: OutgoingMail[]
  let addresses: VerifiedAddress[]
  let browser: HttpClient

  const start = async (changes: Partial<MfaOptions> = {}): Promise<void> => {
    mails = []
    addresses = []
    host = await startHost({
      mfa: {
        recovery: true,
        youngSeconds: 0,
        sendMail: async (mail) => mails.push(mail),
        describe: ({ accountId }) => ({ label: accountId, address: FIRST, addresses }),
        ...changes,
      },
    })
    addresses = [{ address: FIRST, verifiedAt: host.clock.at - 7 * DAY }]
    mira = await enrolledPerson(host)
    browser = new HttpClient()
  }
  afterEach(() => host.close())

  const mailed = (): string => /\b\d{8}\b/.exec(mails.at(-1)!.text)![0]
  /** Opens recovery from the verify page, after the password. */
  const lost = async (client = browser): Promise<Page> => {
    const verify = await showPassword(host, client, 'mira')
    return client.visit(verify.link('[data-lost]'))
  }
  /** Asks for a code on the page of recovery. */
  const askForCode = async (client = browser, fields: Record<string, string> = {}): Promise<Page> =>
    client.follow(await client.submit(await lost(client), fields))
  const begin = async (client = browser): Promise<Page> =>
    client.follow(await client.submit(await askForCode(client), { code: mailed() }))
  const bindPage = async (client = browser): Promise<Page> =>
    client.follow(await client.submit(await askForCode(client), { code: mailed() }))
  const told = async (type: string): Promise<number> => {
    await host.mfa.settled()
    return host.events.filter((event) => event.type === type).length
  }
  const recordOf = async (): Promise<MfaRecord> =>
    (await host.storage.records.load('mira'))?.record as unknown as MfaRecord
  const refused = (page: Page): string =>
    `${page.status} ${page.name}: ${page.all('form[action$="/recovery"]').length} forms`

  it('R9 binds a replacement after the wait, by the password and a fresh mailed code, and only then is the lost one gone', async () => {
    await start()
    const page = await lost()
    expect(page.name).to.equal('recovery')
    expect(mails).to.deep.equal([])
    const status = await begin()
    expect(status.name).to.equal('recovery-status')
    expect(status.all('[data-do=cancel-recovery]')).to.have.length(0)
    expect(mails.map(({ to }) => to)).to.deep.equal([FIRST])
    expect((await host.mfa.accounts.status('mira')).recovery).to.include({ state: 'waiting' })

    host.clock.at += 72 * HOUR - 60
    expect((await lost()).name).to.equal('recovery-status')
    host.clock.at += 60
    const open = await lost()
    expect(open.name).to.equal('recovery-bind')
    expect((await host.mfa.accounts.status('mira')).factors).to.have.length(2)
    const setUp = await bindPage()
    expect(setUp.name).to.equal('totp-enrol')
    const secret = secretOf(setUp)
    const confirmed = await browser.submit(setUp, { code: totpCode({ secret }, host.clock.at) })
    const shown = await follow(host, browser, confirmed)
    expect(backupCodesOf(shown)).to.have.length(10)
    const callback = await follow(host, browser, await browser.submit(shown, { saved: 'yes' }))
    expect(callback.location?.searchParams.get('code')).to.be.a('string')

    const { factors, recovery } = await host.mfa.accounts.status('mira')
    expect(recovery).to.equal(undefined)
    expect(factors.map(({ createdAt }) => createdAt)).to.deep.equal([host.clock.at, host.clock.at])
    const doors = await host.mfa.accounts.doors('mira')
    for (const door of ['email', 'password', 'recovery'] as const)
      expect(doors[door]).to.include({ open: false, reason: 'after-recovery' })
    expect(await told('recovery-completed')).to.equal(1)
    const again = await showPassword(host, new HttpClient(), 'mira')
    const old = await new HttpClient({ jar: browser.jar }).submit(again, {
      code: nextCode(host, mira),
    })
    expect(old.status).not.to.equal(303)
  })

  it('R9 is offered on the verify page, the page of backup codes and the locked page', async () => {
    await start()
    const verify = await showPassword(host, browser, 'mira')
    expect(verify.all('[data-lost]')).to.have.length(1)
    const codes = await browser.follow(
      await browser.submit(await browser.visit(verify.link('[data-other-way]')), {
        factor: 'backup-codes',
      }),
    )
    expect([codes.name, codes.all('[data-lost]').length]).to.deep.equal(['backup-code-verify', 1])
    for (let nth = 0; nth < 5; nth += 1)
      await browser.submit(verify, { code: wrongCode(host, mira, nth) })
    const locked = await browser.get(verify.url)
    expect([locked.name, locked.all('[data-lost]').length]).to.deep.equal(['locked', 1])
    expect((await browser.visit(locked.link('[data-lost]'))).name).to.equal('recovery')
  })

  it('is not offered, and its pages do nothing, where the application has not turned it on', async () => {
    await start({ recovery: false })
    const verify = await showPassword(host, browser, 'mira')
    expect(verify.all('[data-lost]')).to.have.length(0)
    const path = `${verify.url.pathname}/recovery`
    expect((await browser.get(host.issuer + path)).status).to.equal(410)
  })

  it('R9 is cancelled at a sign-in with a factor, and goes on where the person says so', async () => {
    await start()
    await begin()
    const owner = new HttpClient()
    const asked = await signIn(host, owner, mira)
    expect(asked.name).to.equal('recovery-status')
    const kept = await follow(host, owner, await owner.submit(asked, {}, { button: 'keep' }))
    expect(kept.location?.searchParams.get('code')).to.be.a('string')
    expect(await told('recovery-cancelled')).to.equal(0)

    const second = new HttpClient()
    const askedAgain = await signIn(host, second, mira)
    const cancelled = await follow(
      host,
      second,
      await second.submit(askedAgain, {}, { button: 'cancel-recovery' }),
    )
    expect(cancelled.name).to.equal('recovery-cancelled')
    expect(await told('recovery-cancelled')).to.equal(1)
    const onward = await follow(host, second, await second.submit(cancelled))
    expect(onward.location?.searchParams.get('code')).to.be.a('string')
    host.clock.at += 80 * HOUR
    expect((await lost(new HttpClient())).name).to.equal('recovery')
  })

  it('is left to an administrator after two cancellations, and the page says whom to ask', async () => {
    await start()
    for (let nth = 0; nth < 2; nth += 1) {
      host.clock.at += HOUR
      await begin(new HttpClient())
      const owner = new HttpClient()
      const asked = await signIn(host, owner, mira)
      await owner.submit(asked, {}, { button: 'cancel-recovery' })
    }
    host.clock.at += HOUR
    const page = await lost(new HttpClient())
    expect(refused(page)).to.equal('403 recovery: 0 forms')
    expect(page.text).to.contain('The people who look after your Acme account')
  })

  it('tells at the start, at half of the wait and at its end, and answers when to stop asking', async () => {
    await start()
    await begin()
    const ask = () => host.mfa.accounts.tellRecovery('mira')
    expect(await ask()).to.equal(true)
    expect(await told('recovery-half-way')).to.equal(0)
    host.clock.at += 36 * HOUR
    expect(await Promise.all([ask(), ask()])).to.deep.equal([true, true])
    expect(await told('recovery-half-way')).to.equal(1)
    host.clock.at += 36 * HOUR
    await ask()
    expect(await told('recovery-opened')).to.equal(1)
    host.clock.at += 7 * DAY
    expect(await ask()).to.equal(false)
    expect(await told('recovery-ended')).to.equal(1)
  })

  describe('with the password only', () => {
    it('R9 begins nothing: the code is mailed, and five guesses are examined in an hour, over all browsers', async () => {
      await start()
      let page = await askForCode()
      const wrong = mailed() === '00000000' ? '11111111' : '00000000'
      for (let nth = 0; nth < 5; nth += 1) {
        const client = nth < 3 ? browser : new HttpClient()
        if (nth === 3) {
          host.clock.at += 60
          browser = client
          page = await askForCode(client)
        }
        const answer = await browser.submit(page, { code: wrong })
        expect([answer.status, answer.name]).to.deep.equal([422, 'recovery-proof'])
      }
      const closed = await browser.submit(page, { code: mailed() })
      expect(closed.status).to.equal(429)
      expect(Number(closed.headers['retry-after'])).to.be.within(HOUR - 120, HOUR)
      expect(await told('recovery-started')).to.equal(0)
      // The owner's factor is not disabled by guesses at recovery.
      const callback = await signIn(host, new HttpClient(), mira)
      expect(callback.location).not.to.equal(undefined)
    })

    it('R3 R41 the mailed code is good for ten minutes, in the browser and the sign-in that asked for it, once', async () => {
      await start()
      const page = await askForCode()
      const code = mailed()
      const thief = new HttpClient()
      host.clock.at += 60
      const other = await askForCode(thief)
      expect((await thief.submit(other, { code })).status).to.equal(422)
      host.clock.at += 541
      const late = await browser.submit(page, { code })
      expect(late.status).to.equal(410)
      expect(await told('recovery-started')).to.equal(0)
    })

    it('R9 the code of the start is no good at the end', async () => {
      await start()
      await begin()
      const code = mailed()
      host.clock.at += 72 * HOUR
      const page = await askForCode()
      const answer = await browser.submit(page, { code })
      expect(answer.status).to.equal(code === mailed() ? 303 : 422)
      expect((await host.mfa.accounts.status('mira')).factors).to.have.length(2)
    })

    it('R9 leads past no page: neither to the set-up nor to the end of the wait', async () => {
      await start()
      const verify = await showPassword(host, browser, 'mira')
      const { csrf } = verify.form().fields
      const base = host.issuer + verify.url.pathname
      for (const [path, fields] of [
        ['/recovery/bind', { factor: 'totp' }],
        ['/recovery/proof', { code: '12345678' }],
        ['/enrol/totp', { code: '123456' }],
        ['/recovery-status', { do: 'cancel-recovery' }],
        ['/recovery-cancelled', {}],
      ] as const) {
        const answer = await browser.post(base + path, { csrf: csrf ?? '', ...fields })
        expect([303, 410], `${path} ${answer.status}`).to.include(answer.status)
      }
      expect((await browser.get(`${base}/enrol/totp`)).name).not.to.equal('totp-enrol')
      const status = await host.mfa.accounts.status('mira')
      expect([status.factors.length, status.recovery]).to.deep.equal([2, undefined])
    })

    it('R9 R11 sets up nothing once the owner has cancelled, in a sign-in that asks to add a factor either', async () => {
      await start({ manage: { clients: ['app'] } })
      await begin()
      host.clock.at += 72 * HOUR
      const { authenticators } = await recordOf()
      const setUps: Page[] = []
      for (const action of ['add', `replace:${authenticators[0]!.id}`]) {
        const verify = await showPassword(host, browser, 'mira', { mfa_action: action })
        const open = await browser.visit(verify.link('[data-lost]'))
        const proof = await browser.follow(await browser.submit(open))
        setUps.push(await browser.follow(await browser.submit(proof, { code: mailed() })))
        host.clock.at += 60
      }
      const owner = new HttpClient()
      const asked = await signIn(host, owner, mira)
      await owner.submit(asked, {}, { button: 'cancel-recovery' })
      expect(await told('recovery-cancelled')).to.equal(1)

      for (const setUp of setUps) {
        expect(setUp.name).to.equal('totp-enrol')
        const code = totpCode({ secret: secretOf(setUp) }, host.clock.at)
        expect((await browser.submit(setUp, { code })).status).to.equal(410)
      }
      const idsOf = (all: readonly { id: string }[]): string[] => all.map(({ id }) => id)
      expect(idsOf((await recordOf()).authenticators)).to.deep.equal(idsOf(authenticators))
    })

    it('R9 R11 is not enough in a stolen session: the password is asked for again', async () => {
      await start()
      const step = await mira.browser.visit(authorizationOf(host, { prompt: 'mfa' }))
      expect(step.name).to.equal('totp-verify')
      const page = await mira.browser.visit(step.link('[data-lost]'))
      expect([page.status, page.name]).to.deep.equal([200, 'recovery'])
      const again = await mira.browser.follow(await mira.browser.submit(page))
      expect(again.url.pathname).to.match(/^\/interaction\//)
      expect(mails).to.deep.equal([])
    })

    it('R9 nobody cancels a recovery without a factor', async () => {
      await start()
      await begin()
      const status = await lost()
      expect(status.all('form[action*="recovery"]')).to.have.length(0)
    })
  })

  describe('with the mailbox', () => {
    const byMail = (address: string, askedAt?: number) =>
      host.mfa.accounts.passwordChanged('mira', {
        by: 'mail',
        address,
        ...(askedAt === undefined ? {} : { askedAt }),
      })

    it('R9 which has set the password, begins nothing, however long one waits', async () => {
      await start()
      expect(await byMail(FIRST)).to.equal(true)
      for (const wait of [0, 72 * HOUR, 300 * DAY]) {
        host.clock.at += wait
        expect(refused(await lost(new HttpClient()))).to.equal('403 recovery: 0 forms')
      }
      expect(mails).to.deep.equal([])
    })

    it('R9 another spelling of the same mailbox is the same mailbox', async () => {
      await start()
      addresses = [{ address: 'Mira+other@Example.com', verifiedAt: host.clock.at - 90 * DAY }]
      await byMail(FIRST)
      host.clock.at += 72 * HOUR
      expect(refused(await lost())).to.equal('403 recovery: 0 forms')
    })

    it('R9 a reset after the start ends the recovery; a link from before the start is void', async () => {
      await start()
      const askedAt = host.clock.at
      await begin()
      host.clock.at += 60
      expect(await byMail(FIRST, askedAt)).to.equal(false)
      expect((await host.mfa.accounts.status('mira')).recovery).to.include({ state: 'waiting' })
      expect(await byMail(FIRST)).to.equal(true)
      expect((await host.mfa.accounts.status('mira')).recovery).to.equal(undefined)
      host.clock.at += 80 * HOUR
      expect(refused(await lost())).to.equal('403 recovery: 0 forms')
    })

    it('R9 a reset between the second code and the new factor ends the recovery', async () => {
      await start()
      await begin()
      host.clock.at += 72 * HOUR
      const setUp = await bindPage()
      await byMail(FIRST)
      const answer = await browser.submit(setUp, {
        code: totpCode({ secret: secretOf(setUp) }, host.clock.at),
      })
      expect(answer.status).to.equal(410)
      expect(await told('recovery-completed')).to.equal(0)
    })

    it('R9 of two addresses, the one that has set the password is not offered, and its code is no good', async () => {
      await start()
      const verifiedAt = host.clock.at - 30 * DAY
      addresses = [
        { address: FIRST, verifiedAt },
        { address: SECOND, verifiedAt },
      ]
      await byMail(FIRST)
      host.clock.at += 72 * HOUR
      const page = await askForCode(browser, { address: '0' })
      expect(page.name).to.equal('recovery-proof')
      expect(mails.map(({ to }) => to)).to.deep.equal([SECOND])
      addresses = [{ address: FIRST, verifiedAt }]
      const other = new HttpClient()
      expect(refused(await lost(other))).to.equal('403 recovery: 0 forms')
    })

    it('R9 an address that its owner has removed during the sign-in gets no code, and the code that it has got is no good', async () => {
      await start()
      const verifiedAt = host.clock.at - 30 * DAY
      const [first, second] = [FIRST, SECOND].map((address) => ({ address, verifiedAt }))
      addresses = [first!, second!]
      const page = await lost()
      addresses = [second!]
      const proof = await browser.follow(await browser.submit(page, { address: '0' }))
      expect(mails.map(({ to }) => to)).to.deep.equal([SECOND])
      addresses = [first!]
      const refusal = await browser.submit(proof, { code: mailed() })
      expect([refusal.status, refusal.name]).to.deep.equal([410, 'recovery-proof'])
      host.clock.at += 60
      await browser.submit(proof, {}, { form: '[action$="/proof/send"]' })
      expect(mails.map(({ to }) => to)).to.deep.equal([SECOND, FIRST])
      expect((await host.mfa.accounts.status('mira')).recovery).to.equal(undefined)
    })

    it('offers two addresses that both prove something', async () => {
      await start()
      const verifiedAt = host.clock.at - 30 * DAY
      addresses = [
        { address: FIRST, verifiedAt },
        { address: SECOND, verifiedAt },
      ]
      await askForCode(browser, { address: '1' })
      expect(mails.map(({ to }) => to)).to.deep.equal([SECOND])
    })

    it('R9 a mailbox that is younger than 7 days, or of unknown age, is left to an administrator', async () => {
      await start()
      for (const verifiedAt of [host.clock.at - 6 * DAY, undefined]) {
        addresses = [{ address: FIRST, ...(verifiedAt === undefined ? {} : { verifiedAt }) }]
        expect(refused(await lost(new HttpClient()))).to.equal('403 recovery: 0 forms')
      }
      addresses = []
      expect(refused(await lost(new HttpClient()))).to.equal('403 recovery: 0 forms')
    })

    it('R9 counts again once a factor was proved after the reset, and its 72 h are over', async () => {
      await start()
      await byMail(FIRST)
      const callback = await signIn(host, new HttpClient(), mira)
      expect(callback.location).not.to.equal(undefined)
      expect(refused(await lost(new HttpClient()))).to.equal('403 recovery: 0 forms')
      host.clock.at += 72 * HOUR
      expect((await lost(new HttpClient())).all('form[action$="/recovery"]')).to.have.length(1)
    })

    it('R9 proves nothing beside a first factor that was no password', async () => {
      await start()
      await host.close()
      mails = []
      host = await startHost({
        mfa: {
          recovery: true,
          youngSeconds: 0,
          sendMail: async (mail) => mails.push(mail),
          describe: ({ accountId }) => ({ label: accountId, addresses }),
        },
        answer: (one, request, response, accountId) =>
          one.mfa.interactionFinished(request, response, { login: { accountId, amr: ['pin'] } }),
      })
      mira = await enrolledPerson(host)
      expect(refused(await lost())).to.equal('403 recovery: 0 forms')
    })
  })

  it('R44 ends when the owner locks the account, and does not begin again until a factor is proved', async () => {
    await start()
    await begin()
    await host.mfa.accounts.freeze('mira')
    expect(await told('recovery-cancelled')).to.equal(1)
    host.clock.at += 80 * HOUR
    expect(refused(await lost())).to.equal('403 recovery: 0 forms')
    await signIn(host, new HttpClient(), mira)
    expect((await lost(new HttpClient())).all('form[action$="/recovery"]')).to.have.length(1)
  })
})

function authorizationOf(host: Host, parameters: Record<string, string>): string {
  const url = new URL('/auth', host.issuer)
  url.search = new URLSearchParams({
    client_id: 'app',
    response_type: 'code',
    redirect_uri: 'http://127.0.0.1:1/callback',
    scope: 'openid',
    ...parameters,
  }).toString()
  return url.href
}
