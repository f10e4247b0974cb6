import { expect } from 'chai'
import { SignJWT, UnsecuredJWT, exportSPKI } from 'jose'
import {
  resourceServer,
  type Checked,
  type Requirement,
  type ResourceServer,
} from '../../src/resource-server/index.ts'
import {
  AUDIENCE,
  DISCOVERY,
  makeKey,
  MULTI_FACTOR,
  signToken,
  startIssuer,
  TestClock,
  type Issuer,
  type Key,
} from './issuer.ts'

const NO_ACCESS =
  'Bearer error="invalid_token", error_description="The access token is invalid or expired"'

/** The reason of a refusal with its challenge; the claims of a request that passes. */
function shown(checked: Checked): unknown {
  return checked.ok ? checked.claims : [checked.status, checked.reason]
}

describe('resourceServer with JWT access tokens', () => {
  let issuer: Issuer
  let key: Key
  let other: Key
  let clock: TestClock
  let api: ResourceServer

  before(async () => {
    key = await makeKey('first')
    other = await makeKey('second')
  })
  beforeEach(async () => {
    issuer = await startIssuer()
    issuer.keys = [key.jwk]
    clock = new TestClock()
    api = protect()
  })
  afterEach(() => issuer.close())

  const protect = (more: object = {}): ResourceServer =>
    resourceServer({ issuer: issuer.url, audience: AUDIENCE, clock, ...more })
  const sign = (claims: object = {}, header: object = {}, by: Key = key): Promise<string> =>
    signToken(issuer, by, clock, { ...claims }, { ...header })
  const ask = async (token: string, requirement: Requirement = {}): Promise<unknown> =>
    shown(await api.check(`Bearer ${token}`, requirement))

  it('gives the claims of a valid token', async () => {
    const checked = await api.check(`Bearer ${await sign({ scope: 'read' })}`)
    expect(checked).to.deep.equal({
      ok: true,
      claims: {
        iss: issuer.url,
        aud: AUDIENCE,
        sub: 'mira',
        client_id: 'app',
        scope: 'read',
        iat: clock.at,
        exp: clock.at + 600,
      },
    })
  })

  it('takes one audience of several, the long form of the type, and the scheme in any case', async () => {
    const token = await sign(
      { aud: ['https://other.example', AUDIENCE] },
      { typ: 'application/at+jwt' },
    )
    expect(await api.check(`bEARER ${token}`)).to.include({ ok: true })
  })

  it('answers a request without a token by a challenge without an error', async () => {
    for (const given of [undefined, '', 'Basic YTpi', 'DPoP abc', 'Bearer', 'Bearerabc'])
      expect(await api.check(given, { acr: 'gold', maxAgeSeconds: 5 }), given).to.deep.equal({
        ok: false,
        status: 401,
        headers: { 'WWW-Authenticate': 'Bearer' },
        reason: 'no-token',
      })
    expect(issuer.asked).to.deep.equal([])
  })

  it('says nothing of the reason to a token that is not valid', async () => {
    expect(await api.check(`Bearer ${await sign({ exp: clock.at })}`)).to.deep.equal({
      ok: false,
      status: 401,
      headers: { 'WWW-Authenticate': NO_ACCESS },
      reason: 'expired',
    })
  })

  const CLAIMS: readonly (readonly [string, object, string])[] = [
    ['another audience', { aud: 'https://other.example' }, 'audience'],
    ['an audience that only begins so', { aud: `${AUDIENCE}.evil.example` }, 'audience'],
    ['no audience', { aud: null }, 'audience'],
    ['another issuer', { iss: 'https://other.example' }, 'issuer'],
    ['no issuer', { iss: null }, 'issuer'],
    ['no end', { exp: null }, 'expired'],
    ['an end that is no number', { exp: 'tomorrow' }, 'expired'],
    ['an end a second ago', { exp: 1_800_000_000 - 1 }, 'expired'],
    ['a beginning in the future', { nbf: 1_800_000_000 + 31 }, 'not-yet-valid'],
    ['a key that it is bound to', { cnf: { jkt: 'x' } }, 'key-bound'],
    ['a certificate that it is bound to', { cnf: { 'x5t#S256': 'x' } }, 'key-bound'],
  ]
  for (const [what, claims, reason] of CLAIMS)
    it(`refuses a token with ${what}`, async () => {
      expect(await ask(await sign(claims))).to.deep.equal([401, reason])
    })

  it('accepts a token whose beginning is ahead by the difference of two clocks', async () => {
    expect(await api.check(`Bearer ${await sign({ nbf: clock.at + 30 })}`)).to.include({ ok: true })
  })

  it('says to a token that is bound to a key that it takes no such token', async () => {
    const checked = await api.check(`Bearer ${await sign({ cnf: { jkt: 'x' } })}`)
    expect(checked).to.have.nested.property(
      'headers.WWW-Authenticate',
      'Bearer error="invalid_token", error_description="The access token is bound to a key, and this API takes no such token"',
    )
  })

  it('refuses an ID token, a logout token and a token without a type', async () => {
    for (const typ of ['JWT', 'logout+jwt', 'at+jwt2', null])
      expect(await ask(await sign({}, { typ })), String(typ)).to.deep.equal([401, 'type'])
  })

  it('refuses a token without a signature', async () => {
    const unsecured = new UnsecuredJWT({
      iss: issuer.url,
      aud: AUDIENCE,
      exp: clock.at + 60,
    }).encode()
    expect(await ask(unsecured)).to.deep.equal([401, 'algorithm'])
    const [header = '', payload = ''] = (await sign()).split('.')
    expect(await ask(`${header}.${payload}.`)).to.deep.equal([401, 'signature'])
  })

  it('refuses a token that is signed with the public key as a shared secret', async () => {
    const secret = new TextEncoder().encode(await exportSPKI(key.publicKey))
    for (const alg of ['HS256', 'HS384', 'HS512']) {
      const token = await new SignJWT({ iss: issuer.url, aud: AUDIENCE, exp: clock.at + 60 })
        .setProtectedHeader({ alg, typ: 'at+jwt', kid: key.kid })
        .sign(secret)
      expect(await ask(token), alg).to.deep.equal([401, 'algorithm'])
    }
    expect(issuer.asked, 'no key is fetched for it').to.deep.equal([])
  })

  it('takes no secret key out of the key set', async () => {
    const secret = Buffer.alloc(32, 1)
    issuer.keys = [{ kty: 'oct', k: secret.toString('base64url'), kid: 'shared', alg: 'HS256' }]
    const token = await new SignJWT({ iss: issuer.url, aud: AUDIENCE, exp: clock.at + 60 })
      .setProtectedHeader({ alg: 'HS256', typ: 'at+jwt', kid: 'shared' })
      .sign(secret)
    expect(await ask(token)).to.deep.equal([401, 'algorithm'])
  })

  it('refuses another signature under a known key id, and a changed payload', async () => {
    const forged = await sign({}, { kid: key.kid }, other)
    expect(await ask(forged)).to.deep.equal([401, 'signature'])
    const [header, , signature] = (await sign()).split('.')
    const payload = Buffer.from(
      JSON.stringify({ iss: issuer.url, aud: AUDIENCE, exp: clock.at + 600, sub: 'admin' }),
    ).toString('base64url')
    expect(await ask(`${header}.${payload}.${signature}`)).to.deep.equal([401, 'signature'])
  })

  it('ignores a key and an address of keys in the header of a token', async () => {
    const header = { jwk: other.jwk, jku: `${issuer.url}/other-jwks`, kid: null }
    expect(await ask(await sign({}, header, other))).to.deep.equal([401, 'signature'])
    expect(issuer.asked).to.deep.equal([DISCOVERY, '/jwks'])
  })

  it('refuses a critical header that nobody here understands', async () => {
    const [, payload, signature] = (await sign()).split('.')
    const header = { alg: 'ES256', typ: 'at+jwt', kid: key.kid, crit: ['x'], x: 1 }
    const encoded = Buffer.from(JSON.stringify(header)).toString('base64url')
    expect(await ask(`${encoded}.${payload}.${signature}`)).to.deep.equal([401, 'token-malformed'])
  })

  it('refuses anything that is no JWT, where no introspection is configured', async () => {
    for (const token of [
      'opaque',
      'a.b.c',
      'a b',
      'a,b',
      'ä',
      `${'A'.repeat(20)}.e30.`,
      'a.b.c.d.e',
    ])
      expect(await ask(token), token).to.deep.equal([401, 'token-malformed'])
  })

  describe('and too little assurance', () => {
    const REQUIRED = { acr: MULTI_FACTOR, maxAgeSeconds: 300 }
    const challengeOf = async (claims: object, requirement: Requirement): Promise<unknown> => {
      const checked = await api.check(`Bearer ${await sign(claims)}`, requirement)
      return checked.ok ? 'passed' : [checked.status, checked.reason, checked.headers]
    }

    it('R27 answers by the level and the age to ask for (RFC 9470)', async () => {
      const authTime = clock.at - 10
      expect(await challengeOf({ acr: 'one', auth_time: authTime }, REQUIRED)).to.deep.equal([
        401,
        'acr-too-low',
        {
          'WWW-Authenticate': `Bearer error="insufficient_user_authentication", error_description="A different authentication level is required", acr_values="${MULTI_FACTOR}", max_age="300"`,
        },
      ])
      expect(await challengeOf({ acr: MULTI_FACTOR, auth_time: authTime }, REQUIRED)).to.equal(
        'passed',
      )
    })

    it('says that an authentication is too old', async () => {
      const claims = { acr: MULTI_FACTOR, auth_time: clock.at - 301 }
      expect(await challengeOf(claims, REQUIRED)).to.deep.equal([
        401,
        'too-old',
        {
          'WWW-Authenticate': `Bearer error="insufficient_user_authentication", error_description="More recent authentication is required", acr_values="${MULTI_FACTOR}", max_age="300"`,
        },
      ])
    })

    it('names several levels in their order, and nothing that is not required', async () => {
      expect(await challengeOf({}, { acr: ['phr', 'gold'] })).to.have.nested.property(
        '2.WWW-Authenticate',
        'Bearer error="insufficient_user_authentication", error_description="A different authentication level is required", acr_values="phr gold"',
      )
      expect(await challengeOf({ auth_time: 1 }, { maxAgeSeconds: 0 })).to.have.nested.property(
        '2.WWW-Authenticate',
        'Bearer error="insufficient_user_authentication", error_description="More recent authentication is required", max_age="0"',
      )
    })

    it('answers a missing factor in the same way', async () => {
      const claims = { acr: MULTI_FACTOR, auth_time: clock.at, authn_factors: [] }
      expect(await challengeOf(claims, { ...REQUIRED, factors: ['otp'] })).to.include.members([
        401,
        'factor-missing',
      ])
    })

    it('quotes the realm and a level, so that neither begins another parameter', async () => {
      api = protect({ realm: String.raw`a "b" \c` })
      expect(await challengeOf({}, { acr: String.raw`x",error="y\z` })).to.have.nested.property(
        '2.WWW-Authenticate',
        String.raw`Bearer realm="a \"b\" \\c", error="insufficient_user_authentication", error_description="A different authentication level is required", acr_values="x\",error=\"y\\z"`,
      )
      expect(await api.check(undefined)).to.have.nested.property(
        'headers.WWW-Authenticate',
        String.raw`Bearer realm="a \"b\" \\c"`,
      )
    })

    it('rejects a requirement with a fault in place of a pass', async () => {
      const token = `Bearer ${await sign({ acr: 'one' })}`
      const error: unknown = await api
        .check(token, { acrs: 'two' } as Requirement)
        .catch((reason: unknown) => reason)
      expect(error).to.include({ code: 'options-invalid' })
      expect(String(error)).to.contain('"acrs" (did you mean "acr"?)')
    })
  })
})
