import { expect } from 'chai'
import { MAIL_VALUES } from '../../src/http/mail.ts'
import { createViews } from '../../src/http/views.ts'
import { parse, textOf } from '../support/html.ts'

const { renderMail } = createViews()
const VALUES: Readonly<Record<string, string>> = {
  issuer: 'Acme',
  code: '04 19 53',
  minutes: '10',
  at: '1767261600',
  until: '1767261600',
  factor: 'totp',
  name: 'My <b>phone</b>',
  replaced: 'Old <b>phone</b>',
  remaining: '2',
  app: 'Fieldnotes',
  account: 'Mira & Ole',
  browser: 'Firefox on Linux',
  manageUrl: 'https://id.example.com/account',
  helpUrl: 'https://help.example.com/',
  place: '203.0.113.0/24',
  notMeUrl: 'https://id.example.com/not-me/t0ken',
  cancelUrl: 'https://id.example.com/cancel-recovery/t0ken',
  confirmUrl: 'https://id.example.com/email/confirm/t0ken',
  hours: '24',
  setUpUrl: 'https://id.example.com/set-up/t0ken',
  resetUrl: 'https://id.example.com/password/reset/t0ken',
}
const valuesOf = (names: readonly string[]) =>
  Object.fromEntries(names.map((name) => [name, VALUES[name] ?? '']))
const words = (html: string) => textOf(parse(html))

describe('a mail', () => {
  for (const [template, { needed, optional }] of Object.entries(MAIL_VALUES)) {
    it(`"${template}" says all that it was given, as text and as HTML`, () => {
      const { subject, text, html } = renderMail(template, valuesOf([...needed, ...optional]))
      expect(subject).to.include('Acme')
      for (const name of [...needed, ...optional]) {
        if (name === 'at' || name === 'until')
          expect(text).to.match(/January 1, 2026 at 10:00\sAM \(UTC\)/)
        else expect(text).to.include(name === 'factor' ? 'Authenticator app' : VALUES[name])
      }
      expect(html).to.include('Mira &amp; Ole').and.not.include('<b>phone')
      expect(words(html)).to.include('Acme')
    })

    it(`"${template}" needs no more than it says it needs, in either language`, () => {
      for (const locale of ['en', 'de', 'xx']) {
        const { text, html } = renderMail(template, valuesOf(needed), locale)
        expect(text).to.match(locale === 'de' ? /^Guten Tag,\n\n/ : /^Hello,\n\n/)
        expect(html).to.match(/^<!doctype html>/)
      }
    })

    it(`"${template}" is not sent without what it needs`, () => {
      for (const name of needed)
        expect(() => renderMail(template, valuesOf(needed.filter((other) => other !== name)))) //
          .to.throw(`needs "${name}"`)
    })
  }

  it('is written in the language it is asked for', () => {
    const { subject, text, html } = renderMail('mfa-reset', valuesOf(['issuer', 'at']), 'de')
    expect(subject).to.equal('Der zweite Schritt Ihres Kontos bei Acme wurde zurückgesetzt')
    expect(text).to.include('1. Januar 2026')
    expect(html).to.include('<html lang="de"')
  })

  it('keeps its shape whatever a name holds', () => {
    const values = { issuer: 'Acme\r\nBcc: everybody@example.com', at: '0', factor: 'totp' }
    const { subject, text } = renderMail('factor-enrolled', {
      ...values,
      name: 'phone\n\nYour account is closed\u202e',
    })
    expect(subject).to.equal(
      'A second step was added to your Acme Bcc: everybody@example.com account',
    )
    expect(text).to.include('Name: phone Your account is closed\n')
  })

  it('names a factor that it does not know as the factor names itself', () => {
    const { text } = renderMail('factor-removed', { issuer: 'Acme', at: '0', factor: 'pigeon' })
    expect(text).to.include('no longer confirms your sign-in: pigeon.')
  })

  it('says who helps, in either language', () => {
    const helper = { en: /the people who look after your Acme account/i, de: /die Stelle|betreut/i }
    for (const template of Object.keys(MAIL_VALUES))
      for (const locale of ['en', 'de'] as const) {
        const { needed, optional } = MAIL_VALUES[template as keyof typeof MAIL_VALUES]
        const { text } = renderMail(template, valuesOf([...needed, ...optional]), locale)
        expect(text, template).to.match(helper[locale])
      }
  })

  it('advises new backup codes only where a page makes them, and when few are left', () => {
    const text = (remaining: string, more = {}) =>
      renderMail('backup-code-used', { issuer: 'Acme', at: '0', remaining, ...more }).text
    const manageUrl = VALUES.manageUrl ?? ''
    expect(text('1', { manageUrl })).to.include('Make new ones').and.include(manageUrl)
    expect(text('1')).to.include('can help you get new ones').and.not.include('Make new ones')
    expect(text('5', { manageUrl })).to.not.include('new ones soon')
  })

  it('has a subject that says what happened, in full', () => {
    const subjects = Object.keys(MAIL_VALUES).map(
      (template) =>
        renderMail(template, valuesOf(MAIL_VALUES[template as keyof typeof MAIL_VALUES].needed))
          .subject,
    )
    expect(subjects).to.deep.equal([
      'Your code to set up a second step at Acme',
      'Your code to recover your account at Acme',
      'A second step was added to your Acme account',
      'Your browser has added a second step to your Acme account',
      'A second step of your Acme account was replaced',
      'A second step was removed from your Acme account',
      'A second step of your Acme account has another name',
      'The second step of your Acme account was turned off',
      'New backup codes were made for your Acme account',
      'A backup code was used for your Acme account',
      'A new browser signed in to your Acme account',
      'Wrong codes were tried for your Acme account',
      'Somebody may know your Acme password',
      'A new password for your Acme account',
      'Your account at Acme',
      'Choose a new password for your Acme account',
      'Set up the second step of your Acme account again',
      'A new address for your Acme account',
      'The address of your Acme account was changed',
      'Your code for a new address at Acme',
      'An address was added to your Acme account',
      'An address was removed from your Acme account',
      'The password of your Acme account was changed',
      'A new second step was asked for at your Acme account',
      'A new second step for your Acme account: half of the wait is over',
      'A new second step can now be set up at your Acme account',
      'The request for a new second step at your Acme account was stopped',
      'The second step of your Acme account was replaced',
      'Changes of your Acme account are locked',
      'Changes of your Acme account are locked, and the new second step was stopped',
      'The second step of your Acme account was reset',
      'Codes are turned off for your Acme account',
    ])
  })

  it('says nothing that it was not meant to say', () => {
    const { text } = renderMail('enrolment-code', VALUES)
    expect(text).to.include(VALUES['code']).and.not.include('not-me')
  })

  it('says when the last backup code is gone', () => {
    const values = { issuer: 'Acme', at: '0', remaining: '0' }
    expect(renderMail('backup-code-used', values).text).to.include('That was the last one.')
  })

  it('names the browser in words of ours, and never shows what the browser wrote', () => {
    const values = { issuer: 'Acme', at: '0', remaining: '5' }
    const text = (browser: string) => renderMail('backup-code-used', { ...values, browser }).text
    const agent = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'
    expect(text(agent)).to.include('\nBrowser: Firefox on Linux\n').and.not.include('Mozilla')
    expect(text('Go to https://evil.example')).to.not.include('Browser').and.not.include('evil')
    expect(text('Firefox')).to.include('\nBrowser: Firefox\n')
  })

  it('links to web addresses only', () => {
    const values = { issuer: 'Acme', at: '0', manageUrl: 'javascript:alert(1)' }
    expect(() => renderMail('password-suspected', values)).to.throw('web addresses')
    const help = { issuer: 'Acme', at: '0', helpUrl: 'mailto:eve@example.com' }
    expect(() => renderMail('password-suspected', help)).to.throw('web addresses')
  })

  it('that does not exist is an error', () => {
    expect(() => renderMail('spring-sale', {})).to.throw('spring-sale')
    expect(() => renderMail('../layouts/page', {})).to.throw('There is no mail')
  })
})
