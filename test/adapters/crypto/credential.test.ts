import { expect } from 'chai'
import {
  firebaseForm,
  hashOfCredential,
  readForeignHash,
  verifyForeignHash,
} from '../../../src/adapters/crypto/foreign-hash/index.ts'

/**
 * Credentials for `pässword`. The hashes were made by Python's hashlib and bcrypt, argon2-cffi and passlib, as the two
 * products describe them.
 */
const CREDENTIALS: readonly [product: string, kind: string, credential: object][] = [
  [
    'Keycloak',
    'pbkdf2-sha1 100',
    {
      secretData:
        '{"value":"UH4d5+CEMToA7UzcodM5St8EGHJmakH6WF3kTEff7X5lMjlWpZfxB5dMJTvCaHoymg00y75PXKVdx2dhnHUdTQ==","salt":"AAECAwQFBgcICQoLDA0ODw==","additionalParameters":{}}',
      credentialData: '{"hashIterations":100,"algorithm":"pbkdf2","additionalParameters":{}}',
    },
  ],
  [
    'Keycloak',
    'pbkdf2-sha256 100',
    {
      secretData:
        '{"value":"zViYe1D++9jo0Gh601LxQi05LDSQZPJUNJNsrajC0Jb5/Rhc5gKdWrhgDQhMVA6dGjqrAtj5S7Q89v+Xl057ig==","salt":"AAECAwQFBgcICQoLDA0ODw==","additionalParameters":{}}',
      credentialData:
        '{"hashIterations":100,"algorithm":"pbkdf2-sha256","additionalParameters":{}}',
    },
  ],
  [
    'Keycloak',
    'pbkdf2-sha512 100',
    {
      secretData:
        '{"value":"FsijPIYoFI2kTpEYVnbKJ/pAsYc3eSldrz98D4GJREjxTwg1xXWfocJ/jTLGlvSG/4xAY2D3pDzm8euegfGpSA==","salt":"AAECAwQFBgcICQoLDA0ODw==","additionalParameters":{}}',
      credentialData:
        '{"hashIterations":100,"algorithm":"pbkdf2-sha512","additionalParameters":{}}',
    },
  ],
  [
    'Keycloak',
    'argon2id v=19,m=256,t=5,p=1',
    {
      secretData:
        '{"value":"h5/U076y2XiW86nzeBYE1Xe/NjnEsh6d/siQHGt0XUg=","salt":"AAECAwQFBgcICQoLDA0ODw==","additionalParameters":{}}',
      credentialData:
        '{"hashIterations":5,"algorithm":"argon2","additionalParameters":{"hashLength":["32"],"memory":["256"],"type":["id"],"version":["1.3"],"parallelism":["1"]}}',
    },
  ],
  [
    'FusionAuth',
    'pbkdf2-sha256 100',
    {
      encryptionScheme: 'salted-pbkdf2-hmac-sha256',
      factor: 100,
      salt: 'AAECAwQFBgcICQoLDA0ODw==',
      password: 'zViYe1D++9jo0Gh601LxQi05LDSQZPJUNJNsrajC0JY=',
    },
  ],
  [
    'FusionAuth',
    'pbkdf2-sha256 100',
    {
      encryptionScheme: 'salted-pbkdf2-hmac-sha256-512',
      factor: 100,
      salt: 'AAECAwQFBgcICQoLDA0ODw==',
      password:
        'zViYe1D++9jo0Gh601LxQi05LDSQZPJUNJNsrajC0Jb5/Rhc5gKdWrhgDQhMVA6dGjqrAtj5S7Q89v+Xl057ig==',
    },
  ],
  [
    'FusionAuth',
    'pbkdf2-sha512 100',
    {
      encryptionScheme: 'salted-pbkdf2-hmac-sha512-512',
      factor: 100,
      salt: 'AAECAwQFBgcICQoLDA0ODw==',
      password:
        'FsijPIYoFI2kTpEYVnbKJ/pAsYc3eSldrz98D4GJREjxTwg1xXWfocJ/jTLGlvSG/4xAY2D3pDzm8euegfGpSA==',
    },
  ],
  [
    'FusionAuth',
    'bcrypt 5',
    {
      encryptionScheme: 'bcrypt',
      factor: 5,
      salt: 'AiI4UJ8E/icsLBDXz53.fO',
      password: '0VD42CFANsTjFsHK.Nsv0FqyjRrDS7G',
    },
  ],
  [
    'FusionAuth',
    'phpass 11',
    {
      encryptionScheme: 'phpass-md5',
      factor: 2048,
      salt: 'abcdefgh',
      password: '9s5ihB6uQzEoMsORuqCyu1',
    },
  ],
  [
    'Keycloak before 8',
    'pbkdf2-sha256 100',
    {
      hashedSaltedValue:
        'zViYe1D++9jo0Gh601LxQi05LDSQZPJUNJNsrajC0Jb5/Rhc5gKdWrhgDQhMVA6dGjqrAtj5S7Q89v+Xl057ig==',
      salt: 'AAECAwQFBgcICQoLDA0ODw==',
      hashIterations: 100,
      algorithm: 'pbkdf2-sha256',
    },
  ],
]

const REFUSED: readonly [what: string, credential: object, fault: string][] = [
  ['no credential', {}, 'hash-unknown'],
  [
    'a salted MD5',
    { encryptionScheme: 'salted-md5', factor: 1, salt: 'AAAA', password: 'AAAA' },
    'hash-unknown',
  ],
  [
    'phpass with SHA-512',
    { encryptionScheme: 'phpass-sha512', factor: 2048, salt: 'abcdefgh', password: 'A' },
    'hash-unknown',
  ],
  [
    'phpass with rounds that are no power of two',
    {
      encryptionScheme: 'phpass-md5',
      factor: 2047,
      salt: 'abcdefgh',
      password: '9s5ihB6uQzEoMsORuqCyu1',
    },
    'hash-unknown',
  ],
  [
    'a hash that is no base64',
    { encryptionScheme: 'salted-pbkdf2-hmac-sha256', factor: 1, salt: 'AAAAAAAA', password: '!' },
    'hash-malformed',
  ],
  ['text that is no JSON', { secretData: '{', credentialData: '{}' }, 'hash-unknown'],
  [
    'a scheme of another provider',
    { secretData: '{}', credentialData: '{"algorithm":"md5"}' },
    'hash-unknown',
  ],
  [
    'Keycloak without a value',
    { secretData: '{}', credentialData: '{"algorithm":"pbkdf2"}' },
    'hash-malformed',
  ],
  [
    'Keycloak without argon2 parameters',
    { secretData: '{}', credentialData: '{"algorithm":"argon2"}' },
    'hash-malformed',
  ],
]

describe('passwords as objects of other products', () => {
  for (const [product, kind, credential] of CREDENTIALS)
    it(`verify what ${product} keeps as ${kind}`, async () => {
      const hash = hashOfCredential(credential as Record<string, unknown>)
      expect(readForeignHash(hash)).to.deep.equal({ kind })
      expect(await verifyForeignHash(hash, 'p\u00e4ssword')).to.equal(true)
      expect(await verifyForeignHash(hash, 'p\u00e4ssworD')).to.equal(false)
    })

  for (const [what, credential, fault] of REFUSED)
    it(`refuse ${what} as ${fault}`, () => {
      expect(
        readForeignHash(hashOfCredential(credential as Record<string, unknown>)),
      ).to.deep.equal({ fault })
    })
})

describe('passwords of Firebase', () => {
  /** The example in the documentation of Firebase's own implementation (github.com/firebase/scrypt). */
  const PARAMETERS = {
    signerKey: Buffer.from(
      'jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==',
      'base64',
    ),
    saltSeparator: Buffer.from('Bw==', 'base64'),
    rounds: 8,
    memCost: 14,
  }
  const EXPORTED = {
    salt: '42xEC+ixf3L2lw==',
    passwordHash:
      'lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ==',
  }

  it('are verified without the signer key', async () => {
    const hash = firebaseForm(EXPORTED, PARAMETERS) ?? ''
    expect(readForeignHash(hash)).to.deep.equal({ kind: 'firebase-scrypt ln=14,r=8' })
    expect(hash).not.to.contain(PARAMETERS.signerKey.toString('base64').slice(0, 10))
    expect(await verifyForeignHash(hash, 'user1password')).to.equal(true)
    expect(await verifyForeignHash(hash, 'user1passworD')).to.equal(false)
  })

  it('are read in base64url', () => {
    const inUrl = (text: string): string => text.replaceAll('+', '-').replaceAll('/', '_')
    const { salt, passwordHash } = EXPORTED
    expect(
      firebaseForm({ salt: inUrl(salt), passwordHash: inUrl(passwordHash) }, PARAMETERS),
    ).to.equal(firebaseForm(EXPORTED, PARAMETERS))
  })

  it('are no hash where they have another length than the signer key, or are no base64', () => {
    expect(firebaseForm({ ...EXPORTED, passwordHash: 'AAAA' }, PARAMETERS)).to.equal(undefined)
    expect(firebaseForm({ ...EXPORTED, salt: '!' }, PARAMETERS)).to.equal(undefined)
  })
})
