import { expect } from 'chai'
import { passkeys } from '../../src/factors/passkey/index.ts'
import { backupCodes, totp, type MfaEvent, type OutgoingMail } from '../../src/index.ts'
import { SoftAuthenticator } from '../support/authenticator.ts'
import { HttpClient, type Page } from '../support/http-client.ts'
import { optionsOf } from '../support/passkey-options.ts'
import { ownCode, totpCode } from '../support/totp.ts'
import { callbackOf, follow, redeem, showPassword, startHost, type Host } from './host.ts'
import { enrolPasskey, openPasskeyPage } from './passkey-sign-in.ts'

/** A passkey factor whose examinations wait while the test holds them. */
function heldPasskeys() {
  const inner = passkeys()
  let held: Promise<void> = Promise.resolve()
  let release = (): void => undefined
  let arrived = 0
  return {
    factor: {
      ...inner,
      examine: async (input: Parameters<typeof inner.examine>[0]) => {
        arrived += 1
        await held
        return inner.examine(input)
      },
    },
    hold: () => void (held = new Promise((done) => (release = done))),
    release: () => release(),
    arrived: () => arrived,
  }
}

describe('refused passkeys', () => {
  let host: Host
  let key: SoftAuthenticator
  let mails: OutgoingMail[]
  let gate: ReturnType<typeof heldPasskeys>
  /** A browser in which the owner has never signed in: somebody with the password. */
  let stranger: HttpClient
  let secret: string

  beforeEach(async () => {
    mails = []
    gate = heldPasskeys()
    host = await startHost({
      hostname: 'localhost',
      mfa: {
        factors: [gate.factor, totp(), backupCodes()],
        manage: { clients: ['app'] },
        notices: true,
        sendMail: async (mail) => void mails.push(mail),
      },
    })
    key = new SoftAuthenticator({ origin: host.issuer })
    const own = new HttpClient()
    await enrolPasskey(host, own, key)
    secret = await addApp(own)
    host.clock.at += 60
    await host.mfa.settled()
    host.events.length = 0
    mails.length = 0
    stranger = new HttpClient()
  })
  afterEach(() => host.close())

  /** Adds an authenticator app in the owner's browser; returns its secret. */
  async function addApp(own: HttpClient): Promise<string> {
    const page = await showPassword(host, own, 'mira', { mfa_action: 'add:totp', prompt: 'login' })
    const proved = await own.submit(page, { credential: key.get(optionsOf(page)) })
    const setUp = await follow(host, own, proved)
    const [shown = ''] = setUp.texts('#totp-secret')
    const made = shown.replaceAll(/\s/g, '')
    const code = totpCode({ secret: made }, host.clock.at)
    await follow(host, own, await own.submit(setUp, { code, name: 'Phone' }))
    return made
  }

  const open = (browser = stranger): Promise<Page> => openPasskeyPage(host, browser)
  const wrong = (page: Page): string => key.get(optionsOf(page), { origin: 'https://evil.example' })
  const right = (page: Page): string => key.get(optionsOf(page))
  const eventsOf = async (...types: string[]): Promise<MfaEvent[]> => {
    await host.mfa.settled()
    return host.events.filter(({ type }) => types.includes(type))
  }
  async function enterCode(browser: HttpClient, code: string): Promise<Page> {
    const page = await showPassword(host, browser, 'mira', { prompt: 'login' })
    if (page.name !== 'passkey-verify') return browser.submit(page, { code })
    const ways = await browser.get(page.link('[data-other-way]'))
    const app = await follow(host, browser, await browser.submit(ways, { factor: 'totp' }))
    return app.name === 'totp-verify' ? browser.submit(app, { code }) : app
  }
  const present = (): string => totpCode({ secret }, (host.clock.at += 30))
  function wrongCode(nth: number): string {
    const near = Array.from({ length: 25 }, (_, step) =>
      ownCode({ secret }, host.clock.at + (step - 20) * 30),
    )
    const codes = Array.from({ length: 40 }, (_, value) => String(value).padStart(6, '0'))
    return codes.filter((code) => !near.includes(code))[nth]!
  }

  it('R1 R47 are each audited, and never count against the codes of the account', async () => {
    let page = await open()
    for (let nth = 0; nth < 12; nth += 1) {
      page = await stranger.submit(page, { credential: wrong(page) })
      expect([page.status, page.name]).to.deep.equal([422, 'passkey-verify'])
    }
    const refused = await eventsOf('factor-refused')
    expect(refused).to.have.length(12)
    for (const { detail } of refused)
      expect(detail).to.include({ factor: 'passkey', reason: 'wrong', browser: 'unknown' })
    expect(await eventsOf('locked', 'codes-disabled', 'password-suspected')).to.deep.equal([])
    // The code factors of the same browser have no wait and no failure.
    expect((await enterCode(stranger, present())).status).to.equal(303)
    expect(mails.map(({ subject }) => subject)).not.to.match(/wrong codes/i)
  })

  it('R2 R47 are bounded: of a flood four are examined at once, and the others are audited as throttled', async () => {
    const browsers = Array.from({ length: 5 }, () => new HttpClient())
    const pages = await Promise.all(browsers.map((browser) => open(browser)))
    gate.hold()
    const before = gate.arrived()
    const flood = browsers.map((browser, nth) =>
      browser.submit(pages[nth]!, { credential: wrong(pages[nth]!) }),
    )
    const busy = await Promise.race(flood)
    expect([busy.status, busy.name]).to.deep.equal([429, 'busy'])
    expect(gate.arrived() - before).to.be.at.most(4)
    gate.release()
    const statuses = (await Promise.all(flood)).map(({ status }) => status).sort()
    expect(statuses).to.deep.equal([422, 422, 422, 422, 429])
    const reasons = (await eventsOf('factor-refused')).map(({ detail }) => detail.reason).sort()
    expect(reasons).to.deep.equal(['throttled', 'wrong', 'wrong', 'wrong', 'wrong'])
  })

  it('R28 R47 of somebody with the password leave the open page of the owner as it is', async () => {
    const own = new HttpClient()
    const page = await open(own)
    // The challenges of a factor that are kept in the record are four: the fifth would end the first one.
    const others = Array.from({ length: 5 }, () => new HttpClient())
    const pages = await Promise.all(others.map((browser) => open(browser)))
    for (const [nth, browser] of others.entries()) {
      const credential = wrong(pages[nth]!)
      expect((await browser.submit(pages[nth]!, { credential })).status).to.equal(422)
    }
    expect((await own.submit(page, { credential: right(page) })).status).to.equal(303)
  })

  it('R1 a passkey works while the codes are disabled, and enables them again', async () => {
    // A hundred failures in a browser of the owner's.
    const own = new HttpClient()
    for (let round = 0; round < 25; round += 1) {
      await follow(host, own, await enterCode(own, present()))
      for (let nth = 0; nth < 4; nth += 1) await enterCode(own, wrongCode(nth))
    }
    expect(await eventsOf('codes-disabled')).to.have.length(1)
    // The app was used last, so its page comes first; it is shut, and leads to the passkey.
    const shut = await showPassword(host, own, 'mira', { prompt: 'login' })
    expect([shut.status, shut.name]).to.deep.equal([403, 'locked'])
    const ways = await own.get(shut.link('[data-other-way]'))
    const page = await follow(host, own, await own.submit(ways, { factor: 'passkey' }))
    expect(page.name).to.equal('passkey-verify')
    const back = await follow(host, own, await own.submit(page, { credential: right(page) }))
    expect((await redeem(host, callbackOf(back))).claims.acr).to.equal('phr')
    expect((await enterCode(own, present())).status).to.equal(303)
  }).timeout(60_000)

  it('R38 a double tap, also one that comes late, gets the first result', async () => {
    const page = await open()
    const credential = right(page)
    const taps = await Promise.all([0, 1].map(() => stranger.submit(page, { credential })))
    const late = await stranger.submit(page, { credential })
    expect([...taps, late].map(({ status }) => status)).to.deep.equal([303, 303, 303])
    const back = await follow(host, stranger, late)
    expect(callbackOf(back).get('code')).to.be.a('string')
    expect(await eventsOf('factor-accepted')).to.have.length(1)
    expect(await eventsOf('factor-refused', 'passkey-cloned')).to.deep.equal([])
  })

  it('R29 R44 a counter that did not grow is told by one mail a day', async () => {
    for (let nth = 0; nth < 2; nth += 1) {
      const page = await open()
      const credential = key.get(optionsOf(page), { counter: 1 })
      expect((await stranger.submit(page, { credential })).status).to.equal(422)
    }
    const cloned = await eventsOf('passkey-cloned')
    expect(cloned).to.have.length(2)
    for (const { detail } of cloned)
      expect(detail).to.include({ factor: 'passkey', browser: 'unknown' })
    expect(await eventsOf('factor-refused')).to.have.length(2)
    expect(mails.map(({ subject }) => subject)).to.deep.equal([
      'Somebody may have a copy of a passkey of your Acme account',
    ])
    expect(mails[0]!.text).to.include('this count did not go up')
    // The passkey stays usable with a higher counter.
    const page = await open()
    const answer = await stranger.submit(page, { credential: right(page) })
    expect(answer.status).to.equal(303)
    host.clock.at += 86_400
    const tomorrow = await open()
    const credential = key.get(optionsOf(tomorrow), { counter: 1 })
    await stranger.submit(tomorrow, { credential })
    await host.mfa.settled()
    expect(mails.filter(({ subject }) => subject.includes('copy of a passkey'))).to.have.length(2)
  })
})
