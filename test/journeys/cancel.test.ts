import { expect } from 'chai'
import { setStage } from './stage.ts'
import type { Visitor } from './visitor.ts'

describe('going back to the app', function () {
  const stage = setStage(this)

  async function giveUp(visitor: Visitor): Promise<void> {
    await visitor.press('[data-refuse]')
    expect(await visitor.at()).to.equal('rp-error')
    expect(await visitor.page.locator('[data-error]').innerText()).to.equal('access_denied')
    await visitor.askToSignIn()
    // Nobody is signed in, whichever factor the person has already shown.
    expect(await visitor.at()).to.equal('login')
  }

  it('is possible from every page of a first sign-in, and the app hears access_denied', async () => {
    const person = await stage.server.addPerson('first')
    const visitor = await stage.arrive()
    await visitor.askToSignIn()
    await giveUp(visitor)

    await visitor.typePassword(person)
    expect(await visitor.at()).to.equal('totp-enrol')
    await giveUp(visitor)
  })

  it('is possible from every page of a later sign-in', async () => {
    const person = await stage.server.addPerson('later')
    const visitor = await stage.arrive()
    await visitor.enrolAt(stage.server.app, person)
    await visitor.forget()
    await visitor.askToSignIn()

    await visitor.typePassword(person)
    expect(await visitor.at()).to.equal('totp-verify')
    await giveUp(visitor)

    await visitor.typePassword(person)
    await visitor.press('[data-other-way]')
    expect(await visitor.at()).to.equal('mfa-choose')
    await giveUp(visitor)

    await visitor.typePassword(person)
    await visitor.press('[data-other-way]')
    await visitor.press('[data-factor=backup-codes]')
    expect(await visitor.at()).to.equal('backup-code-verify')
    await giveUp(visitor)
  })
})
