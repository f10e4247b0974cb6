import { expect } from 'chai'
import { MULTI_FACTOR_ACR, PASSWORD_ACR, type MfaOptions } from '../../src/index.ts'
import { HttpClient, type Page } from '../support/http-client.ts'
import {
  authorizeUrl,
  callbackOf,
  follow,
  redeem,
  showPassword,
  startHost,
  type Host,
} from './host.ts'
import { introspect, refresh } from './relying-party.ts'
import { signedInSessions } from './recorded-storage.ts'
import { enrolledPerson, nextCode } from './sign-in.ts'

const ISSUER = 'https://idp.example'
const upstream = {
  [ISSUER]: {
    acr: { 'urn:strong': 'multi-factor', weak: 'password' },
    amr: { mfa: MULTI_FACTOR_ACR },
  },
}
const FACTORS_CLAIM = { claims: JSON.stringify({ id_token: { authn_factors: null } }) }

describe('the level of a first factor from another identity provider', () => {
  let host: Host | undefined
  let login: Record<string, unknown>
  const open = async (mfa: Partial<MfaOptions> = {}): Promise<Host> => {
    const opened = await startHost({
      mfa: { upstream, ...mfa },
      answer: async ({ mfa: plugin }, request, response, accountId) =>
        plugin.interactionFinished(request, response, { login: { accountId, ...login } }),
    })
    host = opened
    return opened
  }
  afterEach(async () => {
    await host?.close()
    host = undefined
  })
  /** A sign-in of just now at the provider, as its token says it. */
  const said = ({ clock }: Host, more: object = {}) => ({
    issuer: ISSUER,
    acr: 'urn:strong',
    amr: ['pwd', 'sms'],
    ts: clock.at,
    ...more,
  })
  const claimsOf = async (of: Host, page: Page) => (await redeem(of, callbackOf(page))).claims

  it('is the one that the application lists for its acr, and needs no factor here', async () => {
    const of = await open()
    login = said(of)
    const browser = new HttpClient()
    const consent = await showPassword(of, browser, 'mira', FACTORS_CLAIM)
    const back = await follow(of, browser, await browser.submit(consent, {}))
    const claims = await claimsOf(of, back)
    expect(claims).to.deep.include({
      acr: MULTI_FACTOR_ACR,
      amr: ['pwd', 'sms', 'mfa'],
      auth_time: of.clock.at,
      authn_factors: [
        {
          amr: ['pwd', 'sms'],
          time: of.clock.at,
          kinds: ['knowledge', 'possession'],
          phishing_resistant: false,
        },
      ],
    })
    await of.mfa.settled()
    const details = of.events
      .filter(({ type }) => type === 'signed-in')
      .map((event) => event.detail)
    expect(details).to.have.length(1)
    expect(details[0]).to.include({ upstream: ISSUER })
    // The session keeps the level, without a page.
    const silent = await browser.get(authorizeUrl(of, { prompt: 'none' }))
    expect(await claimsOf(of, silent)).to.include({ acr: MULTI_FACTOR_ACR })
  })

  it('is the one that the application lists for an entry of its amr; mfa alone names no method', async () => {
    const of = await open()
    login = said(of, { acr: undefined, amr: ['mfa'] })
    const claims = await claimsOf(of, await showPassword(of, new HttpClient(), 'mira'))
    expect(claims).to.deep.include({ acr: MULTI_FACTOR_ACR, amr: ['mfa'] })
  })

  it('R26 names no password where the other provider names no method', async () => {
    const of = await open()
    login = said(of, { amr: undefined })
    const claims = await claimsOf(of, await showPassword(of, new HttpClient(), 'mira'))
    expect(claims).to.deep.include({ acr: MULTI_FACTOR_ACR, amr: ['mfa'] })
  })

  for (const [kind, more] of [
    ['an issuer that is not listed', { issuer: 'https://other.example' }],
    ['an issuer with a slash more', { issuer: `${ISSUER}/` }],
    ['a name of Object instead of an issuer', { issuer: 'constructor' }],
    ['no issuer', { issuer: undefined }],
    ['an issuer that is no text', { issuer: [ISSUER] }],
    ['an acr that is not listed', { acr: 'urn:other' }],
    ['an acr that is listed for the first level alone', { acr: 'weak' }],
    ['the name of a level here as its acr', { acr: 'multi-factor' }],
    ['an acr of ours', { acr: MULTI_FACTOR_ACR }],
    ['an acr that is no text', { acr: ['urn:strong'] }],
    ['no time', { ts: undefined }],
    [
      'a level written by the page itself',
      { upstream: { kinds: ['knowledge', 'possession'] }, issuer: 'x' },
    ],
  ] as const)
    it(`R26 is that of a password with ${kind}`, async () => {
      const of = await open({ require: false })
      login = said(of, more)
      const page = await showPassword(of, new HttpClient(), 'mira')
      expect(await claimsOf(of, page)).to.deep.include({ acr: PASSWORD_ACR, amr: ['pwd', 'sms'] })
    })

  it('is that of a password without the option, and the policy asks for a factor', async () => {
    const of = await open({ upstream: {} })
    login = said(of)
    expect((await showPassword(of, new HttpClient(), 'mira')).name).to.equal('totp-enrol')
    expect(signedInSessions(of.writes)).to.deep.equal([])
  })

  for (const [kind, ts] of [
    ['in the future', () => host!.clock.at + 31],
    ['in milliseconds', () => host!.clock.at * 1000],
    ['that is text', () => String(host!.clock.at)],
    ['that is no whole number', () => host!.clock.at - 0.5],
  ] as const)
    it(`R34 refuses a time ${kind}`, async () => {
      const of = await open()
      login = said(of, { ts: ts() })
      expect((await showPassword(of, new HttpClient(), 'mira')).body).to.equal('options-invalid')
      expect(signedInSessions(of.writes)).to.deep.equal([])
    })

  it('leaves the question for a factor that the person has here, and both are in the token', async () => {
    login = {}
    const of = await open()
    const mira = await enrolledPerson(of)
    login = said(of)
    const browser = new HttpClient()
    const verify = await showPassword(of, browser, 'mira')
    expect(verify.name).to.equal('totp-verify')
    const answer = await browser.submit(verify, { code: nextCode(of, mira) })
    expect(await claimsOf(of, await follow(of, browser, answer))).to.deep.include({
      acr: MULTI_FACTOR_ACR,
      amr: ['pwd', 'sms', 'otp', 'mfa'],
    })
    await of.mfa.settled()
    const accepted = of.events.findLast(({ type }) => type === 'factor-accepted')
    expect(accepted?.detail).to.include({ upstream: ISSUER })
  })

  it('has an entry in the trail at each sign-in, and no other sign-in names the provider', async () => {
    const of = await open({ require: false })
    const browser = new HttpClient()
    const signIns: unknown[] = []
    for (const next of [said(of), said(of), {}]) {
      login = next
      await showPassword(of, browser, 'mira', { prompt: 'login' })
      await of.mfa.settled()
      signIns.push(of.events.map(({ detail }) => Object(detail).upstream).filter(Boolean).length)
    }
    expect(signIns).to.deep.equal([1, 2, 2])
  })

  it('answers a voluntary acr without the page that offers a step-up', async () => {
    const of = await open({ require: false })
    login = said(of)
    const page = await showPassword(of, new HttpClient(), 'mira', { acr_values: MULTI_FACTOR_ACR })
    expect(await claimsOf(of, page)).to.include({ acr: MULTI_FACTOR_ACR })
  })

  it('is kept by a refresh, which a rule for the level lets pass', async () => {
    const of = await open()
    login = said(of)
    const browser = new HttpClient()
    const scope = 'openid offline_access'
    const consent = await showPassword(of, browser, 'mira', { scope, prompt: 'consent' })
    const back = await follow(of, browser, await browser.submit(consent, {}))
    const { tokens } = await redeem(of, callbackOf(back))
    const { status, json } = await refresh(of, tokens['refresh_token']!)
    expect(status).to.equal(200)
    const { json: facts } = await introspect(of, String(json['access_token']))
    expect(facts).to.deep.include({ acr: MULTI_FACTOR_ACR, amr: ['pwd', 'sms', 'mfa'] })
  })

  it('does not meet a rule that lists factors here', async () => {
    const of = await open({ policy: { rules: [{ name: 'app', factors: 'totp' }] } })
    login = said(of)
    expect((await showPassword(of, new HttpClient(), 'mira')).name).to.equal('totp-enrol')
  })

  it('meets an essential acr, and not one above it', async () => {
    const of = await open({ require: false })
    login = said(of)
    const essential = (value: string) => ({
      claims: JSON.stringify({ id_token: { acr: { essential: true, value } } }),
    })
    const met = await showPassword(of, new HttpClient(), 'mira', essential(MULTI_FACTOR_ACR))
    expect(await claimsOf(of, met)).to.include({ acr: MULTI_FACTOR_ACR })
    const unmet = await follow(
      of,
      new HttpClient(),
      await new HttpClient().get(authorizeUrl(of, essential('phr'))),
    )
    expect(callbackOf(unmet).get('error')).to.equal('unmet_authentication_requirements')
  })

  it('is too old for the age of a rule: a factor here is asked for, and not the login page for ever', async () => {
    const of = await open({
      require: false,
      policy: { rules: [{ name: 'fresh', require: 'multi-factor', maxAgeSeconds: 300 }] },
    })
    login = said(of, { ts: of.clock.at - 301 })
    expect((await showPassword(of, new HttpClient(), 'mira')).name).to.equal('totp-enrol')
    login = said(of, { ts: of.clock.at - 200 })
    const page = await showPassword(of, new HttpClient(), 'noor')
    expect(await claimsOf(of, page)).to.include({
      acr: MULTI_FACTOR_ACR,
      auth_time: of.clock.at - 200,
    })
  })

  it('counts for prompt=login only if the person signed in there for it', async () => {
    const of = await open()
    login = said(of, { ts: of.clock.at - 100 })
    const old = await showPassword(of, new HttpClient(), 'mira', { prompt: 'login' })
    expect(callbackOf(old).get('error')).to.equal('login_required')
    expect(signedInSessions(of.writes)).to.deep.equal([])
    login = said(of)
    const fresh = await showPassword(of, new HttpClient(), 'mira', { prompt: 'login' })
    expect(await claimsOf(of, fresh)).to.include({ acr: MULTI_FACTOR_ACR })
  })

  it('counts for max_age only while it is as new as that', async () => {
    const of = await open()
    login = said(of, { ts: of.clock.at - 101 })
    const old = await showPassword(of, new HttpClient(), 'mira', { max_age: '100' })
    expect(callbackOf(old).get('error')).to.equal('login_required')
    expect(signedInSessions(of.writes)).to.deep.equal([])
    login = said(of, { ts: of.clock.at - 99 })
    const fresh = await showPassword(of, new HttpClient(), 'mira', { max_age: '110' })
    expect(await claimsOf(of, fresh)).to.include({ acr: MULTI_FACTOR_ACR })
  })

  it('is not lowered by a later sign-in with a password in the same session', async () => {
    const of = await open({ require: false })
    login = said(of)
    const browser = new HttpClient()
    await showPassword(of, browser, 'mira')
    of.clock.at += 60
    login = {}
    const again = await claimsOf(of, await showPassword(of, browser, 'mira', { prompt: 'login' }))
    expect(again).to.deep.include({ acr: PASSWORD_ACR, amr: ['pwd'] })
    const silent = await browser.get(authorizeUrl(of, { prompt: 'none' }))
    expect(await claimsOf(of, silent)).to.deep.include({ acr: MULTI_FACTOR_ACR })
  })

  it('R17 comes from no document: one that was added to a pending first factor makes it void', async () => {
    const of = await open()
    login = { amr: ['pwd', 'sms'] }
    const browser = new HttpClient()
    const enrol = await showPassword(of, browser, 'mira')
    const uid = /^\/mfa\/([^/]+)/.exec(enrol.url.pathname)![1]!
    const interactions = of.storage.hostRecords('Interaction')
    const stored = (await interactions.find(uid)) as { lastSubmission: { firstFactor: object } }
    const { firstFactor } = stored.lastSubmission
    const assurance = {
      kinds: ['knowledge', 'possession'],
      phishingResistant: false,
      upstream: { issuer: ISSUER, isEarlier: false },
    }
    const forged = { firstFactor: { ...firstFactor, upstream: assurance } }
    await interactions.upsert(uid, { ...stored, lastSubmission: forged, result: forged }, 600)
    const page = await follow(of, browser, await browser.get(new URL(`/auth/${uid}`, of.issuer)))
    expect(page.name).to.equal('host-login')
    expect(signedInSessions(of.writes)).to.deep.equal([])
  })
})

describe('the option `upstream`', () => {
  const faultsOf = async (value: unknown, more: object = {}): Promise<string> => {
    try {
      const started = await startHost({ mfa: { upstream: value, ...more } as never })
      await started.close()
    } catch (error) {
      return (error as Error).message
    }
    return ''
  }

  it('is refused with every fault of it', async () => {
    expect(
      await faultsOf({
        'idp.example': { acr: { strong: 'multi-factr' }, arm: {} },
        'https://b.example': {},
        'https://c.example': 'multi-factor',
        'https://d.example?x=1': { acr: { x: 7 }, amr: ['mfa'] },
      }),
    ).to.equal(
      [
        'createMfa:',
        '- upstream: "idp.example": is no issuer: an https address without a query and a fragment',
        '- upstream: "idp.example": unknown key "arm" (did you mean "amr"?)',
        '- upstream: "idp.example": acr "strong": no configured factor reaches a level "multi-factr" (did you mean "multi-factor"?)',
        '- upstream: "https://b.example": names no value of acr or amr, so nothing of it counts',
        '- upstream: "https://c.example": must be an object: { acr: { value: level }, amr: { value: level } }',
        '- upstream: "https://d.example?x=1": is no issuer: an https address without a query and a fragment',
        '- upstream: "https://d.example?x=1": acr "x": must be the name or the acr of a level',
        '- upstream: "https://d.example?x=1": amr must be an object: { value: level }',
      ].join('\n'),
    )
  })

  it('is refused if it is something else, beside the faults of other options', async () => {
    for (const value of [null, 7, 'https://idp.example', ['https://idp.example']])
      expect(await faultsOf(value)).to.contain('- upstream: must be an object')
    const both = await faultsOf({ 'https://idp.example': {} }, { issuerName: '' })
    expect(both).to.contain('- upstream: "https://idp.example"').and.contain('- issuerName')
  })

  it('is refused for a level that no configured factor can reach', async () => {
    const asked = { 'https://idp.example': { acr: { phr: 'phishing-resistant' } } }
    expect(await faultsOf(asked)).to.contain('no configured factor reaches')
  })
})
