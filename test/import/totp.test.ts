import { expect } from 'chai'
import fc from 'fast-check'
import { adoptTotp, readForeignTotp, type ForeignTotp } from '../../src/import/totp.ts'
import { totp } from '../../src/factors/totp/index.ts'
import { describeSetUp } from '../../src/factors/totp/set-up.ts'
import { totpCode } from '../support/totp.ts'

const SECRET = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP'
const HEX = Buffer.from(
  'Hello!\u00de\u00ad\u00be\u00efHello!\u00de\u00ad\u00be\u00ef',
  'latin1',
).toString('hex')
const DEFAULTS = { secret: SECRET, algorithm: 'SHA1', digits: 6, periodSeconds: 30 }
const RANDOM_LETTERS = [
  ['S46SQCPPTCNPROMHWYBDCTBZXV', '512026'],
  ['S46SQCPPTCNPROMHWYBDCTBZX', '421474'],
  ['S46SQCPPTCNPROMHWYBDCTBZXVA', '512026'],
  ['S46SQCPPTCNPROMHWYBDC', '691254'],
  ['S46SQCPPTCNPROMHWYBDCTBZXVQ7K3', '350502'],
] as const
const NOW = 1_800_000_000
const factor = totp()

function read(...given: Parameters<typeof readForeignTotp>): ForeignTotp {
  const found = readForeignTotp(...given)
  if ('fault' in found) throw new Error(found.fault)
  return found
}

describe('an authenticator of another product', () => {
  it('is read from a secret however it is written', () => {
    for (const [given, encoding] of [
      [SECRET],
      [SECRET.toLowerCase()],
      [` ${SECRET.replaceAll(/(.{4})/g, '$1 ')}`],
      [`${SECRET}====`],
      [HEX, 'hex'],
      [HEX.toUpperCase(), 'hex'],
      [HEX.replaceAll(/(..)(?=.)/g, '$1:'), 'hex'],
    ] as const)
      expect(read(given, encoding)).to.deep.equal({ parameters: DEFAULTS, secretBits: 160 })
    expect(read('12345678901234567890', 'ascii').parameters.secret).to.equal(
      'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ',
    )
  })

  it('is read from letters drawn at random, as authenticator apps read them', () => {
    // A Python program (hmac and hashlib) that drops incomplete last bits made these codes for the time 1700000000.
    for (const [secret, code] of RANDOM_LETTERS)
      for (const given of [secret, secret.toLowerCase(), `otpauth://totp/x?secret=${secret}`]) {
        const { parameters, secretBits } = read(given)
        expect(totpCode(parameters, 1_700_000_000), secret).to.equal(code)
        expect(secretBits).to.equal(Math.floor((secret.length * 5) / 8) * 8)
        expect(factor.parseState(adoptTotp(parameters, NOW))).to.be.an('object')
      }
    // The long s (U+017F) is not a letter of Base32, but its capital letter S is.
    expect(readForeignTotp('\u017f46sqcpptcnpromhwybdctbzxv')).to.deep.equal({
      fault: 'secret-unusable',
    })
  })

  it('is read from what speakeasy and otplib keep', () => {
    const ascii = '12345678901234567890'
    const shapes = [
      {
        ascii,
        hex: Buffer.from(ascii).toString('hex'),
        base32: 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ',
      },
      { hex: Buffer.from(ascii).toString('hex') },
      { ascii },
      { secret: ascii, encoding: 'ascii' },
      { secret: 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ' },
      { otpauth_url: 'otpauth://totp/x?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ' },
      { uri: 'otpauth://totp/x?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ' },
      { secret: 'otpauth://totp/x?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ' },
    ]
    for (const shape of shapes)
      for (const given of [shape, JSON.stringify(shape)])
        expect(read(given).parameters.secret).to.equal('GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ')
  })

  it('keeps the settings that stand in the URI beside a secret', () => {
    const uri = `otpauth://totp/A:b?secret=${SECRET}&algorithm=SHA256&digits=8&period=60`
    const expected = { ...DEFAULTS, algorithm: 'SHA256', digits: 8, periodSeconds: 60 }
    expect(read({ base32: SECRET, otpauth_url: uri }).parameters).to.deep.equal(expected)
    expect(read({ base32: SECRET, otpauth_url: 'nothing' }).parameters).to.deep.equal(DEFAULTS)
  })

  it('is read from a URI, with its algorithm, digits, period and name', () => {
    const uri = `otpauth://totp/Acme%20Inc:ada%40example.com?secret=${SECRET}&issuer=Acme&algorithm=SHA512&digits=8&period=60`
    expect(read(uri)).to.deep.equal({
      parameters: { ...DEFAULTS, algorithm: 'SHA512', digits: 8, periodSeconds: 60 },
      secretBits: 160,
      name: 'ada@example.com',
    })
    expect(read(`otpauth://totp/?secret=${SECRET}`)).not.to.have.property('name')
    expect(read(`otpauth://totp/%E0%A4%A?secret=${SECRET}`)).not.to.have.property('name')
  })

  it('is read from every URI that our own set-up page shows', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 20, maxLength: 20 }),
        fc.constantFrom('SHA1' as const, 'SHA256' as const, 'SHA512' as const),
        fc.constantFrom(6 as const, 8 as const),
        fc.integer({ min: 15, max: 150 }),
        fc.string({ unit: 'grapheme', maxLength: 20 }),
        (secret, algorithm, digits, periodSeconds, label) => {
          const given = read({ secret: Buffer.from(secret).toString('hex'), encoding: 'hex' })
          const parameters = { ...given.parameters, algorithm, digits, periodSeconds }
          const { uri } = describeSetUp(parameters, { issuerName: 'Acme', label })
          expect(read(uri).parameters).to.deep.equal(parameters)
        },
      ),
    )
  })

  it('takes every way of writing an algorithm, and what is left out as the default', () => {
    for (const algorithm of ['SHA256', 'sha-256', 'HmacSHA256', 'hmac_sha256'])
      expect(read({ secret: SECRET, algorithm }).parameters.algorithm).to.equal('SHA256')
    for (const none of [null, undefined, ''])
      expect(
        read({ secret: SECRET, algorithm: none, digits: none, period: none }).parameters,
      ).to.deep.equal(DEFAULTS)
    expect(read({ secret: SECRET, digits: '8', step: '60' }).parameters).to.deep.equal({
      ...DEFAULTS,
      digits: 8,
      periodSeconds: 60,
    })
    expect(read({ secret: SECRET, periodSeconds: 60, name: 'phone' })).to.deep.include({
      name: 'phone',
    })
  })

  for (const [what, given, fault] of [
    ['nothing', undefined, 'secret-missing'],
    ['nothing in an object', {}, 'secret-missing'],
    ['empty', ' ', 'secret-missing'],
    ['a number', 7, 'secret-missing'],
    ['no base32', 'not base32!', 'secret-unusable'],
    ['too short', 'MFRA', 'secret-unusable'],
    ['a ciphertext of lucky letters', 'eyJpdiI6IkJhc2U2NCBvZiBhIGNpcGhlcg', 'secret-unusable'],
    ['too long for the computation', 'A'.repeat(120), 'secret-unusable'],
    ['far too long', 'A'.repeat(5000), 'secret-unusable'],
    ['no hex', { hex: 'xyz' }, 'secret-unusable'],
    ['JSON that is cut off', '{"base32":', 'secret-unusable'],
    ['counter-based', `otpauth://hotp/x?secret=${SECRET}&counter=0`, 'counter-based'],
    ['a URI without a secret', 'otpauth://totp/x', 'otpauth-unreadable'],
    ['of an unknown algorithm', { secret: SECRET, algorithm: 'MD5' }, 'algorithm-unknown'],
    ['of no algorithm', { secret: SECRET, algorithm: 5 }, 'algorithm-unknown'],
    ['of seven digits', { secret: SECRET, digits: 7 }, 'digits-unfit'],
    ['of an hour', { secret: SECRET, period: 3600 }, 'period-unfit'],
  ] as const)
    it(`is refused by name when it is ${what}`, () => {
      expect(readForeignTotp(given)).to.deep.equal({ fault })
    })

  it('R7 is never made of a word that stands for nothing, though it could be read as base32', () => {
    for (const word of ['undefined', 'DISABLED', 'NULL', '\\N', 'None', 'not set', 'n/a', 'false'])
      for (const encoding of ['base32', 'ascii', 'hex'] as const)
        for (const given of [word, { secret: word }, `otpauth://totp/x?secret=${word}`])
          expect(readForeignTotp(given, encoding), word).to.have.property('fault')
  })

  it('R31 is refused without an error, and without a word of the secret, whatever it is', () => {
    const starts = ['', '{', 'otpauth://totp/', 'otpauth://totp/x?secret=']
    fc.assert(
      fc.property(
        fc.oneof(
          fc.tuple(fc.constantFrom(...starts), fc.string()).map((parts) => parts.join('')),
          fc.jsonValue(),
        ),
        (given) => {
          const found = readForeignTotp(given)
          if ('fault' in found) expect(Object.keys(found)).to.deep.equal(['fault'])
          else expect(factor.parseState(adoptTotp(found.parameters, NOW))).to.be.an('object')
        },
      ),
    )
  })

  it('signs in with the next code, also where the secret is short, and not with one of before', async () => {
    for (const given of [SECRET, 'MFRGGZDF', { secret: SECRET, digits: 8, algorithm: 'SHA512' }]) {
      const { parameters } = read(given)
      const state = factor.parseState(adoptTotp(parameters, NOW))
      const codeAt = (at: number) => totpCode(parameters, at)
      const outcome = async (at: number) => {
        const response = factor.parseResponse({ code: codeAt(at) })
        if (response === undefined) throw new Error('this is no code')
        const examined = await factor.examine({
          states: [{ authenticatorId: 'phone', state }],
          challenge: undefined,
          response,
          now: at,
          hasher: undefined as never,
        })
        return examined.outcome === 'proved' && factor.consume(state, examined.proof) !== undefined
      }
      expect(await outcome(NOW)).to.equal(false)
      expect(await outcome(NOW + 30)).to.equal(true)
    }
  })

  it('R37 has every step up to the end of the window spent after a restore', () => {
    const { parameters } = read(SECRET)
    const state = factor.parseState(adoptTotp(parameters, NOW))
    const step = Math.floor(NOW / 30)
    expect(factor.afterRestore?.(state, NOW + 300)).to.deep.equal({
      ...state,
      lastTimeStep: step + 11,
    })
    const ahead = { ...state, lastTimeStep: step + 99 }
    expect(factor.afterRestore?.(ahead, NOW)).to.deep.equal(ahead)
  })
})
