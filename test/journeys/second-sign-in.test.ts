import { expect } from 'chai'
import { MULTI_FACTOR } from '../../src/server/demonstration/provider.ts'
import type { Credentials } from './server.ts'
import { setStage } from './stage.ts'
import type { Visitor } from './visitor.ts'

describe('the next sign-in', function () {
  const stage = setStage(this)

  /** Opens the page that asks for a code, in a browser without cookies. */
  async function arriveAtVerify(
    options: { javaScript?: boolean } = {},
  ): Promise<{ visitor: Visitor; person: Credentials }> {
    const person = await stage.enrolled()
    const visitor = await stage.arrive(options)
    visitor.take(person)
    await visitor.askToSignIn()
    await visitor.typePassword(person)
    return { visitor, person }
  }

  async function again(visitor: Visitor, person: Credentials): Promise<void> {
    await visitor.forget()
    await visitor.askToSignIn()
    await visitor.typePassword(person)
  }

  async function tryBackupCode(visitor: Visitor, code: string) {
    await visitor.press('[data-other-way]')
    await visitor.press('[data-factor=backup-codes]')
    return visitor.typeBackupCode(code)
  }

  it('asks for a code of the app, takes it with a space in it, and refuses the one that set it up', async () => {
    const visitor = await stage.arrive()
    const person = await visitor.enrolAt(stage.server.app, await stage.server.addPerson('fresh'))
    const confirming = visitor.typed
    await again(visitor, person)
    await visitor.see('totp-verify')
    expect(await visitor.page.locator('input[name=code]').getAttribute('autocomplete')).to.equal(
      'one-time-code',
    )
    const refused = await visitor.typeCode(confirming)
    expect(refused?.status()).to.equal(422)

    const code = await visitor.nextCode()
    await visitor.typeCode(`${code.slice(0, 3)} ${code.slice(3)}`)
    expect(await visitor.at()).to.equal('rp-signed-in')
    expect(await visitor.claim('acr')).to.equal(MULTI_FACTOR)
    expect(await visitor.claim('amr')).to.equal('pwd otp mfa')
  })

  it('says what is wrong with a wrong code first of all, with the way to the field', async () => {
    const { visitor } = await arriveAtVerify()
    const refused = await visitor.typeCode(visitor.wrongCode())
    expect(refused?.status()).to.equal(422)
    await visitor.see('totp-verify', 'refused')
    await visitor.expectErrorFirst('input[name=code]')

    const unreadable = await visitor.typeCode('12345')
    expect(unreadable?.status()).to.equal(400)
    await visitor.see('totp-verify', 'unreadable')
    await visitor.typeCode(await visitor.nextCode())
    expect(await visitor.at()).to.equal('rp-signed-in')
  })

  it('says how far behind the clock of the phone is', async () => {
    const { visitor } = await arriveAtVerify()
    await visitor.server.later(300)
    await visitor.typeCode(visitor.code(-180))
    await visitor.see('totp-verify', 'clock')
    expect(await visitor.alert())
      .to.match(/behind/)
      .and.match(/minutes/)
  })

  it('offers another way: a backup code, once, however it is typed', async () => {
    const { visitor, person } = await arriveAtVerify()
    await visitor.press('[data-other-way]')
    await visitor.see('mfa-choose', 'verify')
    await visitor.press('[data-factor=backup-codes]')
    await visitor.see('backup-code-verify')
    const wrong = await visitor.typeBackupCode('1-AAAAA-AAAAA-AAAAA')
    expect(wrong?.status()).to.be.oneOf([400, 422])
    await visitor.see('backup-code-verify', 'refused')
    const [code = ''] = visitor.backupCodes
    await visitor.typeBackupCode(code.toLowerCase().replaceAll('-', ' '))
    await visitor.see('backup-code-used')
    await visitor.press()
    expect(await visitor.at()).to.equal('rp-signed-in')
    expect(await visitor.claim('acr')).to.equal(MULTI_FACTOR)
    expect(await visitor.claim('amr')).to.equal('pwd backup_code mfa')

    await again(visitor, person)
    const refused = await tryBackupCode(visitor, code)
    expect(refused?.status()).to.equal(422)
    expect(await visitor.at()).to.equal('backup-code-verify')
  })

  it('warns after the code that leaves three, before the app', async () => {
    const visitor = await stage.arrive()
    const person = await visitor.enrolAt(stage.server.app, await stage.server.addPerson('lavish'))
    await again(visitor, person)
    for (const code of visitor.backupCodes.slice(0, 6)) {
      await tryBackupCode(visitor, code)
      expect(await visitor.at()).to.equal('backup-code-used')
      await visitor.press()
      expect(await visitor.at()).to.equal('rp-signed-in')
      await again(visitor, person)
    }
    await tryBackupCode(visitor, visitor.backupCodes[6] ?? '')
    await visitor.see('backup-codes-low')
    expect(await visitor.page.locator('main').innerText()).to.match(/\b(3|three)\b/)
    await visitor.press()
    expect(await visitor.at()).to.equal('rp-signed-in')
    expect(await visitor.claim('amr')).to.equal('pwd backup_code mfa')
  })

  it('answers a wrong password and an unknown name with the same words and keeps the name', async () => {
    const { server } = stage
    const visitor = await stage.arrive()
    await visitor.askToSignIn()
    const answers: string[] = []
    for (const username of [server.demonstration.username, 'nobody']) {
      await visitor.typePassword({ username, password: 'not the password' })
      await visitor.see('login', 'refused')
      await visitor.expectErrorFirst()
      expect(await visitor.page.inputValue('input[name=username]')).to.equal(username)
      expect(await visitor.page.inputValue('input[name=password]')).to.equal('')
      answers.push(await visitor.alert())
    }
    expect(answers[0]).to.equal(answers[1])
  })

  it('takes no JavaScript: neither the code, nor the errors, nor the other way', async () => {
    const { visitor, person } = await arriveAtVerify({ javaScript: false })
    await visitor.see('totp-verify')
    await visitor.typeCode(visitor.wrongCode())
    await visitor.see('totp-verify', 'refused')
    await visitor.expectErrorFirst('input[name=code]')
    await visitor.typeCode(await visitor.nextCode())
    expect(await visitor.at()).to.equal('rp-signed-in')

    await again(visitor, person)
    await visitor.press('[data-other-way]')
    await visitor.see('mfa-choose', 'verify')
    await visitor.press('[data-factor=backup-codes]')
    await visitor.see('backup-code-verify')
    await visitor.typeBackupCode(visitor.backupCodes[9] ?? '')
    await visitor.press()
    expect(await visitor.claim('amr')).to.equal('pwd backup_code mfa')
  })
})
