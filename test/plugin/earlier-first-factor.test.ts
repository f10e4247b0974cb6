import { expect } from 'chai'
import { backupCodes, MULTI_FACTOR_ACR, totp, type MfaOptions } from '../../src/index.ts'
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
import { signedInSessions } from './recorded-storage.ts'
import { enrolledPerson, nextCode } from './sign-in.ts'

const DAY = 86_400
type Policy = NonNullable<MfaOptions['policy']>

const acr = (more: object): Record<string, string> => ({
  claims: JSON.stringify({
    id_token: { acr: { essential: true, value: MULTI_FACTOR_ACR, ...more } },
  }),
})

describe('a first factor that was shown before its authorization began', () => {
  let host: Host
  /** The age of the first factor at the answer of the login page, in seconds. */
  let age: number
  let answers: number
  let amr: readonly string[]
  /** Other values of the login, such as those of another provider. */
  let more: Record<string, unknown>
  afterEach(() => host.close())

  async function begin(policy: Policy = {}): Promise<void> {
    age = 7200
    answers = 0
    amr = ['pwd']
    more = {}
    const upstream = { 'https://listed.example': { acr: { strong: 'multi-factor' } } }
    host = await startHost({
      mfa: { require: false, policy, upstream, factors: [totp(), backupCodes()] },
      answer: async ({ mfa, clock }, request, response, accountId) => {
        answers += 1
        await mfa.interactionFinished(request, response, {
          login: { accountId, amr, ...more, ...(age === 0 ? {} : { ts: clock.at - age }) },
        })
      },
    })
  }
  const ask = (parameters: Record<string, string> = {}, username = 'noor'): Promise<Page> =>
    showPassword(host, new HttpClient(), username, parameters)
  const errorOf = (page: Page) => callbackOf(page).get('error')

  it('signs in where nothing asks for its time, and the token has the true time', async () => {
    await begin()
    const at = host.clock.at
    const { claims } = await redeem(host, callbackOf(await ask()))
    expect(claims.auth_time).to.equal(at - 7200)
  })

  it('R25 does not count for prompt=login, and is asked for once', async () => {
    await begin()
    expect(errorOf(await ask({ prompt: 'login' }))).to.equal('login_required')
    expect(answers).to.equal(1)
    age = 0
    expect(errorOf(await ask({ prompt: 'login' }))).to.equal(null)
  })

  it('R25 counts for max_age from its true time', async () => {
    await begin()
    expect(errorOf(await ask({ max_age: '300' }))).to.equal('login_required')
    age = 299
    expect(errorOf(await ask({ max_age: '300' }))).to.equal(null)
  })

  for (const [kind, login] of [
    ['that the application does not list', { issuer: 'https://other.example', acr: 'strong' }],
    ['that has a level here', { issuer: 'https://listed.example', acr: 'strong' }],
    ['whose word has no level', { issuer: 'https://listed.example', acr: 'weak' }],
  ] as const)
    it(`R25 is no new login by the word of a provider ${kind}`, async () => {
      await begin()
      more = login
      for (const parameters of [{ prompt: 'login' }, { max_age: '300' }]) {
        answers = 0
        expect(errorOf(await ask(parameters))).to.equal('login_required')
        expect(answers).to.equal(1)
      }
      expect(signedInSessions(host.writes)).to.deep.equal([])
    })

  it('R15 counts for the age of a rule from its true time', async () => {
    await begin({ rules: [{ name: 'young', when: {}, maxAgeSeconds: 300 }] })
    expect(errorOf(await ask())).to.equal('login_required')
    age = 0
    expect(errorOf(await ask())).to.equal(null)
  })

  for (const [kind, rule] of [
    ['no level', { maxAgeSeconds: 300 }],
    ['the first level', { require: 'password', maxAgeSeconds: 300 }],
  ] as const)
    it(`R15 counts from its true time by the word of a listed provider, for a rule of ${kind}`, async () => {
      await begin({ rules: [{ name: 'young', when: {}, ...rule }] })
      more = { issuer: 'https://listed.example', acr: 'strong' }
      expect(errorOf(await ask())).to.equal('login_required')
      expect(answers).to.equal(1)
      expect(signedInSessions(host.writes)).to.deep.equal([])
      age = 299
      const { claims } = await redeem(host, callbackOf(await ask()))
      expect(claims).to.include({ acr: MULTI_FACTOR_ACR, auth_time: host.clock.at - 299 })
    })

  it('R15 is as new as a rule asks by a factor here, beside the word of a listed provider', async () => {
    await begin({ rules: [{ name: 'young', when: {}, maxAgeSeconds: 300 }] })
    age = 0
    const mira = await enrolledPerson(host, 'mira', acr({}))
    age = 7200
    more = { issuer: 'https://listed.example', acr: 'strong' }
    const browser = new HttpClient()
    const page = await showPassword(host, browser, 'mira')
    expect(page.name).to.equal('totp-verify')
    const answered = await browser.submit(page, { code: nextCode(host, mira) })
    expect(errorOf(await follow(host, browser, answered))).to.equal(null)
  })

  it('R26 is not asked for again for ever, where the second factor is of the same kind', async () => {
    await begin()
    age = 0
    const mira = await enrolledPerson(host, 'mira', acr({}))
    age = 7200
    amr = ['hwk']
    const browser = new HttpClient()
    const page = await showPassword(host, browser, 'mira', acr({}))
    answers = 0
    const answered = await browser.submit(page, { code: nextCode(host, mira) })
    const back = await follow(host, browser, answered)
    expect(errorOf(back)).to.equal('login_required')
    expect(answers).to.equal(0)
  })

  it('R25 is not made newer by a second factor, but the age of a level counts from the latter', async () => {
    await begin()
    const shown = age
    age = 0
    const mira = await enrolledPerson(host, 'mira', acr({}))
    age = shown
    expect(errorOf(await ask({ prompt: 'login' }, 'mira'))).to.equal('login_required')
    const browser = new HttpClient()
    const at = host.clock.at - shown
    const page = await showPassword(host, browser, 'mira', acr({ max_age: 60 }))
    const answered = await browser.submit(page, { code: nextCode(host, mira) })
    const back = await redeem(host, callbackOf(await follow(host, browser, answered)))
    expect(back.claims).to.deep.include({ acr: MULTI_FACTOR_ACR, auth_time: at })
  })
})

describe('a new login in a trusted browser', () => {
  let host: Host
  afterEach(() => host.close())

  for (const [asked, parameters] of [
    ['prompt=login', { prompt: 'login' }],
    ['max_age', { max_age: '600' }],
  ] as const)
    it(`R14 R17 makes no session before the factor that ${asked} asks for`, async () => {
      host = await startHost({ mfa: { policy: { trustedBrowserSeconds: 30 * DAY } } })
      const mira = await enrolledPerson(host)
      const browser = new HttpClient()
      const verify = await showPassword(host, browser, 'mira')
      await browser.submit(verify, { code: nextCode(host, mira), trust: 'yes' })
      host.clock.at += 60
      expect(callbackOf(await showPassword(host, browser, 'mira')).get('code')).to.be.a('string')
      for (const name of ['_session', '_session.sig']) browser.jar.delete(name)

      host.writes.length = 0
      const page = await showPassword(host, browser, 'mira', parameters)
      expect(page.name).to.equal('totp-verify')
      expect(signedInSessions(host.writes)).to.deep.equal([])
      const silent = await browser.get(authorizeUrl(host, { prompt: 'none' }))
      expect(callbackOf(silent).get('error')).to.equal('login_required')
    })
})
