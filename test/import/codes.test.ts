import { createHash } from 'node:crypto'
import { parseOptions } from '@node-rs/argon2'
import { expect } from 'chai'
import fc from 'fast-check'
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

  it('are read from the shapes in which databases and programs keep a list', () => {
    const [a, b, c] = SHOWN as [string, string, string]
    for (const given of [
      // Arrays of Postgres.
      `{${a},${b},${c}}`,
      `{"${a}", "${b}",${c}, NULL}`,
      `{"abcd\\-1234","${b}","${c}"}`,
      // JSON within JSON.
      JSON.stringify(JSON.stringify(SHOWN)),
      [JSON.stringify(SHOWN)],
      JSON.stringify([JSON.stringify(SHOWN)]),
      JSON.stringify(SHOWN.join(',')),
      [...SHOWN, null],
      // Lists with separators, also with one after each code.
      SHOWN.join('|'),
      SHOWN.join(' | '),
      SHOWN.join(';'),
      SHOWN.join('\r'),
      SHOWN.join('\t'),
      SHOWN.map((code) => `${code},`).join('\r\n'),
      SHOWN.map((code) => `${code},`),
      `${SHOWN.join(', ')},`,
      [`${a},${b}`, c],
      // Values that PHP has serialized.
      `a:3:{i:0;s:9:"${a}";i:1;s:9:"${b}";i:2;s:9:"${c}";}`,
      `a:3:{s:1:"x";s:9:"${a}";s:1:"y";s:9:"${b}";s:1:"z";s:9:"${c}";}`,
      `s:33:"["${a}","${b}","${c}"]";`.replace('33', String(JSON.stringify(SHOWN).length)),
    ])
      expect(readForeignCodes(given), JSON.stringify(given)).to.deep.equal(read(SHOWN))
    expect(read(['1234 5678', '8765 4321']).values).to.deep.equal(['12345678', '87654321'])
  })

  it('hashes with commas in them are read from each of these shapes', () => {
    const tail = `$${'A'.repeat(22)}$${'A'.repeat(43)}`
    const hashes = [`$argon2id$v=19$m=8,t=1,p=1${tail}`, `$argon2id$v=19$m=16,t=1,p=1${tail}`]
    const quoted = hashes.map((hash) => `"${hash}"`).join(',')
    for (const given of [
      `{${quoted}}`,
      `[${quoted}]`,
      ...[' ', '\n', ';', '|', ', ', ',\n'].map((between) => hashes.join(between)),
    ])
      expect(readForeignCodes(given), JSON.stringify(given)).to.deep.equal(read(hashes))
  })

  it('R8 never hold punctuation, nor a word that stands for nothing, whatever is given', () => {
    for (const given of [
      '{abcd-1234,{efgh-5678}}',
      '{"abcd-1234"',
      '{abcd-1234,efgh-5678',
      '{"code":"abcd-1234"}',
      '[0:1]={abcd-1234,efgh-5678}',
      "['abcd-1234', 'efgh-5678']",
      '"abcd-1234","efgh-5678"',
      'a:2:{i:0;s:9:"abcd-1234";}',
      'a:1:{i:0;s:8:"abcd-1234";}',
      'a:1:{i:0;a:1:{s:4:"code";s:9:"abcd-1234";}}',
      's:8:"abcd-1234";',
      '---\n- abcd-1234\n- efgh-5678\n',
      '1. abcd-1234',
      ['1) abcd-1234'],
      ['*abcd-1234'],
      ['abcd_1234', 'ef+h/5678'],
      'abcd/1234/efgh',
      '(abcd-1234)',
      '<abcd-1234>',
      '1234 5678 8765 4321',
      '7KQ4M WXA9R TDHN3',
      '1234 5678, 8765 4321',
      'undefined',
      ['None', 'None'],
      'false',
      '[[[[[["abcd-1234"]]]]]]',
      [{ code: 'abcd-1234' }],
      [['abcd-1234']],
    ])
      expect(readForeignCodes(given), JSON.stringify(given)).to.deep.equal({
        fault: 'codes-unreadable',
      })
    const pieces = fc.constantFrom(
      '{',
      '}',
      '"',
      ',',
      '|',
      ';',
      ':',
      '[',
      ']',
      '\\',
      '\n',
      ' ',
      'a',
      'abcd-1234',
      's:9:',
      'NULL',
      '=',
      '.',
    )
    fc.assert(
      fc.property(
        fc.oneof(
          fc.array(pieces).map((some) => some.join('')),
          fc.string(),
        ),
        (given) => {
          const codes = readForeignCodes(given)
          if (!('fault' in codes))
            for (const value of codes.values) expect(value).to.match(/^[\p{L}\p{M}\p{N}]{4,}$/u)
        },
      ),
    )
  })

  it('are none where there is nothing', () => {
    for (const none of [
      undefined,
      null,
      '',
      ' ',
      [],
      '[]',
      '{}',
      'a:0:{}',
      'NULL',
      '\\n',
      '{NULL}',
      [''],
    ])
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
