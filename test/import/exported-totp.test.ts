import { expect } from 'chai'
import fc from 'fast-check'
import { mapFactors } from '../../src/import/fields.ts'
import { readForeignTotp, readForeignTotps } from '../../src/import/totp.ts'

/** Made by Google's own library for protocol buffers (Python, protobuf 7.36.2). */
const EXPORTS = {
  two: 'otpauth-migration://offline?data=CjgKFAABAgMEBQYHCAkKCwwNDg8QERITEhRBY21lOmFkYUBleGFtcGxlLmNvbRoEQWNtZSABKAEwAgowCiDIycrLzM3Oz9DR0tPU1dbX2Nna29zd3t%2Fg4eLj5OXm5xIGdGFibGV0IAMoAjACEAEYASjAu%2Fj%2F%2F%2F%2F%2F%2F%2F8B',
  counterBased:
    'otpauth-migration://offline?data=Ci4KFAABAgMEBQYHCAkKCwwNDg8QERITEghBY21lOmFkYRoEQWNtZSABKAEwATgHEAEYASjAu%2Fj%2F%2F%2F%2F%2F%2F%2F8B',
  md5: 'otpauth-migration://offline?data=CiIKFAABAgMEBQYHCAkKCwwNDg8QERITGgRBY21lIAQoATACEAEYASjAu%2Fj%2F%2F%2F%2F%2F%2F%2F8B',
  defaults:
    'otpauth-migration://offline?data=Ch4KFAABAgMEBQYHCAkKCwwNDg8QERITGgRBY21lMAIQARgBKMC7%2BP%2F%2F%2F%2F%2F%2F%2FwE%3D',
  none: 'otpauth-migration://offline?data=EAEYASjAu%2Fj%2F%2F%2F%2F%2F%2F%2F8B',
}
const FIRST = {
  secret: 'AAAQEAYEAUDAOCAJBIFQYDIOB4IBCEQT',
  algorithm: 'SHA1',
  digits: 6,
  periodSeconds: 30,
}

describe('an export of Google Authenticator', () => {
  it('has several authenticators with their names and parameters', () => {
    const found = readForeignTotps(EXPORTS.two)
    expect(found).to.deep.equal([
      { parameters: FIRST, secretBits: 160, name: 'ada@example.com' },
      {
        parameters: {
          secret: 'ZDE4VS6MZXHM7UGR2LJ5JVOW27MNTWW33TO55X7A4HROHZHF43TQ',
          algorithm: 'SHA512',
          digits: 8,
          periodSeconds: 30,
        },
        secretBits: 256,
        name: 'tablet',
      },
    ])
  })

  it('has SHA-1 and six digits where the app wrote none, and is named after its issuer', () => {
    expect(readForeignTotps(EXPORTS.defaults)).to.deep.equal([
      { parameters: FIRST, secretBits: 160, name: 'Acme' },
    ])
  })

  it('is read where a plus sign was not percent-encoded', () => {
    const plain = decodeURIComponent(EXPORTS.defaults)
    expect(plain).to.contain('+')
    expect(readForeignTotps(plain)).to.deep.equal(readForeignTotps(EXPORTS.defaults))
  })

  for (const [name, uri, fault] of [
    ['an authenticator with a counter', EXPORTS.counterBased, 'counter-based'],
    ['MD5', EXPORTS.md5, 'algorithm-unknown'],
    ['no authenticator', EXPORTS.none, 'otpauth-unreadable'],
    ['no data', 'otpauth-migration://offline', 'otpauth-unreadable'],
    ['data that is no base64', 'otpauth-migration://offline?data=!', 'otpauth-unreadable'],
    [
      'a number without an end',
      'otpauth-migration://offline?data=CP__________________',
      'otpauth-unreadable',
    ],
    ['a length beyond its end', 'otpauth-migration://offline?data=Cv8B', 'otpauth-unreadable'],
  ] as const)
    it(`is refused with ${name}`, () => {
      expect(readForeignTotps(uri)).to.deep.equal([{ fault }])
    })

  it('is refused without an error whatever its data are', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        const data = Buffer.from(bytes).toString('base64url')
        for (const one of readForeignTotps(`otpauth-migration://offline?data=${data}`))
          expect(one).to.satisfy((found: object) => 'fault' in found || 'parameters' in found)
      }),
    )
  })

  it('becomes one authenticator for each account, in either field', () => {
    for (const field of ['totp', 'two_factor_secret'])
      expect(mapFactors({ [field]: EXPORTS.two }).totp, field).to.have.length(2)
  })

  it('names the field of an account that cannot be taken', () => {
    expect(mapFactors({ totp: EXPORTS.counterBased }).faults).to.deep.equal([
      { field: 'totp', code: 'counter-based' },
    ])
  })
})

describe('an authenticator of Keycloak', () => {
  const secretData = JSON.stringify({ value: '12345678901234567890' })
  const about = { subType: 'totp', digits: 8, counter: 0, period: 60, algorithm: 'HmacSHA256' }
  const parameters = {
    secret: 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ',
    algorithm: 'SHA256',
    digits: 8,
    periodSeconds: 60,
  }

  it('has the letters of its secret as bytes', () => {
    const credential = {
      type: 'otp',
      userLabel: 'phone',
      secretData,
      credentialData: JSON.stringify(about),
    }
    for (const given of [credential, JSON.stringify(credential)])
      expect(readForeignTotp(given)).to.deep.equal({ parameters, secretBits: 160, name: 'phone' })
  })

  it('has a secret in base32 where the credential says so', () => {
    const given = {
      secretData: { value: parameters.secret },
      credentialData: { ...about, secretEncoding: 'BASE32' },
    }
    expect(readForeignTotp(given)).to.deep.equal({ parameters, secretBits: 160 })
  })

  for (const [name, credential, fault] of [
    ['a counter', { secretData, credentialData: { ...about, subType: 'hotp' } }, 'counter-based'],
    [
      'another encoding',
      { secretData, credentialData: { secretEncoding: 'HEX' } },
      'secret-unusable',
    ],
    ['no secret', { secretData: '{}', credentialData: about }, 'secret-missing'],
    ['text that is no JSON', { secretData: '{', credentialData: about }, 'secret-missing'],
  ] as const)
    it(`is refused with ${name}`, () => {
      expect(readForeignTotp(credential)).to.deep.equal({ fault })
    })
})
