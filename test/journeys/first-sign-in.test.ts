import { expect } from 'chai'
import { readFileSync } from 'node:fs'
import { MULTI_FACTOR } from '../../src/server/demonstration/provider.ts'
import { PHONE } from '../support/browser.ts'
import { setStage } from './stage.ts'
import type { Visitor } from './visitor.ts'

describe('a first sign-in', function () {
  const stage = setStage(this)
  let people = 0
  const somebody = () => stage.server.addPerson(`person-${(people += 1)}`)

  /** Begins a sign-in at the app, types the password and so opens the set-up page. */
  async function arriveAtSetUp(options: { javaScript?: boolean } = {}): Promise<Visitor> {
    const visitor = await stage.arrive(options)
    await visitor.askToSignIn()
    await visitor.typePassword(await somebody())
    return visitor
  }

  async function arriveAtCodes(): Promise<Visitor> {
    const visitor = await arriveAtSetUp()
    await visitor.scan()
    await visitor.typeCode(visitor.code())
    await visitor.writeCodesDown()
    return visitor
  }

  async function expectRefusalOfTheSetUp(visitor: Visitor): Promise<void> {
    const { secret } = await visitor.scan()
    await visitor.page.fill('input[name=name]', 'Old tablet')
    const refused = await visitor.typeCode(visitor.wrongCode())
    expect(refused?.status()).to.equal(422)
    await visitor.see('totp-enrol', 'refused')
    await visitor.expectErrorFirst()
    expect((await visitor.scan()).secret).to.equal(secret)
    expect(await visitor.page.inputValue('input[name=name]')).to.equal('Old tablet')
    expect(await visitor.page.inputValue('input[name=code]')).to.equal('')
  }

  async function expectDownload(visitor: Visitor): Promise<void> {
    const [download] = await Promise.all([
      visitor.page.waitForEvent('download'),
      visitor.page.click('a[download]'),
    ])
    expect(download.suggestedFilename()).to.match(/\.txt$/)
    const lines = readFileSync(await download.path(), 'utf8').split('\n')
    const codes = lines.filter((line) => visitor.backupCodes.includes(line))
    expect(codes).to.have.lengthOf(10).and.to.deep.equal(visitor.backupCodes)
  }

  async function expectRefusalOfUnsavedCodes(visitor: Visitor): Promise<void> {
    const before = visitor.backupCodes
    const refused = await visitor.press()
    expect(refused?.status()).to.equal(422)
    await visitor.see('backup-codes', 'not-saved')
    await visitor.expectErrorFirst('input[name=saved]')
    await visitor.writeCodesDown()
    expect(visitor.backupCodes).to.deep.equal(before)
  }

  it('leads from the app over password, QR and backup codes back to the app, which hears how it was proved', async () => {
    const { server } = stage
    const visitor = await stage.arrive()
    await visitor.visit(server.app)
    await visitor.see('rp-home')
    await visitor.askToSignIn()
    await visitor.see('login')
    expect(await visitor.page.locator('main').innerText()).to.contain('Fieldnotes')
    const before = server.now()
    await visitor.typePassword(server.demonstration)
    await visitor.see('totp-enrol')

    const { uri, secret } = await visitor.scan()
    expect(`${uri.protocol}//${uri.host}`).to.equal('otpauth://totp')
    expect(decodeURIComponent(uri.pathname)).to.equal('/Acme:demo')
    expect(uri.searchParams.get('issuer')).to.equal('Acme')
    expect(secret).to.match(/^[A-Z2-7]{32}$/)
    const shown = await visitor.page.locator('#totp-secret').innerText()
    expect(shown.replaceAll(/\s/g, '')).to.equal(secret)

    await visitor.typeCode(visitor.code())
    await visitor.see('backup-codes')
    await visitor.writeCodesDown()
    expect(new Set(visitor.backupCodes)).to.have.lengthOf(10)
    await visitor.page.check('input[name=saved]')
    await visitor.press()
    await visitor.see('consent')
    await visitor.press()

    await visitor.see('rp-signed-in')
    expect(await visitor.claim('sub')).to.match(/./)
    expect(await visitor.claim('acr')).to.equal(MULTI_FACTOR)
    expect(await visitor.claim('amr')).to.equal('pwd otp mfa')
    expect(Number(await visitor.claim('auth_time'))).to.be.within(before, server.now())
  })

  it('keeps the secret over a reload and a wrong code', async () => {
    const visitor = await arriveAtSetUp()
    const { secret } = await visitor.scan()
    await visitor.page.reload()
    expect((await visitor.scan()).secret).to.equal(secret)
    await expectRefusalOfTheSetUp(visitor)
    await visitor.typeCode(visitor.code())
    expect(await visitor.at()).to.equal('backup-codes')
  })

  it('never shows the secret again once it is confirmed', async () => {
    const visitor = await arriveAtSetUp()
    const { secret } = await visitor.scan()
    const setUpPage = visitor.page.url()
    await visitor.typeCode(visitor.code())
    const shown: string[] = [await visitor.page.content()]
    for (const look of [() => visitor.visit(setUpPage), () => visitor.page.goBack()]) {
      await look()
      expect(await visitor.at()).not.to.equal('totp-enrol')
      shown.push(await visitor.page.content())
    }
    for (const html of shown) {
      expect(html.replaceAll(/\s/g, '')).not.to.contain(secret)
      expect(html).not.to.contain('otpauth:')
    }
  })

  it('gives all ten backup codes as a text file', async () => {
    await expectDownload(await arriveAtCodes())
  })

  it('lets nobody on before they say that the codes are saved, and shows the codes no more after that', async () => {
    const visitor = await arriveAtCodes()
    const codesPage = visitor.page.url()
    await expectRefusalOfUnsavedCodes(visitor)
    await visitor.page.check('input[name=saved]')
    await visitor.press()
    await visitor.allow()
    expect(await visitor.at()).to.equal('rp-signed-in')
    for (const [address, status, page] of [
      [codesPage, 200, 'answered'],
      [`${codesPage}.txt`, 410, 'expired'],
    ] as const) {
      const response = await visitor.visit(address)
      expect(response?.status()).to.equal(status)
      await visitor.see(page, 'finished')
      expect(await visitor.page.content()).not.to.contain(visitor.backupCodes[0])
    }
  })

  it('may take half an hour at the QR code, and not longer', async () => {
    for (const [minutes, page] of [
      [29, 'backup-codes'],
      [31, 'expired'],
    ] as const) {
      const visitor = await arriveAtSetUp()
      const ends = visitor.page.locator('[data-ends-in]')
      expect(await ends.textContent()).to.match(/^This set-up ends at \d{1,2}:\d{2}\s[AP]M\.$/)
      await visitor.scan()
      await stage.server.later(minutes * 60)
      await visitor.typeCode(visitor.code())
      expect(await visitor.at(), `after ${minutes} minutes`).to.equal(page)
    }
  })

  it('can be made on the phone itself, which has a link in place of a second screen', async () => {
    const visitor = await stage.arrive({ viewport: PHONE, touch: true })
    await visitor.askToSignIn()
    await visitor.typePassword(await somebody())
    const { uri } = await visitor.scan()
    const link = visitor.page.locator('a[href^="otpauth://"]')
    const tops = await Promise.all(
      [link, visitor.page.locator('#totp-secret'), visitor.page.locator('.qr')].map(
        async (part) => (await part.boundingBox())?.y ?? Number.NaN,
      ),
    )
    expect(tops).to.deep.equal(tops.toSorted((one, other) => one - other))
    expect(await link.isVisible()).to.equal(true)
    expect(new URL((await link.getAttribute('href')) ?? '').href).to.equal(uri.href)
    await visitor.typeCode(visitor.code())
    await visitor.writeCodesDown()
    await visitor.page.check('input[name=saved]')
    await visitor.press()
    await visitor.allow()
    expect(await visitor.at()).to.equal('rp-signed-in')
  })

  it('takes no JavaScript: neither the way through, nor the errors, nor the download', async () => {
    const visitor = await stage.arrive({ javaScript: false })
    await visitor.visit(stage.server.app)
    await visitor.askToSignIn()
    await visitor.see('login')
    const person = await somebody()
    await visitor.typePassword({ ...person, password: 'not the password' })
    await visitor.see('login', 'refused')
    await visitor.expectErrorFirst()
    await visitor.typePassword(person)
    await visitor.see('totp-enrol')
    await expectRefusalOfTheSetUp(visitor)
    await visitor.typeCode(visitor.code())
    await visitor.see('backup-codes')
    await visitor.writeCodesDown()
    await expectDownload(visitor)
    await expectRefusalOfUnsavedCodes(visitor)
    await visitor.page.check('input[name=saved]')
    await visitor.press()
    await visitor.see('consent')
    await visitor.press()
    await visitor.see('rp-signed-in')
    expect(await visitor.claim('amr')).to.equal('pwd otp mfa')
  })
})
