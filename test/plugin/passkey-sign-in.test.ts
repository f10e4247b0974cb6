import { expect } from 'chai'
import { isAnswered } from '../../src/host/interaction.ts'
import { passkeys } from '../../src/factors/passkey/index.ts'
import { backupCodes, MULTI_FACTOR_ACR, PHISHING_RESISTANT_ACR, totp } from '../../src/index.ts'
import { exported, registered } from '../factors/passkey/person.ts'
import { SoftAuthenticator, type Device, type Lies } from '../support/authenticator.ts'
import { HttpClient, type Page } from '../support/http-client.ts'
import { optionsOf } from '../support/passkey-options.ts'
import { callbackOf, follow, redeem, showPassword } from './host.ts'
import { startPasskeyHost, type PasskeyHost } from './passkey-host.ts'
import { signedInSessions } from './recorded-storage.ts'

const FORM = 'form[data-passkey-sign-in]'

describe('a passkey alone, on the application\u2019s login page', () => {
  let site: PasskeyHost
  let key: SoftAuthenticator
  const keyOf = (device: Device = {}) =>
    new SoftAuthenticator({ origin: new URL(site.host.issuer).origin, ...device })

  beforeEach(async () => {
    site = await startPasskeyHost()
    key = keyOf()
    await site.enrol('mira', key)
    site.host.writes.length = 0
  })
  afterEach(async () => site.host.close())

  async function claimsAfter(client: HttpClient, answered: Page): Promise<Record<string, unknown>> {
    const back = await follow(site.host, client, answered)
    return (await redeem(site.host, callbackOf(back))).claims
  }

  /** The parts of a refusal that the sender can compare. */
  function seen({ status, headers, body }: Page): object {
    const { date: _, 'content-length': _length, ...others } = headers
    const text = body
      .replaceAll(/\/interaction\/[\w-]+/g, '/interaction/UID')
      .replaceAll(/value="[\w-]{43}"/g, 'value="CSRF"')
      .replaceAll(/&quot;challenge&quot;:&quot;[\w-]+/g, 'CHALLENGE')
    return { status, others, text }
  }

  it('R26 R22 signs in by one form, at the level phr and without a password', async () => {
    const { client, page, options, answer } = await site.open()
    const [form] = page.tags(FORM)
    expect(form).to.include({ method: 'post', action: `${page.url.pathname}/passkey`, hidden: '' })
    expect(page.all('[role=alert]')).to.have.length(0)
    expect(JSON.parse(options)).to.include({ rpId: 'localhost', userVerification: 'required' })
    expect(JSON.parse(options)).to.deep.include({ allowCredentials: [] })
    const answered = await answer(key.get(options))
    expect(answered.status, answered.body).to.equal(303)
    const claims = await claimsAfter(client, answered)
    expect(claims).to.include({ sub: 'mira', acr: PHISHING_RESISTANT_ACR })
    expect(claims.amr).to.deep.equal(['hwk', 'user', 'mfa'])
    await site.host.mfa.settled()
    expect(site.host.events.at(-1)).to.deep.include({ type: 'factor-accepted', accountId: 'mira' })
  })

  it('gives an application the parts of the form', async () => {
    const { client, page } = await site.open()
    const parts = site.forms.at(-1)!
    expect(parts.action).to.equal(`${page.url.pathname}/passkey`)
    expect(parts.html).to.include(parts.csrf).and.include(parts.action)
    expect(parts.options).to.have.keys(
      'challenge',
      'rpId',
      'timeout',
      'allowCredentials',
      'userVerification',
    )
    const credential = key.get(JSON.stringify(parts.options))
    const answered = await client.post(new URL(parts.action, page.url), {
      csrf: parts.csrf,
      credential,
    })
    expect(answered.status).to.equal(303)
  })

  it('posts below the login page, whose address is the application\u2019s', async () => {
    const other = await startPasskeyHost(
      {},
      { interactions: { url: (_ctx, { uid }) => `/interaction/${uid}?look=plain` } },
    )
    const own = new SoftAuthenticator({ origin: new URL(other.host.issuer).origin })
    await other.enrol('mira', own)
    const { client, page, options, answer } = await other.open()
    const { pathname } = page.url
    expect(page.tags(FORM)[0]?.action).to.equal(`${pathname}/passkey?look=plain`)
    const refused = await answer(own.get(options, { origin: 'https://evil.example' }))
    expect(refused.status).to.equal(422)
    expect(refused.body).to.include('Fieldnotes')
    // Its form leads to the app by redirects, which Chrome would apply `form-action` to.
    expect(refused.headers['content-security-policy']).not.to.include('form-action')
    expect(refused.tags('a').map(({ href }) => href)).to.include(`${pathname}?look=plain`)
    const again = own.get(optionsOf(refused))
    expect((await client.submit(refused, { credential: again })).status).to.equal(303)
    await other.host.close()
  })

  it('serves the script of the form under the content security policy of our pages', async () => {
    const { client, page } = await site.open()
    const [script] = page.tags('script')
    const served = await client.get(new URL(script?.src ?? '', page.url))
    expect([served.status, served.headers['content-type']]).to.deep.equal([
      200,
      'text/javascript; charset=utf-8',
    ])
  })

  it('R33 R28 refuses alike what is unknown, disabled, of another account or signed wrongly', async () => {
    const [theos, unknown] = [keyOf(), keyOf()]
    await site.enrol('theo', theos)
    const disabledKey = keyOf()
    await site.enrol('dora', disabledKey)
    site.disabled.add('dora')
    const { id: miras } = handlesOf(key)
    const cases: readonly [what: string, credential: (options: string) => string][] = [
      ['wrong signature', (options) => key.get(options, { signature: Buffer.alloc(70, 1) })],
      ['disabled', (options) => disabledKey.get(options)],
      ['unknown', (options) => unknown.get(options, { userHandle: 'AAAA' })],
      [
        'unknown id with the handle of an account',
        (options) => unknown.get(options, { userHandle: miras }),
      ],
      [
        'own credential with the handle of somebody else',
        (options) => theos.get(options, { userHandle: miras }),
      ],
      [
        'own handle with the credential of somebody else',
        (options) => key.get(options, { responseId: theos.credentialId }),
      ],
      ['no handle', (options) => key.get(options, { userHandle: null })],
      ['an empty handle', (options) => key.get(options, { userHandle: '' })],
      ['no user verification', (options) => key.get(options, { userVerified: false })],
      ['another origin', (options) => key.get(options, { origin: 'https://evil.example' })],
      ['another challenge', (options) => key.get(options, { challenge: 'AAAAAAAAAAAAAAAAAAAAAA' })],
      ['no response at all', () => '{'],
    ]
    site.host.writes.length = 0
    const answers: object[] = []
    for (const [what, credential] of cases) {
      const { answer, options } = await site.open()
      const answered = await answer(credential(options))
      expect([answered.status, answered.name], what).to.deep.equal([422, 'sign-in-refused'])
      expect(answered.headers['set-cookie'], what).to.equal(undefined)
      expect(answered.all('[role=alert]').length, what).to.equal(1)
      expect(optionsOf(answered), what).not.to.equal(options)
      const [form] = answered.tags(FORM)
      const isUnknown = what.startsWith('unknown')
      const told = form?.['data-passkey-unknown']
      expect(told, what).to.equal(isUnknown ? unknown.credentialId : undefined)
      const plain = answered.body.replace(/ data-passkey-unknown="[^"]*"/, '')
      answers.push(seen({ ...answered, status: answered.status, body: plain } as Page))
    }
    for (const answered of answers) expect(answered).to.deep.equal(answers[0])
    expect(signedInSessions(site.host.writes)).to.deep.equal([])
  })

  it('R33 refuses many at once alike, whether an account has them or not', async () => {
    const real = passkeys()
    const goOn = Promise.withResolvers<void>()
    const examine: typeof real.examine = async (input) => {
      await goOn.promise
      return real.examine(input)
    }
    const factors = [{ ...real, examine }, totp(), backupCodes()]
    const other = await startPasskeyHost({ factors })
    const own = new SoftAuthenticator({ origin: new URL(other.host.issuer).origin })
    await other.enrol('mira', own)
    const send = async (lies: Lies) => {
      const { options, answer } = await other.open()
      return answer(own.get(options, { ...lies, origin: 'https://evil.example' }))
    }
    const known = Array.from({ length: 6 }, () => send({}))
    const unknown = Array.from({ length: 6 }, () => send({ userHandle: 'AAAA' }))
    await Promise.race(known)
    goOn.resolve()
    const [these, those] = [await Promise.all(known), await Promise.all(unknown)]
    expect(these.map(({ status }) => status)).to.deep.equal(those.map(({ status }) => status))
    expect(new Set(those.map(({ status }) => status))).to.deep.equal(new Set([422]))
    await other.host.close()
  })

  it('R33 asks the application whether the account may sign in, and refuses it like an unknown one', async () => {
    const asked: string[] = []
    const other = await startPasskeyHost({
      maySignIn: ({ accountId }) => {
        asked.push(accountId)
        return false
      },
    })
    const own = new SoftAuthenticator({ origin: new URL(other.host.issuer).origin })
    await other.enrol('mira', own)
    expect(asked).to.deep.equal([])
    other.host.writes.length = 0
    const { options, answer } = await other.open()
    const refused = await answer(own.get(options))
    expect([refused.status, refused.name]).to.deep.equal([422, 'sign-in-refused'])
    expect([asked, signedInSessions(other.host.writes)]).to.deep.equal([['mira'], []])
    await other.host.close()
  })

  it('R43 answers no page by showing it: the resume of a shown page is counted as before', async () => {
    const { page, options, answer } = await site.open()
    const uid = page.url.pathname.split('/')[2]!
    expect(await isAnswered(site.host.provider, uid)).to.equal(false)
    await answer(key.get(options, { origin: 'https://evil.example' }))
    expect(await isAnswered(site.host.provider, uid)).to.equal(false)
    const again = await site.open()
    await again.answer(key.get(again.options))
    const signedIn = again.page.url.pathname.split('/')[2]!
    expect(await isAnswered(site.host.provider, signedIn)).to.equal(true)
  })

  it('R28 is good for another try after a refusal, with the fresh challenge of the page', async () => {
    const { client, options, answer } = await site.open()
    const refused = await answer(key.get(options, { origin: 'https://evil.example' }))
    expect((await answer(key.get(options))).status).to.equal(422)
    const again = await client.submit(refused, { credential: key.get(optionsOf(refused)) })
    // The challenge of `refused` was replaced by that of the answer between.
    expect(again.status).to.equal(422)
    const last = await client.submit(again, { credential: key.get(optionsOf(again)) })
    expect(last.status).to.equal(303)
  })

  it('R28 is refused after five minutes, and the page has fresh options', async () => {
    const { client, options, answer } = await site.open()
    site.host.clock.at += 300
    const refused = await answer(key.get(options))
    expect(refused.status).to.equal(422)
    const last = await client.submit(refused, { credential: key.get(optionsOf(refused)) })
    expect(last.status).to.equal(303)
  })

  it('renews its options for a page of the issuer\u2019s origin alone', async () => {
    const { client, page, options, answer } = await site.open()
    const address = `${page.url.href}/passkey`
    const from = (site: string) => ({ headers: { 'sec-fetch-site': site } })
    expect((await client.get(address, from('cross-site'))).status).to.equal(403)
    const renewed = await client.get(address, from('same-origin'))
    expect(renewed.headers['cache-control']).to.equal('no-store')
    const { options: fresh } = renewed.json as { options: string }
    expect(fresh).not.to.equal(options)
    expect((await answer(key.get(fresh))).status).to.equal(303)
  })

  it('R46 takes no challenge of a second factor or of another interaction', async () => {
    const second = new HttpClient()
    const verify = await showPassword(site.host, second, 'mira')
    const ofSecond = optionsOf(verify)
    const alone = await site.open()
    expect((await alone.answer(key.get(ofSecond))).status).to.equal(422)
    const [one, other] = [await site.open(), await site.open()]
    expect((await one.answer(key.get(other.options))).status).to.equal(422)
    // And the reverse: a challenge of the login page is none of a second factor.
    const credential = key.get(other.options)
    expect((await second.submit(verify, { credential })).status).to.equal(422)
  })

  it('R46 R28 takes a passkey without user verification alone only once a password has raised it', async () => {
    const raised = keyOf()
    await site.enrol('nora', raised, { userVerified: false })
    const before = await site.open()
    expect((await before.answer(raised.get(before.options))).status).to.equal(422)
    const client = new HttpClient()
    const verify = await showPassword(site.host, client, 'nora')
    const accepted = await client.submit(verify, { credential: raised.get(optionsOf(verify)) })
    expect(accepted.status).to.equal(303)
    const after = await site.open()
    expect((await after.answer(raised.get(after.options))).status).to.equal(303)
  })

  it('R46 R28 takes an imported passkey that has not verified its user alone only after a password', async () => {
    const device = new SoftAuthenticator({ userVerified: false })
    const state = exported(await registered(device))
    const fields = { passkeys: [{ ...state, userVerified: false }] }
    expect(await site.host.mfa.accounts.import('noor', fields)).to.include({ outcome: 'imported' })
    const { origin } = new URL(site.host.issuer)
    const answer = (options: string) => device.get(options, { origin, userVerified: true })
    const alone = async (): Promise<number> => {
      const opened = await site.open()
      return (await opened.answer(answer(opened.options))).status
    }
    expect(await alone()).to.equal(422)
    const client = new HttpClient()
    const verify = await showPassword(site.host, client, 'noor')
    const touched = device.get(optionsOf(verify), { origin })
    expect((await client.submit(verify, { credential: touched })).status).to.equal(303)
    expect(await alone(), 'nobody was verified beside the password').to.equal(422)
    const again = new HttpClient()
    const page = await showPassword(site.host, again, 'noor')
    const accepted = await again.submit(page, { credential: answer(optionsOf(page)) })
    expect(accepted.status).to.equal(303)
    expect(await alone()).to.equal(303)
  })

  it('R38 answers a double tap with the first result, and signs in once', async () => {
    const { client, options, answer } = await site.open()
    const credential = key.get(options)
    const [one, other] = await Promise.all([answer(credential), answer(credential)])
    const third = await answer(credential)
    expect([one.status, other.status, third.status]).to.deep.equal([303, 303, 303])
    expect((await claimsAfter(client, third)).sub).to.equal('mira')
    const { factors } = await site.host.mfa.accounts.status('mira')
    await site.host.mfa.settled()
    const accepted = site.host.events.filter(
      ({ type, detail }) => type === 'factor-accepted' && detail.factor === 'passkey',
    )
    expect([factors.length, accepted.length]).to.deep.equal([2, 1])
    // Another browser has not this interaction, and in another interaction it is a replay.
    const elsewhere = await site.open()
    expect((await elsewhere.answer(credential)).status).to.equal(422)
  })

  it('R38 answers a second tap that comes while the first one is examined with its result', async () => {
    const [arrived, goOn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    let taps = 0
    const other = await startPasskeyHost({
      async maySignIn() {
        taps += 1
        if (taps > 1) return true
        arrived.resolve()
        await goOn.promise
        return true
      },
    })
    const own = new SoftAuthenticator({ origin: new URL(other.host.issuer).origin })
    await other.enrol('mira', own)
    const { client, options, answer } = await other.open()
    const credential = own.get(options)
    const first = answer(credential)
    await arrived.promise
    const second = await answer(credential)
    goOn.resolve()
    expect([second.status, (await first).status]).to.deep.equal([303, 303])
    const back = await follow(other.host, client, second)
    expect(back.location?.searchParams.get('code')).to.be.a('string')
    await other.host.close()
  })

  it('R28 keeps the login of a response that is accepted while another one is refused', async () => {
    const [arrived, goOn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const other = await startPasskeyHost({
      async maySignIn({ accountId }) {
        if (accountId !== 'noah') return true
        arrived.resolve()
        await goOn.promise
        return false
      },
    })
    const { origin } = new URL(other.host.issuer)
    const [own, noahs] = [new SoftAuthenticator({ origin }), new SoftAuthenticator({ origin })]
    await other.enrol('mira', own)
    await other.enrol('noah', noahs)
    const { client, options, answer } = await other.open()
    const refused = answer(noahs.get(options))
    await arrived.promise
    const accepted = await answer(own.get(options))
    goOn.resolve()
    expect([(await refused).status, accepted.status]).to.deep.equal([422, 303])
    const back = await follow(other.host, client, accepted)
    expect(back.location?.searchParams.get('code')).to.be.a('string')
    await other.host.close()
  })

  it('R20 signs nobody in whose epoch was raised before the browser came back', async () => {
    const { client, options, answer } = await site.open()
    const answered = await answer(key.get(options))
    await site.host.mfa.accounts.endEverything('mira', 'stolen')
    const back = await follow(site.host, client, answered)
    expect(back.name).to.equal('host-login')
    expect(signedInSessions(site.host.writes)).to.deep.equal([])
  })

  it('R30 takes no form of another site and none without its token', async () => {
    const { client, page, options } = await site.open()
    const address = `${page.url.href}/passkey`
    const credential = key.get(options)
    const { csrf = '' } = page.form(FORM).fields
    const foreign = { headers: { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' } }
    expect((await client.post(address, { csrf, credential }, foreign)).status).to.equal(403)
    expect((await client.post(address, { credential })).status).to.equal(403)
    const other = await site.open()
    const { csrf: others = '' } = other.page.form(FORM).fields
    expect((await client.post(address, { csrf: others, credential })).status).to.equal(403)
    expect((await client.post(address, { csrf, credential })).status).to.equal(303)
  })

  it('tells that a sign-in is over, and leaves every other address to the application', async () => {
    const { client, page, options, answer } = await site.open()
    const credential = key.get(options)
    await follow(site.host, client, await answer(credential))
    const late = await answer(credential)
    expect([late.status, late.name]).to.deep.equal([410, 'expired'])
    const another = await client.post(`${site.host.issuer}/interaction/nothing/passkey`, {})
    expect(another.status).to.equal(404)
    const open = await site.open()
    const elsewhere = `${site.host.issuer}/interaction/elsewhere/passkey`
    expect((await open.client.post(elsewhere, {})).status).to.equal(404)
    expect(page.name).to.equal('host-login')
  })

  it('answers prompt=login, prompt=mfa and an essential acr with that one proof', async () => {
    const claims = JSON.stringify({
      id_token: { acr: { essential: true, value: MULTI_FACTOR_ACR } },
    })
    for (const parameters of [{ prompt: 'login' }, { prompt: 'login mfa' }, { claims }]) {
      const { client, options, answer } = await site.open({ ...parameters, max_age: '0' })
      const said = await claimsAfter(client, await answer(key.get(options)))
      expect(said.acr, JSON.stringify(parameters)).to.equal(
        'claims' in parameters ? MULTI_FACTOR_ACR : PHISHING_RESISTANT_ACR,
      )
    }
  })
})

function handlesOf(key: SoftAuthenticator): { id: string } {
  const options = JSON.stringify({ challenge: 'AAAA', rpId: 'localhost' })
  const { response } = JSON.parse(key.get(options)) as { response: { userHandle: string } }
  return { id: response.userHandle }
}
