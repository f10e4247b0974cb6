import { expect } from 'chai'
import { backupCodes, totp, type MfaEvent } from '../../src/index.ts'
import { HttpClient, type Page } from '../support/http-client.ts'
import { totpCode } from '../support/totp.ts'
import { callbackOf, follow, showPassword, startHost, type Host } from './host.ts'
import { STORAGES } from './recorded-storage.ts'
import {
  enrolledPerson,
  nextCode,
  signIn,
  wrongBackupCode,
  wrongCode,
  type Person,
} from './sign-in.ts'

let host: Host
let mira: Person
/** A browser in which the account's owner has not signed in. */
let stranger: HttpClient

const begin = async (options: Parameters<typeof startHost>[0] = {}): Promise<void> => {
  host = await startHost(options)
  mira = await enrolledPerson(host)
  stranger = new HttpClient()
  host.events.length = 0
}
const open = (browser = stranger): Promise<Page> =>
  showPassword(host, browser, 'mira', { prompt: 'login' })
const enter = (browser: HttpClient, person = mira): Promise<Page> =>
  signIn(host, browser, person, { prompt: 'login' })
const present = (): string => totpCode(mira, host.clock.at)
/** Enters wrong codes, each in a new sign-in, because a new sign-in must not reset the count. */
const fail = async (times: number, browser = stranger): Promise<Page[]> => {
  const answers: Page[] = []
  for (let nth = 0; nth < times; nth += 1)
    answers.push(await browser.submit(await open(browser), { code: wrongCode(host, mira, nth) }))
  return answers
}
/** Enters ten wrong codes; waits an hour before each of the last five, so that the throttle lets it be examined. */
const failTenTimes = async (browser = stranger): Promise<void> => {
  await fail(5, browser)
  for (let nth = 5; nth < 10; nth += 1) {
    host.clock.at += 3600
    await fail(1, browser)
  }
}
const eventsOf = async (type: string): Promise<MfaEvent[]> => {
  await host.mfa.settled()
  return host.events.filter((event) => event.type === type)
}

for (const [name, storage] of Object.entries(STORAGES))
  describe(`guessing codes (${name})`, () => {
    beforeEach(async () => begin({ storage }))
    afterEach(async () => host.close())

    it('R2 five wrong codes are answered alike, then nothing is examined for 30 s', async () => {
      const answers = await fail(5)
      for (const answer of answers) {
        expect(answer.status).to.equal(422)
        expect(answer.name).to.equal('totp-verify')
        expect(answer.alert).to.equal(answers[0]!.alert).and.to.be.a('string')
        expect(answer.text).to.equal(answers[0]!.text)
      }
      const locked = await open()
      expect(locked.status).to.equal(429)
      expect(locked.name).to.equal('locked')
      expect(locked.headers['retry-after']).to.equal('30')
      expect(locked.tags('input').map(({ name }) => name)).not.to.include('code')
    })

    it('R2 a right code while locked is neither examined nor spent', async () => {
      const verify = await open()
      await fail(5)
      const writes = host.writes.length
      const code = present()
      const refused = await stranger.submit(verify, { code })
      expect(refused.status).to.equal(429)
      expect(refused.headers['retry-after']).to.equal('30')
      expect(host.writes).to.have.length(writes)
      host.clock.at += 30
      const accepted = await stranger.submit(verify, { code })
      expect(callbackOf(await follow(host, stranger, accepted)).get('code')).to.be.a('string')
    })

    it('R5 the same code sent from many browsers at once signs in one of them', async () => {
      const browsers = Array.from({ length: 4 }, () => new HttpClient())
      const pages = await Promise.all(browsers.map((browser) => open(browser)))
      const code = nextCode(host, mira)
      const answers = await Promise.all(
        browsers.map((browser, nth) => browser.submit(pages[nth]!, { code })),
      )
      const statuses = answers.map(({ status }) => status).sort()
      expect(statuses).to.deep.equal([303, 422, 422, 422])
      expect(await eventsOf('factor-accepted')).to.have.length(1)
      expect(await eventsOf('factor-refused')).to.have.length(3)
    })

    it('R5 the same backup code sent from many browsers at once signs in one of them', async () => {
      const browsers = Array.from({ length: 4 }, () => new HttpClient())
      const pages = await Promise.all(browsers.map((browser) => openBackupCode(browser)))
      const answers = await Promise.all(
        browsers.map((browser, nth) => browser.submit(pages[nth]!, { backupCode: mira.codes[0]! })),
      )
      const statuses = answers.map(({ status }) => status).sort()
      expect(statuses).to.deep.equal([303, 422, 422, 422])
      const { factors } = await host.mfa.accounts.status('mira')
      expect(factors.find(({ factor }) => factor === 'backup-codes')).to.include({ remaining: 9 })
    })

    it('R38 a double tap gets the first result', async () => {
      const verify = await open()
      const code = nextCode(host, mira)
      const first = await stranger.submit(verify, { code })
      const second = await stranger.submit(verify, { code })
      expect([first.status, second.status]).to.deep.equal([303, 303])
      expect(second.location!.href).to.equal(first.location!.href)
      const back = await follow(host, stranger, second)
      expect(callbackOf(back).get('code')).to.be.a('string')
      expect(await eventsOf('factor-accepted')).to.have.length(1)
      expect(await eventsOf('factor-refused')).to.have.length(0)
    })

    it('R38 a double tap with both in flight gets the first result', async () => {
      const verify = await open()
      const code = nextCode(host, mira)
      const taps = await Promise.all([0, 1].map(() => stranger.submit(verify, { code })))
      expect(taps.map(({ status }) => status)).to.deep.equal([303, 303])
      expect(taps[0]!.location!.href).to.equal(taps[1]!.location!.href)
      expect(await eventsOf('factor-accepted')).to.have.length(1)
    })

    it('R38 the same code in another sign-in is a replay: refused, and counted', async () => {
      const verify = await open()
      const second = await open()
      const code = nextCode(host, mira)
      const accepted = await stranger.submit(verify, { code })
      expect(accepted.status).to.equal(303)
      const replayed = await stranger.submit(second, { code })
      expect(replayed.status).to.equal(422)
      expect(replayed.alert).to.equal((await fail(1))[0]!.alert)
      const [replay] = await eventsOf('factor-refused')
      expect(replay!.detail).to.include({ reason: 'replayed', factor: 'totp' })
    })

    it('R38 a code that another interaction has used is refused to the one that goes back', async () => {
      await enter(stranger)
      const thief = new HttpClient()
      const replayed = await thief.submit(await open(thief), { code: present() })
      expect(replayed.status).to.equal(422)
    })
  })

async function openBackupCode(browser = stranger): Promise<Page> {
  const other = await browser.get((await open(browser)).link('[data-other-way]'))
  return follow(host, browser, await browser.submit(other, { factor: 'backup-codes' }))
}

describe('the wait after wrong guesses', () => {
  beforeEach(async () => begin())
  afterEach(async () => host.close())

  it('R2 doubles with each wrong code after the fifth', async () => {
    await fail(5)
    for (const seconds of ['60', '120', '240', '480']) {
      host.clock.at += 3600
      const [refused] = await fail(1)
      expect(refused!.status).to.equal(422)
      expect((await open()).headers['retry-after']).to.equal(seconds)
    }
  })

  it('R2 counts codes of every factor together', async () => {
    await fail(3)
    const form = await openBackupCode()
    for (const nth of [1, 2]) {
      const refused = await stranger.submit(form, {
        backupCode: wrongBackupCode(mira.codes[nth]!),
      })
      expect(refused.status).to.equal(422)
    }
    const locked = await open()
    expect(locked.status).to.equal(429)
    expect((await stranger.submit(form, { backupCode: mira.codes[0]! })).status).to.equal(429)
    const { factors } = await host.mfa.accounts.status('mira')
    expect(factors.find(({ factor }) => factor === 'backup-codes')).to.include({ remaining: 10 })
  })

  it('R2 a success begins the count anew in its own class', async () => {
    await fail(4)
    await enter(new HttpClient())
    const [refused] = await fail(1)
    expect(refused!.status).to.equal(422)
    expect((await open()).status).to.equal(200)
  })

  it('R2 a first enrolment makes its browser known', async () => {
    await fail(5)
    expect((await open()).name).to.equal('locked')
    expect((await open(mira.browser)).name).to.equal('totp-verify')
  })

  it('R2 strangers do not keep the owner waiting in a known browser', async () => {
    const own = new HttpClient()
    await enter(own)
    await fail(5)
    host.clock.at += 30
    await fail(1)
    expect((await open()).name).to.equal('locked')
    const back = await enter(own)
    expect(callbackOf(back).get('code')).to.be.a('string')
    expect((await open()).name).to.equal('locked')
  })

  it('R2 a sign-in makes its browser known, also over the page that warns of few backup codes', async () => {
    const own = new HttpClient()
    for (const backupCode of mira.codes.slice(0, 7)) {
      own.jar.delete('mfa_browser')
      const page = await own.submit(await openBackupCode(own), { backupCode })
      const next = await follow(host, own, page)
      if (next.name === 'backup-codes-low') await follow(host, own, await own.submit(next))
    }
    await fail(5)
    expect((await open(own)).name).to.equal('totp-verify')
  })

  it('R2 a browser that a double tap signed in is known', async () => {
    const own = new HttpClient()
    const verify = await open(own)
    const code = nextCode(host, mira)
    const [, last] = await Promise.all([0, 1].map(() => own.submit(verify, { code })))
    await follow(host, own, last!)
    await fail(5)
    expect((await open(own)).name).to.equal('totp-verify')
  })

  it('R2 wrong codes in a known browser do not keep others waiting', async () => {
    const own = new HttpClient()
    await enter(own)
    await fail(5, own)
    expect((await open(own)).name).to.equal('locked')
    expect((await open()).name).to.equal('totp-verify')
  })

  it('R4 a known browser is a stranger after ten failures', async () => {
    const own = new HttpClient()
    await enter(own)
    await failTenTimes(own)
    expect(await eventsOf('browser-forgotten')).to.have.length(1)
    await fail(5)
    expect((await open(own)).name).to.equal('locked')
  })

  it("R4 a token from another person's browser makes nothing known", async () => {
    const noor = await enrolledPerson(host, 'noor')
    const theirs = new HttpClient()
    await enter(theirs, noor)
    await fail(5)
    expect((await open(theirs)).name).to.equal('locked')
  })

  it('R2 ten failures after a right password mean that somebody has it', async () => {
    const own = new HttpClient()
    await enter(own)
    const told: MfaEvent[] = []
    host.mfa.on('password-suspected', (event) => told.push(event))
    await failTenTimes()
    await host.mfa.settled()
    expect(told.map(({ accountId, type }) => [accountId, type])).to.deep.equal([
      ['mira', 'password-suspected'],
    ])
    host.clock.at += 7200
    const locked = await open()
    expect(locked.status).to.equal(403)
    expect(locked.name).to.equal('locked')
    expect(locked.headers['retry-after']).to.equal(undefined)
    expect(callbackOf(await enter(own)).get('code')).to.be.a('string')
    await host.mfa.accounts.passwordChanged('mira')
    expect(callbackOf(await enter(stranger)).get('code')).to.be.a('string')
  })

  it('R1 a hundred failures in 30 days end codes, successes and known browsers notwithstanding', async () => {
    const own = new HttpClient()
    for (let round = 0; round < 25; round += 1) {
      await enter(own)
      await fail(4, own)
    }
    expect(await eventsOf('codes-disabled')).to.have.length(1)
    for (const browser of [own, stranger]) {
      const locked = await open(browser)
      expect([locked.status, locked.name]).to.deep.equal([403, 'locked'])
    }
    host.clock.at += 40 * 86_400
    expect((await open(own)).name).to.equal('locked')
  }).timeout(60_000)
})

describe('what is not charged', () => {
  let release: () => void
  let examining: Promise<unknown>

  afterEach(async () => host.close())

  it('R34 a response that cannot be a code is 400 and costs nothing', async () => {
    await begin()
    const verify = await open()
    const writes = host.writes.length
    for (const code of ['', 'abcdef', '12345', '1234567', '123456789', '١٢٣', '12 34', '𝟙']) {
      const refused = await stranger.submit(verify, { code })
      expect(refused.status, code).to.equal(400)
      expect(refused.alert, code).to.be.a('string')
    }
    expect(host.writes).to.have.length(writes)
  })

  it('R34 reads one normal form of a code: spaces, hyphens and digits of other scripts', async () => {
    await begin()
    for (const write of [
      (code: string) => ` ${code.slice(0, 3)} ${code.slice(3)} `,
      (code: string) => `${code.slice(0, 3)}-${code.slice(3)}`,
      (code: string) =>
        code.replace(/\d/g, (digit) => String.fromCodePoint(0xff10 + Number(digit))),
      (code: string) => code.replace(/\d/g, (digit) => String.fromCodePoint(0x660 + Number(digit))),
    ]) {
      const verify = await open()
      const code = nextCode(host, mira)
      const accepted = await stranger.submit(verify, { code: write(code) })
      expect(accepted.status, write('012345')).to.equal(303)
      const again = await stranger.submit(await open(), { code })
      expect(again.status, 'the used-check sees the same form').to.equal(422)
    }
  })

  it('R2 a flood within one sign-in is 429, busy, and charges nothing', async () => {
    await begin({ mfa: { factors: [slowTotp(), backupCodes()] } })
    const verify = await open()
    hold()
    const first = stranger.submit(verify, { code: wrongCode(host, mira) })
    await examining
    const writes = host.writes.length
    const busy = await stranger.submit(verify, { code: wrongCode(host, mira, 1) })
    expect([busy.status, busy.name]).to.deep.equal([429, 'busy'])
    expect(busy.headers['retry-after']).to.equal('1')
    expect(host.writes).to.have.length(writes)
    release()
    expect((await first).status).to.equal(422)
    const refused = await eventsOf('factor-refused')
    expect(refused.map(({ detail }) => detail.reason)).to.deep.equal(['throttled', 'wrong'])
  })

  it("R2 strangers' flood leaves room for the owner's browser", async () => {
    await begin({ mfa: { factors: [slowTotp(), backupCodes()] } })
    const own = new HttpClient()
    await enter(own)
    const browsers = Array.from({ length: 5 }, () => new HttpClient())
    const pages = await Promise.all(browsers.map((browser) => open(browser)))
    const mine = await open(own)
    hold()
    const flood = browsers.map((browser, nth) =>
      browser.submit(pages[nth]!, { code: wrongCode(host, mira, nth) }),
    )
    await examining
    const accepted = own.submit(mine, { code: nextCode(host, mira) })
    const refused = await Promise.race(flood)
    expect([refused.status, refused.name]).to.deep.equal([429, 'busy'])
    release()
    expect((await accepted).status).to.equal(303)
    const statuses = (await Promise.all(flood)).map(({ status }) => status).sort()
    expect(statuses).to.deep.equal([422, 422, 422, 422, 429])
  })

  /** A TOTP factor whose examination waits until the test releases it. */
  function slowTotp() {
    const inner = totp()
    return {
      ...inner,
      examine: async (input: Parameters<typeof inner.examine>[0]) => {
        arrived()
        await held
        return inner.examine(input)
      },
    }
  }
  let held: Promise<void> = Promise.resolve()
  let arrived: () => void = () => undefined
  function hold(): void {
    held = new Promise((done) => (release = done))
    examining = new Promise<void>((done) => (arrived = done))
  }
})

describe('a phone whose clock is behind', () => {
  beforeEach(async () => begin())
  afterEach(async () => host.close())

  const submitCodeOf = async (secondsAgo: number): Promise<Page> => {
    const code = totpCode(mira, host.clock.at - secondsAgo)
    return stranger.submit(await open(), { code })
  }

  it('R6 is shown after a code that is up to five minutes late, which is charged', async () => {
    host.clock.at += 600
    const refused = await submitCodeOf(240)
    expect(refused.status).to.equal(422)
    expect(refused.alert).to.match(/behind/)
    expect(refused.alert).to.contain('4 minutes')
    const [event] = await eventsOf('factor-refused')
    expect(event!.detail).to.include({ reason: 'late' })
    for (let nth = 0; nth < 4; nth += 1) await fail(1)
    expect((await open()).name).to.equal('locked')
  })

  it('R6 is not told of by older codes, by codes of the future, or by used ones', async () => {
    host.clock.at += 600
    const plain = (await fail(1))[0]!.alert
    expect((await submitCodeOf(360)).alert).to.equal(plain)
    expect((await submitCodeOf(-60)).alert).to.equal(plain)
    await enter(new HttpClient())
    const used = host.clock.at
    host.clock.at += 120
    const replayed = await submitCodeOf(host.clock.at - used)
    expect(replayed.status).to.equal(422)
    expect(replayed.alert).to.equal(plain)
  })
})
