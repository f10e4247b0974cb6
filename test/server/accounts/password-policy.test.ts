import { expect } from 'chai'
import fc from 'fast-check'
import {
  isTooLong,
  judgePassword,
  LONGEST_PASSWORD_BYTES,
  normalisePassword,
  type PasswordRules,
} from '../../../src/server/accounts/password-policy.ts'

const RULES: PasswordRules = { minimumLength: 8, contextWords: ['alice', 'Acme Bank', 'al'] }

function reasonFor(password: string, rules = RULES): string {
  const verdict = judgePassword(password, rules)
  return verdict.accepted ? 'accepted' : verdict.reason
}

describe('a new password', () => {
  it('R16 is long enough in characters, not in bytes or code units', () => {
    expect(reasonFor('žluťouč')).to.equal('too-short')
    expect(reasonFor('žluťoučk')).to.equal('accepted')
    expect(reasonFor('🐢🐙🦊🐳')).to.equal('too-short')
    expect(reasonFor('🐢🐙🦊🐳🐝🦉🐠🦎')).to.equal('accepted')
    expect(reasonFor('vlqk wznp bxr', { ...RULES, minimumLength: 15 })).to.equal('too-short')
  })

  it('R16 may have 64 characters and more of any script, up to a bound in bytes', () => {
    expect(reasonFor('vqz '.repeat(16))).to.equal('accepted')
    expect(reasonFor('語彙森林'.repeat(20))).to.equal('accepted')
    const most = `${'xk'.repeat(LONGEST_PASSWORD_BYTES / 2 - 1)}ü`
    expect(reasonFor(most)).to.equal('accepted')
    expect(reasonFor(`${most}x`)).to.equal('too-long')
    expect(isTooLong('ü'.repeat(LONGEST_PASSWORD_BYTES / 2 + 1))).to.equal(true)
    expect(isTooLong('x'.repeat(LONGEST_PASSWORD_BYTES + 1))).to.equal(true)
  })

  it('R16 needs no digits, signs or capitals', () => {
    for (const password of [
      'correct horse battery staple',
      'vqzkxwjp',
      '        spaces only matter',
    ])
      expect(reasonFor(password), password).to.equal('accepted')
  })

  for (const common of [
    'password',
    'Password1',
    'P@ssw0rd!',
    'Passw0rd2026',
    '123456789',
    'qwertyuiop',
    'qwerty123456',
    '1qaz2wsx3edc',
    'zxcvbnm,./',
    'iloveyou!!',
    'monkeymonkey',
    'Summer2026!',
    'trustno1',
    'aaaaaaaa',
    'aaaa1111',
    'abcdefgh',
    '87654321',
    'ＰＡＳＳＷＯＲＤ',
    '19840312',
    '12.03.1984',
    '!!football!!',
  ])
    it(`R16 is none that guessers try first: ${common}`, () => {
      expect(reasonFor(common)).to.equal('blocked')
    })

  it('R16 is not mostly a name that the account or the service has', () => {
    for (const password of ['Alice2026', 'xxaliceyy', 'acme bank 1', 'alicealice'])
      expect(reasonFor(password), password).to.equal('contains-name')
    expect(reasonFor('alice keeps bees')).to.equal('accepted')
    expect(reasonFor('al pastor')).to.equal('accepted')
  })

  it('keeps its characters and is composed the one way', () => {
    expect(normalisePassword(' Cafe\u0301 ')).to.equal(' Café ')
    const verdict = judgePassword(' cafe\u0301 au lait ', RULES)
    expect(verdict).to.deep.equal({ accepted: true, password: ' café au lait ' })
  })

  it('is judged alike however its letters are composed', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 40 }), (typed) => {
        const composed = judgePassword(typed.normalize('NFC'), RULES)
        expect(judgePassword(typed.normalize('NFD'), RULES)).to.deep.equal(composed)
      }),
    )
  })
})
