import { createHash } from 'node:crypto'
import { parseOptions } from '@node-rs/argon2'
import { expect } from 'chai'
import { passwordHasher } from '../../src/adapters/crypto/index.ts'
import { readForeignCodes, type ReadCodes } from '../../src/import/codes.ts'

const cheap = passwordHasher({ memoryKib: 8, iterations: 1 })
const SHOWN = ['abcd-1234', 'efgh-5678', 'ijkl-9012']

function read(given: unknown): ReadCodes {
  const codes = readForeignCodes(given)
  if ('fault' in codes) throw new Error(codes.fault)
  return codes
}

const hashed = (algorithm: string, encoding: 'hex' | 'base64' | 'base64url', code: string) =>
  createHash(algorithm).update(code).digest(encoding)

describe('lists of backup codes of another product', () => {
  it('are read from a list, from JSON, and from text with whatever between them', () => {
    for (const given of [
      SHOWN,
      JSON.stringify(SHOWN),
      SHOWN.join(','),
      SHOWN.join('\n'),
      `  ${SHOWN.join(' ')} `,
      SHOWN.join(';\r\n'),
      [...SHOWN, ''],
    ])
      expect(read(given)).to.deep.equal(read(SHOWN))
  })

  it('are none where there is nothing', () => {
    for (const none of [undefined, null, '', ' ', [], '[]'])
      expect(read(none).values).to.deep.equal([])
  })

  for (const [what, given, fault] of [
    ['no list', 7, 'codes-unreadable'],
    ['a list of something else', [7], 'codes-unreadable'],
    ['JSON that is cut off', '["abcd-1234"', 'codes-unreadable'],
    ['codes that are too short to be any', ['abc'], 'codes-unreadable'],
    [
      'more than twenty',
      Array.from({ length: 21 }, (_, nth) => `code-${nth}000`),
      'codes-too-many',
    ],
    ['plain ones beside hashes', [hashed('sha256', 'hex', 'a'), 'abcd-1234'], 'codes-mixed'],
    [
      'argon2id at an absurd cost',
      ['$argon2id$v=19$m=999999,t=1,p=1$c2FsdA$dGFn'],
      'codes-hash-unknown',
    ],
    ['bcrypt', ['$2b$12$abcdefghijklmnopqrstuu'], 'codes-hash-unknown'],
    ['a hash of Django', ['pbkdf2_sha256:600000:salt:hash'], 'codes-hash-unknown'],
    ['MD5', [hashed('md5', 'hex', 'a')], 'codes-hash-unknown'],
    ['SHA-1', [hashed('sha1', 'hex', 'a')], 'codes-hash-unknown'],
    ['what is too long for a code', ['a!'.repeat(40)], 'codes-hash-unknown'],
  ] as const)
    it(`are refused by name when they are ${what}`, () => {
      expect(readForeignCodes(given)).to.deep.equal({ fault })
    })

  it('argon2id hashes are kept where the hasher reads them, in whatever order', async () => {
    const bytes = (length: number) => Buffer.alloc(length, 7).toString('base64').replace(/=+$/, '')
    for (const [parameters, salt, tag] of [
      ['m=8,t=1,p=1', 8, 10],
      ['p=2,m=16,t=3', 48, 64],
      ['t=1,p=9,m=72', 16, 32],
    ] as const) {
      const code = `$argon2id$v=19$${parameters}$${bytes(salt)}$${bytes(tag)}`
      expect(read([code]).areHashed, code).to.equal(true)
      expect(() => parseOptions(code), code).not.to.throw()
      expect(await cheap.verify(code, 'x')).to.equal(false)
    }
    for (const [parameters, salt, tag] of [
      ['m=1,t=1,p=1', 16, 32],
      ['m=15,t=1,p=2', 16, 32],
      ['m=8,t=0,p=1', 16, 32],
      ['m=8,t=1,p=0', 16, 32],
      ['m=800,t=1,p=10', 16, 32],
      ['m=08,t=1,p=1', 16, 32],
      ['m=8,t=1,t=1', 16, 32],
      ['m=8,t=1', 16, 32],
      ['m=8,t=1,p=1,p=1', 16, 32],
      ['m=8,t=1,p=1', 4, 32],
      ['m=8,t=1,p=1', 49, 32],
      ['m=8,t=1,p=1', 16, 9],
      ['m=8,t=1,p=1', 16, 65],
    ] as const) {
      const code = `$argon2id$v=19$${parameters}$${bytes(salt)}$${bytes(tag)}`
      const fault = { fault: 'codes-hash-unknown' }
      expect(readForeignCodes([code]), code).to.deep.equal(fault)
      expect(readForeignCodes([await cheap.hash('x'), code]), code).to.deep.equal(fault)
    }
    const spare = `$argon2id$v=19$m=8,t=1,p=1$${bytes(16)}$${bytes(31)}9`
    expect(readForeignCodes([spare])).to.deep.equal({ fault: 'codes-hash-unknown' })
  })

  it('argon2id hashes are left behind where one of them, or all together, cost too much', () => {
    const codes = (parameters: string, count: number) => {
      const hash = Buffer.alloc(32, 7).toString('base64').replace(/=+$/, '')
      return Array.from({ length: count }, () => `$argon2id$v=19$${parameters}$${hash}$${hash}`)
    }
    expect(read(codes('m=65536,t=4,p=4', 8)).values).to.have.length(8)
    expect(read(codes('m=65536,t=3,p=4', 10)).values).to.have.length(10)
    expect(read(codes('m=19456,t=2,p=1', 20)).values).to.have.length(20)
    for (const [parameters, count] of [
      ['m=65537,t=4,p=4', 1],
      ['m=99999,t=9,p=1', 1],
      ['m=65536,t=4,p=4', 9],
      ['m=65536,t=3,p=4', 11],
    ] as const)
      expect(readForeignCodes(codes(parameters, count)), parameters).to.deep.equal({
        fault: 'codes-hash-unknown',
      })
  })

  it('say how strong they are, by their weakest and by the letters of all', () => {
    expect(read(['12345678', '87654321']).bits).to.equal(26)
    expect(read(['12ab5678', '87654321']).bits).to.equal(32)
    expect(read(['abcd-ef01']).bits).to.equal(32)
    expect(read(['zbcd-yfgh']).bits).to.equal(37)
    expect(read(['ZB3D-YFGH']).bits).to.equal(41)
    expect(read(['Zb3DyfGH', 'Zb3Dyf']).bits).to.equal(35)
    expect(read([hashed('sha256', 'hex', 'x')]).bits).to.equal(undefined)
  })
})
