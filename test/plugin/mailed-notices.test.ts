import { expect } from 'chai'
import type { Configuration } from 'oidc-provider'
import { createMfa, MfaError, totp, type MfaOptions, type OutgoingMail } from '../../src/index.ts'
import { memoryStorage } from '../../src/adapters/memory/index.ts'
import { HttpClient } from '../support/http-client.ts'
import { callbackOf, showPassword, startHost, type Host } from './host.ts'
import { enrolledPerson, signIn, wrongCode } from './sign-in.ts'

describe('the notices of the plugin', () => {
  let host: Host
  let mails: OutgoingMail[]

  const start = async (
    changes: Partial<MfaOptions> = {},
    configuration: Partial<Configuration> = {},
  ): Promise<void> => {
    mails = []
    host = await startHost({
      configuration,
      mfa: {
        notices: true,
        sendMail: async (mail) => mails.push(mail),
        describe: ({ accountId }) => ({
          label: accountId,
          addresses: [{ address: 'mira@example.com' }, { address: 'second@example.com' }],
          language: 'de',
        }),
        ...changes,
      },
    })
  }
  const told = async (): Promise<string[]> => {
    await host.mfa.settled()
    return mails.map(({ to, subject }) => `${to}: ${subject}`)
  }
  afterEach(() => host.close())

  it('go to every address, in the language of the person, with the way out for somebody else', async () => {
    await start()
    const { username } = await enrolledPerson(host)
    await host.mfa.settled()
    mails.length = 0
    await host.mfa.accounts.reset(username)
    const subject = 'Der zweite Schritt Ihres Kontos bei Acme wurde zurückgesetzt'
    expect(await told()).to.deep.equal([
      `mira@example.com: ${subject}`,
      `second@example.com: ${subject}`,
    ])
    // Most events of a sign-in have no notice.
    expect(host.faults).to.deep.equal([])
    expect(mails[0]?.text).to.contain(`${host.issuer}/mfa/not-me/`)
    const [, notMe = ''] = /(http\S+\/not-me\/\S+)/.exec(mails[0]!.text) ?? []
    expect((await new HttpClient().get(notMe)).body).to.contain('<html lang="de"')
  })

  it('go to the one address of a person, in the language of the page where the person has chosen none that there is', async () => {
    await start({
      manage: { clients: [], url: 'https://acme.example/security' },
      describe: ({ accountId }) => ({
        label: accountId,
        address: 'mira@example.com',
        language: 'tlh',
      }),
    })
    const person = await enrolledPerson(host)
    await host.mfa.settled()
    mails.length = 0
    callbackOf(await signIn(host, new HttpClient(), person, { ui_locales: 'de' }))
    expect(await told()).to.deep.equal([
      'mira@example.com: Anmeldung bei Ihrem Konto bei Acme in einem neuen Browser',
    ])
    expect(mails[0]?.text).to.contain('https://acme.example/security')
  })

  it('take address and language from the claims, and name the help page of the application', async () => {
    const profile = { locale: 'de' }
    const email = { email: 'mira@example.com', email_verified: true }
    const claims = (_use: string, scope: string) => ({
      sub: 'mira',
      ...(scope.includes('profile') ? profile : {}),
      ...(scope.includes('email') ? email : {}),
    })
    await start(
      { describe: undefined as never, links: { help: 'https://acme.example/help' } },
      { findAccount: () => ({ accountId: 'mira', claims }) },
    )
    await host.mfa.accounts.reset('mira')
    expect(await told()).to.deep.equal([
      'mira@example.com: Der zweite Schritt Ihres Kontos bei Acme wurde zurückgesetzt',
    ])
    expect(mails[0]?.text).to.contain('https://acme.example/help')
  })

  it('are in the language of createMfa where nobody has chosen one, without a help page that is a path', async () => {
    await start({
      locale: 'de',
      links: { help: '/help' },
      describe: ({ accountId }) => ({ label: accountId, address: 'mira@example.com' }),
    })
    await host.mfa.accounts.reset('mira')
    expect(await told()).to.deep.equal([
      'mira@example.com: Der zweite Schritt Ihres Kontos bei Acme wurde zurückgesetzt',
    ])
    expect(mails[0]?.text).not.to.match(/ \/help$/m)
  })

  it('tell of a new browser, but not of the very first sign-in', async () => {
    await start({ require: false })
    const subject = 'Anmeldung bei Ihrem Konto bei Acme in einem neuen Browser'
    callbackOf(await showPassword(host, new HttpClient(), 'mira'))
    expect(await told()).to.deep.equal([])
    host.clock.at += 60
    callbackOf(await showPassword(host, new HttpClient(), 'mira'))
    expect(await told()).to.deep.equal([
      `mira@example.com: ${subject}`,
      `second@example.com: ${subject}`,
    ])
  })

  it('are sent to nobody where the application has no such account, and that is no fault', async () => {
    for (const answer of [null, undefined]) {
      await start({}, { findAccount: () => answer as undefined })
      await host.mfa.accounts.reset('mira')
      expect(await told()).to.deep.equal([])
      expect(host.faults).to.deep.equal([])
      if (answer === null) await host.close()
    }
  })

  it('are not sent unless the application wants them', async () => {
    await start({ notices: false })
    const { username } = await enrolledPerson(host)
    await host.mfa.accounts.reset(username)
    expect(await told()).to.deep.equal([])
  })

  it('hold back no event when a mail is refused, which is reported', async () => {
    await start({ sendMail: () => Promise.reject(new Error('no mail today')) })
    const { username } = await enrolledPerson(host)
    await host.mfa.accounts.reset(username)
    await host.mfa.settled()
    expect(host.events.map(({ type }) => type)).to.include('reset')
    expect(host.faults.map(({ message }) => message)).to.include('no mail today')
  })

  it('tell once of an event that is told again because another listener has rejected', async () => {
    await start()
    const { username } = await enrolledPerson(host)
    await host.mfa.settled()
    mails.length = 0
    let isAway = true
    host.mfa.on('*', async () => {
      if (isAway) throw new Error('the listener is away')
    })
    await host.mfa.accounts.reset(username)
    expect(await told()).to.have.length(2)
    isAway = false
    await host.mfa.accounts.passEventsOn(username)
    const resets = host.events.filter(({ type }) => type === 'reset')
    expect(resets).to.have.length(2)
    expect(await told()).to.have.length(2)
  })

  it('are one a day for lockouts, which an attacker can cause', async () => {
    await start()
    const mira = await enrolledPerson(host)
    await host.mfa.settled()
    mails.length = 0
    const stranger = new HttpClient()
    for (const nth of [0, 1, 2, 3, 4, 5]) {
      if (nth === 5) host.clock.at += 30
      const page = await showPassword(host, stranger, mira.username, { prompt: 'login' })
      await stranger.submit(page, { code: wrongCode(host, mira, nth) })
    }
    const subject = 'Für Ihr Konto bei Acme wurden falsche Codes eingegeben'
    expect(await told()).to.deep.equal([
      `mira@example.com: ${subject}`,
      `second@example.com: ${subject}`,
    ])
    expect(host.events.filter(({ type }) => type === 'locked')).to.have.length(2)
  })

  it('need a function that sends', async () => {
    await start()
    const options = {
      issuerName: 'Acme',
      storage: memoryStorage(),
      encryptionKeys: [Buffer.alloc(32, 1)],
      factors: [totp()],
      firstEnrolment: 'password',
      notices: true,
    } as const
    expect(() => createMfa(options)).to.throw(MfaError, 'notices: needs sendMail')
  })
})
