import * as reference from 'argon2'
import { expect } from 'chai'
import fc from 'fast-check'
import { hash as bcryptHash } from '@node-rs/bcrypt'
import {
  readForeignHash,
  storedForm,
  unmatchedForeignHash,
  verifyForeignHash,
} from '../../../src/adapters/crypto/foreign-hash/index.ts'

const base64 = (hex: string): string =>
  Buffer.from(hex, 'hex').toString('base64').replace(/=+$/, '')

/** Published hashes, from the standard or from the documentation of the product that makes them. */
const VECTORS: readonly { from: string; secret: string; hash: string; kind: string }[] = [
  {
    from: 'the tests of crypt_blowfish',
    secret: 'U*U',
    hash: '$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW',
    kind: 'bcrypt 5',
  },
  {
    from: 'crypt_blowfish as PHP has it',
    secret: 'U*U*',
    hash: '$2y$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK',
    kind: 'bcrypt 5',
  },
  {
    from: 'RFC 6070',
    secret: 'password',
    hash: `$pbkdf2$4096$${base64('73616c74')}$${base64('4b007901b765489abead49d926f721d065a429c1')}`,
    kind: 'pbkdf2-sha1 4096',
  },
  {
    from: 'passlib',
    secret: 'password',
    hash: '$pbkdf2-sha256$6400$.6UI/S.nXIk8jcbdHx3Fhg$98jZicV16ODfEsEZeYPGHU3kbrUrvUEXOPimVSQDD44',
    kind: 'pbkdf2-sha256 6400',
  },
  {
    from: 'RFC 7914',
    secret: 'password',
    hash: `$scrypt$ln=10,r=8,p=16$${base64('4e61436c')}$${base64(
      'fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162' +
        '2eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640',
    )}`,
    kind: 'scrypt ln=10,r=8,p=16',
  },
]

/** Hashes of `pässword` in products' formats, made by Django 5.2.19, passlib, and Python's hashlib, hmac and bcrypt. */
const NATIVE: readonly [product: string, kind: string, hash: string][] = [
  [
    'Django',
    'pbkdf2-sha256 12000',
    'pbkdf2_sha256$12000$seasalt12345678$SD6e3RNK8e/O+C1lQQEf+d316qQhVtMnMSSLUrznBDQ=',
  ],
  ['Django', 'pbkdf2-sha1 12000', 'pbkdf2_sha1$12000$seasalt12345678$InO5QHG1Zbfxoavc3R8UVIOq6aA='],
  [
    'Django',
    'argon2id v=19,m=128,t=2,p=2',
    'argon2$argon2id$v=19$m=128,t=2,p=2$c2Vhc2FsdDEyMzQ1Njc4$yTzKAVf+qjoivNFBsUfBVQmP/WmqxGWm9nG1kl3/K4k',
  ],
  ['Django', 'bcrypt 5', 'bcrypt$$2b$05$ZbO08pZ7H4qSbBC3MOlpGumbXwS1AcuiWiCIOZMwvT6wZSb5lXI5a'],
  [
    'Django',
    'bcrypt 5',
    'bcrypt_sha256$$2b$05$BdMe/3RtLYvJmJu.k2gajOw07y9VUTUOKN2qQIL7cWRNJvgOZWlRW',
  ],
  [
    'Django',
    'scrypt ln=10,r=8,p=1',
    'scrypt$1024$seasalt$8$1$9x2GUAh99+7sR4t9qrppCL00sO45dfu/CEVDKijJNX4V7sRyw0TZK3S8l/ox63lKNDg3/wBfhrHCvw/xtXeCQg==',
  ],
  ['phpass', 'phpass 7', '$P$5abcdefghkZD31eIoXaVfNJse.AWs7/'],
  ['phpBB', 'phpass 7', '$H$5abcdefghkZD31eIoXaVfNJse.AWs7/'],
  ['WordPress', 'bcrypt 5', '$wp$2y$05$N.dC7n5R44/IbgrCV91CiOnV/ncknRu33IHt0Sa4xVbfrqW/.s5CO'],
  [
    'ASP.NET Identity',
    'pbkdf2-sha1 1000',
    'AQAAAAAAAAPoAAAAEAABAgMEBQYHCAkKCwwNDg8tctRNcTDPduy92cIbI+HSY3OEaxPckh6Mr9gzciNUcA==',
  ],
  [
    'ASP.NET Identity',
    'pbkdf2-sha256 1000',
    'AQAAAAEAAAPoAAAAEAABAgMEBQYHCAkKCwwNDg9PRnnBSpr+uvyRZvsp4uydisQ/oajw2z6yCUC93ixKPA==',
  ],
  [
    'ASP.NET Identity',
    'pbkdf2-sha512 1000',
    'AQAAAAIAAAPoAAAAEAABAgMEBQYHCAkKCwwNDg/L95GPYXAeCzoDR3zAqF45Y5Hk+OUplRUQgPkryWuljQ==',
  ],
]

const REFUSED: readonly [hash: string, fault: string][] = [
  ['', 'hash-unknown'],
  ['hunter2', 'hash-unknown'],
  ['5f4dcc3b5aa765d61d8327deb882cf99', 'hash-unknown'],
  ['$1$salt$qJH7.N4xYta3aEG/dfqo/0', 'hash-unknown'],
  ['$P$Babcdefgh', 'hash-malformed'],
  // 22 symbols have 132 bits, of which four are no part of the tag.
  ['$P$5abcdefghkZD31eIoXaVfNJse.AWs7A', 'hash-malformed'],
  ['$P$4abcdefghkZD31eIoXaVfNJse.AWs7/', 'hash-malformed'],
  ['$P$Habcdefghk8D31eIoXaVfNJse.AWs7/', 'hash-too-costly'],
  ['$firebase-scrypt$ln=14,r=8$AAAAAAAA$AAAAAAAA', 'hash-malformed'],
  ['$firebase-scrypt$ln=25,r=8$AAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA', 'hash-too-costly'],
  ['$firebase-scrypt$ln=8,r=0$AAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA', 'hash-malformed'],
  ['md5$salt$2c6ee24b09816a6f14f95d1698b24ead', 'hash-unknown'],
  [
    'pbkdf2_sha256$999999999$seasalt$SD6e3RNK8e/O+C1lQQEf+d316qQhVtMnMSSLUrznBDQ=',
    'hash-too-costly',
  ],
  ['pbkdf2_sha256$0$seasalt$SD6e3RNK8e/O+C1lQQEf+d316qQhVtMnMSSLUrznBDQ=', 'hash-malformed'],
  ['scrypt$1000$seasalt$8$1$9x2GUAh99+7sR4t9qrppCL00sO45dfu/CEVDKijJNX4=', 'hash-malformed'],
  ['$wp$2y$05$short', 'hash-malformed'],
  ['bcrypt$$2b$31$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW', 'hash-too-costly'],
  // The header gives a salt length that is greater than the length of the hash.
  [
    'AQAAAAEAAAPoAAAA/wABAgMEBQYHCAkKCwwNDg9PRnnBSpr+uvyRZvsp4uydisQ/oajw2z6yCUC93ixKPA==',
    'hash-malformed',
  ],
  [
    'AQAAAAEAAAAAAAAAEAABAgMEBQYHCAkKCwwNDg9PRnnBSpr+uvyRZvsp4uydisQ/oajw2z6yCUC93ixKPA==',
    'hash-malformed',
  ],
  ['$2b$31$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW', 'hash-too-costly'],
  ['$2b$03$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW', 'hash-malformed'],
  ['$2x$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW', 'hash-malformed'],
  ['$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyO', 'hash-malformed'],
  ['$pbkdf2-sha256$999999999$0ZrzXitFSGltTQnBWOsdYw$Y11AchqV4b0sUisdZd0Xrw', 'hash-too-costly'],
  ['$pbkdf2-sha256$0$0ZrzXitFSGltTQnBWOsdYw$Y11AchqV4b0sUisdZd0Xrw', 'hash-malformed'],
  ['$pbkdf2-sha256$i=10,l=32$0ZrzXitFSGltTQnBWOsdYw$Y11AchqV4b0sUisdZd0Xrw', 'hash-malformed'],
  ['$pbkdf2-md5$10$0ZrzXitFSGltTQnBWOsdYw$Y11AchqV4b0sUisdZd0Xrw', 'hash-malformed'],
  ['$pbkdf2-sha256$10$$Y11AchqV4b0sUisdZd0Xrw', 'hash-malformed'],
  ['$pbkdf2-sha256$10$not base64!$Y11AchqV4b0sUisdZd0Xrw', 'hash-malformed'],
  ['$scrypt$ln=30,r=8,p=1$0ZrzXitFSGltTQnBWOsdYw$Y11AchqV4b0sUisdZd0Xrw', 'hash-too-costly'],
  ['$scrypt$ln=14,r=8,p=999$0ZrzXitFSGltTQnBWOsdYw$Y11AchqV4b0sUisdZd0Xrw', 'hash-too-costly'],
  ['$scrypt$ln=0,r=8,p=1$0ZrzXitFSGltTQnBWOsdYw$Y11AchqV4b0sUisdZd0Xrw', 'hash-malformed'],
  // scrypt requires N < 2^(16 r), so no implementation can compute this hash.
  ['$scrypt$ln=16,r=1,p=1$0ZrzXitFSGltTQnBWOsdYw$Y11AchqV4b0sUisdZd0Xrw', 'hash-malformed'],
  ['$argon2id$v=19$m=9999999,t=1,p=1$c29tZXNhbHQ$RdescudvJCsgt3ub', 'hash-too-costly'],
  ['$argon2id$v=19$m=65536,t=9999,p=1$c29tZXNhbHQ$RdescudvJCsgt3ub', 'hash-too-costly'],
  ['$argon2id$v=19$m=64,t=1$c29tZXNhbHQ$RdescudvJCsgt3ub', 'hash-malformed'],
  ['$argon2xx$v=19$m=64,t=1,p=1$c29tZXNhbHQ$RdescudvJCsgt3ub', 'hash-malformed'],
]

const KINDS = [
  'bcrypt 4',
  'pbkdf2-sha1 10',
  'pbkdf2-sha256 10',
  'pbkdf2-sha256 10 x2',
  'pbkdf2-sha512 10',
  'scrypt ln=4,r=8,p=1',
  'argon2id v=19,m=64,t=1,p=1',
  'argon2i v=16,m=64,t=1,p=1',
  'argon2d v=19,m=64,t=2,p=2',
  'phpass 7',
  'firebase-scrypt ln=4,r=8',
]

describe('password hashes of other products', () => {
  for (const { from, secret, hash, kind } of VECTORS)
    it(`verify what ${from} made, and name their kind`, async () => {
      expect(readForeignHash(hash)).to.deep.equal({ kind })
      expect(await verifyForeignHash(hash, secret)).to.equal(true)
      expect(await verifyForeignHash(hash, `${secret}x`)).to.equal(false)
    })

  for (const [product, kind, hash] of NATIVE)
    it(`verify ${hash.slice(0, 20)}, which is in the form of ${product}`, async () => {
      expect(readForeignHash(hash))
        .to.have.property('kind')
        .that.satisfies((found: string) => found.startsWith(kind))
      for (const kept of [hash, storedForm(hash)]) {
        expect(await verifyForeignHash(kept, 'p\u00e4ssword')).to.equal(true)
        expect(await verifyForeignHash(kept, 'p\u00e4ssworD')).to.equal(false)
      }
    })

  for (const variant of ['argon2id', 'argon2i', 'argon2d'] as const)
    it(`verify ${variant} with parameters that are not ours`, async () => {
      const hash = await reference.hash('secret', {
        type: reference[variant],
        memoryCost: 128,
        timeCost: 3,
        parallelism: 2,
      })
      expect(readForeignHash(hash)).to.deep.equal({ kind: `${variant} v=19,m=128,t=3,p=2` })
      expect(await verifyForeignHash(hash, 'secret')).to.equal(true)
      expect(await verifyForeignHash(hash, 'secreT')).to.equal(false)
    })

  it('verify bcrypt under each of its names', async () => {
    const hash = await bcryptHash('p\u00e4ssword', 4)
    for (const name of ['$2a$', '$2b$', '$2y$'])
      expect(await verifyForeignHash(hash.replace(/^\$2.\$/, name), 'p\u00e4ssword')).to.equal(true)
  })

  it('verify PBKDF2 in the form of the PHC, with and without the length', async () => {
    const [, , salt, tag] = VECTORS[3]?.hash.split('$').slice(1) ?? []
    for (const parameters of ['i=6400', 'i=6400,l=32'])
      expect(
        await verifyForeignHash(`$pbkdf2-sha256$${parameters}$${salt}$${tag}`, 'password'),
      ).to.equal(true)
  })

  for (const [hash, fault] of REFUSED)
    it(`refuse ${hash === '' ? 'nothing' : hash} as ${fault}, and never compute it`, async () => {
      expect(readForeignHash(hash)).to.deep.equal({ fault })
      expect(await verifyForeignHash(hash, 'password')).to.equal(false)
    })

  it('refuse anything else without an error', () => {
    const starts = [
      '',
      '$2b$',
      '$pbkdf2',
      '$pbkdf2-sha256$',
      '$scrypt$',
      '$argon2',
      '$argon2id$v=19$',
      'pbkdf2_sha256$',
      'argon2$argon2id$',
      'bcrypt$$2b$',
      'scrypt$1024$',
      '$wp$2y$',
      '$P$B',
      '$firebase-scrypt$ln=4,r=8$',
      'AQAAAAEAAAPoAAAA',
    ]
    fc.assert(
      fc.property(fc.constantFrom(...starts), fc.string(), (start, rest) => {
        expect(readForeignHash(start + rest)).to.have.property('fault')
      }),
    )
  })

  for (const kind of KINDS)
    it(`R33 a hash of the kind ${kind} can be made that nothing matches, and costs the same`, async () => {
      const hash = unmatchedForeignHash(kind) ?? ''
      expect(readForeignHash(hash)).to.deep.equal({ kind })
      expect(await verifyForeignHash(hash, 'password')).to.equal(false)
    })

  it('know no kind that is none', () => {
    for (const kind of ['', 'bcrypt', 'md5 1', 'pbkdf2-md5 10', 'scrypt 1', 'argon2id'])
      expect(unmatchedForeignHash(kind), kind).to.equal(undefined)
  })
})
