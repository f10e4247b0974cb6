import { expect } from 'chai'
import { codeIn, PostOffice } from './post-office.ts'
import type { Credentials } from './server.ts'
import { setStage } from './stage.ts'
import type { Visitor } from './visitor.ts'

/** The link that a command has printed. */
function linkIn(printed: string): string {
  return /^https?:\S+$/m.exec(printed)?.[0] ?? ''
}

async function choosePassword(visitor: Visitor, password: string): Promise<void> {
  await visitor.page.fill('input[name=password]', password)
  await visitor.page.fill('input[name=passwordAgain]', password)
  await visitor.press()
}

describe('people of a server without mail', function () {
  const stage = setStage(this)

  it('R10 a person who was given a password enrols with it at the first sign-in, within three days', async () => {
    const { server } = stage
    const [soon, late] = [await server.addPerson('soon'), await server.addPerson('late')]
    const visitor = await stage.arrive()
    await visitor.enrolAt(server.app, soon)

    await server.later(72 * 3600)
    const tooLate = await stage.arrive()
    await tooLate.askToSignIn()
    await tooLate.typePassword(late)
    await tooLate.see('enrolment-refused')
    await tooLate.press('[data-refuse]')
    expect(await tooLate.page.locator('[data-error]').innerText()).to.equal('access_denied')
  })

  it('an invitation is a link that sets the password, once, and counts as the proof', async () => {
    const { server } = stage
    const link = linkIn(
      await server.command(['user', 'add', 'invited', '--email', 'i@example.com']),
    )
    expect(new URL(link).origin).to.equal(server.issuer)
    const visitor = await stage.arrive()
    await visitor.visit(link)
    await visitor.see('set-up-link')
    await choosePassword(visitor, 'invited')
    await visitor.see('set-up-link', 'refused')
    expect(await visitor.page.title()).to.match(/^Error: /)
    const person: Credentials = {
      username: 'i@example.com',
      password: 'quite a long way from home',
    }
    await choosePassword(visitor, person.password)
    await visitor.see('set-up-link-done')
    await visitor.press('main a.button')
    expect(await visitor.at()).to.equal('login')
    await visitor.enrolAt(server.app, person)

    await visitor.visit(link)
    await visitor.see('set-up-link-expired')
    await visitor.press('main a.button')
    expect(await visitor.at()).to.equal('account')
  })

  it('R36 after a reset the old factor and password are gone, and a link leads to new ones', async () => {
    const { server } = stage
    const person = await server.addPerson('reset')
    const visitor = await stage.arrive()
    await visitor.enrolAt(server.app, person)
    const link = linkIn(await server.command(['user', 'reset-mfa', 'reset', '--password']))
    await visitor.press('a[href="/step-up"]')
    expect(await visitor.at()).to.equal('login')

    await visitor.visit(link)
    const renewed = { ...person, password: 'another walk in the sun' }
    await choosePassword(visitor, renewed.password)
    expect(await visitor.at()).to.equal('set-up-link-done')
    await visitor.askToSignIn()
    await visitor.typePassword(renewed)
    expect(await visitor.at()).to.equal('totp-enrol')
    await visitor.setUp()
    await visitor.allow()
    expect(await visitor.at()).to.equal('rp-signed-in')
  })

  it('a disabled person is signed in nowhere, at once', async () => {
    const { server } = stage
    const person = await server.addPerson('disabled')
    const visitor = await stage.arrive()
    await visitor.enrolAt(server.app, person)
    await server.command(['user', 'disable', 'disabled'])
    await visitor.press('a[href="/step-up"]')
    expect(await visitor.at()).to.equal('login')
    await visitor.typePassword(person)
    expect(await visitor.alert()).to.match(/could not be signed in/)
    await server.command(['user', 'enable', 'disabled'])
    await visitor.typePassword(person)
    expect(await visitor.at()).to.equal('totp-verify')
  })
})

describe('people of a server with mail', function () {
  const postOffice = new PostOffice()
  // The mail server opens before the product starts, because its address is in the product's configuration.
  before(() => postOffice.open())
  after(() => postOffice.close())
  const stage = setStage(this, () => ({ SMTP_URL: postOffice.url }))

  it('R10 a first factor takes a code mailed to the verified address, and what happens is told there', async () => {
    const { server } = stage
    const address = 'mira@example.com'
    const person = await server.addPerson('mira', ['--email', address])
    const visitor = await stage.arrive()
    await visitor.askToSignIn()
    await visitor.typePassword(person)
    await visitor.see('owner-proof')
    expect(postOffice.waiting(address)).to.equal(0)
    await visitor.press()
    await visitor.see('owner-proof', 'sent')
    const code = codeIn(await postOffice.next(address))
    await visitor.typeCode(code === '00000000' ? '11111111' : '00000000')
    await visitor.see('owner-proof', 'refused')
    await visitor.expectErrorFirst('input[name=code]')
    await visitor.typeCode(code)
    expect(await visitor.at()).to.equal('totp-enrol')
    await visitor.setUp()
    await visitor.allow()
    expect(await visitor.at()).to.equal('rp-signed-in')
    const enrolled = await postOffice.next(address, 'A second step was added to your Acme account')
    expect(enrolled.text)
      .to.contain('Authenticator app')
      .and.contain('My phone')
      .and.contain('Chrome on')
    expect(enrolled.text).not.to.contain(visitor.authenticator?.secret)

    await visitor.forget()
    await visitor.askToSignIn()
    await visitor.typePassword(person)
    await visitor.press('[data-other-way]')
    await visitor.press('[data-factor=backup-codes]')
    await visitor.typeBackupCode(visitor.backupCodes[0] ?? '')
    const used = await postOffice.next(address, 'A backup code was used for your Acme account')
    expect(used.text).to.contain('9 backup codes are left')
    expect(used.text).not.to.contain(visitor.backupCodes[0])
  })

  it('a code is sent again after a refusal, and not a minute early, with the time that is left', async () => {
    const { server } = stage
    const address = 'sent@example.com'
    const person = await server.addPerson('sent', ['--email', address])
    const visitor = await stage.arrive()
    await visitor.askToSignIn()
    await visitor.typePassword(person)
    postOffice.refuses = true
    try {
      expect((await visitor.press('[data-send]'))?.status()).to.equal(503)
      await visitor.see('owner-proof', 'not-sent')
      expect(await visitor.alert()).to.contain('No code was sent')
    } finally {
      postOffice.refuses = false
    }
    await visitor.press('[data-send]')
    expect(await visitor.at()).to.equal('owner-proof')
    const first = codeIn(await postOffice.next(address))
    expect((await visitor.press('[data-send]'))?.status()).to.equal(429)
    await visitor.see('owner-proof', 'too-early')
    expect(await visitor.page.locator('main').innerText()).to.match(/\d+ seconds/)
    expect(postOffice.waiting(address)).to.equal(0)

    // A second sign-in within the minute has the field and the button.
    const other = await stage.arrive()
    await other.askToSignIn()
    await other.typePassword(person)
    await other.see('owner-proof', 'second-sign-in')
    expect(await other.page.locator('input[name=code]').count()).to.equal(1)
    await server.later(61)
    await other.press('[data-send]')
    await other.typeCode(codeIn(await postOffice.next(address)))
    expect(await other.at()).to.equal('totp-enrol')
    await visitor.typeCode(first)
    expect(await visitor.at()).to.equal('totp-enrol')
  })

  it('R10 somebody without an address gets no further than the password after three days', async () => {
    const { server } = stage
    const person = await server.addPerson('nameless')
    await server.later(72 * 3600)
    const visitor = await stage.arrive()
    await visitor.askToSignIn()
    await visitor.typePassword(person)
    await visitor.see('enrolment-refused')
  })
})
