import { expect } from 'chai'
import { createMfa, MfaError, totp, type MfaOptions, type OutgoingMail } from '../../src/index.ts'
import { memoryStorage } from '../../src/adapters/memory/index.ts'
import { enrolledPerson } from './sign-in.ts'
import { startHost, type Host } from './host.ts'

describe('the notices of the plugin', () => {
  let host: Host
  let mails: OutgoingMail[]

  const start = async (changes: Partial<MfaOptions> = {}): Promise<void> => {
    mails = []
    host = await startHost({
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
    expect(mails[0]?.text).to.contain(`${host.issuer}/mfa/not-me/`)
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
