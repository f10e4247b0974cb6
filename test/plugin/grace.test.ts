import { expect } from 'chai'
import { MULTI_FACTOR_ACR, PASSWORD_ACR, type MfaOptions } from '../../src/index.ts'
import { HttpClient, type Page } from '../support/http-client.ts'
import { totpCode } from '../support/totp.ts'
import { secretOf } from '../support/enrolment.ts'
import {
  authorizeUrl,
  callbackOf,
  follow,
  PASSWORD,
  redeem,
  showPassword,
  startHost,
  type Host,
} from './host.ts'
import { enrolFrom } from './enrol.ts'
import { nextCode } from './sign-in.ts'

const DAY = 86_400
const GRACE = {
  name: 'a factor within a week',
  require: 'multi-factor',
  enrol: { graceSeconds: 7 * DAY },
}
type Rules = NonNullable<NonNullable<MfaOptions['policy']>['rules']>

describe('a set-up that a rule asks for within a time', () => {
  let host: Host
  let browser: HttpClient
  afterEach(async () => host.close())

  const begin = async (
    rules: Rules = [GRACE],
    { age = 0, ...mfa }: Partial<MfaOptions> & { readonly age?: number } = {},
  ): Promise<void> => {
    const made: { at?: number } = {}
    host = await startHost({
      mfa: {
        require: false,
        policy: { rules },
        describe: ({ accountId }) => ({
          label: String(accountId),
          ...(made.at === undefined ? {} : { createdAt: made.at }),
        }),
        ...mfa,
      },
    })
    made.at = host.clock.at - age
    browser = new HttpClient()
  }
  const signIn = (parameters: Record<string, string> = {}, client = browser): Promise<Page> =>
    showPassword(host, client, 'mira', parameters)
  const visit = async (parameters: Record<string, string> = {}): Promise<Page> =>
    follow(host, browser, await browser.get(authorizeUrl(host, parameters)))
  const press = async (page: Page, client = browser): Promise<Page> =>
    follow(host, client, await client.submit(page, {}, { form: '[action$="/later"]' }))
  const levelOf = async (back: Page, client = 'app'): Promise<unknown> =>
    (await redeem(host, callbackOf(back), client)).claims.acr
  /** The browser is closed: what is left is the cookie by which the account knows it. */
  const endSession = (): void => {
    for (const name of ['_session', '_session.sig']) browser.jar.delete(name)
  }
  const eventsOf = async (type: string) => {
    await host.mfa.settled()
    return host.events.filter((event) => event.type === type)
  }

  it('is shown with its last day, and "Later" completes the sign-in at the level that was proved', async () => {
    await begin()
    const page = await signIn()
    expect([page.status, page.name]).to.deep.equal([200, 'enrol-later'])
    expect(page.tags('[data-factor=totp]')).to.have.length(1)
    const lastDay = new Date((host.clock.at + 7 * DAY - 1) * 1000).toISOString().slice(0, 10)
    expect(page.tags('time')[0]?.['datetime']).to.match(new RegExp(`^${lastDay}`))
    expect(await levelOf(await press(page))).to.equal(PASSWORD_ACR)
    const [event, ...others] = await eventsOf('enrolment-postponed')
    expect(others).to.deep.equal([])
    expect(event?.detail).to.include({ clientId: 'app', until: host.clock.at + 7 * DAY })
  })

  it('R10 asks an old session for the password, although its page was opened before the last day ended', async () => {
    await begin([], { firstEnrolment: 'password' })
    await signIn()
    host.mfa.setPolicy({ rules: [{ ...GRACE, enrol: { graceSeconds: 3600 } }] })
    const page = await visit()
    expect(page.name).to.equal('enrol-later')
    host.clock.at += 3600
    const late = await follow(host, browser, await browser.get(page.url.href))
    expect(late.name).to.equal('host-login')
  })

  it('begins when its rule first meets the account, although no page can come', async () => {
    await begin([])
    await signIn()
    host.mfa.setPolicy({ rules: [{ ...GRACE, enrol: { graceSeconds: DAY } }] })
    const silently = async () => callbackOf(await visit({ prompt: 'none' }))
    expect((await silently()).get('code')).to.be.a('string')
    expect(await eventsOf('enrolment-postponed')).to.have.length(0)
    host.clock.at += DAY - 1
    expect((await silently()).get('code')).to.be.a('string')
    host.clock.at += 1
    endSession()
    expect((await signIn()).name).to.equal('totp-enrol')
  })

  it('is not asked for again in this session, and is in the next one', async () => {
    await begin()
    await press(await signIn())
    for (const client_id of ['app', 'other'])
      expect(await levelOf(await visit({ client_id }), client_id)).to.equal(PASSWORD_ACR)
    expect(await levelOf(await signIn({ prompt: 'login' }))).to.equal(PASSWORD_ACR)
    endSession()
    expect((await signIn()).name).to.equal('enrol-later')
  })

  it('is due after its last day, which no later sign-in moves; the button and its request are refused then', async () => {
    await begin()
    await press(await signIn())
    host.clock.at += 6 * DAY
    endSession()
    const page = await signIn()
    expect(page.name).to.equal('enrol-later')
    host.clock.at += DAY
    // The pending first factor is over by then; a shorter way to the last moment follows.
    expect((await browser.submit(page, {}, { form: '[action$="/later"]' })).status).to.equal(410)
    expect((await signIn()).name).to.equal('totp-enrol')
    expect((await eventsOf('enrolment-postponed')).length).to.equal(1)
  })

  it('is due at its end while the page is open: the answer is the choice, with the reason', async () => {
    await begin()
    await press(await signIn())
    host.clock.at += 7 * DAY - 60
    endSession()
    const page = await signIn()
    expect(page.name).to.equal('enrol-later')
    host.clock.at += 60
    const over = await browser.submit(page, {}, { form: '[action$="/later"]' })
    expect([over.status, over.name]).to.deep.equal([403, 'mfa-choose'])
    expect(over.tags('[role=alert]')).to.have.length(1)
    expect(over.tags('[data-later]')).to.have.length(0)
    expect((await browser.get(page.url)).name).to.not.equal('enrol-later')
    const { callback } = await enrolFrom(host, browser, over)
    expect(await levelOf(callback)).to.equal(MULTI_FACTOR_ACR)
  })

  it('is made from the page, for the level that the rule asks for', async () => {
    await begin()
    const choose = await signIn()
    const setUp = await follow(host, browser, await browser.submit(choose, { factor: 'totp' }))
    expect(setUp.name).to.equal('totp-enrol')
    const { callback } = await enrolFrom(host, browser, setUp)
    expect(await levelOf(callback)).to.equal(MULTI_FACTOR_ACR)
    expect(await eventsOf('enrolment-postponed')).to.deep.equal([])
  })

  it('R10 cannot be put off from a new browser by somebody who has the password alone', async () => {
    await begin()
    await press(await signIn())
    const stranger = new HttpClient()
    const page = await signIn({}, stranger)
    expect(page.name).to.equal('totp-enrol')
    await expectRefused(page, stranger)
  })

  it('R10 can be put off at the first sign-in ever for 72 h, and not without the time of the account', async () => {
    await begin([GRACE], { age: 72 * 3600 - 1 })
    expect((await signIn()).name).to.equal('enrol-later')
    await host.close()
    await begin([GRACE], { age: 72 * 3600 })
    expect((await signIn()).name).to.equal('totp-enrol')
    await host.close()
    await begin([GRACE], { describe: () => ({ label: 'mira' }) })
    expect((await signIn()).name).to.equal('totp-enrol')
  })

  it('has a proof of the owner after the choice, and not before', async () => {
    await begin([GRACE], { firstEnrolment: () => 'refused' })
    const page = await signIn()
    expect(page.name).to.equal('enrol-later')
    const refused = await browser.submit(page, { factor: 'totp' })
    expect([refused.status, refused.name]).to.deep.equal([403, 'enrolment-refused'])
    expect(await levelOf(await press(page))).to.equal(PASSWORD_ACR)
  })

  it('R10 is begun in no session that is too old: the first factor is shown again', async () => {
    await begin([{ ...GRACE, when: { client: 'other' } }])
    expect(await levelOf(await signIn())).to.equal(PASSWORD_ACR)
    host.clock.at += 600
    const page = await visit({ client_id: 'other' })
    expect(page.name).to.equal('enrol-later')
    const login = await follow(host, browser, await browser.submit(page, { factor: 'totp' }))
    expect(login.name).to.equal('host-login')
  })

  it('R25 is asked for by no page with prompt=none until it is due', async () => {
    await begin([{ ...GRACE, enrol: { graceSeconds: 600 }, when: { client: 'other' } }])
    await signIn()
    const silent = { client_id: 'other', prompt: 'none' }
    expect(await levelOf(await visit(silent), 'other')).to.equal(PASSWORD_ACR)
    await press(await visit({ client_id: 'other' }))
    host.clock.at += 600
    expect(callbackOf(await visit(silent)).get('error')).to.equal('interaction_required')
    // A first factor is set up after a sign-in of these minutes only (R10).
    expect((await visit({ client_id: 'other' })).name).to.equal('host-login')
  })

  it('may end on a fixed day', async () => {
    await begin()
    const until = new Date((host.clock.at + 600) * 1000).toISOString().replace(/\.\d+/, '')
    await host.close()
    await begin([{ name: 'a day', require: 'multi-factor', enrol: { until } }])
    await press(await signIn())
    host.clock.at += 600
    // A first factor is set up after a sign-in of these minutes only (R10).
    const login = await visit()
    expect(login.name).to.equal('host-login')
    const form = { username: 'mira', password: PASSWORD }
    const next = await follow(host, browser, await browser.post(login.url, form))
    expect(next.name).to.equal('totp-enrol')
  })

  it('is asked of nobody where it is optional, and at once where it is required', async () => {
    await begin([{ ...GRACE, enrol: 'optional' }])
    expect(await levelOf(await signIn())).to.equal(PASSWORD_ACR)
    await host.close()
    await begin([{ ...GRACE, enrol: 'required' }])
    const page = await signIn()
    expect(page.name).to.equal('totp-enrol')
    await expectRefused(page, browser)
  })

  it('does not begin anew after a reset', async () => {
    await begin()
    await press(await signIn())
    await host.mfa.accounts.reset('mira')
    host.clock.at += 7 * DAY
    expect((await signIn()).name).to.equal('totp-enrol')
  })

  it('R10 is put off at a first sign-in by one browser: the other one has a second sign-in then', async () => {
    await begin()
    const stranger = new HttpClient()
    const [page, other] = [await signIn(), await signIn({}, stranger)]
    expect(other.name).to.equal('enrol-later')
    await press(page)
    const over = await stranger.submit(other, {}, { form: '[action$="/later"]' })
    expect([over.status, over.name]).to.deep.equal([403, 'mfa-choose'])
    expect((await eventsOf('enrolment-postponed')).length).to.equal(1)
  })

  it('takes no word for it from a login page of the application', async () => {
    host = await startHost({
      mfa: {
        require: false,
        policy: { rules: [GRACE] },
        describe: () => ({ label: 'mira', createdAt: host.clock.at }),
      },
      answer: (own, request, response, accountId) =>
        own.mfa.interactionFinished(request, response, {
          login: { accountId },
          mfaLater: accountId,
        }),
    })
    browser = new HttpClient()
    expect((await signIn()).name).to.equal('enrol-later')
  })

  /** A forged press of "Later" signs nobody in. */
  async function expectRefused(page: Page, client: HttpClient): Promise<void> {
    const before = (await eventsOf('enrolment-postponed')).length
    const uid = page.url.pathname.split('/')[2]!
    const { csrf = '' } = page.form().fields
    const forged = await client.post(
      new URL(`/mfa/${uid}/later`, host.issuer),
      { csrf },
      { headers: { origin: host.issuer } },
    )
    const after = await follow(host, client, forged)
    expect(after.name).to.equal('totp-enrol')
    expect(after.location).to.equal(undefined)
    expect((await client.get(authorizeUrl(host, { prompt: 'none' }))).location?.search).to.include(
      'error=login_required',
    )
    expect((await eventsOf('enrolment-postponed')).length).to.equal(before)
  }
})

describe('a second device that a rule asks for', () => {
  const RULE = { name: 'two devices', redundancy: true, require: 'multi-factor' }
  let host: Host
  afterEach(async () => host.close())

  const start = async (enrol: Rules[number]['enrol'] = 'required'): Promise<void> => {
    host = await startHost({
      mfa: {
        require: false,
        policy: { rules: [{ ...RULE, when: { client: 'other' }, enrol }] },
      },
    })
  }
  const OTHER = { client_id: 'other' }

  it('R11 is set up beside the first, with one fresh factor, in the same sign-in', async () => {
    await start()
    const person = await enrolledWithout()
    const verify = await showPassword(host, person.browser, 'mira', {
      ...OTHER,
      prompt: 'login',
    })
    expect(verify.name).to.equal('totp-verify')
    const code = nextCode(host, person)
    const setUp = await follow(host, person.browser, await person.browser.submit(verify, { code }))
    expect(setUp.name).to.equal('totp-enrol')
    expect(setUp.text).to.include('second device')
    const secret = secretOf(setUp)
    expect(secret).to.not.equal(person.secret)
    const confirmed = await person.browser.submit(setUp, {
      code: totpCode({ secret }, host.clock.at),
      name: 'Tablet',
    })
    const back = await follow(host, person.browser, confirmed)
    expect((await redeem(host, callbackOf(back), 'other')).claims.acr).to.equal(MULTI_FACTOR_ACR)
    const { factors } = await host.mfa.accounts.status('mira')
    expect(factors.filter(({ factor }) => factor === 'totp')).to.have.length(2)
  })

  it('is asked for in a session too, after a fresh factor', async () => {
    await start()
    const person = await enrolledWithout()
    const page = await follow(
      host,
      person.browser,
      await person.browser.get(authorizeUrl(host, OTHER)),
    )
    expect(page.name).to.equal('totp-verify')
    const forged = await person.browser.post(
      new URL(`${page.url.pathname}/change`, host.issuer),
      { csrf: page.form().fields['csrf'] ?? '', factor: 'totp' },
      { headers: { origin: host.issuer } },
    )
    expect(forged.status).to.equal(410)
  })

  it('can be put off where the rule has a grace: before and after the factor', async () => {
    await start({ graceSeconds: 900 })
    const person = await enrolledWithout()
    const { browser } = person
    const page = await showPassword(host, browser, 'mira', { ...OTHER, prompt: 'login' })
    expect(page.name).to.equal('totp-verify')
    // The factor comes first: a forged press does not take its place.
    const early = await browser.post(
      new URL(`${page.url.pathname.replace(/\/verify.*/, '')}/later`, host.issuer),
      { csrf: page.form().fields['csrf'] ?? '' },
      { headers: { origin: host.issuer } },
    )
    const still = await follow(host, browser, early)
    expect(still.name).to.equal('totp-verify')
    const later = await follow(
      host,
      browser,
      await browser.submit(still, { code: nextCode(host, person) }),
    )
    expect(later.name).to.equal('enrol-later')
    expect(later.text).to.include('second device')
    const back = await follow(
      host,
      browser,
      await browser.submit(later, {}, { form: '[action$="/later"]' }),
    )
    expect((await redeem(host, callbackOf(back), 'other')).claims.acr).to.equal(MULTI_FACTOR_ACR)
    const again = await follow(host, browser, await browser.get(authorizeUrl(host, OTHER)))
    expect((await redeem(host, callbackOf(again), 'other')).claims.acr).to.equal(MULTI_FACTOR_ACR)
    host.clock.at += 900
    const due = await follow(host, browser, await browser.get(authorizeUrl(host, OTHER)))
    expect(due.name).to.equal('totp-verify')
  })

  it('does not come before an app that no rule names', async () => {
    await start()
    const person = await enrolledWithout()
    const back = await follow(host, person.browser, await person.browser.get(authorizeUrl(host)))
    expect(callbackOf(back).get('code')).to.be.a('string')
  })

  /** A person with one app, and a session at the client that no rule names. */
  async function enrolledWithout() {
    const browser = new HttpClient()
    const claims = JSON.stringify({
      id_token: { acr: { essential: true, value: MULTI_FACTOR_ACR } },
    })
    const setUp = await showPassword(host, browser, 'mira', { claims })
    const { secret, codes } = await enrolFrom(host, browser, setUp)
    host.clock.at += 60
    await host.mfa.settled()
    return { username: 'mira', secret, codes, browser }
  }
})
