import { expect } from 'chai'
import type { Authenticator } from '../support/totp.ts'
import { setStage } from './stage.ts'
import type { Visitor } from './visitor.ts'

describe('the account page', function () {
  const stage = setStage(this)

  const names = (visitor: Visitor): Promise<string[]> =>
    visitor.page.locator('[data-authenticator] h2').allInnerTexts()
  const buttonOf = (nth: number, change: string): string =>
    `li[data-authenticator] >> nth=${nth} >> button[data-do=${change}]`

  /** Enrols a person at the demonstration app and opens the account page. */
  async function arriveAtAccount(
    name: string,
    options: { javaScript?: boolean } = {},
  ): Promise<Visitor> {
    const visitor = await stage.arrive(options)
    await visitor.enrolAt(stage.server.app, await stage.server.addPerson(name))
    await visitor.visit(`${stage.server.issuer}/account`)
    return visitor
  }

  /** Adds a second authenticator, a tablet, and confirms it with a code of its own. */
  async function addTablet(visitor: Visitor): Promise<Authenticator> {
    const phone = visitor.authenticator
    await visitor.press('form:has([value=totp]) button[data-do=add]')
    await visitor.see('totp-verify', 'change')
    await visitor.typeCode(await visitor.nextCode())
    await visitor.see('totp-enrol', 'second')
    const { secret } = await visitor.scan()
    await visitor.page.fill('input[name=name]', 'Tablet')
    await visitor.typeCode(visitor.code())
    visitor.authenticator = phone
    return { secret }
  }

  it('lets a person move to a new phone: add it, make new codes, remove the old one', async () => {
    const visitor = await arriveAtAccount('mover')
    await visitor.see('account', 'only')
    const before = visitor.backupCodes
    const tablet = await addTablet(visitor)
    await visitor.see('account')
    expect(await names(visitor)).to.deep.equal(['My phone', 'Tablet', 'Backup codes'])

    await visitor.press('button[data-do=renew]')
    await visitor.typeCode(await visitor.nextCode())
    await visitor.see('factor-renew')
    await visitor.press()
    await visitor.see('backup-codes', 'renewed')
    await visitor.writeCodesDown()
    expect(visitor.backupCodes).to.have.length(10)
    expect(visitor.backupCodes.filter((code) => before.includes(code))).to.deep.equal([])
    await visitor.page.check('input[name=saved]')
    await visitor.press()
    expect(await visitor.at()).to.equal('account')

    visitor.authenticator = tablet
    await visitor.press(buttonOf(0, 'remove'))
    await visitor.typeCode(await visitor.nextCode())
    await visitor.see('factor-remove')
    await visitor.press()
    expect(await names(visitor)).to.deep.equal(['Tablet', 'Backup codes'])
    expect(await visitor.page.locator('button[data-do=remove]').count()).to.equal(0)

    await visitor.press(buttonOf(0, 'rename'))
    await visitor.see('factor-rename')
    await visitor.page.fill('input[name=name]', 'New phone')
    await visitor.press()
    expect(await names(visitor)).to.deep.equal(['New phone', 'Backup codes'])

    await visitor.press('[data-sign-out]')
    expect(await visitor.at()).to.equal('logout')
    await visitor.press()
    await visitor.see('signed-out', 'account')
    await visitor.visit(`${stage.server.issuer}/account`)
    expect(await visitor.at()).to.equal('login')
  })

  it('takes no JavaScript', async () => {
    const visitor = await arriveAtAccount('plain', { javaScript: false })
    await visitor.see('account', 'only')
    await addTablet(visitor)
    expect(await names(visitor)).to.deep.equal(['My phone', 'Tablet', 'Backup codes'])
    await visitor.press(buttonOf(1, 'remove'))
    await visitor.press('[data-refuse]')
    expect(await visitor.at()).to.equal('account')
    expect(await names(visitor)).to.have.length(3)
  })

  it('shows where a person is signed in and which apps have access, and ends both, without JavaScript', async () => {
    const { server } = stage
    const library = await stage.arrive()
    const person = await library.enrolAt(server.app, await server.addPerson('traveller'))
    const visitor = await stage.arrive({ javaScript: false })
    visitor.authenticator = library.authenticator
    await visitor.visit(`${server.issuer}/account`)
    await visitor.typePassword(person)
    await visitor.typeCode(await library.nextCode())
    await visitor.press('a[href="/account/apps"]')
    await visitor.see('account-apps')
    await visitor.press('button[data-do=revoke-app]')
    expect(await visitor.page.locator('[role=status]').first().innerText()).to.match(/no access/)
    expect(await visitor.page.locator('button[data-do=revoke-app]').count()).to.equal(0)

    await visitor.visit(`${server.issuer}/account/sessions`)
    await visitor.see('account-sessions')
    expect(await visitor.page.locator('main li').count()).to.equal(2)
    expect(await visitor.page.locator('li[data-current]').count()).to.equal(1)
    await visitor.press('li:not([data-current]) button[data-do=end-session]')
    expect(await visitor.page.locator('[role=status]').first().innerText()).to.match(/has ended/)
    expect(await visitor.page.locator('main li').count()).to.equal(1)
    await library.visit(`${server.issuer}/account`)
    expect(await library.at()).to.equal('login')
  })

  it('is where the warning about few backup codes leads', async () => {
    const visitor = await stage.arrive()
    const person = await visitor.enrolAt(stage.server.app, await stage.server.addPerson('spent'))
    for (const code of visitor.backupCodes.slice(0, 7)) {
      await visitor.forget()
      await visitor.askToSignIn()
      await visitor.typePassword(person)
      await visitor.press('[data-other-way]')
      await visitor.press('[data-factor=backup-codes]')
      await visitor.typeBackupCode(code)
    }
    await visitor.see('backup-codes-low', 'account')
    const button = visitor.page.locator('main a.button:not([data-replace])')
    expect(await button.innerText()).to.equal('Make new codes')
    expect(await button.getAttribute('href')).to.equal(`${stage.server.issuer}/account`)
    await visitor.press()
    expect(await visitor.at()).to.equal('rp-signed-in')
    await visitor.visit(`${stage.server.issuer}/account`)
    expect(await visitor.page.locator('main').innerText()).to.include('3 codes left')
  })
})
