import { expect } from 'chai'
import fc from 'fast-check'
import { SoftAuthenticator } from '../support/authenticator.ts'
import { HttpClient, type Page } from '../support/http-client.ts'
import { optionsOf } from '../support/passkey-options.ts'
import { follow, showPassword } from './host.ts'
import { startPasskeyHost, type PasskeyHost } from './passkey-host.ts'
import { openPasskeyPage } from './passkey-sign-in.ts'
import { signedInSessions } from './recorded-storage.ts'

const SIGN_IN = 'form[data-passkey-sign-in]'

/** A page that takes a credential, and the browser that has opened it. */
interface Target {
  readonly client: HttpClient
  readonly page: Page
  /** The form of the page, as the options of `submit` name it. */
  readonly form?: string
}

const bytes = (hex: string): string => Buffer.from(hex, 'hex').toString('base64url')
const base64url = (value: Uint8Array): string => Buffer.from(value).toString('base64url')
const b64 = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

/** Texts that are no answer of a browser, or hardly one. */
function nonsense(options: string): Readonly<Record<string, string>> {
  const { challenge } = JSON.parse(options) as { challenge: string }
  const client = (more: object): string =>
    b64({ type: 'webauthn.get', challenge, origin: 'http://localhost', ...more })
  const answer = (response: object, more: object = {}): string =>
    JSON.stringify({ id: 'AAAA', rawId: 'AAAA', type: 'public-key', response, ...more })
  const attested = (attestationObject: string): string =>
    answer({ clientDataJSON: client({ type: 'webauthn.create' }), attestationObject })
  const asserted = (authenticatorData: string): string =>
    answer({ clientDataJSON: client({}), authenticatorData, signature: 'AAAA' })
  return {
    'an empty text': '',
    'no JSON': '{',
    'a number': '7',
    null: 'null',
    'an array': '[]',
    'deep arrays': '['.repeat(7_000),
    'deep objects': `${'{"a":'.repeat(2_000)}1${'}'.repeat(2_000)}`,
    'prototype keys': '{"__proto__":{"id":"AAAA"},"constructor":{"prototype":{"id":"AAAA"}}}',
    'ids that are no texts': answer({ clientDataJSON: client({}) }, { id: ['AAAA'], rawId: {} }),
    'a null byte': answer({ clientDataJSON: 'AA\u0000AA' }),
    'a half of a pair': answer({ clientDataJSON: client({}), signature: '\ud800' }),
    'keys twice': `{"id":"AAAA","id":"BBBB","rawId":"BBBB","type":"public-key","response":{},"response":{"clientDataJSON":"${client({})}","authenticatorData":"AAAA","signature":"AAAA","signature":"BBBB"}}`,
    'a longer id than the page can take': answer({}, { id: 'A'.repeat(15_000) }),
    'client data that are an array': answer({
      clientDataJSON: b64([1, 2]),
      authenticatorData: 'AAAA',
      signature: 'AAAA',
    }),
    'client data with deep members': answer({
      clientDataJSON: Buffer.from('['.repeat(7_000)).toString('base64url'),
      authenticatorData: 'AAAA',
      signature: 'AAAA',
    }),
    'authenticator data of one byte': asserted(bytes('00')),
    'authenticator data of 36 bytes': asserted(bytes('00'.repeat(36))),
    'authenticator data that promise extensions': asserted(bytes(`${'00'.repeat(32)}ff00000001`)),
    'an attestation that is no CBOR': attested(bytes('ff')),
    'an attestation of deep arrays': attested(bytes('81'.repeat(5_000))),
    'an attestation of deep tags': attested(bytes('c1'.repeat(5_000))),
    'an array of 2^32 members': attested(bytes('9affffffff')),
    'a map of 2^63 members': attested(bytes('bb7fffffffffffffff')),
    'a text of 2^32 bytes': attested(bytes('7affffffff')),
    'an attestation without members': attested(bytes('a0')),
    'an attestation whose data are no bytes': attested(
      bytes('a363666d74646e6f6e656761747453746d74a068617574684461746101'),
    ),
    'an attested key of deep arrays': attested(
      bytes(
        `a363666d74646e6f6e656761747453746d74a0686175746844617461590800${'00'.repeat(32)}4500000001${'00'.repeat(16)}0003000000${'81'.repeat(1988)}`,
      ),
    ),
  }
}

type Open = () => Promise<Target>

describe('attacks on the pages of passkeys', () => {
  let site: PasskeyHost
  let key: SoftAuthenticator
  let mirasHandle: string
  const keyOf = () => new SoftAuthenticator({ origin: site.host.issuer })
  beforeEach(async () => {
    site = await startPasskeyHost()
    key = keyOf()
    await site.enrol('mira', key)
    mirasHandle = key.userHandle
    site.host.writes.length = 0
  })
  afterEach(async () => site.host.close())

  const TARGETS: Readonly<Record<string, () => Promise<Target>>> = {
    'the page that asks for one': async () => {
      const client = new HttpClient()
      return { client, page: await openPasskeyPage(site.host, client) }
    },
    'the page that sets one up': async () => {
      const client = new HttpClient()
      const ways = await showPassword(site.host, client, 'newcomer')
      const chosen = await client.submit(ways, { factor: 'passkey' })
      return { client, page: await follow(site.host, client, chosen) }
    },
    'the login page': async () => ({ ...(await site.open()), form: SIGN_IN }),
  }

  const send = ({ client, page, form }: Target, fields: Record<string, string>) =>
    client.submit(page, fields, form === undefined ? {} : { form })

  /** The request was refused as one of a person, and nobody is signed in. */
  function expectRefused(answer: Page, what: string): void {
    expect(answer.status, what).to.be.within(400, 429)
    expect(answer.body, what).not.to.match(/node:internal|\.ts:\d|file:\/\/|\n\s+at /)
    expect(answer.headers['set-cookie'] ?? [], what).to.deep.equal([])
    expect(
      site.host.faults.map(({ message }) => message),
      what,
    ).to.deep.equal([])
    expect(signedInSessions(site.host.writes), what).to.deep.equal([])
  }

  for (const [name, open] of Object.entries(TARGETS))
    it(`R31 R34 ${name} refuses what is no answer of a browser, and says nothing of its inside`, async () => {
      let target = await open()
      for (const [what, credential] of Object.entries(nonsense(optionsOf(target.page)))) {
        const answer = await send(target, { credential })
        expectRefused(answer, what)
        // A set-up has to wait after five wrong answers: the next one is examined in another sign-in.
        if (answer.status !== 400) target = await open()
      }
    })

  it('R31 R34 every page refuses random bytes in the place of those of a device', async () => {
    const bytes = fc.uint8Array({ minLength: 1, maxLength: 300 }).map(base64url)
    const attestation = fc.record({ attestationObject: bytes })
    const assertion = fc.record({ authenticatorData: bytes, signature: bytes })
    const part = fc.tuple(
      fc.constantFrom(...Object.keys(TARGETS)),
      fc.oneof(attestation, assertion),
    )
    await fc.assert(
      fc.asyncProperty(part, async ([name, random]) => {
        const target = await TARGETS[name]!()
        const options = optionsOf(target.page)
        const honest =
          name === 'the page that sets one up' ? keyOf().create(options) : key.get(options)
        const { response, ...others } = JSON.parse(honest) as {
          readonly response: { readonly clientDataJSON: string }
        }
        const { clientDataJSON } = response
        const forged = { ...others, response: { clientDataJSON, ...random } }
        const credential = JSON.stringify(forged)
        expectRefused(await send(target, { credential }), `${name}: ${credential}`)
      }),
      { numRuns: 20 },
    )
  })

  for (const [name, open] of Object.entries(TARGETS)) {
    it(`R30 R34 ${name} refuses a form that is not of its page, or not as a browser sends it`, async () => {
      const target = await open()
      const { client, page, form } = target
      const { action, fields } = page.form(form)
      const url = new URL(action, page.url)
      const other = await open()
      const answer = { credential: 'x' }
      const csrf = String(fields.csrf)
      const cases: Readonly<Record<string, () => Promise<Page>>> = {
        'no token': () => client.post(url, answer),
        'a wrong token': () => client.post(url, { ...answer, csrf: `${csrf}x` }),
        'the token of another sign-in': () =>
          client.post(url, { ...answer, csrf: String(other.page.form(form).fields.csrf) }),
        'another origin': () =>
          client.post(url, { ...answer, csrf }, { headers: { origin: 'https://evil.example' } }),
        'another browser': () => new HttpClient().post(url, { ...answer, csrf }),
        'no credential': () => client.post(url, { csrf }),
        'a credential twice': () => client.postRaw(url, `csrf=${csrf}&credential=a&credential=b`),
        'a credential in an array': () => client.postRaw(url, `csrf=${csrf}&credential[]=a`),
        'a megabyte': () => client.post(url, { csrf, credential: 'A'.repeat(1_048_576) }),
        'a null byte': () => client.postRaw(url, `csrf=${csrf}&credential=%00`),
        'bytes that are no text': () => client.postRaw(url, `csrf=${csrf}&credential=%ff%fe`),
        json: () =>
          client.postRaw(url, JSON.stringify({ csrf, ...answer }), {
            headers: { 'content-type': 'application/json' },
          }),
      }
      for (const [what, attack] of Object.entries(cases)) expectRefused(await attack(), what)
    })
  }

  it('R28 R46 no page takes the answer to the page of another ceremony, sign-in, person or browser', async () => {
    const theos = keyOf()
    await site.enrol('theo', theos)
    site.host.writes.length = 0
    const [asking, setting, login] = Object.values(TARGETS) as [Open, Open, Open]
    const options = async (open: Open): Promise<string> => optionsOf((await open()).page)
    const cases: Readonly<Record<string, readonly [Open, () => Promise<string>]>> = {
      'a registration at a sign-in': [asking, async () => keyOf().create(await options(setting))],
      'a registration on the login page': [
        login,
        async () => keyOf().create(await options(setting)),
      ],
      'an assertion at a set-up': [setting, async () => key.get(await options(asking))],
      'the answer to another sign-in': [asking, async () => key.get(await options(asking))],
      'the answer to another login page': [login, async () => key.get(await options(login))],
      'an answer with a password, without one': [login, async () => key.get(await options(asking))],
      'an answer without a password, with one': [asking, async () => key.get(await options(login))],
      'the set-up of another person': [setting, async () => keyOf().create(await options(setting))],
    }
    for (const [what, [open, credential]] of Object.entries(cases)) {
      const target = await open()
      expectRefused(await send(target, { credential: await credential() }), what)
    }
    // The challenge is the page's own; the credential is another person's, with either handle.
    for (const lies of [{}, { userHandle: null }, { userHandle: key.userHandle }]) {
      const target = await asking()
      const credential = theos.get(optionsOf(target.page), lies)
      expectRefused(await send(target, { credential }), `theo's, ${JSON.stringify(lies)}`)
    }
  })

  it('R46 the page that sets one up takes no credential that another account has', async () => {
    const target = await TARGETS['the page that sets one up']!()
    const options = optionsOf(target.page)
    const copy = keyOf().create(options, { id: key.id, responseId: key.credentialId })
    expectRefused(await send(target, { credential: copy }), 'with a key of its own')
    const { factors } = await site.host.mfa.accounts.status('newcomer')
    expect(factors).to.deep.equal([])
    const page = await site.open()
    const credential = key.get(page.options, { userHandle: mirasHandle })
    expect((await page.answer(credential)).status).to.equal(303)
  })

  it('R28 R38 an answer that was accepted is worth nothing in another browser or sign-in', async () => {
    const target = await TARGETS['the page that asks for one']!()
    const credential = key.get(optionsOf(target.page))
    expect((await send(target, { credential })).status).to.equal(303)
    site.host.writes.length = 0
    for (const open of Object.values(TARGETS))
      expectRefused(await send(await open(), { credential }), 'again')
    const thief = new HttpClient()
    const { action, fields } = target.page.form()
    const url = new URL(action, target.page.url)
    const stolen = { csrf: String(fields.csrf), credential }
    expectRefused(await thief.post(url, stolen), 'in a browser without the cookie')
  })
})
