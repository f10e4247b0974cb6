import { expect } from 'chai'
import type { Credentials } from './server.ts'
import { setStage } from './stage.ts'
import type { Visitor } from './visitor.ts'

describe('tabs, history and time', function () {
  const stage = setStage(this)

  /** Opens a browser without cookies for a person who has already set up a second factor. */
  async function arriveEnrolled(): Promise<{ visitor: Visitor; person: Credentials }> {
    const person = await stage.enrolled()
    const visitor = await stage.arrive()
    visitor.take(person)
    return { visitor, person }
  }

  async function expectWayBack(visitor: Visitor): Promise<void> {
    await visitor.press('a.button')
    expect(new URL(visitor.page.url()).origin).to.equal(stage.server.app)
  }

  it('two tabs sign in apart, and the slower one has only to type a fresh code', async () => {
    const { visitor, person } = await arriveEnrolled()
    await visitor.askToSignIn()
    const first = visitor.page
    await visitor.typePassword(person)

    visitor.page = await visitor.context.newPage()
    await visitor.askToSignIn()
    expect(await visitor.at()).to.equal('login')
    await visitor.typePassword(person)
    const second = visitor.page

    visitor.page = first
    await visitor.typeCode(await visitor.nextCode())
    await visitor.allow()
    expect(await visitor.at()).to.equal('rp-signed-in')

    visitor.page = second
    const replayed = await visitor.typeCode(visitor.typed)
    expect(replayed?.status()).to.equal(422)
    await visitor.typeCode(await visitor.nextCode())
    await visitor.allow()
    expect(await visitor.at()).to.equal('rp-signed-in')
  })

  it('a double tap on the button signs in once', async () => {
    const { visitor, person } = await arriveEnrolled()
    await visitor.askToSignIn()
    await visitor.typePassword(person)
    await visitor.page.fill('input[name=code]', await visitor.nextCode())
    await visitor.page.locator('form button').first().dblclick()
    await visitor.page.waitForSelector('body[data-page=consent], body[data-page=rp-signed-in]')
    await visitor.allow()
    expect(await visitor.at()).to.equal('rp-signed-in')
  })

  it('the back button after the sign-in explains itself and leads back to the app', async () => {
    const { visitor, person } = await arriveEnrolled()
    await visitor.askToSignIn()
    await visitor.typePassword(person)
    await visitor.typeCode(await visitor.nextCode())
    await visitor.allow()
    expect(await visitor.at()).to.equal('rp-signed-in')
    await visitor.page.goBack()
    await visitor.see('answered')
    await expectWayBack(visitor)
  })

  it('the back button in the middle lets the person start again', async () => {
    const { visitor, person } = await arriveEnrolled()
    await visitor.askToSignIn()
    await visitor.typePassword(person)
    expect(await visitor.at()).to.equal('totp-verify')
    await visitor.page.goBack()
    await visitor.see('answered')
    await expectWayBack(visitor)
  })

  it('a sign-in that took too long is explained with the way back to the app', async () => {
    const { visitor, person } = await arriveEnrolled()
    await visitor.askToSignIn()
    await stage.server.later(3700)
    const answer = await visitor.visit(visitor.page.url())
    expect(answer?.status()).to.equal(410)
    await visitor.see('expired')
    await visitor.press('a.button')
    expect(await visitor.at()).to.equal('rp-home')

    await visitor.press('a[href="/sign-in"]')
    await visitor.typePassword(person)
    expect(await visitor.at()).to.equal('totp-verify')
    await stage.server.later(3700)
    const late = await visitor.typeCode(visitor.code())
    expect(late?.status()).to.equal(410)
    expect(await visitor.at()).to.equal('expired')
    await visitor.press('a.button')
    expect(await visitor.at()).to.equal('rp-home')
  })

  it('a password that was shown eleven minutes ago has to be shown again', async () => {
    const { visitor, person } = await arriveEnrolled()
    await visitor.askToSignIn()
    await visitor.typePassword(person)
    await stage.server.later(660)
    const late = await visitor.typeCode(visitor.code())
    expect(late?.status()).to.equal(410)
    expect(await visitor.at()).to.equal('expired')
  })
})
