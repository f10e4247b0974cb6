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

async function reasonFor(password: string, rules = RULES): Promise<string> {
  const verdict = await judgePassword(password, rules)
  return verdict.accepted ? 'accepted' : verdict.reason
}

describe('a new password', () => {
  it('R16 is long enough in characters, not in bytes or code units', async () => {
    expect(await reasonFor('žluťouč')).to.equal('too-short')
    expect(await reasonFor('žluťoučk')).to.equal('accepted')
    expect(await reasonFor('🐢🐙🦊🐳')).to.equal('too-short')
    expect(await reasonFor('🐢🐙🦊🐳🐝🦉🐠🦎')).to.equal('accepted')
    expect(await reasonFor('vlqk wznp bxr', { ...RULES, minimumLength: 15 })).to.equal('too-short')
  })

  it('R16 may have 64 characters and more of any script, up to a bound in bytes', async () => {
    expect(await reasonFor('vqz '.repeat(16))).to.equal('accepted')
    expect(await reasonFor('語彙森林'.repeat(20))).to.equal('accepted')
    const most = `${'xk'.repeat(LONGEST_PASSWORD_BYTES / 2 - 1)}ü`
    expect(await reasonFor(most)).to.equal('accepted')
    expect(await reasonFor(`${most}x`)).to.equal('too-long')
    expect(isTooLong('ü'.repeat(LONGEST_PASSWORD_BYTES / 2 + 1))).to.equal(true)
    expect(isTooLong('x'.repeat(LONGEST_PASSWORD_BYTES + 1))).to.equal(true)
  })

  it('R16 needs no digits, signs or capitals', async () => {
    for (const password of [
      'correct horse battery staple',
      'vqzkxwjp',
      '        spaces only matter',
    ])
      expect(await reasonFor(password), password).to.equal('accepted')
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
    'bubblegum1',
    'choochoo',
    'Gatekeeper!',
    'Schnucki2020',
    'Drowssap',
    'q1w2e3r4t5y6u7i8',
    'Hasło1234',
    'contraseña1',
  ])
    it(`R16 is none that guessers try first: ${common}`, async () => {
      expect(await reasonFor(common)).to.equal('blocked')
    })

  it('is judged at once, however long it is', async () => {
    await reasonFor('the list is loaded')
    for (const part of ['x7#', 'p4$$w0rd1!', '1a', '0', '語']) {
      const typed = part.repeat(LONGEST_PASSWORD_BYTES).slice(0, LONGEST_PASSWORD_BYTES / 3)
      const begun = performance.now()
      await reasonFor(typed)
      expect(performance.now() - begun, part).to.be.below(50)
    }
  })

  it('R16 is not mostly a name that the account or the service has', async () => {
    for (const password of ['Alice2026', 'xxaliceyy', 'acme bank 1', 'alicealice'])
      expect(await reasonFor(password), password).to.equal('contains-name')
    expect(await reasonFor('alice keeps bees')).to.equal('accepted')
    expect(await reasonFor('al pastor')).to.equal('accepted')
  })

  it('keeps its characters and is composed the one way', async () => {
    expect(normalisePassword(' Cafe\u0301 ')).to.equal(' Café ')
    const verdict = await judgePassword(' cafe\u0301 au lait ', RULES)
    expect(verdict).to.deep.equal({ accepted: true, password: ' café au lait ' })
  })

  it('is judged alike however its letters are composed', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'grapheme', maxLength: 40 }), async (typed) => {
        const composed = await judgePassword(typed.normalize('NFC'), RULES)
        expect(await judgePassword(typed.normalize('NFD'), RULES)).to.deep.equal(composed)
      }),
    )
  })
})
