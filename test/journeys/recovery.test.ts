import { expect } from 'chai'
import type { PersonOptions } from '../support/browser.ts'
import { codeIn, fileInOutbox, linkIn, PostOffice } from './post-office.ts'
import type { Credentials } from './server.ts'
import { setStage } from './stage.ts'
import { GERMAN_PHONE, type Visitor } from './visitor.ts'

const SECRET = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP'
const DAY = 86_400
const WAIT = 3 * DAY
const CANCEL_PATH = '/mfa/cancel-recovery/'
const CANCEL_LINK = new RegExp(`^http\\S+${CANCEL_PATH}`, 'm')
const mailbox = (name: string): string => `${name}@example.com`
const person = (username: string): Credentials => ({
  username,
  password: 'a long walk in the rain',
})

describe('a person in trouble', function () {
  const postOffice = new PostOffice()
  before(() => postOffice.open())
  after(() => postOffice.close())
  const stage = setStage(this, () => ({ SMTP_URL: postOffice.url }))
  before(async () => {
    await stage.server.importPeople(
      ['rhea', 'sara', 'theo', 'uwe'].map((username) => ({
        username,
        email: mailbox(username),
        secret: SECRET,
      })),
    )
    // An address is no second proof in its first week.
    await stage.server.later(8 * DAY)
  })

  async function arriveAtVerify(name: string, options?: PersonOptions): Promise<Visitor> {
    const visitor = await stage.arrive(options)
    visitor.authenticator = { secret: SECRET }
    await visitor.askToSignIn()
    await visitor.typePassword(person(name))
    expect(await visitor.at()).to.equal('totp-verify')
    return visitor
  }

  async function signIn(name: string, options?: PersonOptions): Promise<Visitor> {
    const visitor = await arriveAtVerify(name, options)
    await visitor.typeCode(await visitor.nextCode())
    await visitor.allow()
    expect(await visitor.at()).to.equal('rp-signed-in')
    return visitor
  }

  /** Asks for the code of a recovery and types it. */
  async function proveMailbox(visitor: Visitor, name: string): Promise<void> {
    await visitor.press('[data-send]')
    await visitor.see('recovery-proof')
    await visitor.typeCode(codeIn(await postOffice.next(mailbox(name), /^ +\d{8}\s*$/m)))
  }

  it('the lost phone is replaced after the wait, of which each step is mailed, in German without JavaScript', async () => {
    const { server } = stage
    const address = mailbox('rhea')
    // The notices have the language of the last sign-in: a stranger with the password must not choose it.
    await signIn('rhea', GERMAN_PHONE)
    const visitor = await arriveAtVerify('rhea', GERMAN_PHONE)
    await visitor.press('[data-lost]')
    await visitor.see('recovery')
    await proveMailbox(visitor, 'rhea')
    await visitor.see('recovery-status')
    await postOffice.next(address, /zweite Schritt Ihres Kontos verloren ist\./)

    // The server looks at what falls due when it starts, and each minute.
    for (const halves of [1, 2]) {
      await server.later(WAIT / 2 + halves)
      await server.restart()
      await postOffice.next(
        address,
        halves === 1 ? /und wartet darauf/ : /Die Wartezeit ist vorbei/,
      )
    }

    const later = await arriveAtVerify('rhea', GERMAN_PHONE)
    await later.press('[data-lost]')
    await later.see('recovery-bind')
    await proveMailbox(later, 'rhea')
    await later.see('recovery-bind', 'choice')
    await later.press('[data-factor=totp]')
    await later.see('totp-enrol', 'replacement')
    const lost = { secret: SECRET }
    await later.scan()
    expect(later.authenticator).not.to.deep.equal(lost)
    await later.typeCode(later.code())
    await later.see('backup-codes', 'replacement')
    await later.page.check('input[name=saved]')
    await later.press()
    await later.allow()
    expect(await later.at()).to.equal('rp-signed-in')

    await later.visit(`${server.issuer}/account/email`)
    await later.typeCode(await later.nextCode())
    await later.see('account-email', 'after-recovery')
    expect(await later.page.locator('input[name=email]').count()).to.equal(0)
    const old = await stage.arrive()
    old.authenticator = lost
    await old.askToSignIn()
    await old.typePassword(person('rhea'))
    expect((await old.typeCode(await old.nextCode()))?.status()).to.equal(422)
    await old.press('[data-other-way]')
    await old.press('[data-factor=backup-codes]')
    expect(await old.at()).to.equal('backup-code-verify')
    await old.press('[data-lost]')
    await old.see('recovery', 'refused')
    expect(await old.page.locator('[data-send]').count()).to.equal(0)
  })

  it('the owner who signs in with the phone is asked whether the recovery is theirs, and cancels it', async () => {
    const address = mailbox('sara')
    const stranger = await arriveAtVerify('sara')
    await stranger.press('[data-lost]')
    await stranger.see('recovery')
    await proveMailbox(stranger, 'sara')
    await stranger.see('recovery-status')

    const owner = await arriveAtVerify('sara', GERMAN_PHONE)
    await owner.typeCode(await owner.nextCode())
    await owner.see('recovery-status', 'owner')
    await owner.press('[data-do=keep]')
    await owner.allow()
    expect(await owner.at()).to.equal('rp-signed-in')

    const again = await arriveAtVerify('sara')
    await again.typeCode(await again.nextCode())
    await again.see('recovery-status', 'owner')
    await again.press('[data-do=cancel-recovery]')
    await again.see('recovery-cancelled')
    await again.press()
    await again.allow()
    expect(await again.at()).to.equal('rp-signed-in')
    await postOffice.next(address, /stays as it was|bleibt/)
    await stranger.page.reload()
    expect(await stranger.at()).to.equal('recovery')
  })

  it('the way back in is also offered while codes are locked', async () => {
    const visitor = await arriveAtVerify('theo')
    for (let guess = 0; guess < 5; guess += 1) await visitor.typeCode(visitor.wrongCode())
    await visitor.page.reload()
    await visitor.see('locked', 'lost')
    await visitor.press('[data-lost]')
    expect(await visitor.at()).to.equal('recovery')
    await visitor.press('.aside a')
    expect(await visitor.at()).to.equal('locked')
  })

  it('somebody else is locked out by the link of a notice, without a sign-in, and the owner ends the lock', async () => {
    const { server } = stage
    const first = await signIn('uwe')
    const stranger = await signIn('uwe')
    const notice = await postOffice.next(mailbox('uwe'), /not-me/)
    const owner = await stage.arrive(GERMAN_PHONE)
    await owner.visit(linkIn(notice, '/'))
    await owner.see('not-me')
    await stranger.visit(`${server.issuer}/account`)
    expect(await stranger.at(), 'a link that was only opened locks nothing').to.equal('account')
    await owner.press('[data-do=lock]')
    await owner.see('not-me-done')
    for (const session of [stranger, first]) {
      await session.visit(`${server.issuer}/account`)
      expect(await session.at()).to.equal('login')
    }
    await first.typePassword(person('uwe'))
    await first.typeCode(await first.nextCode())
    expect(await first.at()).to.equal('account')

    await first.press('[data-do=lock]')
    await first.see('not-me-done')
    await first.visit(`${server.issuer}/account`)
    expect(await first.at()).to.equal('login')
  })
})

describe('a person who reads of a recovery', function () {
  const stage = setStage(this)

  it('cancels it by the link of the notice in the outbox, whose page changes nothing before its button is pressed', async () => {
    const { server } = stage
    await server.importPeople([{ username: 'vera', email: mailbox('vera'), secret: SECRET }])
    await server.later(8 * DAY)
    const stranger = await stage.arrive()
    await stranger.askToSignIn()
    await stranger.typePassword(person('vera'))
    await stranger.press('[data-lost]')
    await stranger.press('[data-send]')
    await stranger.typeCode(codeIn(await fileInOutbox(server.folder, /^ +\d{8}\s*$/m)))
    expect(await stranger.at()).to.equal('recovery-status')

    const link = linkIn(await fileInOutbox(server.folder, CANCEL_LINK), CANCEL_PATH)
    const owner = await stage.arrive(GERMAN_PHONE)
    await owner.visit(link)
    await owner.see('recovery-status', 'by-mail')
    await stranger.page.reload()
    expect(await stranger.at(), 'a link that was only opened cancels nothing').to.equal(
      'recovery-status',
    )

    await owner.press('[data-do=cancel-recovery]')
    await owner.see('recovery-cancelled', 'by-mail')
    await stranger.page.reload()
    expect(await stranger.at()).to.equal('recovery')
    expect((await owner.visit(link))?.status()).to.equal(410)
    await owner.see('recovery-over')

    await owner.askToSignIn()
    await owner.typePassword(person('vera'))
    owner.authenticator = { secret: SECRET }
    await owner.typeCode(await owner.nextCode())
    await owner.allow()
    expect(await owner.at(), 'the factor works as before').to.equal('rp-signed-in')
  })
})
