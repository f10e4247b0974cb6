import { expect } from 'chai'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { PersonOptions } from '../support/browser.ts'
import { codeIn, linkIn, PostOffice } from './post-office.ts'
import type { Credentials } from './server.ts'
import { setStage } from './stage.ts'
import { GERMAN_PHONE, type Visitor } from './visitor.ts'

const SECRET = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP'
const mailbox = (name: string): string => `${name}@example.com`

/** People who need a second step, and people who may choose, on one server with mail. */
describe('what a person changes on the account pages', function () {
  const postOffice = new PostOffice()
  before(() => postOffice.open())
  after(() => postOffice.close())
  const stage = setStage(this, (folder) => {
    writeFileSync(join(folder, 'config.json'), JSON.stringify({ mfa: { required: ['staff'] } }))
    return { CONFIG_FILE: 'config.json', SMTP_URL: postOffice.url }
  })
  const people = new Map<string, Credentials>()
  before(async () => {
    const enrolled = ['stella', 'petra', 'emil', 'otto', 'dora', 'ada']
    const newcomers = [
      { username: 'nora', email: mailbox('nora') },
      ...enrolled.map((username) => ({
        username,
        email: mailbox(username),
        secret: SECRET,
        ...(username === 'stella' ? { groups: ['staff'] } : {}),
      })),
    ]
    for (const person of await stage.server.importPeople(newcomers))
      people.set(person.username, person)
  })

  const person = (name: string): Credentials => {
    const found = people.get(name)
    if (found === undefined) throw new Error(`Nobody is named ${name}.`)
    return found
  }
  const account = (page = ''): string => `${stage.server.issuer}/account${page}`
  const said = (visitor: Visitor): Promise<string> =>
    visitor.page.locator('[role=status]').first().innerText()

  /** Opens a page below /account in a new browser, with the password and, of an enrolled person, a code. */
  async function arriveAt(page: string, name: string, options?: PersonOptions): Promise<Visitor> {
    const visitor = await stage.arrive(options)
    await visitor.visit(account(page))
    await visitor.typePassword(person(name))
    if ((await visitor.at()) === 'account') return visitor
    visitor.authenticator = { secret: SECRET }
    await visitor.typeCode(await visitor.nextCode())
    return visitor
  }

  /** Shows the fresh code that a change asks for. */
  async function proveAgain(visitor: Visitor): Promise<void> {
    expect(await visitor.at()).to.equal('totp-verify')
    await visitor.typeCode(await visitor.nextCode())
  }

  async function turnOn(visitor: Visitor, address: string): Promise<void> {
    await visitor.press('form:has([value=totp]) button[data-do=add]')
    await visitor.see('owner-proof', 'account')
    await visitor.press('[data-send]')
    await visitor.typeCode(codeIn(await postOffice.next(address, /^ +\d{8}\s*$/m)))
    expect(await visitor.at()).to.equal('totp-enrol')
    await visitor.setUp()
  }

  it('the second step is turned on, its phone replaced, turned off with its consequences, and on again', async () => {
    const address = mailbox('nora')
    const visitor = await arriveAt('', 'nora')
    await visitor.see('account', 'none')
    await turnOn(visitor, address)
    await visitor.see('account', 'turned-on')
    expect(await said(visitor)).to.equal('A second step was added.')

    const before = visitor.authenticator
    await visitor.press('button[data-do=replace]')
    await proveAgain(visitor)
    await visitor.see('totp-enrol', 'replace')
    await visitor.scan()
    await visitor.typeCode(visitor.code())
    await visitor.see('account', 'replaced')
    expect(await visitor.page.locator('li[data-factor=totp]').count()).to.equal(1)
    expect(visitor.authenticator).not.to.deep.equal(before)

    await visitor.press('a[href="/account/turn-off"]')
    await visitor.see('account-turn-off')
    await visitor.press('button[data-do=turn-off]')
    await proveAgain(visitor)
    await visitor.see('account', 'turned-off')
    expect(await said(visitor)).to.match(/is turned off/)
    expect(await visitor.page.locator('li[data-authenticator]').count()).to.equal(0)
    await turnOn(visitor, address)
    expect(await visitor.at()).to.equal('account')
  })

  it('where a second step is required, the page says so and has no button that turns it off', async () => {
    const visitor = await arriveAt('/turn-off', 'stella')
    await visitor.see('account-turn-off', 'required')
    expect(await visitor.alert()).to.match(/required/)
    expect(await visitor.page.locator('[data-do=turn-off]').count()).to.equal(0)
  })

  it('the password is changed with a code, in German and without JavaScript, and only this session goes on', async () => {
    const elsewhere = await arriveAt('', 'petra')
    const visitor = await stage.arrive(GERMAN_PHONE)
    visitor.authenticator = { secret: SECRET }
    await visitor.visit(`${stage.server.issuer}/.well-known/change-password`)
    await visitor.see('login', 'account')
    await visitor.typePassword(person('petra'))
    await proveAgain(visitor)
    await proveAgain(visitor)
    await visitor.see('account-password')
    await visitor.page.fill('input[name=currentPassword]', 'not this one, surely')
    await visitor.page.fill('input[name=password]', 'another walk in the sun')
    await visitor.press('button[data-do=change-password]')
    await visitor.see('account-password', 'refused')
    await visitor.page.fill('input[name=currentPassword]', person('petra').password)
    await visitor.page.fill('input[name=password]', 'another walk in the sun')
    await visitor.press('button[data-do=change-password]')
    await visitor.see('account', 'password-changed')
    expect(await said(visitor)).to.match(/Passwort/)
    await elsewhere.visit(account())
    expect(await elsewhere.at()).to.equal('login')
    await elsewhere.typePassword({ ...person('petra'), password: 'another walk in the sun' })
    expect(await elsewhere.at()).to.equal('totp-verify')
  })

  it('a forgotten password is replaced by a mailed link, and the second step stays', async () => {
    const address = mailbox('otto')
    const visitor = await stage.arrive(GERMAN_PHONE)
    await visitor.visit(account())
    await visitor.press('[data-forgotten]')
    await visitor.see('password-forgotten')
    await visitor.page.fill('input[name=username]', 'otto')
    await visitor.press()
    await visitor.see('password-forgotten-sent')
    const link = linkIn(await postOffice.next(address), '/password/')
    await visitor.visit(link)
    await visitor.see('password-reset')
    await visitor.page.fill('input[name=password]', 'otto')
    await visitor.press()
    await visitor.see('password-reset', 'refused')
    await visitor.page.fill('input[name=password]', 'ein langer Weg nach Hause')
    await visitor.press()
    await visitor.see('password-reset-done')
    await visitor.visit(link)
    await visitor.see('password-forgotten', 'gone')
    await visitor.visit(account())
    await visitor.typePassword({ ...person('otto'), password: 'ein langer Weg nach Hause' })
    visitor.authenticator = { secret: SECRET }
    await proveAgain(visitor)
    expect(await visitor.at()).to.equal('account')
    // The mailbox alone must lead no further: these pages stay shut for three days.
    await visitor.press('a[href="/account/email"]')
    await proveAgain(visitor)
    await visitor.see('account-email', 'shut')
  })

  it('the address is changed by a link that is mailed to the new one, and the old one is told', async () => {
    const visitor = await arriveAt('/email', 'emil')
    await proveAgain(visitor)
    await visitor.see('account-email')
    await visitor.page.fill('input[name=email]', 'no address')
    await visitor.press('button[data-do=change-email]')
    await visitor.see('account-email', 'refused')
    await visitor.page.fill('input[name=email]', mailbox('emil.new'))
    await visitor.press('button[data-do=change-email]')
    await visitor.see('account', 'email-asked')
    const link = linkIn(await postOffice.next(mailbox('emil.new')), '/')
    const other = await stage.arrive(GERMAN_PHONE)
    await other.visit(link)
    await other.see('email-confirm')
    await other.press()
    await other.see('email-confirm-done')
    await postOffice.next(mailbox('emil'), /address of your \S+ account was changed/)
    await other.visit(link)
    await other.see('email-confirm-expired')
    await visitor.forget()
    await visitor.visit(account())
    await visitor.typePassword({ ...person('emil'), username: mailbox('emil.new') })
    expect(await visitor.at()).to.equal('totp-verify')
  })

  it('another address for notices takes a code, and is removed again', async () => {
    const visitor = await arriveAt('/addresses', 'dora', GERMAN_PHONE)
    await visitor.see('account-addresses', 'one')
    await visitor.page.fill('input[name=email]', mailbox('dora.second'))
    await visitor.press('button[data-do=add-address]')
    await proveAgain(visitor)
    await visitor.see('account-addresses', 'code')
    const code = codeIn(await postOffice.next(mailbox('dora.second')))
    await visitor.page.fill('input[name=code]', code === '00000000' ? '11111111' : '00000000')
    await visitor.press('button[data-do=confirm-address]')
    await visitor.see('account-addresses', 'refused')
    await visitor.page.fill('input[name=code]', code)
    await visitor.press('button[data-do=confirm-address]')
    await visitor.see('account-addresses')
    expect(await visitor.page.locator('li[data-address]').count()).to.equal(2)
    await visitor.press('button[data-do=remove-address]')
    await proveAgain(visitor)
    expect(await visitor.at()).to.equal('account-addresses')
    expect(await visitor.page.locator('li[data-address]').count()).to.equal(1)
    await postOffice.next(mailbox('dora.second'))
  })

  it('the activity is there to read and to take along, and pages and mails have the chosen language', async () => {
    const visitor = await arriveAt('/activity', 'ada')
    await visitor.see('account-activity')
    expect(await visitor.page.locator('li[data-event=factor-accepted]').count()).to.be.at.least(1)
    const [download] = await Promise.all([
      visitor.page.waitForEvent('download'),
      visitor.page.click('button[data-do=export]'),
    ])
    expect(download.suggestedFilename()).to.match(/^security-data-\d{4}-\d\d-\d\d\.json$/)

    await visitor.press('a[href="/account/lock"]')
    await visitor.see('account-lock')
    await visitor.visit(account('/language'))
    await visitor.see('account-language')
    await visitor.page.check('input[value=de]')
    await visitor.press('button[data-do=language]')
    expect(await visitor.page.locator('html').getAttribute('lang')).to.equal('de')
    await visitor.visit(account())
    await visitor.see('account', 'chosen-german')
    await visitor.press('button[data-do=rename]')
    if ((await visitor.at()) === 'totp-verify') await proveAgain(visitor)
    await visitor.page.fill('input[name=name]', 'Mein Telefon')
    await visitor.press()
    await postOffice.next(mailbox('ada'), /Mein Telefon/)
  })

  it('a known browser is forgotten, and all other sessions end with one button', async () => {
    const elsewhere = await arriveAt('/browsers', 'ada', GERMAN_PHONE)
    await elsewhere.see('account-browsers')
    expect(await elsewhere.page.locator('li[data-current]').count()).to.equal(1)
    const known = await elsewhere.page.locator('main li').count()
    await elsewhere.press('li:not([data-current]) button[data-do=revoke-browser]')
    await elsewhere.see('account-browsers', 'forgotten')
    expect(await elsewhere.page.locator('main li').count()).to.equal(known - 1)

    const visitor = await arriveAt('/sessions', 'ada')
    await visitor.see('account-sessions', 'several')
    await visitor.press('button[data-do=end-all]')
    expect(await visitor.page.locator('main li').count()).to.equal(1)
    await elsewhere.visit(account())
    expect(await elsewhere.at()).to.equal('login')
  })
})
