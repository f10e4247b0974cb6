import { expect } from 'chai'
import { resourceServer, type ResourceServerOptions } from '../../src/resource-server/index.ts'

const VALID = { issuer: 'https://id.example', audience: 'https://api.example' }
const INTROSPECTION = { endpoint: 'https://id.example/i', clientId: 'api', clientSecret: 'hidden' }

const make = (options: unknown) => () => resourceServer(options as ResourceServerOptions)

describe('the options of resourceServer', () => {
  it('take a time to wait of at most a minute', () => {
    expect(make({ ...VALID, timeoutMs: 60_000 })).not.to.throw()
    expect(make({ ...VALID, timeoutMs: 60_001 })).to.throw('timeoutMs is')
  })

  it('take https, and http on a loopback address alone', () => {
    for (const issuer of [
      'https://id.example',
      'https://id.example/tenant',
      'http://localhost:3000',
      'http://127.0.0.1:3000',
      'http://127.8.0.1',
      'http://[::1]:3000',
    ])
      expect(make({ ...VALID, issuer }), issuer).not.to.throw()
    for (const issuer of [
      'http://id.example',
      'http://localhost.evil.example',
      'http://127.0.0.1.evil.example',
      'http://0.0.0.0',
      'https://name:secret@id.example',
      'https://id.example?a',
      'https://id.example#a',
      'ftp://id.example',
      'id.example',
      '',
      undefined,
      new URL('https://id.example'),
    ])
      for (const options of [
        { ...VALID, issuer },
        ...(/[?#]/.test(String(issuer))
          ? []
          : [{ ...VALID, introspection: { ...INTROSPECTION, endpoint: issuer } }]),
      ])
        expect(make(options), String(issuer)).to.throw().with.property('code', 'options-invalid')
  })

  it('are refused with every fault at once, and without the secret', () => {
    const introspection = {
      ...INTROSPECTION,
      endpoint: 'http://x.example',
      clientId: '',
      secret: 1,
    }
    const options = {
      issuers: 'x',
      audience: '',
      realm: 'a\nb',
      timeoutMs: 0,
      clock: {},
      introspection,
    }
    try {
      make(options)()
      expect.fail('It was accepted')
    } catch (error) {
      const message = String(error)
      for (const part of [
        '"issuers" (did you mean "issuer"?)',
        'issuer is an https URL',
        'audience is',
        'realm is',
        'timeoutMs is',
        'clock has',
        'introspection.endpoint is',
        'introspection.clientId is',
        'no option "secret"',
      ])
        expect(message).to.contain(part)
      expect(message).not.to.contain('hidden')
    }
    for (const options of [undefined, null, 'x', { ...VALID, introspection: null }])
      expect(make(options)).to.throw().with.property('code', 'options-invalid')
  })
})
