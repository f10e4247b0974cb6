import { createHash } from 'node:crypto'
import { expect } from 'chai'
import fc from 'fast-check'
import { mapFactors, readBoolean, readCodeForm } from '../../src/import/fields.ts'

const SECRET = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP'
const OTHER = 'KRSXG5DSNFXGOIDBKRSXG5DSNFXGOIDB'
const SHORT = 'JBSWY3DPEHPK3PXP'
const CODES = ['7KQ4MWXA9RTDHN3', '2HD8CWMXK4RTQN7']
const sha256 = (code: string): string => createHash('sha256').update(code).digest('hex')

describe('the fields of another application', () => {
  it('are read under each of their names, in snake case and in camel case', () => {
    for (const fields of [
      { two_factor_enabled: true, two_factor_secret: SECRET, backup_codes: CODES },
      { twoFactorEnabled: '1', twoFactorSecret: SECRET, backupCodes: JSON.stringify(CODES) },
      {
        two_factor_enabled: 't',
        two_factor_secret: SECRET,
        two_factor_backup_codes: CODES.join('\n'),
      },
      { two_factor_secret: SECRET, two_factor_recovery_codes: CODES.join(' ') },
      { totp: [{ secret: SECRET }], backupCodes: CODES },
      { totp: `[{"secret":"${SECRET}"}]`, backupCodes: CODES },
      { totp: { base32: SECRET }, backupCodes: CODES },
      { otpauth_url: `otpauth://totp/?secret=${SECRET}`, backupCodes: CODES },
    ]) {
      const mapped = mapFactors(fields)
      expect(mapped.totp.map(({ parameters }) => parameters.secret)).to.deep.equal([SECRET])
      expect(mapped.codes?.values).to.deep.equal(CODES)
      expect({ faults: mapped.faults, warnings: mapped.warnings }).to.deep.equal({
        faults: [],
        warnings: [],
      })
    }
  })

  it('R10 a second factor that was on without a secret that works is none', () => {
    for (const fields of [
      { two_factor_enabled: true },
      { twoFactorEnabled: 'true', twoFactorSecret: '' },
      { two_factor_enabled: 1, two_factor_secret: null },
      { two_factor_enabled: 1, two_factor_secret: 'eyJpdiI6IkJhc2U2NCBvZiBhIGNpcGhlcnRleHQifQ' },
      { two_factor_secret: 'not a secret!' },
      { two_factor_enabled: true, backup_codes: CODES },
    ]) {
      const mapped = mapFactors(fields)
      expect(mapped).to.deep.include({ totp: [], faults: [] })
      expect(mapped.codes).to.equal(undefined)
      expect(mapped.warnings).to.include('must-enrol')
    }
  })

  it('a secret that was off is no enrolment', () => {
    for (const two_factor_enabled of [false, 0, '0', 'false', 'f', 'no', 'off'])
      expect(
        mapFactors({ two_factor_enabled, two_factor_secret: SECRET, backup_codes: CODES }),
      ).to.deep.equal({ totp: [], warnings: ['not-enabled'], faults: [] })
    expect(mapFactors({ two_factor_enabled: false })).to.deep.equal({
      totp: [],
      warnings: [],
      faults: [],
    })
  })

  it('R10 a secret whose flag is there and empty was never confirmed: it is off', () => {
    for (const flag of [
      { two_factor_enabled: null },
      { twoFactorEnabled: '' },
      { two_factor_enabled: undefined, twoFactorEnabled: null },
    ])
      expect(mapFactors({ ...flag, twoFactorSecret: SECRET })).to.deep.equal({
        totp: [],
        warnings: ['not-enabled'],
        faults: [],
      })
    for (const flag of [
      {},
      { two_factor_enabled: undefined },
      { two_factor_enabled: '', twoFactorEnabled: 1 },
    ])
      expect(mapFactors({ ...flag, twoFactorSecret: SECRET }).totp).to.have.length(1)
  })

  it('without any of them say nothing', () => {
    expect(mapFactors({ name: 'Ada', two_factor_enabled: null })).to.deep.equal({
      totp: [],
      warnings: [],
      faults: [],
    })
  })

  it('R7 R8 what is weak is taken with a warning', () => {
    expect(mapFactors({ totp: SHORT }).warnings).to.deep.equal(['secret-weak'])
    for (const backupCodes of [['12345678'], [sha256('12345678')]])
      expect(mapFactors({ totp: SECRET, backupCodes }).warnings).to.deep.equal(['codes-weak'])
  })

  it('codes that nothing here can check are left behind, with a warning', () => {
    const mapped = mapFactors({ totp: SECRET, backupCodes: ['$2b$12$abcdefghijklmnopqrstuu'] })
    expect(mapped.codes).to.equal(undefined)
    expect(mapped.warnings).to.deep.equal(['codes-hash-unknown'])
  })

  it('codes without an authenticator that they stand in for are left behind', () => {
    expect(mapFactors({ backupCodes: CODES })).to.deep.equal({
      totp: [],
      warnings: ['codes-without-authenticator'],
      faults: [],
    })
  })

  for (const [fields, field, code] of [
    [{ totp: 'x!' }, 'totp', 'secret-unusable'],
    [{ totp: 7 }, 'totp', 'totp-unreadable'],
    [{ totp: [{}] }, 'totp', 'totp-unreadable'],
    [{ totp: '[{' }, 'totp', 'totp-unreadable'],
    [{ totp: [{ secret: SECRET, digits: 7 }] }, 'totp', 'digits-unfit'],
    [{ totp: SECRET, backup_codes: [1] }, 'backup_codes', 'codes-unreadable'],
    [{ totp: SECRET, backup_codes: [sha256('a'), 'abcd'] }, 'backup_codes', 'codes-mixed'],
    [{ two_factor_enabled: 'perhaps' }, 'two_factor_enabled', 'enabled-unreadable'],
    [{ totp: SECRET, secretEncoding: 'rot13' }, 'secretEncoding', 'secret-encoding-unknown'],
    [{ totp: SECRET, backupCodeForm: 'mixed' }, 'backupCodeForm', 'code-form-unknown'],
    [{ totp: SECRET, otpauth_url: OTHER }, 'otpauth_url', 'ambiguous'],
    [{ two_factor_secret: SECRET, twoFactorSecret: OTHER }, 'twoFactorSecret', 'ambiguous'],
    [{ two_factor_enabled: false, twoFactorEnabled: true }, 'twoFactorEnabled', 'ambiguous'],
    [
      { totp: SECRET, backup_codes: CODES, two_factor_recovery_codes: CODES.slice(1) },
      'two_factor_recovery_codes',
      'ambiguous',
    ],
  ] as const)
    it(`are refused by field and cause: ${field} ${code}`, () => {
      expect(mapFactors(fields).faults).to.deep.equal([{ field, code }])
    })

  it('R10 are looked for under their other names where one is empty', () => {
    for (const none of [[], '[]', ' ', '', null, undefined]) {
      const fields = { totp: none, otpauthUrl: SECRET, backupCodes: none, backup_codes: CODES }
      const { totp, codes, faults } = mapFactors(fields)
      expect([totp.length, codes?.values, faults]).to.deep.equal([1, CODES, []])
    }
  })

  it('may stand there twice, and the same', () => {
    const fields = {
      twoFactorSecret: SECRET,
      two_factor_secret: SECRET,
      twoFactorEnabled: true,
      two_factor_enabled: 'true',
    }
    expect(mapFactors({ ...fields, backupCodes: CODES, backup_codes: [...CODES] })).to.deep.include(
      { warnings: [], faults: [] },
    )
  })

  it('say in what the secrets and the codes are written', () => {
    const mapped = mapFactors({
      two_factor_secret: '12345678901234567890',
      secret_encoding: 'ascii',
      backup_codes: [sha256('AB')],
      backup_code_form: 'upper,compact',
    })
    expect(mapped.totp[0]?.parameters.secret).to.equal('GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ')
    expect(mapped.codes?.form).to.deep.equal({ letters: 'upper', separators: 'removed' })
  })

  it('name a form of codes in a word or two', () => {
    expect(readCodeForm('as-is')).to.deep.equal({ letters: 'as-is', separators: 'kept' })
    expect(readCodeForm('lower')).to.deep.equal({ letters: 'lower', separators: 'kept' })
    expect(readCodeForm('compact')).to.deep.equal({ letters: 'as-is', separators: 'removed' })
    expect(readCodeForm('upper,compact')).to.deep.equal({ letters: 'upper', separators: 'removed' })
    for (const none of ['', 'upper,', 'uppercompact', 'compact,upper', 7, undefined])
      expect(readCodeForm(none), String(none)).to.equal(undefined)
  })

  it('read as yes or no what databases and spreadsheets write', () => {
    for (const yes of [true, 1, 'TRUE', ' t ', 'Yes', 'on']) expect(readBoolean(yes)).to.equal(true)
    for (const no of [false, 0, 'False', 'n', 'off']) expect(readBoolean(no)).to.equal(false)
    for (const neither of ['2', 'null', {}]) expect(readBoolean(neither)).to.equal(undefined)
  })

  it('R31 R34 whatever they hold, are answered without an error and without a word of it', () => {
    const names = [
      'totp',
      'two_factor_enabled',
      'two_factor_secret',
      'backup_codes',
      'secretEncoding',
    ]
    fc.assert(
      fc.property(
        fc.dictionary(fc.constantFrom(...names), fc.oneof(fc.jsonValue(), fc.string())),
        (fields) => {
          const { faults, warnings } = mapFactors(fields)
          for (const { field, code } of faults) {
            expect(names).to.include(field)
            expect(code).to.match(/^[a-z-]+$/)
          }
          for (const warning of warnings) expect(warning).to.match(/^[a-z-]+$/)
        },
      ),
    )
  })
})
