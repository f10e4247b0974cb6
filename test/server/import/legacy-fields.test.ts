import { expect } from 'chai'
import { legacyFieldsOf, readLegacyFields } from '../../../src/server/import/legacy-fields.ts'

describe('the fields of a home-made second factor', () => {
  const read = (document: object, ...told: string[]) =>
    legacyFieldsOf(document as Record<string, unknown>, readLegacyFields(told)!)

  it('are found by their common names', () => {
    for (const names of [
      ['two_factor_enabled', 'two_factor_secret', 'backup_codes'],
      ['twoFactorEnabled', 'twoFactorSecret', 'backupCodes'],
      ['twoFactorEnabled', 'otpauth_url', 'two_factor_recovery_codes'],
    ]) {
      const document = Object.fromEntries(names.map((name) => [name, 'x']))
      expect(read({ ...document, name: 'ada' })).to.deep.equal(document)
    }
  })

  it('are none where they are empty', () => {
    const empty = { two_factor_secret: null, twoFactorSecret: '', backup_codes: [] }
    expect(read({ ...empty, two_factor_enabled: undefined })).to.deep.equal({})
    expect(read({ ...empty, two_factor_enabled: false })).to.deep.equal({
      two_factor_enabled: false,
    })
  })

  it('may be anywhere, and what is told takes the place of all names of its kind', () => {
    const document = {
      security: { otp: { key: 'mine', on: true } },
      two_factor_secret: 'other',
      twoFactorSecret: 'another',
      twoFactorEnabled: false,
    }
    expect(read(document, 'secret=security.otp.key', 'enabled=security.otp.on')).to.deep.equal({
      two_factor_secret: 'mine',
      two_factor_enabled: true,
    })
    expect(read(document, 'twoFactorSecret=security.otp.key')).to.deep.equal({
      two_factor_secret: 'mine',
      twoFactorEnabled: false,
    })
    expect(read({ twoFactorSecret: 'x' }, 'secret=security.otp.key')).to.deep.equal({})
  })

  it('R10 have a flag that is off if it is empty, and if it is missing and an option names it', () => {
    const secret = { two_factor_secret: 'x' }
    const off = { ...secret, two_factor_enabled: null }
    for (const two_factor_enabled of [null, '', []])
      expect(read({ ...secret, two_factor_enabled })).to.deep.equal(off)
    expect(read(secret)).to.deep.equal(secret)
    expect(read(secret, 'enabled=security.on')).to.deep.equal(off)
    expect(read({ ...secret, twoFactorEnabled: null, two_factor_enabled: 1 })).to.deep.equal({
      ...secret,
      twoFactorEnabled: null,
      two_factor_enabled: 1,
    })
    expect(read({ two_factor_enabled: null }, 'enabled=two_factor_enabled')).to.deep.equal({})
  })

  it('R10 have a time of confirmation that is empty, or that is missing and named by an option', () => {
    const secret = { two_factor_secret: 'x' }
    const never = { ...secret, two_factor_confirmed_at: null }
    expect(read(never)).to.deep.equal(never)
    expect(read(secret)).to.deep.equal(secret)
    expect(read(secret, 'confirmed=two_factor.at')).to.deep.equal(never)
    const at = new Date()
    expect(read({ ...secret, two_factor: { at } }, 'confirmed=two_factor.at')).to.deep.equal({
      ...secret,
      two_factor_confirmed_at: at,
    })
    expect(read(secret, 'two_factor_confirmed_at=at')).to.deep.equal(never)
  })

  it('do not include a totp that nobody has told of', () => {
    const document = { totp: { enabled: false, secret: 'x' } }
    expect(read(document)).to.deep.equal({})
    expect(read(document, 'totp=totp')).to.deep.equal(document)
  })

  it('are not looked for in what every object has', () => {
    expect(read({}, 'secret=constructor.name')).to.deep.equal({})
    expect(read({ two_factor_secret: 'x' }, 'secret=two_factor_secret.length')).to.deep.equal({})
  })

  for (const told of [
    'secret',
    'secret=',
    '=a',
    'colour=a',
    'secret=$a',
    'secret=a.$b',
    'secret=a..b',
    'secret=_id',
    'secret=__proto__.a',
    'secret=a b',
  ])
    it(`are not told of by ${told}`, () => {
      expect(readLegacyFields([told])).to.equal(undefined)
    })
})
