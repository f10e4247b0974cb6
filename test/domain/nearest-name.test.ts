import { expect } from 'chai'
import { nearest, suggestion } from '../../src/domain/nearest-name.ts'

const KNOWN = ['PORT', 'HOST', 'ISSUER', 'SMTP_URL', 'TRUSTED_PROXIES', 'MAIL_FROM']

describe('the name that a misspelt one stands for', () => {
  for (const [typed, meant] of [
    ['SMTP_URI', 'SMTP_URL'],
    ['SMTPURL', 'SMTP_URL'],
    ['SMPT_URL', 'SMTP_URL'],
    ['mail_form', 'MAIL_FROM'],
    ['TRUSTED_PROXY', 'TRUSTED_PROXIES'],
    ['ISUER', 'ISSUER'],
    ['POTR', 'PORT'],
  ] as const)
    it(`${typed} stands for ${meant}`, () => expect(nearest(typed, KNOWN)).to.equal(meant))

  // Variables of other programs: a shell, Node and a container have them.
  for (const other of ['USER', 'HOME', 'PATH', 'MAIL', 'LANG', 'HOSTNAME', 'NODE_PATH'])
    it(`${other} stands for no other name`, () => expect(nearest(other, KNOWN)).to.equal(undefined))

  it('is suggested in words, or nothing is', () => {
    expect(suggestion('SMTP_URI', KNOWN)).to.equal(' (did you mean "SMTP_URL"?)')
    expect(suggestion('EDITOR', KNOWN)).to.equal('')
  })
})
