import { expect } from 'chai'
import { memoryStorage } from '../../src/adapters/memory/index.ts'
import { createMfa, mailedCode, MfaError, totp, type MfaOptions } from '../../src/index.ts'

const good = (): MfaOptions => ({
  issuerName: 'Acme',
  storage: memoryStorage(),
  encryptionKeys: [Buffer.alloc(32, 7)],
  factors: [totp()],
  firstEnrolment: 'password',
})

/** An adapter that was written before the port had `findByHandle`. */
const withoutFind = { load: async () => undefined, save: async () => true }

/** Calls `createMfa` with options of any type, as plain JavaScript can, and returns the error. */
function refusalOf(wrong: object): MfaError {
  try {
    createMfa({ ...good(), ...wrong })
  } catch (error) {
    expect(error).to.be.instanceOf(MfaError)
    return error as MfaError
  }
  throw new Error('The options were taken')
}

describe('createMfa', () => {
  for (const [option, wrong] of Object.entries({
    issuerName: ['', 7, undefined],
    storage: [undefined, {}, { records: {} }, { records: withoutFind }],
    encryptionKeys: [[], ['short'], [Buffer.alloc(16)], 'x'.repeat(44), undefined],
    factors: [
      [],
      [{}],
      [{ ...totp(), id: 'Not Kebab' }],
      [totp(), totp()],
      [{ ...totp(), pages: {} }],
      [{ ...totp(), pages: { views: 'https://pages.example/' } }],
      [{ ...totp(), pages: { ...totp().pages, script: new URL('https://pages.example/a.js') } }],
      [{ ...totp(), pages: { ...totp().pages, names: { verify: 'totp' } } }],
      [{ ...totp(), pages: { views: '/nowhere' } }],
      undefined,
    ],
    require: ['yes', 1],
    firstEnrolment: [undefined, 'nothing', true, {}],
    manage: [
      {},
      { clients: 'app' },
      { clients: [''] },
      { clients: [], url: 'javascript:alert(1)' },
      7,
    ],
    theme: [
      { accent: 'teal' },
      { accent: '#12' },
      { logo: 'http://acme.example/logo.svg' },
      { logo: 'javascript:alert(1)' },
      { logo: 'pictures/logo.svg' },
      { name: ' ' },
      { ink: '#fff' },
    ],
    path: ['mfa', '/mfa/', '/', '/a b'],
    sessionSeconds: [0, 59, '3600', Number.NaN],
    sessions: [1_800, { setUpSeconds: 599 }, { setUpSeconds: 3_001 }, { setupSeconds: 1_800 }],
    acknowledge: [['everything'], 'ciba'],
    trustedGrantTypes: ['urn:x'],
    hasher: [{}],
    requires: [() => true],
  }))
    it(`refuses a wrong ${option} by name`, () => {
      for (const value of wrong) {
        const refusal = refusalOf({ [option]: value })
        expect(refusal.code).to.equal('options-invalid')
        expect(refusal.message, JSON.stringify(value)).to.contain(option)
      }
    })

  for (const [option, value, mend] of [
    ['issuerName', undefined, 'is missing: what people call the service'],
    ['storage', undefined, 'is missing: such as mongooseStorage'],
    ['storage', 7, 'is something else: such as'],
    ['factors', undefined, 'is missing: a list such as [totp()'],
    ['encryptionKeys', undefined, 'is missing: a list of keys; make one'],
    ['encryptionKeys', [undefined], 'encryptionKeys.0: is missing or empty: make one'],
    ['encryptionKeys', [''], 'encryptionKeys.0: is missing or empty: make one'],
    ['encryptionKeys', ['short'], 'openssl rand -base64 32'],
    ['encryptionKeys', ['c2hvcnQ='], 'must be 32 bytes, in base64 if a string: make one'],
  ] as const)
    it(`says how to mend ${option}: ${JSON.stringify(value)}`, () => {
      expect(refusalOf({ [option]: value }).message).to.contain(mend)
    })

  it('lists every fault at once', () => {
    const { message } = refusalOf({ issuerName: '', encryptionKeys: [], path: 'mfa', factors: [] })
    expect(message.match(/^- /gm)).to.have.length(4)
  })

  it('names an option that there is not, as plain JavaScript may have it', () => {
    expect(refusalOf({ requires: true }).message).to.match(/^createMfa:\n- options: .*requires/)
  })

  for (const [because, options, fault] of [
    ['notices without a function that sends', { notices: true }, 'notices: needs sendMail'],
    [
      'account pages at the path of the sign-in',
      { account: { path: '/mfa' } },
      'must not contain each other',
    ],
    [
      'account pages below the sign-in',
      { account: { path: '/mfa/account' } },
      'must not contain each other',
    ],
    [
      'a sign-in below the account pages',
      { account: true, path: '/account/mfa' },
      'must not contain each other',
    ],
  ] as const)
    it(`refuses ${because}`, () => {
      const refusal = refusalOf(options)
      expect(refusal.code).to.equal('options-invalid')
      expect(refusal.message)
        .to.match(/^createMfa:\n- /)
        .and.contain(fault)
    })

  it('takes notices with the function that mails the codes, and account pages beside the sign-in or none', () => {
    const send = async (): Promise<void> => undefined
    for (const options of [
      { notices: true, firstEnrolment: mailedCode(send) },
      { account: { path: '/mfa-account' } },
      { account: false, path: '/account' },
    ])
      expect(createMfa({ ...good(), ...options })).to.have.property('attach')
  })

  it('R31 does not show a key that it refuses', () => {
    const key = Buffer.alloc(31, 7).toString('base64')
    expect(refusalOf({ encryptionKeys: [key] }).message).not.to.contain(key)
  })

  it('takes a storage that has records and nothing else', () => {
    const { records } = memoryStorage()
    expect(createMfa({ ...good(), storage: { records } })).to.have.property('configure')
  })

  it('takes keys as bytes and in either base64', () => {
    const bytes = Buffer.alloc(32, 0xfb)
    for (const encryptionKeys of [
      [bytes],
      [bytes.toString('base64')],
      [bytes.toString('base64url')],
    ])
      expect(createMfa({ ...good(), encryptionKeys })).to.have.property('configure')
  })

  it('takes each kind of proof for a first enrolment', () => {
    for (const firstEnrolment of [
      'password',
      mailedCode(async () => undefined),
      () => 'refused' as const,
    ] as const)
      expect(createMfa({ ...good(), firstEnrolment })).to.have.property('attach')
  })
})
