import { expect } from 'chai'
import type { MfaEvent, MfaOptions } from '../../src/index.ts'
import { HttpClient, type Page } from '../support/http-client.ts'
import { ownCode, totpCode } from '../support/totp.ts'
import { secretOf } from './enrol.ts'
import {
  authorizeUrl,
  CLIENT,
  callbackOf,
  follow,
  redeem,
  showPassword,
  startHost,
  type Host,
} from './host.ts'
import { STORAGES } from './recorded-storage.ts'
import { asClient } from './relying-party.ts'
import { enrolledPerson, nextCode, signIn, uidOf, wrongCode, type Person } from './sign-in.ts'

let host: Host
let mira: Person
const DEVICE = 'urn:ietf:params:oauth:grant-type:device_code'
const defaultFeatures = { devInteractions: { enabled: false }, claimsParameter: { enabled: true } }
const MANAGED: Partial<MfaOptions> = { manage: { clients: ['app'] } }

async function begin(mfa: Partial<MfaOptions> = MANAGED): Promise<void> {
  host = await startHost({ mfa })
  mira = await enrolledPerson(host)
}

/** The first page of a change, in a browser that is signed in. */
async function ask(action: string, browser: HttpClient = mira.browser): Promise<Page> {
  return follow(host, browser, await browser.get(authorizeUrl(host, { mfa_action: action })))
}

/** The page of the change, after a fresh code for it. */
async function prove(action: string, browser: HttpClient = mira.browser): Promise<Page> {
  const verify = await ask(action, browser)
  expect(verify.name).to.equal('totp-verify')
  const answer = await browser.submit(verify, { code: nextCode(host, mira) })
  return follow(host, browser, answer)
}

async function press(page: Page, values = {}, browser: HttpClient = mira.browser): Promise<Page> {
  return follow(host, browser, await browser.submit(page, values))
}

async function factors() {
  return (await host.mfa.accounts.status('mira')).factors
}
const ids = async (factor: string): Promise<string[]> =>
  (await factors()).filter((one) => one.factor === factor).map(({ id }) => id)

async function eventsOf(...types: string[]): Promise<MfaEvent[]> {
  await host.mfa.settled()
  return host.events.filter(({ type }) => types.includes(type))
}

/** Adds a second authenticator app; answers its secret and the page that the browser came to. */
async function add(browser: HttpClient = mira.browser) {
  const choose = await prove('add', browser)
  const setUp = await press(choose, { factor: 'totp' }, browser)
  const secret = secretOf(setUp)
  const code = totpCode({ secret }, host.clock.at)
  const back = await press(setUp, { code, name: 'Tablet' }, browser)
  return { secret, code, setUp, back }
}

const isSignedIn = async (browser: HttpClient): Promise<boolean> => {
  const silent = callbackOf(await browser.get(authorizeUrl(host, { prompt: 'none' })))
  return silent.get('error') === null
}

describe('a change of factors', () => {
  beforeEach(async () => begin())
  afterEach(async () => host.close())

  it('is for the apps that the application names', async () => {
    const other = await mira.browser.get(
      authorizeUrl(host, { client_id: 'other', mfa_action: 'add' }),
    )
    expect(callbackOf(other).get('error')).to.equal('invalid_request')
  })

  for (const action of [
    '',
    'adds',
    'add:',
    'add:pigeon',
    'add:backup-codes',
    'renew',
    'renew:totp',
    'remove:',
    'remove:../x',
    'rename',
  ])
    it(`is one of those that there are: not "${action}"`, async () => {
      const answer = await mira.browser.get(authorizeUrl(host, { mfa_action: action }))
      if (action === '') return expect(callbackOf(answer).get('error')).to.equal(null)
      expect(callbackOf(answer).get('error')).to.equal('invalid_request')
    })

  it('is of what the account has', async () => {
    for (const action of ['remove:another', 'rename:another'])
      expect(callbackOf(await ask(action)).get('error')).to.equal('invalid_request')
  })

  it('R25 never shows a page for prompt=none', async () => {
    const silent = await mira.browser.get(authorizeUrl(host, { mfa_action: 'add', prompt: 'none' }))
    expect(callbackOf(silent).get('error')).to.equal('interaction_required')
  })

  it('R11 asks for a fresh factor, however fresh the session is', async () => {
    await signIn(host, mira.browser, mira, { prompt: 'login' })
    for (const action of ['add', 'renew:backup-codes', `rename:${(await ids('totp'))[0]}`]) {
      const page = await ask(action)
      expect(page.name, action).to.equal('totp-verify')
    }
  })

  it('R11 R17 is not made by a stolen session: no page and no form leads past the code', async () => {
    const before = await factors()
    for (const action of ['add', 'renew:backup-codes', `rename:${(await ids('totp'))[0]}`]) {
      const verify = await ask(action)
      const base = `${host.issuer}/mfa/${uidOf(verify)}`
      const { csrf = '' } = verify.form().fields
      const shown = await follow(host, mira.browser, await mira.browser.get(`${base}/change`))
      expect(shown.name).to.equal('totp-verify')
      const fields = { csrf, factor: 'totp', name: 'Mine', saved: 'yes', code: '000000' }
      for (const path of ['change', 'choose', 'enrol/totp', 'backup-codes', 'backup-codes-low']) {
        const answer = await follow(
          host,
          mira.browser,
          await mira.browser.post(`${base}/${path}`, fields),
        )
        expect(answer.location, `${action} ${path}`).to.equal(undefined)
      }
    }
    expect(await factors()).to.deep.equal(before)
    expect(await eventsOf('factor-removed', 'factor-renamed', 'enrolment-started')).to.have.length(
      1,
    )
  })

  it('R11 is made with a code typed for it alone: not with one of another sign-in', async () => {
    const change = await ask('renew:backup-codes')
    await signIn(host, mira.browser, mira, { prompt: 'login' })
    const { csrf = '' } = change.form().fields
    const answer = await mira.browser.post(`${host.issuer}/mfa/${uidOf(change)}/change`, { csrf })
    expect([answer.status, answer.name]).to.deep.equal([410, 'expired'])
  })

  it('R11 is over ten minutes after its code', async () => {
    const page = await prove('renew:backup-codes')
    host.clock.at += 600
    const late = await mira.browser.submit(page)
    expect([late.status, late.name]).to.deep.equal([410, 'expired'])
  })

  it('R2 is guarded like a sign-in: five wrong codes, then nothing is examined', async () => {
    for (let nth = 0; nth < 5; nth += 1) {
      const verify = await ask('add')
      await mira.browser.submit(verify, { code: wrongCode(host, mira, nth) })
    }
    expect((await ask('add')).name).to.equal('locked')
  })

  it('R30 needs the form’s own token', async () => {
    const page = await prove('renew:backup-codes')
    const forged = await mira.browser.submit(page, { csrf: 'x' })
    expect([forged.status, forged.name]).to.deep.equal([403, 'forbidden'])
    expect(await eventsOf('factor-removed')).to.deep.equal([])
  })

  it('R11 changes nothing when its pages are only looked at', async () => {
    const page = await prove('renew:backup-codes')
    await host.mfa.settled()
    const writes = host.writes.length
    for (const path of ['', '/change', '/choose'])
      await mira.browser.get(`${host.issuer}/mfa/${uidOf(page)}${path}`)
    expect(host.writes).to.have.length(writes)
  })

  it('is refused by the person with access_denied', async () => {
    const page = await prove('renew:backup-codes')
    const back = await follow(
      host,
      mira.browser,
      await mira.browser.submit(page, {}, { form: /cancel/ }),
    )
    expect(callbackOf(back).get('error')).to.equal('access_denied')
  })
})

describe('who may ask for a change, and where', () => {
  afterEach(async () => host.close())

  it('is decided by a function of the application as well', async () => {
    await begin({ manage: { clients: async ({ clientName }) => clientName === 'Ledger' } })
    const ask = async (clientId: string): Promise<Page> =>
      follow(
        host,
        mira.browser,
        await mira.browser.get(authorizeUrl(host, { client_id: clientId, mfa_action: 'add' })),
      )
    expect(callbackOf(await ask('app')).get('error')).to.equal('invalid_request')
    expect((await ask('other')).name).to.equal('totp-verify')
  })

  it('is nobody, unless the application says who', async () => {
    await begin({})
    expect(callbackOf(await ask('add')).get('error')).to.equal('invalid_request')
  })

  it('R17 goes through a pushed request, and through no device', async () => {
    const features = { ...defaultFeatures, deviceFlow: { enabled: true } }
    const pushed = { pushedAuthorizationRequests: { enabled: true } }
    host = await startHost({
      mfa: MANAGED,
      configuration: {
        clients: [{ ...CLIENT, grant_types: [...CLIENT.grant_types, DEVICE] }],
        features: { ...features, ...pushed },
      },
    })
    mira = await enrolledPerson(host)
    const device = await asClient(host, '/device/auth', { scope: 'openid', mfa_action: 'add' })
    expect([device.status, device.json.error]).to.deep.equal([400, 'invalid_request'])
    const parameters = Object.fromEntries(authorizeUrl(host, { mfa_action: 'add' }).searchParams)
    const { json } = await asClient(host, '/request', parameters)
    const url = new URL('/auth', host.issuer)
    url.search = new URLSearchParams({
      ...{ client_id: 'app', request_uri: String(json.request_uri) },
    }).toString()
    const page = await follow(host, mira.browser, await mira.browser.get(url))
    expect(page.name).to.equal('totp-verify')
  })
})

describe('adding an authenticator', () => {
  beforeEach(async () => begin())
  afterEach(async () => host.close())

  it('R11 R20 binds it beside the first, signs out everything else, and goes on here', async () => {
    const elsewhere = new HttpClient()
    await signIn(host, elsewhere, mira)
    const { secret, back } = await add()
    const { claims } = await redeem(host, callbackOf(back))
    expect(claims).to.deep.include({ sub: 'mira', amr: ['pwd', 'otp', 'mfa'] })
    expect((await factors()).map(({ factor, name }) => [factor, name])).to.deep.equal([
      ['totp', 'Phone'],
      ['backup-codes', ''],
      ['totp', 'Tablet'],
    ])
    expect(await isSignedIn(elsewhere)).to.equal(false)
    expect(await isSignedIn(mira.browser)).to.equal(true)
    const tablet = await signIn(host, new HttpClient(), { ...mira, secret })
    expect(callbackOf(tablet).get('code')).to.be.a('string')
    const [enrolled] = (await eventsOf('factor-enrolled')).slice(-1)
    expect(enrolled?.detail).to.include({ authenticatorName: 'Tablet', clientId: 'app' })
    const [started] = (await eventsOf('enrolment-started')).slice(-1)
    expect(started?.detail.reason).to.equal('fresh-factor')
  })

  it('R19 R20 gives the session that made it a new identifier', async () => {
    const sessionOf = () => mira.browser.jar.all().find(({ name }) => name === '_session')?.value
    const before = sessionOf()
    await add()
    expect(sessionOf()).to.be.a('string').and.not.to.equal(before)
  })

  it('R5 spends the code that confirms it', async () => {
    const { secret } = await add()
    const verify = await showPassword(host, new HttpClient(), 'mira')
    expect(verify.name).to.equal('totp-verify')
    const stranger = new HttpClient()
    const again = await showPassword(host, stranger, 'mira')
    const refused = await stranger.submit(again, { code: ownCode({ secret }, host.clock.at) })
    expect(refused.status).to.equal(422)
  })

  it('R11 spends the proof: the same interaction adds no second one', async () => {
    const { setUp } = await add()
    const base = `${host.issuer}/mfa/${uidOf(setUp)}`
    const { csrf = '' } = setUp.form().fields
    for (const path of ['change', 'choose', 'enrol/totp']) {
      const answer = await mira.browser.post(`${base}/${path}`, {
        csrf,
        factor: 'totp',
        code: '000000',
      })
      expect(answer.status, path).to.equal(410)
    }
    expect(await ids('totp')).to.have.length(2)
  })

  it('R38 answers a double tap of the confirming code alike', async () => {
    const choose = await prove('add')
    const setUp = await press(choose, { factor: 'totp' })
    const code = totpCode({ secret: secretOf(setUp) }, host.clock.at)
    const [one, two] = await Promise.all([
      mira.browser.submit(setUp, { code }),
      mira.browser.submit(setUp, { code }),
    ])
    expect([one.status, two.status]).to.deep.equal([303, 303])
    expect(one.location?.href).to.equal(two.location?.href)
    expect(await ids('totp')).to.have.length(2)
  })

  it('R18 of two that are confirmed at once under two proofs one is bound', async () => {
    const browsers = [new HttpClient(), new HttpClient()]
    const pages: { page: Page; code: string; browser: HttpClient }[] = []
    for (const browser of browsers) {
      await signIn(host, browser, mira)
      const choose = await prove('add', browser)
      const page = await press(choose, { factor: 'totp' }, browser)
      pages.push({ page, browser, code: '' })
    }
    const answers = await Promise.all(
      pages.map(({ page, browser }) =>
        browser.submit(page, { code: totpCode({ secret: secretOf(page) }, host.clock.at) }),
      ),
    )
    expect(answers.map(({ status }) => status).toSorted()).to.deep.equal([303, 410])
    expect(await ids('totp')).to.have.length(2)
  })
})

describe('adding to an account that has no factor yet', () => {
  const beginWith = async (mfa: Partial<MfaOptions>): Promise<void> => {
    host = await startHost({ mfa: { ...MANAGED, require: false, ...mfa } })
  }
  afterEach(async () => host.close())

  it('R10 is a first enrolment: ten codes with it, and one factor', async () => {
    await beginWith({})
    const browser = new HttpClient()
    const choose = await showPassword(host, browser, 'noor', { mfa_action: 'add' })
    expect(choose.name).to.equal('mfa-choose')
    expect(await isSignedIn(browser)).to.equal(false)
    const setUp = await press(choose, { factor: 'totp' }, browser)
    const code = totpCode({ secret: secretOf(setUp) }, host.clock.at)
    const shown = await press(setUp, { code }, browser)
    expect(shown.name).to.equal('backup-codes')
    const back = await press(shown, { saved: 'yes' }, browser)
    expect((await redeem(host, callbackOf(back))).claims.amr).to.include('otp')
    expect((await host.mfa.accounts.status('noor')).factors).to.have.length(2)
  })

  it('R10 takes the proof that a first enrolment takes', async () => {
    await beginWith({ firstEnrolment: () => 'refused' })
    const page = await showPassword(host, new HttpClient(), 'noor', { mfa_action: 'add' })
    expect([page.status, page.name]).to.deep.equal([403, 'enrolment-refused'])
  })

  it('R10 R11 is nothing that an old session can do: the password is asked for again', async () => {
    await beginWith({})
    const browser = new HttpClient()
    callbackOf(await showPassword(host, browser, 'noor'))
    host.clock.at += 601
    expect((await ask('add', browser)).name).to.equal('host-login')
  })

  it('has nothing to make anew', async () => {
    await beginWith({})
    const back = await showPassword(host, new HttpClient(), 'noor', {
      mfa_action: 'renew:backup-codes',
    })
    expect(callbackOf(back).get('error')).to.equal('invalid_request')
  })
})

describe('making new backup codes', () => {
  beforeEach(async () => begin())
  afterEach(async () => host.close())

  const codesOn = (page: Page): string[] =>
    [...page.body.matchAll(/<li[^>]*>\s*([0-9]-[A-Z0-9-]+)/g)].map((match) => match[1]!)

  it('R8 R11 shows ten new ones once, and the old ones are gone with the same commit', async () => {
    const page = await prove('renew:backup-codes')
    expect(page.name).to.equal('factor-renew')
    const shown = await press(page)
    expect(shown.name).to.equal('backup-codes')
    const codes = codesOn(shown)
    expect(new Set([...codes, ...mira.codes]).size).to.equal(20)
    expect(await ids('backup-codes')).to.have.length(1)
    const back = await press(shown, { saved: 'yes' })
    expect((await redeem(host, callbackOf(back))).status).to.equal(200)
    const told = await eventsOf('backup-codes-created')
    expect(told.at(-1)?.detail).to.include({ reason: 'renewed', factor: 'backup-codes' })

    const tryCode = async (backupCode: string): Promise<Page> => {
      const browser = new HttpClient()
      const verify = await showPassword(host, browser, 'mira')
      const choose = await browser.get(verify.link(/data-other-way/))
      const chosen = await browser.submit(choose, {}, { button: 'backup-codes' })
      return browser.submit(await browser.follow(chosen), { backupCode })
    }
    expect((await tryCode(mira.codes[0]!)).status).to.equal(422)
    expect((await tryCode(codes[0]!)).status).to.equal(303)
  })

  it('R20 signs out everything else', async () => {
    const elsewhere = new HttpClient()
    await signIn(host, elsewhere, mira)
    const shown = await press(await prove('renew:backup-codes'))
    await press(shown, { saved: 'yes' })
    expect(await isSignedIn(elsewhere)).to.equal(false)
    expect(await isSignedIn(mira.browser)).to.equal(true)
  })

  it('R25 answers login_required when max_age passes meanwhile: not with an old sign-in', async () => {
    await signIn(host, mira.browser, mira, { prompt: 'login' })
    const url = authorizeUrl(host, { mfa_action: 'renew:backup-codes', max_age: '300' })
    const verify = await follow(host, mira.browser, await mira.browser.get(url))
    host.clock.at += 200
    const page = await press(verify, { code: nextCode(host, mira) })
    host.clock.at += 200
    const shown = await press(page)
    expect(shown.name).to.equal('backup-codes')
    const back = callbackOf(await press(shown, { saved: 'yes' }))
    expect([back.get('error'), back.get('code')]).to.deep.equal(['login_required', null])
  })

  it('R38 makes one set of a double tap, and shows it whichever answer arrives', async () => {
    const page = await prove('renew:backup-codes')
    const answers = await Promise.all([mira.browser.submit(page), mira.browser.submit(page)])
    expect(answers.map(({ location }) => location?.pathname)).to.deep.equal(
      answers.map(() => `/mfa/${uidOf(page)}/backup-codes`),
    )
    expect(await eventsOf('backup-codes-created')).to.have.length(2)
    const later = await mira.browser.submit(page)
    expect((await follow(host, mira.browser, later)).name).to.equal('backup-codes')
    expect(await eventsOf('backup-codes-created')).to.have.length(2)
  })

  it('is not stopped by the warning that few are left', async () => {
    for (const backupCode of mira.codes.slice(0, 7)) {
      const browser = mira.browser
      const verify = await ask('renew:backup-codes')
      const choose = await browser.get(verify.link(/data-other-way/))
      const chosen = await browser.submit(choose, {}, { button: 'backup-codes' })
      const answer = await browser.submit(await browser.follow(chosen), { backupCode })
      const page = await browser.follow(answer)
      if (page.name === 'backup-codes-low')
        expect((await press(page)).name).to.equal('factor-renew')
      else expect(page.name).to.equal('factor-renew')
    }
  })
})

describe('the warning that few backup codes are left', () => {
  afterEach(async () => host.close())

  for (const [how, url] of [
    ['leads to where new ones are made', 'https://acme.example/account'],
    ['leads nowhere where the application has no such page', undefined],
  ] as const)
    it(how, async () => {
      await begin({ manage: { clients: [], ...(url === undefined ? {} : { url }) } })
      let page: Page | undefined
      for (const backupCode of mira.codes.slice(0, 7)) {
        const browser = new HttpClient()
        const verify = await showPassword(host, browser, 'mira')
        const choose = await browser.get(verify.link(/data-other-way/))
        const chosen = await browser.submit(choose, {}, { button: 'backup-codes' })
        const answer = await browser.submit(await browser.follow(chosen), { backupCode })
        page =
          answer.location?.host === new URL(host.issuer).host
            ? await browser.get(answer.location)
            : undefined
      }
      expect(page?.name).to.equal('backup-codes-low')
      expect(page?.tags('a').map(({ href }) => href)).to.deep.equal(url === undefined ? [] : [url])
    })
})

describe('removing an authenticator', () => {
  beforeEach(async () => begin())
  afterEach(async () => host.close())

  it('R11 R20 needs another pair of the second level, and signs out what it had signed in', async () => {
    const [phone] = await ids('totp')
    const { secret } = await add()
    const tablet = { ...mira, secret }
    const elsewhere = new HttpClient()
    await signIn(host, elsewhere, tablet)
    const verify = await ask(`remove:${phone}`)
    const proved = await mira.browser.submit(verify, { code: nextCode(host, tablet) })
    const page = await follow(host, mira.browser, proved)
    expect(page.name).to.equal('factor-remove')
    const back = await press(page)
    expect((await redeem(host, callbackOf(back))).status).to.equal(200)
    expect((await factors()).map(({ name }) => name)).to.have.members(['', 'Tablet'])
    expect(await isSignedIn(elsewhere)).to.equal(false)
    const [removed] = await eventsOf('factor-removed')
    expect(removed?.detail).to.include({ authenticatorId: phone, authenticatorName: 'Phone' })
  })

  it('is refused for the last one, with the reason and without a code', async () => {
    const [phone] = await ids('totp')
    const page = await ask(`remove:${phone}`)
    expect([page.status, page.name]).to.deep.equal([403, 'factor-remove-refused'])
    const back = await press(page)
    expect(callbackOf(back).get('error')).to.equal('access_denied')
  })

  it('R38 answers a double tap alike', async () => {
    await add()
    const [phone] = await ids('totp')
    const page = await prove(`remove:${phone}`)
    const answers = await Promise.all([mira.browser.submit(page), mira.browser.submit(page)])
    expect(answers.map(({ status }) => status)).to.deep.equal([303, 303])
    expect(await eventsOf('factor-removed')).to.have.length(1)
  })
})

for (const [name, storage] of Object.entries(STORAGES))
  describe(`removing the last two authenticators (${name})`, () => {
    afterEach(async () => host.close())

    it('R18 two at once never leave none', async () => {
      host = await startHost({ mfa: MANAGED, storage })
      mira = await enrolledPerson(host)
      await add()
      const [phone, tablet] = await ids('totp')
      const pages: { page: Page; browser: HttpClient }[] = []
      for (const id of [phone, tablet]) {
        const browser = new HttpClient()
        await signIn(host, browser, mira)
        pages.push({ browser, page: await prove(`remove:${id}`, browser) })
      }
      const answers = await Promise.all(pages.map(({ page, browser }) => browser.submit(page)))
      expect(answers.map(({ status }) => status).toSorted()).to.deep.equal([303, 410])
      expect(await ids('totp')).to.have.length(1)
    })
  })

describe('renaming an authenticator', () => {
  beforeEach(async () => begin())
  afterEach(async () => host.close())

  it('R11 takes a fresh code, and signs nobody out', async () => {
    const elsewhere = new HttpClient()
    await signIn(host, elsewhere, mira)
    const [phone] = await ids('totp')
    const page = await prove(`rename:${phone}`)
    expect(page.name).to.equal('factor-rename')
    const nameless = await mira.browser.submit(page, { name: '  ' })
    expect([nameless.status, nameless.name]).to.deep.equal([422, 'factor-rename'])
    const back = await press(page, { name: 'Old phone' })
    expect(callbackOf(back).get('code')).to.be.a('string')
    expect((await factors())[0]?.name).to.equal('Old phone')
    expect(await isSignedIn(elsewhere)).to.equal(true)
    expect(await eventsOf('factor-renamed')).to.have.length(1)
  })

  it('R11 R38 spends the proof: the same name again is a double tap, another name is refused', async () => {
    const [phone] = await ids('totp')
    const page = await prove(`rename:${phone}`)
    const first = await mira.browser.submit(page, { name: 'One' })
    const tap = await mira.browser.submit(page, { name: 'One' })
    expect([first.status, tap.status]).to.deep.equal([303, 303])
    const second = await mira.browser.submit(page, { name: 'Two' })
    expect(second.status).to.equal(410)
    expect((await factors())[0]?.name).to.equal('One')
  })
})
