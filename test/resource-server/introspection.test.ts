import { expect } from 'chai'
import {
  resourceServer,
  type Checked,
  type ResourceServer,
} from '../../src/resource-server/index.ts'
import { AUDIENCE, MULTI_FACTOR, startIssuer, TestClock, type Issuer } from './issuer.ts'

describe('resourceServer with introspection', () => {
  let issuer: Issuer
  let clock: TestClock
  let api: ResourceServer
  let active: Readonly<Record<string, unknown>>

  beforeEach(async () => {
    issuer = await startIssuer()
    clock = new TestClock()
    active = { active: true, iss: issuer.url, aud: AUDIENCE, exp: clock.at + 60, sub: 'mira' }
    issuer.introspection = active
    api = protect('my api', 'a:b c/ü%')
  })
  afterEach(() => issuer.close())

  function protect(clientId: string, clientSecret: string, more = {}): ResourceServer {
    const endpoint = `${issuer.url}/introspection`
    return resourceServer({
      issuer: issuer.url,
      audience: AUDIENCE,
      introspection: { endpoint, clientId, clientSecret },
      clock,
      ...more,
    })
  }
  const ask = (requirement = {}): Promise<Checked> => api.check('Bearer opaque-1', requirement)
  const outcome = async (): Promise<string> => {
    const checked = await ask()
    return checked.ok ? 'passed' : `${checked.status} ${checked.reason}`
  }

  it('gives the claims of an active token', async () => {
    expect(await ask()).to.deep.equal({ ok: true, claims: active })
  })

  it('asks as its client, with id and secret in form encoding (RFC 6749, 2.3.1)', async () => {
    await ask()
    const [posted] = issuer.posted
    expect(posted?.fields).to.deep.equal({ token: 'opaque-1', token_type_hint: 'access_token' })
    const [scheme, credentials = ''] = (posted?.authorization ?? '').split(' ')
    expect(scheme).to.equal('Basic')
    expect(Buffer.from(credentials, 'base64').toString()).to.equal('my+api:a%3Ab+c%2F%C3%BC%25')
  })

  it('asks about each request, so that a token that has ended is refused at once', async () => {
    expect(await outcome()).to.equal('passed')
    issuer.introspection = { active: false }
    expect(await outcome()).to.equal('401 inactive')
  })

  const REFUSED: readonly (readonly [string, Readonly<Record<string, unknown>>, string])[] = [
    ['another audience', { aud: ['https://other.example'] }, 'audience'],
    ['no audience, such as a refresh token', { aud: undefined }, 'audience'],
    ['another issuer', { iss: 'https://other.example' }, 'issuer'],
    ['an end that is over', { exp: 1_800_000_000 }, 'expired'],
    ['no end', { exp: undefined }, 'expired'],
    ['a beginning in the future', { nbf: 1_800_000_031 }, 'not-yet-valid'],
    ['another type', { token_type: 'DPoP' }, 'key-bound'],
    ['a key that it is bound to', { cnf: { jkt: 'x' } }, 'key-bound'],
  ]
  for (const [what, claims, reason] of REFUSED)
    it(`refuses an active token with ${what}`, async () => {
      issuer.introspection = { ...active, ...claims }
      expect(await outcome()).to.equal(`401 ${reason}`)
    })

  it('takes one audience of several, and an answer without an issuer', async () => {
    issuer.introspection = { ...active, aud: ['x', AUDIENCE], iss: undefined, token_type: 'bearer' }
    expect(await outcome()).to.equal('passed')
  })

  it('answers 503 if the endpoint answers wrong, elsewhere, or does not know this API', async () => {
    const answers = [
      { status: 500 },
      { status: 401 },
      { status: 429 },
      { body: 'active' },
      { body: '{}' },
      { body: '{"active":"true"}' },
      { status: 307, headers: { location: '/elsewhere' } },
    ]
    for (const answer of answers) {
      issuer.instead['/introspection'] = answer
      expect(await outcome(), JSON.stringify(answer)).to.equal('503 provider-away')
    }
    expect(issuer.asked).not.to.include('/elsewhere')
  })

  it('answers 503 if the endpoint does not answer in time', async () => {
    api = protect('api', 'secret', { timeoutMs: 50 })
    issuer.instead['/introspection'] = 'hang'
    expect(await outcome()).to.equal('503 provider-away')
  })

  it('answers 503 if nobody listens', async () => {
    await issuer.close()
    expect(await ask()).to.deep.include({ status: 503, headers: { 'Retry-After': '5' } })
  })

  it('R31 names in an error no query of the endpoint, which may hold a secret', async () => {
    const endpoint = `${issuer.url}/introspection?key=hidden`
    api = protect('', '', { introspection: { endpoint, clientId: 'api', clientSecret: 'secret' } })
    await issuer.close()
    const checked = await ask()
    expect(checked)
      .to.have.nested.property('cause.message')
      .that.contains('/introspection gave no usable answer')
      .and.not.contains('hidden')
  })

  it('R27 asks for more assurance as with a JWT', async () => {
    issuer.introspection = { ...active, acr: 'one' }
    const checked = await ask({ acr: MULTI_FACTOR })
    expect(checked).to.include({ ok: false, status: 401, reason: 'acr-too-low' })
  })

  it('does not send on anything that is no token, and no JWT, forged or not', async () => {
    const forged = `${Buffer.from('{"alg":"none"}').toString('base64url')}.e30.`
    for (const token of ['a b', 'a"b', forged]) await api.check(`Bearer ${token}`)
    expect(issuer.posted).to.deep.equal([])
  })
})
