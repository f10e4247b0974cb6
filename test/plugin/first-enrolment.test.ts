import { expect } from 'chai'
import type { Configuration } from 'oidc-provider'
import {
  backupCodes,
  mailedCode,
  totp,
  type MfaOptions,
  type OutgoingMail,
} from '../../src/index.ts'
import { challengeFactor, deliveredCodeFactor } from '../../src/testing/factors.ts'
import { backupCodesOf, secretOf } from '../support/enrolment.ts'
import { HttpClient, type Page } from '../support/http-client.ts'
import { totpCode } from '../support/totp.ts'
import {
  authorizeUrl,
  callbackOf,
  follow,
  redeem,
  showPassword,
  startHost,
  type Host,
} from './host.ts'
import { signedInSessions, STORAGES } from './recorded-storage.ts'
import { enrolledPerson, interactionCookies, nextCode, signIn, uidOf } from './sign-in.ts'

/** A second factor to set up, so that the person has a choice. */
const browserKey = {
  ...challengeFactor('browser-key'),
  pages: { views: new URL('browser-key/', import.meta.url) },
}
const choose = async (host: Host, browser: HttpClient, page: Page): Promise<Page> =>
  follow(host, browser, await browser.submit(page, { factor: 'totp' }))
const codeOf = (host: Host, setUp: Page): string =>
  totpCode({ secret: secretOf(setUp) }, host.clock.at)

for (const [name, storage] of Object.entries(STORAGES))
  describe(`setting up a first factor (${name})`, () => {
    let host: Host
    let browser: HttpClient
    beforeEach(async () => {
      host = await startHost({ storage })
      browser = new HttpClient()
    })
    afterEach(async () => host.close())

    it('R10 of two sign-ins that set one up at once only the first binds', async () => {
      const thief = new HttpClient()
      const mine = await showPassword(host, browser, 'mira')
      const theirs = await showPassword(host, thief, 'mira')
      const confirmed = await browser.submit(mine, { code: codeOf(host, mine) })
      expect(confirmed.status).to.equal(303)
      const late = await thief.submit(theirs, { code: codeOf(host, theirs) })
      expect([late.status, late.name]).to.deep.equal([410, 'expired'])
      const { factors } = await host.mfa.accounts.status('mira')
      expect(factors.map(({ factor }) => factor)).to.deep.equal(['totp', 'backup-codes'])
    })

    it('R18 of two confirmations that arrive together only one binds', async () => {
      const browsers = [browser, new HttpClient(), new HttpClient()]
      const pages = await Promise.all(browsers.map(async (one) => showPassword(host, one, 'mira')))
      const answers = await Promise.all(
        browsers.map((one, nth) => one.submit(pages[nth]!, { code: codeOf(host, pages[nth]!) })),
      )
      const statuses = answers.map(({ status }) => status).sort()
      expect(statuses).to.deep.equal([303, 410, 410])
      const { factors } = await host.mfa.accounts.status('mira')
      expect(factors).to.have.length(2)
      await host.mfa.settled()
      expect(host.events.filter(({ type }) => type === 'factor-enrolled')).to.have.length(1)
    })

    it('R38 a double tap shows the backup codes whichever answer arrives', async () => {
      const setUp = await showPassword(host, browser, 'mira')
      const code = codeOf(host, setUp)
      const taps = await Promise.all([0, 1].map(() => browser.submit(setUp, { code })))
      expect(taps.map(({ status }) => status)).to.deep.equal([303, 303])
      const shown = await follow(host, browser, taps[1]!)
      expect(backupCodesOf(shown)).to.have.length(10)
      const back = await follow(host, browser, await browser.submit(shown, { saved: 'yes' }))
      expect(callbackOf(back).get('code')).to.be.a('string')
    })
  })

describe('setting up a first factor', () => {
  let host: Host
  let browser: HttpClient
  beforeEach(async () => {
    host = await startHost()
    browser = new HttpClient()
  })
  afterEach(async () => host.close())

  it('R10 no second one is added in a sign-in once there is one', async () => {
    const mira = await enrolledPerson(host)
    const thief = new HttpClient()
    const verify = await showPassword(host, thief, 'mira')
    const { csrf = '' } = verify.form().fields
    const at = (path: string): URL => new URL(`/mfa/${uidOf(verify)}/${path}`, host.issuer)
    const chosen = await follow(
      host,
      thief,
      await thief.post(at('choose'), { csrf, factor: 'totp' }),
    )
    expect(chosen.name).to.equal('totp-verify')
    const opened = await follow(host, thief, await thief.get(at('enrol/totp')))
    expect(opened.name).to.equal('totp-verify')
    const confirmed = await thief.post(at('enrol/totp'), { csrf, code: nextCode(host, mira) })
    expect(confirmed.status).to.equal(410)
    const { factors } = await host.mfa.accounts.status('mira')
    expect(factors).to.have.length(2)
  })

  it('R10 R11 nor in a session, fresh code or not', async () => {
    const mira = await enrolledPerson(host)
    await signIn(host, browser, mira)
    const asked = await browser.get(authorizeUrl(host, { prompt: 'mfa' }))
    const verify = await follow(host, browser, asked)
    const { csrf = '' } = verify.form().fields
    const at = (path: string): URL => new URL(`/mfa/${uidOf(verify)}/${path}`, host.issuer)
    await browser.submit(verify, { code: nextCode(host, mira) })
    const confirmed = await browser.post(at('enrol/totp'), { csrf, code: nextCode(host, mira) })
    expect(confirmed.status).to.equal(410)
    expect((await host.mfa.accounts.status('mira')).factors).to.have.length(2)
  })

  it('R5 the code that confirmed it signs nobody in', async () => {
    const setUp = await showPassword(host, browser, 'mira')
    const code = codeOf(host, setUp)
    await browser.submit(setUp, { code })
    const thief = new HttpClient()
    const refused = await thief.submit(await showPassword(host, thief, 'mira'), { code })
    expect(refused.status).to.equal(422)
  })

  it('keeps the secret over a reload and a wrong code, and never shows it afterwards', async () => {
    const setUp = await showPassword(host, browser, 'mira')
    const refused = await browser.submit(setUp, { code: '000000', name: 'My phone' })
    const again = await browser.get(setUp.url)
    expect([secretOf(refused), secretOf(again)]).to.deep.equal([secretOf(setUp), secretOf(setUp)])
    await browser.submit(setUp, { code: codeOf(host, setUp) })
    const after = await follow(host, browser, await browser.get(setUp.url))
    expect(after.body).not.to.contain(secretOf(setUp).slice(0, 4))
  })

  it('R20 dies with the epoch of the account', async () => {
    const setUp = await showPassword(host, browser, 'mira')
    await host.mfa.accounts.passwordChanged('mira')
    expect((await browser.submit(setUp, { code: codeOf(host, setUp) })).status).to.equal(410)
    expect((await browser.get(setUp.url)).status).to.equal(410)
  })

  it('asks for a shorter name before it examines the code, and keeps what was typed', async () => {
    const setUp = await showPassword(host, browser, 'mira')
    const code = codeOf(host, setUp)
    const name = 'n'.repeat(65)
    const long = await browser.submit(setUp, { code, name })
    expect([long.status, long.name, long.form().fields['name']]).to.deep.equal([
      422,
      'totp-enrol',
      name,
    ])
    expect(long.alert).to.contain('64 characters')
    const shown = await browser.follow(await browser.submit(long, { code, name: 'n'.repeat(64) }))
    expect(shown.name).to.equal('backup-codes')
  })

  it('gives every set-up a secret of its own of 160 bits', async () => {
    const secrets = new Set<string>()
    for (let nth = 0; nth < 3; nth += 1) {
      const one = new HttpClient()
      const page = await showPassword(host, one, 'mira')
      secrets.add(secretOf(page))
    }
    expect([...secrets].map(({ length }) => length)).to.deep.equal([32, 32, 32])
  })

  it('R2 wrong confirmations make only themselves wait', async () => {
    const setUp = await showPassword(host, browser, 'mira')
    for (let nth = 0; nth < 5; nth += 1)
      expect((await browser.submit(setUp, { code: `00000${nth}` })).status).to.equal(422)
    const locked = await browser.submit(setUp, { code: codeOf(host, setUp) })
    expect([locked.status, locked.headers['retry-after']]).to.deep.equal([429, '30'])
    const other = new HttpClient()
    const second = await showPassword(host, other, 'mira')
    expect((await other.submit(second, { code: codeOf(host, second) })).status).to.equal(303)
  })

  it('shows the backup codes until they are said to be saved, and offers them as a file', async () => {
    const setUp = await showPassword(host, browser, 'mira')
    const shown = await follow(
      host,
      browser,
      await browser.submit(setUp, { code: codeOf(host, setUp) }),
    )
    const codes = backupCodesOf(shown)
    expect(new Set(codes)).to.have.property('size', 10)
    const ungated = await browser.submit(shown)
    expect([ungated.status, backupCodesOf(ungated)]).to.deep.equal([422, codes])
    const file = await browser.get(shown.link('a[download]'))
    expect(file.headers['content-disposition']).to.match(/^attachment/)
    expect(file.headers['cache-control']).to.equal('no-store')
    for (const code of codes) expect(file.body).to.contain(code)
    await browser.submit(shown, { saved: 'yes' })
    expect((await browser.get(shown.url)).status).to.equal(410)
    expect((await browser.get(file.url)).status).to.equal(410)
  })

  it('R8 the codes on their way to the page open in no other sign-in', async () => {
    const setUp = await showPassword(host, browser, 'mira')
    const secret = secretOf(setUp)
    await browser.submit(setUp, { code: codeOf(host, setUp) })
    const sealed = browser.jar.all().find(({ key }) => key === 'mfa_codes')!
    host.clock.at += 60
    const verify = await showPassword(host, browser, 'mira')
    await browser.submit(verify, { code: totpCode({ secret }, host.clock.at) })
    const url = new URL(`/mfa/${uidOf(verify)}/backup-codes`, host.issuer)
    const cookie = `${interactionCookies(browser, uidOf(verify))}; mfa_codes=${sealed.value}`
    expect((await browser.get(url, { headers: { cookie } })).status).to.equal(410)
  })

  it('R36 an account that was reset sets up anew, and its old codes are nothing', async () => {
    const mira = await enrolledPerson(host)
    await host.mfa.accounts.reset('mira')
    const again = await showPassword(host, browser, 'mira')
    expect(again.name).to.equal('totp-enrol')
    expect(secretOf(again)).not.to.equal(mira.secret)
    expect((await browser.submit(again, { code: nextCode(host, mira) })).status).to.equal(422)
  })
})

describe('a choice of one factor to set up', () => {
  let host: Host
  let browser: HttpClient
  beforeEach(() => {
    browser = new HttpClient()
  })
  afterEach(async () => host.close())

  it('is skipped: the set-up page follows the password', async () => {
    host = await startHost()
    const setUp = await showPassword(host, browser, 'mira')
    expect([setUp.status, setUp.name]).to.deep.equal([200, 'totp-enrol'])
    for (const path of ['', '/choose']) {
      const url = new URL(`/mfa/${uidOf(setUp)}${path}`, host.issuer)
      const again = await follow(host, browser, await browser.get(url))
      expect([again.name, secretOf(again)]).to.deep.equal(['totp-enrol', secretOf(setUp)])
    }
    await host.mfa.settled()
    const started = host.events.filter(({ type }) => type === 'enrolment-started')
    expect(started).to.have.length(1)
  })

  it('is shown where the person has a choice', async () => {
    host = await startHost({ mfa: { factors: [totp(), browserKey, backupCodes()] } })
    const page = await showPassword(host, browser, 'mira')
    expect(page.name).to.equal('mfa-choose')
    expect(page.all('[data-factor]')).to.have.length(2)
    await host.mfa.settled()
    expect(host.events.map(({ type }) => type)).not.to.include('enrolment-started')
  })

  it('keeps its button where the button sends a code: no GET sends anything', async () => {
    const mails: OutgoingMail[] = []
    const pages = { views: new URL('mailed-code/', import.meta.url) }
    host = await startHost({
      mfa: {
        factors: [{ ...deliveredCodeFactor(), pages }, backupCodes()],
        sendMail: async (mail) => mails.push(mail),
      },
    })
    const page = await showPassword(host, browser, 'mira')
    expect([page.name, mails]).to.deep.equal(['mfa-choose', []])
    const chosen = await browser.submit(page, { factor: 'test-mailed-code' })
    expect((await follow(host, browser, chosen)).name).to.equal('test-mailed-code-enrol')
    expect(mails).to.have.length(1)
  })
})

describe('a set-up that was chosen', () => {
  let host: Host
  let browser: HttpClient
  beforeEach(async () => {
    host = await startHost({ mfa: { factors: [totp(), browserKey, backupCodes()] } })
    browser = new HttpClient()
  })
  afterEach(async () => host.close())

  it('lives half an hour, although the first factor counts for ten minutes, and says when it ends', async () => {
    const choice = await showPassword(host, browser, 'mira')
    host.clock.at += 599
    const setUp = await choose(host, browser, choice)
    expect(setUp.text).to.contain('This set-up ends in 30 minutes.')
    host.clock.at += 1_799
    const late = await browser.submit(setUp, { code: '000000' })
    expect([late.status, secretOf(late)]).to.deep.equal([422, secretOf(setUp)])
    expect(late.text).to.contain('This set-up ends in 1 second.')
    const shown = await follow(
      host,
      browser,
      await browser.submit(late, { code: codeOf(host, setUp) }),
    )
    // The backup codes are read and kept in a time of their own.
    host.clock.at += 599
    const back = await follow(host, browser, await browser.submit(shown, { saved: 'yes' }))
    expect(callbackOf(back).get('code')).to.be.a('string')
  })

  it('is over after half an hour, whatever was chosen meanwhile', async () => {
    const setUp = await choose(host, browser, await showPassword(host, browser, 'mira'))
    host.clock.at += 1_799
    const choice = await browser.get(new URL(`/mfa/${uidOf(setUp)}`, host.issuer))
    expect(secretOf(await choose(host, browser, choice))).to.equal(secretOf(setUp))
    host.clock.at += 1
    expect((await browser.submit(setUp, { code: codeOf(host, setUp) })).status).to.equal(410)
    expect((await browser.get(setUp.url)).status).to.equal(410)
  })

  it('has to be begun within ten minutes of the first factor', async () => {
    const choice = await showPassword(host, browser, 'mira')
    host.clock.at += 600
    expect((await browser.submit(choice, { factor: 'totp' })).status).to.equal(410)
  })

  it('shows the same key when the factor is chosen again', async () => {
    const choice = await showPassword(host, browser, 'mira')
    const setUp = await choose(host, browser, choice)
    host.clock.at += 60
    expect(secretOf(await choose(host, browser, choice))).to.equal(secretOf(setUp))
    const next = await choose(host, browser, await showPassword(host, browser, 'mira'))
    expect(secretOf(next)).not.to.equal(secretOf(setUp))
  })
})

describe('the time of a set-up', () => {
  let host: Host
  let browser: HttpClient
  beforeEach(() => {
    browser = new HttpClient()
  })
  afterEach(async () => host.close())

  /** The seconds for which the browser keeps the cookie of the interaction that it was last led to. */
  const cookieSeconds = (): number => {
    const set = host.answers
      .flatMap(({ headers }) => headers['set-cookie'] ?? [])
      .findLast((cookie) => /^_interaction=[^;]/.test(cookie))
    const end = Date.parse(/expires=([^;]+)/i.exec(set ?? '')?.[1] ?? '')
    return Math.round((end - Date.now()) / 60_000) * 60
  }

  it('is what the application says, on the page and in fact', async () => {
    host = await startHost({ mfa: { sessions: { setUpSeconds: 1_200 } } })
    const setUp = await showPassword(host, browser, 'mira')
    expect(setUp.text).to.contain('This set-up ends in 20 minutes.')
    host.clock.at += 1_200
    expect((await browser.submit(setUp, { code: codeOf(host, setUp) })).status).to.equal(410)
  })

  it('is shorter than the life of its interaction and cookie, however short the host’s is', async () => {
    for (const seconds of [60, () => 60]) {
      host = await startHost({ configuration: { ttl: { Interaction: seconds } } })
      browser = new HttpClient()
      const login = await follow(host, browser, await browser.get(authorizeUrl(host)))
      expect(login.name).to.equal('host-login')
      expect(cookieSeconds()).to.equal(60)
      await showPassword(host, browser, 'mira')
      expect(cookieSeconds()).to.equal(1_800 + 2 * 600)
      await host.close()
    }
    host = await startHost({ mfa: { sessions: { setUpSeconds: 3_000 } } })
    await showPassword(host, browser, 'mira')
    expect(cookieSeconds()).to.equal(3_000 + 2 * 600)
  })

  it('leaves a longer life of the host’s interactions as it is', async () => {
    host = await startHost({ configuration: { ttl: { Interaction: 9_000 } } })
    await showPassword(host, browser, 'mira')
    expect(cookieSeconds()).to.equal(9_000)
  })
})

describe('a first factor on the proof of a mailed code', () => {
  let host: Host
  let browser: HttpClient
  let mails: OutgoingMail[]
  let begun: number

  const start = async (
    mfa: Partial<MfaOptions> = {},
    configuration: Partial<Configuration> = {},
  ): Promise<void> => {
    mails = []
    browser = new HttpClient()
    host = await startHost({
      mfa: { firstEnrolment: mailedCode(async (mail) => mails.push(mail)), ...mfa },
      configuration,
    })
    begun = host.clock.at
  }
  afterEach(async () => host.close())

  const open = (by = browser): Promise<Page> => showPassword(host, by, 'mira')
  const send = async (proof: Page, by = browser): Promise<Page> =>
    follow(host, by, await by.submit(proof, {}, { form: '[action$="/proof/send"]' }))
  const answer = (proof: Page, code: string, by = browser): Promise<Page> =>
    by.post(new URL(`/mfa/${uidOf(proof)}/proof`, host.issuer), {
      csrf: proof.form().fields.csrf!,
      code,
    })
  const mailed = (nth = -1): string => /\b\d{8}\b/.exec(mails.at(nth)!.text)![0]
  const wrong = (nth = 0): string => String((Number(mailed()) + 1 + nth) % 1e8).padStart(8, '0')

  it('R10 goes to no address that the account’s claims do not call verified', async () => {
    const claims = { sub: 'mira', email: 'mira@example.com', email_verified: false }
    await start({}, { findAccount: () => ({ accountId: 'mira', claims: () => claims }) })
    const page = await open()
    expect([page.status, page.name]).to.deep.equal([403, 'enrolment-refused'])
    expect(mails).to.deep.equal([])
  })

  it('R9 R10 goes to no mailbox that has set the present password, in any spelling', async () => {
    let address = 'mira@example.com'
    await start({ describe: () => ({ label: 'Mira', address }) })
    const how = { by: 'mail', address: 'Mira+shop@Example.com' } as const
    await host.mfa.accounts.passwordChanged('mira', how)
    const page = await open()
    expect([page.status, page.name]).to.deep.equal([403, 'enrolment-refused'])
    const { csrf = '' } = page.form().fields
    const url = new URL(`/mfa/${uidOf(page)}/proof/send`, host.issuer)
    expect((await browser.post(url, { csrf })).status).to.equal(410)
    expect(mails).to.deep.equal([])
    address = 'mira@work.example'
    browser = new HttpClient()
    expect((await open()).name).to.equal('owner-proof')
  })

  it('R10 goes to the address that the person has when it is sent, and not to a mailbox that has set the password', async () => {
    let address: string | undefined = 'mira@example.com'
    await start({
      describe: () => ({ label: 'Mira', ...(address === undefined ? {} : { address }) }),
    })
    await host.mfa.accounts.passwordChanged('mira', { by: 'mail', address: 'spent@example.com' })
    const proof = await open()
    for (const other of ['spent@example.com', undefined]) {
      address = other
      expect((await send(proof)).status).to.equal(410)
    }
    expect(mails).to.deep.equal([])
    address = 'mira@work.example'
    expect((await send(proof)).name).to.equal('owner-proof')
    expect(mails.map(({ to }) => to)).to.deep.equal(['mira@work.example'])
  })

  it('R10 is asked for before anything is set up, and leads to the set-up', async () => {
    await start({ describe: () => ({ label: 'Mira', address: 'mira@example.com' }) })
    const proof = await open()
    expect(proof.name).to.equal('owner-proof')
    expect(mails).to.deep.equal([])
    const sent = await send(proof)
    expect(mails.map(({ to }) => to)).to.deep.equal(['mira@example.com'])
    expect(sent.text).to.contain('m•••@example.com').and.not.to.contain('mira@')
    const setUp = await follow(host, browser, await answer(sent, mailed()))
    expect(setUp.name).to.equal('totp-enrol')
    const shown = await follow(
      host,
      browser,
      await browser.submit(setUp, { code: codeOf(host, setUp) }),
    )
    const back = await follow(host, browser, await browser.submit(shown, { saved: 'yes' }))
    expect((await redeem(host, callbackOf(back))).claims.amr).to.deep.equal(['pwd', 'otp', 'mfa'])
    await host.mfa.settled()
    expect(host.events.map(({ type }) => type)).to.include('owner-proved')
  })

  it('R10 is not skipped by going to a later page', async () => {
    await start()
    const proof = await open()
    const { csrf = '' } = proof.form().fields
    const at = (path: string): URL => new URL(`/mfa/${uidOf(proof)}/${path}`, host.issuer)
    for (const path of ['choose', 'enrol/totp', 'backup-codes', 'verify/totp']) {
      const skipped = await browser.post(at(path), { csrf, factor: 'totp', code: '123456' })
      expect(skipped.status, path).to.equal(410)
    }
    for (const path of ['', 'choose', 'enrol/totp']) {
      const page = await follow(host, browser, await browser.get(at(path)))
      expect(page.name, path).to.be.oneOf(['owner-proof', 'not-found'])
    }
    expect((await host.mfa.accounts.status('mira')).enrolled).to.equal(false)
    expect(signedInSessions(host.writes)).to.deep.equal([])
  })

  it('R3 is good in the sign-in that asked for it alone; elsewhere it is refused and counted', async () => {
    await start()
    const sent = await send(await open())
    host.clock.at += 60
    const thief = new HttpClient()
    const theirs = await open(thief)
    expect((await answer(theirs, mailed(), thief)).status).to.equal(410)
    const stolen = mailed()
    const second = await send(theirs, thief)
    expect(mails).to.have.length(2)
    expect((await answer(second, stolen, thief)).status).to.equal(422)
    await host.mfa.settled()
    const refused = host.events.filter(({ type }) => type === 'factor-refused')
    expect(refused.map(({ detail }) => detail.factor)).to.deep.equal(['owner-proof'])
    expect((await answer(sent, stolen)).status).to.equal(303)
  })

  it('R3 is good once', async () => {
    await start()
    const sent = await send(await open())
    const taps = await Promise.all([answer(sent, mailed()), answer(sent, mailed())])
    expect(taps.map(({ status }) => status)).to.include(303)
    await host.mfa.settled()
    expect(host.events.filter(({ type }) => type === 'owner-proved')).to.have.length(1)
    const other = new HttpClient()
    expect((await answer(await open(other), mailed(), other)).status).to.equal(410)
  })

  it('R3 is good for ten minutes at most', async () => {
    await start()
    const sent = await send(await open())
    host.clock.at = begun + 600
    expect((await answer(sent, mailed())).status).to.equal(410)
  })

  it('R3 a new code takes the place of the old one and resets no count', async () => {
    await start()
    const sent = await send(await open())
    const old = mailed()
    for (let nth = 0; nth < 4; nth += 1)
      expect((await answer(sent, wrong(nth))).status).to.equal(422)
    host.clock.at += 60
    const again = await send(sent)
    expect(mailed()).not.to.equal(old)
    expect((await answer(again, old)).status).to.equal(422)
    const locked = await answer(again, mailed())
    expect([locked.status, locked.name, locked.headers['retry-after']]).to.deep.equal([
      429,
      'locked',
      '30',
    ])
    host.clock.at += 30
    expect((await answer(again, mailed())).status).to.equal(303)
  })

  it('R3 wrong codes count on the account, over sign-ins', async () => {
    await start()
    for (let nth = 0; nth < 5; nth += 1) {
      const one = new HttpClient()
      host.clock.at += 60
      const sent = await send(await open(one), one)
      expect((await answer(sent, wrong(), one)).status).to.equal(422)
    }
    const locked = await answer(await open(), mailed())
    expect([locked.status, locked.name]).to.deep.equal([429, 'locked'])
  })

  it('R3 is mailed once a minute and five times an hour', async () => {
    await start()
    const proof = await open()
    await send(proof)
    const soon = await send(proof)
    expect(soon.name).to.equal('owner-proof')
    expect(mails).to.have.length(1)
    for (let nth = 0; nth < 6; nth += 1) {
      host.clock.at += 61
      const one = new HttpClient()
      await send(await open(one), one)
    }
    expect(mails).to.have.length(5)
    host.clock.at += 3600
    const later = new HttpClient()
    await send(await open(later), later)
    expect(mails).to.have.length(6)
  })

  it('R3 a second sign-in says how long to wait, and keeps a field and a button that work', async () => {
    await start()
    await send(await open())
    host.clock.at += 18
    const other = new HttpClient()
    const theirs = await open(other)
    const controls = (page: Page) => [
      page.name,
      page.all('input[name=code]').length,
      page.all('button[data-send]').length,
    ]
    expect([theirs.status, ...controls(theirs)]).to.deep.equal([200, 'owner-proof', 1, 1])
    expect(theirs.text).to.contain('42 seconds').and.not.to.contain('We sent a code')
    const early = await send(theirs, other)
    expect([early.status, ...controls(early)]).to.deep.equal([429, 'owner-proof', 1, 1])
    expect(early.headers['retry-after']).to.equal('42')
    expect(early.alert).to.contain('42 seconds').and.to.contain('another sign-in')
    const foreign = await answer(early, mailed(), other)
    expect([foreign.status, ...controls(foreign)]).to.deep.equal([410, 'owner-proof', 1, 1])
    expect(foreign.alert).to.contain('ask for a new one')
    host.clock.at += 42
    const sent = await send(foreign, other)
    expect(mails).to.have.length(2)
    const next = await follow(host, other, await answer(sent, mailed(), other))
    expect(next.name).to.equal('totp-enrol')
  })

  it('R3 a code that was refused by the mail server is not told of, and may be asked for at once', async () => {
    let refuses = true
    const send = mailedCode(async (mail) => {
      if (refuses) throw new Error('550 no such mailbox')
      mails.push(mail)
    })
    await start({ firstEnrolment: send })
    const press = (page: Page): Promise<Page> =>
      browser.submit(page, {}, { form: '[action$="/proof/send"]' })
    const failed = await press(await open())
    expect([failed.status, failed.name]).to.deep.equal([503, 'owner-proof'])
    expect(failed.all('button[data-send]')).to.have.length(1)
    const again = await browser.get(new URL(`/mfa/${uidOf(failed)}/proof`, host.issuer))
    for (const page of [failed, again]) expect(page.text).not.to.match(/We sent|new code in/)
    refuses = false
    const sent = await follow(host, browser, await press(failed))
    expect(sent.text).to.contain('We sent a code to m•••@example.com')
    // One that is refused later leaves the code in the mailbox good.
    refuses = true
    host.clock.at += 60
    const later = await press(sent)
    expect([later.status, later.all('input[name=code]').length]).to.deep.equal([503, 1])
    expect(later.alert).to.contain('No code was sent')
    const next = await follow(host, browser, await answer(later, mailed()))
    expect(next.name).to.equal('totp-enrol')
  })

  it('R34 what cannot be a code is 400 and not counted', async () => {
    await start()
    const sent = await send(await open())
    const writes = host.writes.length
    for (const code of ['', '1234567', '123456789', 'abcdefgh'])
      expect((await answer(sent, code)).status, code).to.equal(400)
    expect(host.writes).to.have.length(writes)
    const spaced = `${mailed().slice(0, 4)} ${mailed().slice(4)}`
    expect((await answer(sent, spaced)).status).to.equal(303)
  })

  it('R20 is nothing once the password has changed', async () => {
    await start()
    const sent = await send(await open())
    await host.mfa.accounts.passwordChanged('mira')
    expect((await answer(sent, mailed())).status).to.equal(410)
  })

  it('R32 is 503 when it cannot be mailed', async () => {
    await start({ firstEnrolment: mailedCode(() => Promise.reject(new Error('no route to host'))) })
    const failed = await browser.submit(await open(), {}, { form: '[action$="/proof/send"]' })
    expect([failed.status, failed.name]).to.deep.equal([503, 'owner-proof'])
    expect(failed.text).to.contain('No code was sent').and.to.contain('Send the code')
    expect(failed.body).not.to.contain('no route')
    expect(signedInSessions(host.writes)).to.deep.equal([])
  })

  it('R10 is refused, with whom to ask, where the address is not verified', async () => {
    await start({ describe: () => ({ label: 'mira' }) })
    const refused = await open()
    expect([refused.status, refused.name]).to.deep.equal([403, 'enrolment-refused'])
    const { csrf = '' } = refused.form().fields
    const url = new URL(`/mfa/${uidOf(refused)}/proof/send`, host.issuer)
    expect((await browser.post(url, { csrf })).status).to.equal(410)
    expect(mails).to.deep.equal([])
    const cancelled = await browser.submit(refused)
    const back = await follow(host, browser, cancelled)
    expect(callbackOf(back).get('error')).to.equal('access_denied')
  })

  it("R10 is the application's own to decide, told whether it is the first sign-in", async () => {
    const asked: boolean[] = []
    await start({
      firstEnrolment({ firstSignIn, account, client, params }) {
        expect([account.accountId, client.clientId, params.scope]).to.deep.equal([
          'mira',
          'app',
          'openid email',
        ])
        asked.push(firstSignIn)
        return firstSignIn ? 'allowed' : 'refused'
      },
    })
    await enrolledPerson(host)
    await host.mfa.accounts.reset('mira')
    const refused = await open()
    expect([refused.status, refused.name]).to.deep.equal([403, 'enrolment-refused'])
    expect(asked).to.deep.equal([true, false])
    const { csrf = '' } = refused.form().fields
    for (const path of ['choose', 'enrol/totp', 'proof', 'proof/send']) {
      const url = new URL(`/mfa/${uidOf(refused)}/${path}`, host.issuer)
      const forced = await browser.post(url, { csrf, factor: 'totp', code: '12345678' })
      expect(forced.status, path).to.be.oneOf([303, 410])
    }
    expect((await host.mfa.accounts.status('mira')).enrolled).to.equal(false)
  })

  for (const [fault, rule] of Object.entries({
    fails: () => Promise.reject(new Error('the directory is away')),
    'answers nothing': () => undefined as never,
    'answers what is no rule': () => 'yes' as never,
    'answers true': () => true as never,
  }))
    it(`R10 a rule that ${fault} sets nothing up`, async () => {
      await start({ firstEnrolment: rule })
      const page = await open()
      expect(page.name).not.to.equal('totp-enrol')
      if (page.name === undefined) return
      const at = (path: string): URL => new URL(`/mfa/${uidOf(page)}/${path}`, host.issuer)
      await browser.post(at('choose'), { csrf: page.form().fields.csrf!, factor: 'totp' })
      const opened = await follow(host, browser, await browser.get(at('enrol/totp')))
      expect(opened.name).not.to.equal('totp-enrol')
    })
})
