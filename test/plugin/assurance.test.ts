import { expect } from 'chai'
import { MULTI_FACTOR_ACR, PASSWORD_ACR } from '../../src/index.ts'
import { secretOf } from '../support/enrolment.ts'
import { HttpClient, type Page } from '../support/http-client.ts'
import { totpCode } from '../support/totp.ts'
import {
  authorizeUrl,
  callbackOf,
  CLIENT,
  follow,
  PASSWORD,
  redeem,
  showPassword,
  startHost,
  type Host,
} from './host.ts'
import { refresh } from './relying-party.ts'
import { signedInSessions } from './recorded-storage.ts'
import { nextCode, signIn } from './sign-in.ts'

const essential = (request: object): { claims: string } => ({
  claims: JSON.stringify({ id_token: { acr: { essential: true, ...request } } }),
})
const MULTI_FACTOR_AMR = ['pwd', 'otp', 'mfa']

describe('the level a relying party asks for', () => {
  let host: Host
  let browser: HttpClient
  beforeEach(async () => {
    host = await startHost({
      mfa: { require: false },
      configuration: {
        clients: [CLIENT, { ...CLIENT, client_id: 'other', default_acr_values: [PASSWORD_ACR] }],
      },
    })
    browser = new HttpClient()
  })
  afterEach(async () => host.close())

  const visit = async (parameters: Record<string, string>): Promise<Page> =>
    follow(host, browser, await browser.get(authorizeUrl(host, parameters)))
  /** Enrols from the first page of the set-up until the browser is sent to the relying party. */
  const setUp = async (page: Page): Promise<{ back: Page; secret: string }> => {
    const secret = secretOf(page)
    const code = totpCode({ secret }, host.clock.at)
    const shown = await follow(host, browser, await browser.submit(page, { code }))
    const back = await follow(host, browser, await browser.submit(shown, { saved: 'yes' }))
    return { back, secret }
  }

  it('R26 a sign-in with the password alone says just that', async () => {
    const back = await showPassword(host, browser, 'mira')
    const { claims } = await redeem(host, callbackOf(back))
    expect(claims).to.deep.include({ acr: PASSWORD_ACR, amr: ['pwd'] })
  })

  for (const [kind, request] of [
    ['a value', { value: MULTI_FACTOR_ACR }],
    ['one of the values', { values: ['urn:unknown', MULTI_FACTOR_ACR] }],
  ] as const) {
    it(`R24 an essential acr as ${kind} is met by a second factor`, async () => {
      const choose = await showPassword(host, browser, 'mira', essential(request))
      expect(choose.name).to.equal('totp-enrol')
      const { back } = await setUp(choose)
      const { claims } = await redeem(host, callbackOf(back))
      expect(claims).to.deep.include({ acr: MULTI_FACTOR_ACR, amr: MULTI_FACTOR_AMR })
    })

    it(`R24 an essential acr as ${kind} steps a session up, which keeps its auth_time and changes its id`, async () => {
      const before = await redeem(host, callbackOf(await showPassword(host, browser, 'mira')))
      const session = signedInSessions(host.writes).at(-1)!
      host.clock.at += 120
      const choose = await visit(essential(request))
      expect(choose.name).to.equal('totp-enrol')
      const after = await redeem(host, callbackOf((await setUp(choose)).back))
      expect(after.claims).to.deep.include({ acr: MULTI_FACTOR_ACR, amr: MULTI_FACTOR_AMR })
      expect(after.claims.auth_time).to.equal(before.claims.auth_time)
      expect(signedInSessions(host.writes).at(-1)!.jti).not.to.equal(session.jti)
    })

    it(`R25 an essential acr as ${kind} that a session lacks is an error with prompt=none, no page`, async () => {
      await showPassword(host, browser, 'mira')
      const back = await visit({ ...essential(request), prompt: 'none' })
      expect(callbackOf(back).get('error')).to.equal('interaction_required')
    })
  }

  it('R24 asking for every advertised acr takes whichever is reached', async () => {
    const all = essential({ values: [MULTI_FACTOR_ACR, PASSWORD_ACR] })
    const back = await showPassword(host, browser, 'mira', all)
    expect((await redeem(host, callbackOf(back))).claims.acr).to.equal(PASSWORD_ACR)
    const noor = await enrolledPersonByStepUp('noor')
    browser = new HttpClient()
    const mfa = await signIn(host, browser, noor, all)
    expect((await redeem(host, callbackOf(mfa))).claims.acr).to.equal(MULTI_FACTOR_ACR)
  })

  async function enrolledPersonByStepUp(username: string) {
    browser = new HttpClient()
    await showPassword(host, browser, username)
    const { secret } = await setUp(await visit({ prompt: 'mfa' }))
    host.clock.at += 60
    return { username, secret, codes: [], browser }
  }

  for (const [kind, request] of [
    ['a value', { value: 'urn:unknown' }],
    ['values', { values: ['urn:unknown', 'urn:unknown:too'] }],
  ] as const)
    it(`R24 an essential acr as ${kind} that nobody can reach fails before a password is typed`, async () => {
      const back = callbackOf(await visit(essential(request)))
      expect(back.get('error')).to.equal('unmet_authentication_requirements')
      const silent = callbackOf(await visit({ ...essential(request), prompt: 'none' }))
      expect(silent.get('error')).to.be.a('string')
    })

  it('R24 an essential acr that cannot be read is refused, not left out', async () => {
    for (const request of [{ values: MULTI_FACTOR_ACR }, { values: [7] }, { value: 7 }]) {
      const back = callbackOf(await visit(essential(request)))
      expect(back.get('error'), JSON.stringify(request)).to.equal('invalid_request')
    }
  })

  it('R24 an essential acr as a value and as values has to meet both', async () => {
    const both = { value: MULTI_FACTOR_ACR, values: [PASSWORD_ACR, MULTI_FACTOR_ACR] }
    expect((await showPassword(host, browser, 'mira', essential(both))).name).to.equal('totp-enrol')
    const neither = { value: MULTI_FACTOR_ACR, values: [PASSWORD_ACR] }
    const back = callbackOf(await visit(essential(neither)))
    expect(back.get('error')).to.equal('unmet_authentication_requirements')
  })

  it('R24 an essential acr without a value is met by any', async () => {
    const back = await showPassword(host, browser, 'mira', essential({}))
    expect((await redeem(host, callbackOf(back))).claims.acr).to.equal(PASSWORD_ACR)
  })

  it('R24 R26 an essential acr below what the person has set up is met, and names no more', async () => {
    const noor = await enrolledPersonByStepUp('noor')
    browser = new HttpClient()
    const back = await showPassword(
      host,
      browser,
      noor.username,
      essential({ value: PASSWORD_ACR }),
    )
    expect(back.name).to.equal('totp-verify')
    const done = await browser.submit(back, { code: nextCode(host, noor) })
    const { claims } = await redeem(host, callbackOf(await follow(host, browser, done)))
    expect(claims.acr).to.equal(PASSWORD_ACR)
    expect(claims.amr).to.include.members(['pwd', 'otp', 'mfa'])
  })

  it('R24 a voluntary acr is granted where it costs no enrolment, and never fails', async () => {
    for (const acr_values of [MULTI_FACTOR_ACR, 'urn:unknown']) {
      browser = new HttpClient()
      const page = await showPassword(host, browser, 'mira', { acr_values })
      // The set-up is offered: test/plugin/step-up-offer.test.ts.
      const back =
        page.name === 'mfa-offer'
          ? await follow(host, browser, await browser.submit(page, { answer: 'not-now' }))
          : page
      expect((await redeem(host, callbackOf(back))).claims.acr).to.equal(PASSWORD_ACR)
    }
  })

  it('R24 a voluntary acr in the claims parameter never fails either', async () => {
    const claims = JSON.stringify({ id_token: { acr: { values: ['urn:unknown'] } } })
    const back = await showPassword(host, browser, 'mira', { claims })
    expect((await redeem(host, callbackOf(back))).claims.acr).to.equal(PASSWORD_ACR)
  })

  for (const [kind, beside] of [
    ['acr_values', { acr_values: PASSWORD_ACR }],
    ["the client's default_acr_values", { client_id: 'other' }],
  ] as const)
    it(`R24 ${kind} beside an essential acr let no lower token out`, async () => {
      const parameters = { ...essential({ value: MULTI_FACTOR_ACR }), ...beside }
      await showPassword(host, browser, 'mira')
      const silent = callbackOf(await visit({ ...parameters, prompt: 'none' }))
      expect(silent.get('error')).to.equal('interaction_required')
      const choose = await visit(parameters)
      expect(choose.name).to.equal('totp-enrol')
      const client = 'client_id' in beside ? beside.client_id : 'app'
      const { claims } = await redeem(host, callbackOf((await setUp(choose)).back), client)
      expect(claims.acr).to.equal(MULTI_FACTOR_ACR)
    })

  it("R24 the client's default_acr_values that name a lower one sign in as usual", async () => {
    const back = await showPassword(host, browser, 'mira', { client_id: 'other' })
    expect((await redeem(host, callbackOf(back), 'other')).claims.acr).to.equal(PASSWORD_ACR)
  })

  it('R25 prompt=none in a password session of an optional second factor answers with its level', async () => {
    await showPassword(host, browser, 'mira')
    const { claims } = await redeem(host, callbackOf(await visit({ prompt: 'none' })))
    expect(claims).to.deep.include({ acr: PASSWORD_ACR, amr: ['pwd'] })
  })

  it('R24 a person who has set up a second factor is always asked, although nobody requires it', async () => {
    const noor = await enrolledPersonByStepUp('noor')
    browser = new HttpClient()
    const verify = await showPassword(host, browser, noor.username)
    expect(verify.name).to.equal('totp-verify')
    const answer = await browser.submit(verify, { code: nextCode(host, noor) })
    const { claims } = await redeem(host, callbackOf(await follow(host, browser, answer)))
    expect(claims.amr).to.deep.equal(MULTI_FACTOR_AMR)
  })

  it("R20 setting up a second factor ends the person's other password sessions", async () => {
    const elsewhere = new HttpClient()
    await showPassword(host, elsewhere, 'noor')
    await enrolledPersonByStepUp('noor')
    const silent = await elsewhere.get(authorizeUrl(host, { prompt: 'none' }))
    expect(callbackOf(silent).get('error')).to.equal('login_required')
    const own = await visit({ prompt: 'none' })
    expect(callbackOf(own).get('code')).to.be.a('string')
  })

  it('R10 R11 a session of long ago, or stolen, sets up nothing: the password is asked for again', async () => {
    await showPassword(host, browser, 'mira')
    host.clock.at += 600
    const stolen = new HttpClient({ jar: browser.jar.copy() })
    const asked = await stolen.get(authorizeUrl(host, { prompt: 'mfa' }))
    expect((await follow(host, stolen, asked)).name).to.equal('host-login')
    for (const request of [{ prompt: 'mfa' }, essential({ value: MULTI_FACTOR_ACR })])
      expect((await visit(request)).name).to.equal('host-login')
    const required = { ...essential({ value: MULTI_FACTOR_ACR }), prompt: 'none' }
    expect(callbackOf(await visit(required)).get('error')).to.equal('interaction_required')
    expect(callbackOf(await visit({ prompt: 'none' })).get('code')).to.be.a('string')
    const login = await visit({ prompt: 'mfa' })
    const answer = await browser.post(login.url, { username: 'mira', password: PASSWORD })
    const { back } = await setUp(await follow(host, browser, answer))
    expect((await redeem(host, callbackOf(back))).claims.acr).to.equal(MULTI_FACTOR_ACR)
  })

  it('R24 a session that was stepped up is not asked again, for no client', async () => {
    await showPassword(host, browser, 'mira')
    await setUp(await visit(essential({ value: MULTI_FACTOR_ACR })))
    for (const client_id of ['app', 'other']) {
      const back = await visit({ ...essential({ value: MULTI_FACTOR_ACR }), client_id })
      const { claims } = await redeem(host, callbackOf(back), client_id)
      expect(claims.acr).to.equal(MULTI_FACTOR_ACR)
    }
  })

  it('R25 a refreshed ID token keeps its auth_time, acr and amr', async () => {
    await enrolledPersonByStepUp('noor')
    const consent = await visit({ scope: 'openid email offline_access', prompt: 'consent' })
    const consented = await follow(host, browser, await browser.submit(consent))
    const { tokens, claims } = await redeem(host, callbackOf(consented))
    host.clock.at += 600
    const { json } = await refresh(host, tokens.refresh_token!)
    const payload = String(json.id_token).split('.')[1]!
    const refreshed = JSON.parse(Buffer.from(payload, 'base64url').toString()) as object
    const { auth_time, acr, amr } = claims
    expect(refreshed).to.deep.include({ auth_time, acr, amr })
  })
})

describe('a policy of the application', () => {
  it('R17 decides per account, client and request', async () => {
    const asked: string[] = []
    const host = await startHost({
      mfa: {
        require({ account, client, params }) {
          asked.push(`${account.accountId} ${client.clientId} ${String(params.scope)}`)
          return account.accountId === 'admin' || client.clientId === 'other'
        },
      },
    })
    try {
      const browser = new HttpClient()
      expect((await showPassword(host, browser, 'admin')).name).to.equal('totp-enrol')
      const member = new HttpClient()
      const back = await showPassword(host, member, 'mira')
      expect(callbackOf(back).get('code')).to.be.a('string')
      const other = await member.get(authorizeUrl(host, { client_id: 'other' }))
      expect((await follow(host, member, other)).name).to.equal('totp-enrol')
      expect(new Set(asked)).to.include('admin app openid email')
      expect(new Set(asked)).to.include('mira other openid email')
    } finally {
      await host.close()
    }
  })

  it('R17 that changes its mind between the factors lets nobody in by the first', async () => {
    let required = true
    const host = await startHost({ mfa: { require: () => required } })
    try {
      const browser = new HttpClient()
      const login = await follow(host, browser, await browser.get(authorizeUrl(host)))
      const answer = await browser.post(login.url, { username: 'mira', password: PASSWORD })
      required = false
      expect((await follow(host, browser, answer)).name).to.equal('totp-enrol')
      expect(signedInSessions(host.writes)).to.deep.equal([])
    } finally {
      await host.close()
    }
  })

  it('R32 that throws, or answers no boolean, signs nobody in without the factor', async () => {
    for (const require of [
      () => Promise.reject(new Error('the directory is away')),
      () => 'yes' as unknown as boolean,
    ]) {
      const host = await startHost({ mfa: { require } })
      try {
        const browser = new HttpClient()
        const login = await follow(host, browser, await browser.get(authorizeUrl(host)))
        const answer = await browser.post(login.url, { username: 'mira', password: PASSWORD })
        await follow(host, browser, answer)
        expect(signedInSessions(host.writes)).to.deep.equal([])
      } finally {
        await host.close()
      }
    }
  })

  it('R17 is asked again in a session: what was optional at sign-in may be required now', async () => {
    let required = false
    const host = await startHost({ mfa: { require: () => required } })
    try {
      const browser = new HttpClient()
      await showPassword(host, browser, 'mira')
      required = true
      const silent = await browser.get(authorizeUrl(host, { prompt: 'none' }))
      expect(callbackOf(silent).get('error')).to.equal('interaction_required')
      const page = await follow(host, browser, await browser.get(authorizeUrl(host)))
      expect(page.name).to.equal('totp-enrol')
    } finally {
      await host.close()
    }
  })
})
