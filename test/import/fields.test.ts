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

  it('R5 R40 the same key twice is one authenticator, however it is written and wherever it stands', () => {
    const hex = Buffer.from('Hello!\u00de\u00ad\u00be\u00ef'.repeat(2), 'latin1').toString('hex')
    const uri = `otpauth://totp/Acme:ada?secret=${SECRET}`
    for (const fields of [
      { two_factor_secret: SECRET, otpauth_url: uri },
      { two_factor_secret: SECRET.toLowerCase(), totp: [{ base32: `${SECRET}======` }] },
      { totp: [SECRET, { hex }, uri, { secret: hex.toUpperCase(), encoding: 'hex' }] },
      // HMAC pads a key with zeros, so these different bytes are the same key.
      { totp: [{ hex }, { hex: `${hex}0000` }] },
    ]) {
      const { totp, faults } = mapFactors(fields)
      expect(totp.map(({ parameters }) => parameters.secret)).to.deep.equal([SECRET])
      expect(faults).to.deep.equal([])
    }
    const named = (...names: (string | undefined)[]) =>
      mapFactors({ totp: names.map((name) => ({ secret: SECRET, name })) }).totp[0]?.name
    expect(named('phone', 'tablet')).to.equal('phone')
    expect(named(undefined, 'tablet')).to.equal('tablet')
  })

  it('R40 the same key with another algorithm, length or period is refused: nobody knows which is right', () => {
    for (const other of [{ algorithm: 'SHA256' }, { digits: 8 }, { period: 60 }])
      expect(mapFactors({ totp: [SECRET, { secret: SECRET, ...other }] }).faults).to.deep.equal([
        { field: 'totp', code: 'totp-ambiguous' },
      ])
    const otpauth_url = `otpauth://totp/x?secret=${SECRET}&period=60`
    expect(mapFactors({ two_factor_secret: SECRET, otpauth_url }).faults).to.deep.equal([
      { field: 'two_factor_secret', code: 'totp-ambiguous' },
    ])
  })

  it('R1 R40 more than ten authenticators are refused: each is a further chance for a guess', () => {
    const keys = (count: number) =>
      Array.from({ length: count }, (_, nth) => ({ hex: String(10 + nth).repeat(10) }))
    expect(mapFactors({ totp: keys(10) })).to.deep.include({ faults: [] })
    expect(mapFactors({ totp: [...keys(10), ...keys(10)] })).to.deep.include({ faults: [] })
    for (const fields of [
      { totp: keys(11) },
      { totp: keys(80) },
      { totp: keys(10), two_factor_secret: SECRET },
    ])
      expect(mapFactors(fields).faults).to.deep.equal([{ field: 'totp', code: 'too-many' }])
  })

  it('R5 R40 a backup code that is listed twice is one, however it is written', () => {
    const codesOf = (backup_codes: unknown) =>
      mapFactors({ totp: SECRET, backup_codes }).codes?.values
    for (const listed of [
      ['ABCD-1234', 'ABCD-1234'],
      ['ABCD-1234', 'ABCD1234', ' ABCD 1234'],
      'ABCD-1234,ABCD1234',
    ])
      expect(codesOf(listed)).to.deep.equal(['ABCD1234'])
    const hex = sha256('ABCD-1234')
    const base64 = Buffer.from(hex, 'hex').toString('base64')
    expect(codesOf([hex, hex.toUpperCase(), hex])).to.deep.equal([hex])
    expect(codesOf([base64, base64.replace('=', '')])).to.deep.equal([hex])
    const argon2 = `$argon2id$v=19$m=8,t=1,p=1$${'A'.repeat(22)}$${'A'.repeat(43)}`
    expect(codesOf([argon2, argon2])).to.deep.equal([argon2])
    // The set has letters of both cases, so case matters and these are two codes.
    expect(codesOf(['aBcd1234', 'AbCD1234'])).to.have.length(2)
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

  it('R10 a set-up that was never confirmed (Fortify) is off, and a confirmed one is on', () => {
    for (const none of [null, '', ' ', 0, '0', false, '0000-00-00 00:00:00'])
      for (const name of ['two_factor_confirmed_at', 'twoFactorConfirmedAt'])
        expect(
          mapFactors({ two_factor_secret: SECRET, two_factor_recovery_codes: CODES, [name]: none }),
          `${name} ${String(none)}`,
        ).to.deep.equal({ totp: [], warnings: ['not-enabled'], faults: [] })
    for (const time of [
      '2026-11-28 07:45:00',
      '2026-11-28T07:45:00.000000Z',
      '2026-11-28 07:45:00.123456+00',
      '2026-11-28',
      1_764_316_800,
      '1764316800000',
      new Date(1_764_316_800_000),
      true,
    ])
      expect(
        mapFactors({ two_factor_secret: SECRET, two_factor_confirmed_at: time }),
        String(time),
      ).to.deep.include({ warnings: [], faults: [] })
    expect(mapFactors({ two_factor_confirmed_at: '2026-11-28 07:45:00' }).warnings).to.deep.equal([
      'must-enrol',
    ])
  })

  it('R10 a flag beside the time of confirmation decides, unless it is on without that time', () => {
    const time = '2026-11-28 07:45:00'
    const isOn = (two_factor_enabled: unknown, two_factor_confirmed_at: unknown) => {
      const fields = { two_factor_secret: SECRET, two_factor_enabled, two_factor_confirmed_at }
      const { totp, faults } = mapFactors(fields)
      return faults[0] ?? totp.length === 1
    }
    expect(isOn(true, time)).to.equal(true)
    expect(isOn(false, time)).to.equal(false)
    expect(isOn(false, null)).to.equal(false)
    expect(isOn(null, time)).to.equal(true)
    expect(isOn(null, null)).to.equal(false)
    expect(isOn(undefined, undefined)).to.equal(true)
    for (const none of [null, '', false])
      expect(isOn(true, none)).to.deep.equal({
        field: 'two_factor_confirmed_at',
        code: 'ambiguous',
      })
    expect(isOn(undefined, 'perhaps')).to.deep.equal({
      field: 'two_factor_confirmed_at',
      code: 'enabled-unreadable',
    })
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
    for (const none of [[], '[]', '{}', ' ', '', null, undefined, 'NULL', 'null', '\\N', '\\n']) {
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

  it('R34 are refused where they are objects without a text', () => {
    for (const value of [{ toString: null }, [{ toString: 1 }], { toString: {}, valueOf: null }]) {
      const shown = JSON.stringify(value)
      expect(mapFactors({ two_factor_enabled: value }).faults, shown).to.deep.equal([
        { field: 'two_factor_enabled', code: 'enabled-unreadable' },
      ])
      expect(mapFactors({ two_factor_confirmed_at: value }).faults[0]?.code, shown).to.equal(
        'enabled-unreadable',
      )
      const [fault] = mapFactors({ totp: { secret: 'JBSWY3DPEHPK3PXP', period: value } }).faults
      expect(fault?.code, shown).to.equal('period-unfit')
    }
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
