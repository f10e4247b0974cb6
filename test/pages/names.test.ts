import { expect } from 'chai'
import { attributesOf, textOf, type Element } from '../support/html.ts'
import { parsePage, value } from './markup.ts'
import { SAMPLES } from './samples.ts'
import { ourViews, show } from './stage.ts'

const views = ourViews()

async function page(name: string): Promise<Element> {
  const sample = SAMPLES.find((candidate) => candidate.name === name)
  if (sample === undefined) throw new Error(`There is no sample ${name}`)
  return parsePage(await show(views, sample))
}

const field = (document: Element, name: string) => document.querySelector(`input[name=${name}]`)
const attributes = (element: Element | null) => (element === null ? {} : attributesOf(element))
/** The first submit button of the first form, which automation presses to agree. */
const affirmative = (document: Element) =>
  document.querySelector('form')?.querySelector('button:not([type=button])') ?? null

describe('what automation and password managers rely on', () => {
  it('on the login page: the two fields, named and announced as what they are', async () => {
    const document = await page('login-credentials')
    expect(attributes(field(document, 'username'))).to.include({
      type: 'text',
      autocomplete: 'username',
      autocapitalize: 'none',
      spellcheck: 'false',
    })
    expect(attributes(field(document, 'password'))).to.include({
      type: 'password',
      autocomplete: 'current-password',
    })
  })

  it('on the login page after an error: the user name is kept and the password is not', async () => {
    const document = await page('login-credentials')
    expect(value(field(document, 'username'), 'value')).to.equal('mira.k@example.com')
    expect(field(document, 'password')?.hasAttribute('value')).to.equal(false)
  })

  for (const name of ['totp-verify-fresh', 'totp-enrol-fresh', 'owner-proof-sent'])
    it(`on ${name}: one field for the code, for any code as typed`, async () => {
      const document = await page(name)
      expect(document.querySelectorAll('[autocomplete=one-time-code]')).to.have.length(1)
      expect(attributes(field(document, 'code'))).to.include({
        type: 'text',
        inputmode: 'numeric',
        autocomplete: 'one-time-code',
      })
      expect(attributes(field(document, 'code'))).to.not.have.any.keys(
        'pattern',
        'value',
        'maxlength',
      )
    })

  it('on the page of a set-up that can be put off: the methods first, and the button with its last day', async () => {
    const document = await page('enrol-later-policy')
    expect(attributes(document.querySelector('body'))).to.include({ 'data-page': 'enrol-later' })
    expect(value(affirmative(document), 'data-factor')).to.equal('totp')
    const form = [...document.querySelectorAll('form')].find(
      (each) => each.querySelector('button[data-later]') !== null,
    )
    expect(value(form ?? null, 'action')).to.equal('/interaction/u1d/later')
    expect(textOf(document)).to.match(/up to and including January 15, 2027 \(UTC\)/)
  })

  it('on the page of a choice that comes after the last day: the reason, and no button to put it off', async () => {
    const document = await page('mfa-choose-over')
    expect(document.querySelector('[role=alert]')?.textContent).to.include('put off')
    expect(document.querySelector('[data-later]')).to.equal(null)
  })

  it('on both backup code pages: the field backupCode', async () => {
    for (const name of ['backup-code-verify-fresh', 'imported-codes-verify-fresh']) {
      const document = await page(name)
      expect(field(document, 'backupCode'), name).to.not.equal(null)
    }
  })

  it('on the page of imported codes: a field whose capitals no keyboard chooses', async () => {
    const document = await page('imported-codes-verify-fresh')
    expect(attributes(field(document, 'backupCode'))).to.include({ autocapitalize: 'none' })
  })

  it('on the set-up page: the secret in fours, its settings, and an otpauth:// link', async () => {
    const document = await page('totp-enrol-fresh')
    const secret = document.querySelector('#totp-secret')
    expect(secret?.textContent).to.equal('JBSW Y3DP EHPK 3PXP JBSW Y3DP EHPK 3PXP')
    expect(secret?.hasAttribute('hidden')).to.equal(false)
    const link = document.querySelector('a[href^="otpauth:"]')
    expect(value(link, 'href')).to.include('secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Acme')
    expect(textOf(document)).to.include('Time-based, 6 digits, 30 seconds, SHA1.')
    const drawing = document.querySelector('[role=img]')
    expect(value(drawing, 'aria-label')).to.match(/^QR code/)
    expect(drawing?.querySelector('svg')).to.be.an('object')
  })

  it('on the set-up page: a name that can stay as it is, or the one typed before', async () => {
    const fresh = await page('totp-enrol-fresh')
    expect(value(field(fresh, 'name'), 'value')).to.equal('My phone')
    const again = await page('totp-enrol-refused')
    expect(value(field(again, 'name'), 'value')).to.equal('Work phone')
  })

  it('on the backup codes page: ten items, a download and the box to tick', async () => {
    const document = await page('backup-codes-fresh')
    const codes = [...document.querySelectorAll('#backup-codes li')]
    expect(codes.map(({ textContent }) => textContent))
      .to.have.length(10)
      .and.include('C7KQ-4MWX-A9RT-DHN3')
    const download = document.querySelector('a[download]')
    expect(value(download, 'href')).to.equal('/interaction/u1d/backup-codes.txt')
    expect(download?.hasAttribute('hidden')).to.equal(false)
    expect(attributes(field(document, 'saved'))).to.include({ type: 'checkbox', value: 'yes' })
    expect(textOf(document)).to.include('I have saved these')
  })

  it('on a verify page: the way to the other methods, which the choice names', async () => {
    for (const name of [
      'totp-verify-fresh',
      'backup-code-verify-fresh',
      'imported-codes-verify-fresh',
    ]) {
      const document = await page(name)
      const other = document.querySelector('[data-other-way]')
      expect(value(other, 'href')).to.equal('/interaction/u1d/mfa')
    }
    const document = await page('mfa-choose-verify')
    const choices = [...document.querySelectorAll('[data-factor]')]
    expect(choices.map((tag) => [value(tag, 'data-factor'), value(tag, 'value')])).to.deep.equal([
      ['totp', 'totp'],
      ['totp', 'totp'],
      ['backup-codes', 'backup-codes'],
    ])
    expect(choices.every((tag) => value(tag, 'name') === 'factor')).to.equal(true)
  })

  it('on a verify page with nothing else to try: no way to the other methods', async () => {
    const document = await page('totp-verify-only')
    expect(document.querySelector('[data-other-way]')).to.equal(null)
  })

  it('the affirmative button is the first submit button of the first form', async () => {
    const expected: Readonly<Record<string, string>> = {
      'login-empty': 'Sign in',
      'mfa-choose-verify': 'Authenticator app',
      'owner-proof-offer': 'Send the code',
      'owner-proof-sent': 'Continue',
      'totp-enrol-fresh': 'Turn on',
      'totp-verify-fresh': 'Continue',
      'backup-code-verify-fresh': 'Continue',
      'imported-codes-verify-fresh': 'Continue',
      'backup-codes-fresh': 'Continue',
      'backup-codes-low-three': 'Continue',
      'backup-code-used-plain': 'Continue',
      'factor-ends-month': 'Continue',
      'consent-usual': 'Allow',
      'logout-known': 'Sign out',
      'switch-account-plain': 'Switch accounts',
      'password-forgotten-fresh': 'Send the link',
      'password-reset-fresh': 'Change the password',
      'account-password-fresh': 'Change the password',
      'account-email-usual': 'Send the link',
      'email-confirm-plain': 'Use this address',
      'set-up-link-fresh': 'Set the password',
      'device-empty': 'Continue',
      'device-confirm-plain': 'Connect',
    }
    for (const [name, text] of Object.entries(expected)) {
      const button = affirmative(await page(name))
      expect(button === null ? '' : textOf(button), name).to.match(new RegExp(`^${text}`))
      expect(button?.hasAttribute('data-refuse'), name).to.equal(false)
    }
  })

  it('a refusal carries data-refuse', async () => {
    for (const name of [
      'consent-usual',
      'device-confirm-plain',
      'totp-verify-fresh',
      'mfa-choose-enrol',
    ])
      expect((await page(name)).querySelectorAll('[data-refuse]'), name).to.have.length(1)
  })

  it('the page of few codes left is one form with one button', async () => {
    const document = await page('backup-codes-low-three')
    expect(document.querySelectorAll('form')).to.have.length(1)
    expect(document.querySelectorAll('button')).to.have.length(1)
  })

  it("the host's own forms keep the host's names", async () => {
    const logout = await page('logout-known')
    expect(attributes(affirmative(logout))).to.include({ name: 'logout', value: 'yes' })
    const switching = await page('switch-account-plain')
    expect(attributes(field(switching, 'logout'))).to.include({ type: 'hidden', value: 'yes' })
    const device = await page('device-confirm-plain')
    expect(attributes(affirmative(device))).to.include({ name: 'confirm', value: 'yes' })
    const refusal = device.querySelector('[data-refuse]')
    expect(attributes(refusal)).to.include({ name: 'abort', value: 'yes' })
    expect(value(field(await page('device-empty'), 'user_code'), 'type')).to.equal('text')
  })
})

describe('what the pages say', () => {
  const said = async (name: string) => textOf(await page(name))

  it('the app that is being signed in to, and who is signing in', async () => {
    expect(await said('totp-verify-fresh'))
      .to.include('Continue to Fieldnotes')
      .and.include('mira.k@example.com')
  })

  it('how far the clock of the phone is behind, and what to do about it', async () => {
    expect(await said('totp-verify-behind')).to.include('seems to be about 3 minutes behind')
    expect(await said('totp-enrol-behind')).to.include('seems to be 90 seconds behind')
    expect(await said('totp-verify-refused')).to.not.include('behind')
  })

  it('how long a lock lasts', async () => {
    expect(await said('locked-short')).to.include('Try again in 30 seconds.')
    expect(await said('locked-long')).to.include('Try again in about 32 minutes.')
    expect(await said('locked-disabled')).to.not.include('Try again in')
  })

  it('what to do about a code that was used already, whichever it was', async () => {
    expect(await said('totp-verify-refused')).to.include('or the next one')
    expect(await said('totp-enrol-behind')).to.not.include('or the next one')
  })

  it('how long a backup code is, where a part of it was left out', async () => {
    expect(await said('backup-code-verify-unreadable')).to.include('16 letters and digits')
  })

  it('never that a backup code helps, where it is the codes that are lost', async () => {
    for (const name of ['backup-code-verify-fresh', 'imported-codes-verify-fresh']) {
      const text = await said(name)
      expect(text).to.include('Lost your codes?')
      expect(text).to.not.match(/Lost your device|a backup code that/)
    }
  })

  it('that backup codes came from before, and that new ones can be made', async () => {
    expect(await said('account-imported'))
      .to.include('Backup codes from before')
      .and.include('2 codes left')
      .and.include('Make new backup codes')
  })

  it('that an imported backup code is typed as it was saved: it has no digit of ours in front', async () => {
    for (const name of ['fresh', 'refused', 'unreadable']) {
      const text = await said(`imported-codes-verify-${name}`)
      expect(text).to.include('exactly as you saved it')
      expect(text).to.not.include('digit')
      expect(text).to.not.include('do not matter')
    }
  })

  it('where new backup codes come from, or who helps where they cannot be made', async () => {
    const document = await page('backup-codes-low-none')
    const manage = document.querySelector('a[class~=button]')
    expect(manage && textOf(manage)).to.equal('Make new codes')
    expect(textOf(document)).to.not.include('http')
    expect(await said('backup-codes-low-one'))
      .to.include('The people who look after your Acme account')
      .and.not.include('Make new ones')
  })

  it('how many backup codes are left, in the right number', async () => {
    expect(await said('backup-codes-low-three')).to.include('3 backup codes left')
    expect(await said('backup-codes-low-one')).to.include('1 backup code left')
    expect(await said('backup-codes-low-none')).to.include('That was your last backup code')
  })

  it('what an app gets, in words where there are words, and otherwise by name', async () => {
    expect(await said('consent-usual')).to.include('Your name and profile Your email address')
    expect(await said('consent-identity')).to.include('An identifier that tells it who you are')
    expect(await said('consent-away'))
      .to.include('Access also while')
      .and.not.include('above')
    expect(await said('consent-much'))
      .to.include('urn:example:unknown:scope')
      .and.include('shoe_size')
      .and.include('https://api.example.com/ledger/v1')
      .and.include('while you are away')
      .and.not.include('offline_access')
  })

  it('that a sign-in took too long, with the way back to the app', async () => {
    const document = await page('expired-back')
    expect(textOf(document)).to.include('Your sign-in took too long')
    const back = document.querySelector('[class=button]')
    expect(value(back, 'href')).to.equal('https://fieldnotes.example.com/')
    expect(back?.textContent).to.equal('Back to Fieldnotes')
  })

  it('that a new code is needed after a fault', async () => {
    expect(await said('unavailable-plain')).to.include('use a new one')
  })

  it('a reference for support, if there is one', async () => {
    expect(await said('error-ours')).to.match(/pass on the reference below.*01J9ZK3V7M/)
    expect(await said('error-nameless')).to.not.match(/reference/i)
  })

  it('no app to go on to, where there is none to go on to', async () => {
    for (const name of ['logout-known', 'signed-out-plain', 'error-theirs', 'device-empty'])
      expect(await said(name), name).to.not.include('Continue to')
  })
})
