import { expect } from 'chai'
import {
  resourceServer,
  type Checked,
  type ResourceServer,
} from '../../src/resource-server/index.ts'
import {
  AUDIENCE,
  DISCOVERY,
  makeKey,
  signToken,
  startIssuer,
  TestClock,
  type Issuer,
  type Key,
} from './issuer.ts'

const RFC_8414 = '/.well-known/oauth-authorization-server'

describe('the keys of resourceServer', () => {
  let issuer: Issuer
  let key: Key
  let next: Key
  let clock: TestClock
  let api: ResourceServer

  before(async () => {
    key = await makeKey('first')
    next = await makeKey('second', 'EdDSA')
  })
  beforeEach(async () => {
    issuer = await startIssuer()
    issuer.keys = [key.jwk]
    clock = new TestClock()
    api = resourceServer({ issuer: issuer.url, audience: AUDIENCE, clock })
  })
  afterEach(() => issuer.close())

  const ask = async (by: Key = key): Promise<Checked> =>
    api.check(
      `Bearer ${await signToken(issuer, by, clock, {}, { alg: by === key ? 'ES256' : 'EdDSA' })}`,
    )
  const outcome = async (by: Key = key): Promise<string> => {
    const checked = await ask(by)
    return checked.ok ? 'passed' : `${checked.status} ${checked.reason}`
  }
  /** How often the key set was asked for. */
  const fetches = (): number => issuer.asked.filter((path) => path === '/jwks').length

  it('are fetched at the first token, once for tokens that come together', async () => {
    expect(issuer.asked).to.deep.equal([])
    expect(await Promise.all([outcome(), outcome(), outcome()])).to.deep.equal(
      Array.from({ length: 3 }, () => 'passed'),
    )
    expect(await outcome()).to.equal('passed')
    expect(issuer.asked).to.deep.equal([DISCOVERY, '/jwks'])
  })

  it('are fetched again for an unknown key id, once in half a minute', async () => {
    expect(await outcome()).to.equal('passed')
    expect(await outcome(next)).to.equal('401 key-unknown')
    expect(fetches(), 'the set is new').to.equal(1)
    clock.at += 30
    expect(await outcome(next)).to.equal('401 key-unknown')
    expect(await outcome(next)).to.equal('401 key-unknown')
    expect(fetches()).to.equal(2)
    clock.at += 30
    issuer.keys = [next.jwk]
    expect(await outcome(next)).to.equal('passed')
    expect(await outcome(key), 'the removed key').to.equal('401 key-unknown')
    expect(fetches()).to.equal(3)
  })

  it('are held for ten minutes at most', async () => {
    expect(await outcome()).to.equal('passed')
    issuer.keys = [next.jwk]
    clock.at += 599
    expect(await outcome()).to.equal('passed')
    clock.at += 1
    expect(await outcome()).to.equal('401 key-unknown')
  })

  it('are fetched again after the clock was set back', async () => {
    expect(await outcome()).to.equal('passed')
    clock.at -= 3600
    expect(await outcome()).to.equal('passed')
    expect(fetches()).to.equal(2)
  })

  it('go on to count while the provider is away, for as long as they are held', async () => {
    expect(await outcome()).to.equal('passed')
    issuer.instead[DISCOVERY] = { status: 500 }
    clock.at += 599
    expect(await outcome()).to.equal('passed')
    expect(await outcome(next), 'nobody knows this key').to.equal('503 provider-away')
    expect(await outcome(next), 'nor is it asked for again').to.equal('503 provider-away')
    expect(issuer.asked.filter((path) => path === DISCOVERY)).to.have.length(2)
    clock.at += 1
    expect(await outcome()).to.equal('503 provider-away')
  })

  it('answer 503 with the time to wait while the provider is away, and ask it only then', async () => {
    issuer.instead[DISCOVERY] = { status: 503 }
    const checked = await ask()
    expect(checked).to.deep.include({
      ok: false,
      status: 503,
      headers: { 'Retry-After': '5' },
      reason: 'provider-away',
    })
    expect(checked).to.have.nested.property('cause.message').that.contains('answered 503')
    delete issuer.instead[DISCOVERY]
    clock.at += 4
    expect(await outcome()).to.equal('503 provider-away')
    expect(issuer.asked).to.deep.equal([DISCOVERY])
    clock.at += 1
    expect(await outcome()).to.equal('passed')
  })

  it('are trusted again, once the provider has answered after a failure', async () => {
    issuer.instead[DISCOVERY] = { status: 503 }
    expect(await outcome()).to.equal('503 provider-away')
    delete issuer.instead[DISCOVERY]
    clock.at += 5
    expect(await outcome()).to.equal('passed')
    // The failure is half a minute old at most, and hides no new key any more.
    expect(await outcome(next)).to.equal('401 key-unknown')
  })

  it('answer 503 if nobody listens', async () => {
    await issuer.close()
    expect(await outcome()).to.equal('503 provider-away')
  })

  it('answer 503 if the provider does not answer in time', async () => {
    api = resourceServer({ issuer: issuer.url, audience: AUDIENCE, clock, timeoutMs: 50 })
    for (const path of [DISCOVERY, '/jwks']) {
      issuer.instead[path] = 'hang'
      clock.at += 5
      expect(await outcome(), path).to.equal('503 provider-away')
      delete issuer.instead[path]
    }
  })

  for (const path of [DISCOVERY, '/jwks'])
    it(`answer 503 if ${path} answers wrong, elsewhere or too much`, async () => {
      const answers = [
        { status: 500 },
        { status: 403 },
        { body: '<html>' },
        { body: '[]' },
        { body: 'null' },
        { body: `{"keys":[],"more":"${'x'.repeat(1024 * 1024)}"}` },
        { status: 302, headers: { location: `${issuer.url}/jwks` } },
      ]
      for (const answer of answers) {
        issuer.instead[path] = answer
        clock.at += 5
        expect(await outcome(), JSON.stringify(answer).slice(0, 60)).to.equal('503 provider-away')
      }
      delete issuer.instead[path]
      clock.at += 5
      expect(await outcome()).to.equal('passed')
    })

  it('answer 503 if the discovery document is that of another issuer, or its keys are not safe', async () => {
    const { url } = issuer
    const faults: readonly (readonly [object, string])[] = [
      [{ issuer: `${url}/`, jwks_uri: `${url}/jwks` }, 'names another issuer'],
      [{ jwks_uri: `${url}/jwks` }, 'names another issuer'],
      [{ issuer: url }, 'is no https URL'],
      [{ issuer: url, jwks_uri: 'http://keys.example/jwks' }, 'is no https URL'],
      [{ issuer: url, jwks_uri: 'file:///etc/keys' }, 'is no https URL'],
    ]
    for (const [document, fault] of faults) {
      issuer.instead[DISCOVERY] = { body: document }
      clock.at += 5
      expect(await ask(), JSON.stringify(document))
        .to.include({ status: 503, reason: 'provider-away' })
        .and.have.nested.property('cause.message')
        .that.contains(fault)
    }
    expect(fetches()).to.equal(0)
  })

  it('are found by the metadata of RFC 8414 where there is no discovery document', async () => {
    issuer.instead[DISCOVERY] = { status: 404 }
    const document = { issuer: issuer.url, jwks_uri: `${issuer.url}/jwks` }
    issuer.instead[RFC_8414] = { body: document }
    expect(await outcome()).to.equal('passed')
    expect(issuer.asked).to.deep.equal([DISCOVERY, RFC_8414, '/jwks'])
  })

  it('are those of an issuer with a path', async () => {
    const url = `${issuer.url}/tenant/one/`
    api = resourceServer({ issuer: url, audience: AUDIENCE, clock })
    issuer.instead[`/tenant/one${DISCOVERY}`] = { status: 404 }
    issuer.instead[`${RFC_8414}/tenant/one`] = {
      body: { issuer: url, jwks_uri: `${issuer.url}/jwks` },
    }
    expect(await api.check(`Bearer ${await signToken({ url }, key, clock)}`)).to.include({
      ok: true,
    })
  })
})
